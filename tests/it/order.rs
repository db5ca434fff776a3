//! What goes first when not everything can go: the day's first notice of a pupil, before further
//! lessons and corrections, however long those have waited.

use crate::faults::{outage, silent};
use crate::world::{Setup, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_notice_overtakes_further_lessons_and_corrections() {
    let delivery = "settle = \"3s\"\nconcurrency = 1\n".into();
    let world = Setup { delivery, ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l0", "unexcused", 5)).await;
    world.messages(1).await;
    world.logged("state=\"delivered\"", 1).await;

    world.sink.set_faults(outage());
    world.accept(&world.missing("nils", 4)).await;
    world.accept(&world.marked("nils", "l0", "present", 5)).await;
    world.logged("account is away", 1).await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.sink.set_faults(silent());

    let texts = World::texts(&world.messages(8).await);
    let first: Vec<_> = texts[1..3].iter().map(|(to, _)| to.as_str()).collect();
    assert!(first.contains(&"+46701740605") && first.contains(&"+46701740606"), "{texts:?}");
    let corrections = texts.iter().filter(|(_, text)| text.starts_with("Rättelse")).count();
    assert_eq!(corrections, 1, "{texts:?}");
    world.quiet(8).await;
}
