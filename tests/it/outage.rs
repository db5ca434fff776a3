//! A provider that is away for a while is ridden out: it says when to come back and is believed,
//! and no message is given up for it.

use jiff::SignedDuration;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::sink::Faults;

use crate::faults::{http, outage, silent};
use crate::world::{Setup, World};

/// A second failure of a message's own would be its last.
const ONE_RETRY: &str = "settle = \"3s\"\nsms-retry = [\"1s\"]\nemail-retry = [\"1s\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_outlives_more_503s_than_it_has_tries() {
    let faults = http(&["503:next=3,retry-after=2"]);
    let world = Setup { faults, delivery: ONE_RETRY.into(), ..Setup::default() }.start().await;
    let began = SystemClock::new().now();
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    assert_eq!(World::texts(&all).len(), 1, "{}", world.shown());
    assert_eq!(world.lines("outcome=\"retry\""), 3, "{}", world.log());
    // Twice two seconds as asked, then our own five. Slower is fine.
    let waited = all[0].received_at.duration_since(began);
    assert!(waited >= SignedDuration::from_secs(9), "{waited}");
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_in_retry_after_is_kept() {
    let faults = http(&["429:next=1,retry-after=date+6"]);
    let world = Setup { faults, delivery: ONE_RETRY.into(), ..Setup::default() }.start().await;
    let began = SystemClock::new().now();
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let all = world.messages(1).await;
    // The date is in whole seconds; without it, the pause would be one second.
    let waited = all[0].received_at.duration_since(began);
    assert!(waited >= SignedDuration::from_secs(5), "{waited}");
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_up_on_everything_is_asked_until_it_can_say() {
    let faults = Faults { outage_hard: true, ..silent() };
    let world = Setup { faults, ..Setup::default() }.start().await;
    for pupil in ["alva", "nils"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    // It hangs up on questions too: that is no answer, neither yes nor no.
    world.logged("finding=\"no-answer\"", 3).await;
    assert_eq!(world.sink.count(), 0);
    world.sink.set_faults(silent());
    let all = world.messages(3).await;
    assert_eq!(World::texts(&all).len(), 3, "{}", world.shown());
    world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_survives_a_restart_and_so_does_what_waits() {
    let mut world =
        Setup { faults: outage(), delivery: ONE_RETRY.into(), ..Setup::default() }.start().await;
    world.accept(&world.missing("nils", 5)).await;
    world.accept(&world.marked("mail", "m1", "unexcused", 5)).await;
    world.logged("account is away", 2).await;
    world.kill();
    world.sink.set_faults(silent());
    world.start().await;
    let all = world.messages(6).await;
    assert_eq!((World::texts(&all).len(), World::mails(&all).len()), (5, 1), "{}", world.shown());
    world.quiet(6).await;
}
