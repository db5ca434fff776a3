//! A backup put back while duties were open: what was open then is open again and says that it may have been done since,
//! whoever was mailed of it is not mailed again, and what came after the backup comes anew with its mark.

use serde_json::Value;

use crate::duties::{done, duties, world};
use crate::world::{TEAM, World};

fn to_team(world: &World) -> usize {
    world.sink.messages().iter().filter(|m| m.to == TEAM).count()
}

fn number(duty: &Value) -> String {
    duty["number"].as_str().expect("a number").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_that_was_open_in_the_backup_is_open_again_and_says_so() {
    let mut world = world("").await;
    let before = world.marked("alva", "l1", "unexcused", 5);
    world.accept(&before).await;
    // Two guardians, and the team's duty.
    world.messages(3).await;
    let [first] = &duties(&world, &[])[..] else { panic!("one duty") };
    let first = number(first);
    let folder = world.folder.path().join("backup").to_str().expect("a path").to_owned();
    done(&world, &["store", "backup", &folder]);
    done(&world, &["duty", "done", &first, "--by", "Anna"]);
    let since = world.marked("nils", "l2", "unexcused", 5);
    world.accept(&since).await;
    world.messages(5).await;
    let [second] = &duties(&world, &[])[..] else { panic!("one duty") };
    let second = number(second);
    assert_eq!(to_team(&world), 2);
    assert_eq!(world.stop(), Some(0));
    let said = done(&world, &["store", "restore", &folder, "--replace", "--yes"]);
    assert!(said.contains("duties"), "{said}");
    world.start().await;
    let [again] = &duties(&world, &[])[..] else { panic!("one duty") };
    assert_eq!(number(again), first);
    let shown = done(&world, &["duty", "show", &first]);
    assert!(shown.contains("put back from a backup: it may have been done since"), "{shown}");
    // What was heard before is told again, as school systems do.
    world.accept(&since).await;
    let mut open: Vec<String> = duties(&world, &[]).iter().map(number).collect();
    let mut both = vec![first.clone(), second];
    open.sort();
    both.sort();
    assert_eq!(open, both, "the same number as before");
    done(&world, &["duty", "done", &first, "--by", "Anna"]);
    let shown = done(&world, &["duty", "show", &first]);
    assert!(shown.contains("done"), "{shown}");
    done(&world, &["store", "check"]);
    let told = world.sink.messages();
    let of_first = told.iter().filter(|m| m.to == TEAM && m.text.contains(&first)).count();
    assert_eq!(of_first, 1, "{}", world.shown());
}
