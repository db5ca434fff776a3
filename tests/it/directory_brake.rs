//! A load that looks like a broken export is held back, and what was in force stays, until somebody
//! confirms exactly that load.

use crate::inlet::{file, put_file};
use crate::world::{Setup, World};

const REFUSED: &str = "directory load refused";

fn digest(world: &World) -> String {
    let log = world.log();
    let line = log.lines().rfind(|l| l.contains(REFUSED)).expect("a refusal");
    let after = line.split("digest=\"").nth(1).expect("a digest");
    after.split('"').next().expect("an end").to_owned()
}

/// Takes a column out of a file.
fn without_column(text: &str, column: &str) -> String {
    let header = text.lines().next().expect("a header");
    let at = header.split(',').position(|c| c == column).expect("the column");
    let cut = |line: &str| -> String {
        let cells: Vec<_> =
            line.split(',').enumerate().filter(|(i, _)| *i != at).map(|(_, c)| c).collect();
        cells.join(",") + "\n"
    };
    text.lines().map(cut).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_protection_status_the_old_directory_stays() {
    let world = Setup::default().start().await;
    let pupils = file(&world, "directory/pupils.csv");
    put_file(&world, "directory/pupils.csv", without_column(&pupils, "protection"));
    world.logged(REFUSED, 1).await;
    assert!(world.log().contains("the column protection is gone"), "{}", world.log());
    // Who was protected still is, and who was not is still told.
    world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert!(World::texts(&all).is_empty());
    world.quiet(1).await;
    // A confirmation of something else confirms nothing.
    put_file(&world, "directory/confirm.txt", "0".repeat(64));
    world.logged(REFUSED, 2).await;
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn most_pupils_gone_is_held_back_until_confirmed() {
    let world = Setup::default().start().await;
    // Cut in the middle, as a copy that was not finished.
    let pupils = file(&world, "directory/pupils.csv");
    let short: String = pupils.split_inclusive('\n').take(3).collect();
    let guardians = file(&world, "directory/guardians.csv");
    let theirs: String = guardians.split_inclusive('\n').take(4).collect();
    put_file(&world, "directory/pupils.csv", short);
    put_file(&world, "directory/guardians.csv", theirs);
    world.logged(REFUSED, 1).await;
    let log = world.log();
    let line = log.lines().rfind(|l| l.contains(REFUSED)).expect("a refusal");
    assert!(line.contains("5 of 7 pupils are gone in all (71 %, at most 20 %)"), "{line}");
    assert!(line.contains("confirm.txt"), "says what to do: {line}");
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    // What was read while the two files were being changed may have been refused too.
    let refused = world.lines(REFUSED);
    put_file(&world, "directory/confirm.txt", digest(&world) + "\r\n");
    world.logged("directory in force pupils=2", 1).await;
    assert_eq!(world.lines(REFUSED), refused);
    let (status, answer) = world.post(&world.marked("mail", "l2", "unexcused", 5)).await;
    assert_eq!(status, 422, "{answer}");
    world.quiet(1).await;
}
