//! The directory through a drop folder: its files together or not at all, one alone joined with those in force, and
//! a load that lost people held back until it is confirmed.

use std::fs;
use std::path::PathBuf;

use upprop::env::{Clock as _, SystemClock};

use crate::world::{DEADLINE, Setup, World, soon};

fn path(world: &World, name: &str) -> PathBuf {
    world.folder.path().join("people").join(name)
}

async fn there(world: &World, name: &str) -> String {
    let clock = SystemClock::new();
    let seen = async {
        loop {
            if let Ok(text) = fs::read_to_string(path(world, name)) {
                return text;
            }
            clock.sleep_until(soon(&clock)).await;
        }
    };
    let seen = tokio::time::timeout(DEADLINE, seen).await;
    seen.unwrap_or_else(|_| panic!("{name} did not come:\n{}", world.log()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_comes_in_files_that_are_put_aside() {
    let mut world = Setup::default().prepare();
    let config = fs::read_to_string(world.config()).expect("config");
    let config = config.replace("folder = \"directory\"\npoll = \"1s\"\n", "");
    let table = "[drop.people]\nfolder = \"people\"\ngives = [\"directory\"]\npoll = \"1s\"\nstill = \"1s\"\npatience = \"2s\"\ntogether = \"3s\"\n";
    fs::write(world.config(), config + table).expect("config");
    fs::create_dir(path(&world, "")).expect("folder");
    let own = |name: &str| {
        fs::read_to_string(world.folder.path().join("directory").join(name)).expect("there")
    };
    let (pupils, guardians) = (own("pupils.csv"), own("guardians.csv"));
    world.start().await;
    // One alone makes no directory.
    fs::write(path(&world, "pupils.csv"), &pupils).expect("write");
    world.logged("the directory waits for guardians.csv", 1).await;
    fs::write(path(&world, "guardians.csv"), &guardians).expect("write");
    there(&world, "current/pupils.csv").await;
    there(&world, "current/guardians.csv").await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;

    // Guardians alone, by another name: the pupils stay.
    let changed = guardians.replace("070-174 06 07", "070-174 06 17");
    assert_ne!(changed, guardians);
    fs::write(path(&world, "guardians-2.csv"), &changed).expect("write");
    there(&world, "done/guardians.csv").await;
    world.logged("directory in force", 2).await;
    world.accept(&world.marked("nils", "l2", "unexcused", 5)).await;
    assert_eq!(world.messages(2).await[1].to, "+46701740617");

    // A row of nobody's: it waits for the pupils of its export; nothing of it is taken, and the reason says where.
    fs::write(path(&world, "guardians.csv"), format!("{guardians}borta,s1,g-x,X,,,,,yes,no\n"))
        .expect("write");
    let reason = there(&world, "rejected/guardians.csv.reason.txt").await;
    assert!(reason.contains("there is no such pupil") && !reason.contains("borta"), "{reason}");
    assert_eq!(world.lines("the directory waits for pupils.csv"), 1, "{}", world.log());

    // Most pupils gone: held back, until it is confirmed.
    let mut few = pupils.lines().take(3).collect::<Vec<_>>().join("\n");
    few.push('\n');
    let of_few = guardians.lines().filter(|line| {
        line.starts_with("pupil")
            || few.contains(&format!("\n{},", line.split(',').next().unwrap_or_default()))
    });
    let mut of_few = of_few.collect::<Vec<_>>().join("\n");
    of_few.push('\n');
    fs::write(path(&world, "guardians.csv"), of_few).expect("write");
    fs::write(path(&world, "pupils.csv"), few).expect("write");
    world.logged("a directory is held back", 1).await;
    let log = world.log();
    let digest = log.split("if it is right, write ").nth(1).and_then(|rest| rest.split(' ').next());
    fs::write(path(&world, "confirm.txt"), digest.expect("a digest")).expect("write");
    world.logged("directory in force", 3).await;
    there(&world, "done/pupils.csv").await;
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 2);
}
