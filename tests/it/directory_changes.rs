//! The folder of the directory, rewritten while the daemon runs: new people are told, and who may
//! not be told any more is not, not even of what was accepted before.

use crate::inlet::{Kept, file, put_file};
use crate::world::{Setup, World};

const IN_FORCE: &str = "directory in force";

/// Writes a changed list of guardians and waits until it counts.
async fn change(world: &World, times: usize, edit: impl FnOnce(String) -> String) {
    let text = file(world, "directory/guardians.csv");
    put_file(world, "directory/guardians.csv", edit(text));
    world.logged(IN_FORCE, times).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_guardian_is_told_from_then_on() {
    let world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    change(&world, 2, |t| t + "nils,s1,g-new,Ny Vuxen,070-174 06 20,,sms,en,yes,no\n").await;
    world.accept(&world.marked("nils", "l2", "unexcused", 5)).await;
    let texts = World::texts(&world.messages(3).await);
    assert!(texts[1..].iter().any(|(to, text)| to == "+46701740620" && text.contains("Nils")));
    // What was told before the guardian was there is corrected to those who were told it.
    world.accept(&world.marked("nils", "l1", "present", 5)).await;
    let texts = World::texts(&world.messages(4).await);
    assert_eq!(texts[3].0, "+46701740607");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_between_acceptance_and_sending_counts() {
    // Long enough for the directory to be read meanwhile, however slow the machine.
    let mut world = Setup { school: "grace = \"25s\"\n".into(), ..Setup::default() }.start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    change(&world, 2, |t| {
        t.replace("070-174 06 05,,sms,sv,yes,no", "070-174 06 05,,sms,sv,yes,yes")
    })
    .await;
    assert_eq!(world.sink.count(), 0, "the grace period is not over");
    let texts = World::texts(&world.messages(1).await);
    assert_eq!(texts[0].0, "+46701740606");
    // What was told before is not taken back at a number that is denied since.
    world.accept(&world.marked("alva", "l1", "present", 5)).await;
    let texts = World::texts(&world.messages(2).await);
    assert_eq!(texts[1].0, "+46701740606");
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 2);
    let trail = Kept::open(world.folder.path()).trail("s1", "alva").await;
    assert!(
        trail.iter().any(|l| l.contains("suppress guardian:g-alva-1 not-entitled")),
        "{trail:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn protection_that_comes_after_stops_what_waits() {
    let setup = Setup { school: "grace = \"25s\"\n".into(), ..Setup::default() };
    let mut world = setup.start().await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    let pupils = file(&world, "directory/pupils.csv");
    let pupils = pupils.replace("Maj,Test,2012-02-15,none", "Maj,Test,2012-02-15,protected");
    put_file(&world, "directory/pupils.csv", pupils);
    world.logged(IN_FORCE, 2).await;
    assert_eq!(world.sink.count(), 0, "the grace period is not over");
    let all = world.messages(1).await;
    assert_eq!(all[0].to, crate::world::TEAM);
    assert!(!String::from_utf8_lossy(&all[0].raw).contains("Maj"), "{:?}", all[0]);
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_in_force_is_there_after_a_restart_without_its_folder() {
    let mut world = Setup::default().start().await;
    change(&world, 2, |t| t + "nils,s1,g-new,Ny Vuxen,070-174 06 20,,sms,en,yes,no\n").await;
    world.kill();
    std::fs::remove_dir_all(world.folder.path().join("directory")).expect("removed");
    world.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let mut to: Vec<_> = World::texts(&world.messages(2).await).into_iter().map(|t| t.0).collect();
    to.sort();
    assert_eq!(to, ["+46701740607", "+46701740620"]);
}
