//! The daemon dies while the provider holds its answer. What was under way is in doubt, is asked
//! about, and reaches the guardian once.

use upprop::sim::sink::LatencyWhen;

use crate::faults::{holding, silent};
use crate::world::{Setup, World, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_text_taken_before_the_daemon_died_is_not_sent_again() {
    let faults = holding(LatencyWhen::AfterStoring);
    let mut world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    world.kill();
    world.sink.set_faults(silent());
    world.start().await;
    assert_eq!(world.lines("in_doubt=1"), 1, "{}", world.log());
    world.logged("finding=\"found\"", 1).await;
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_not_taken_before_the_daemon_died_is_sent_once() {
    let faults = holding(LatencyWhen::BeforeStoring);
    let mut world = Setup { faults, ..Setup::default() }.start().await;
    let before = world.lines("in_doubt=");
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    // Its answer never comes: the first sign of the attempt is that it is in doubt.
    world.logged("outcome=\"in-doubt\"", 1).await;
    world.kill();
    world.sink.set_faults(silent());
    world.start().await;
    assert_eq!(world.lines("in_doubt="), before + 1, "{}", world.log());
    let all = world.messages(1).await;
    assert_eq!(World::texts(&all).len(), 1, "{}", world.shown());
    assert_eq!(world.lines("finding=\"empty\""), 2, "{}", world.log());
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_under_way_when_the_daemon_died_goes_again_as_the_same_mail() {
    let faults = crate::faults::smtp(&["end-of-data:stall:next=1"]);
    let mut world = Setup { faults, ..Setup::default() }.start().await;
    world.accept(&world.marked("mail", "l1", "unexcused", 5)).await;
    within("the mail", world.sink.received(1)).await;
    world.kill();
    world.start().await;
    let all = world.messages(2).await;
    let ids: Vec<_> = all.iter().map(|mail| mail.headers.get("Message-ID")).collect();
    assert!(ids[0].is_some() && ids[0] == ids[1], "{}", world.shown());
    world.quiet(2).await;
}
