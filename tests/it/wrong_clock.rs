//! The provider's clock and ours are an hour apart when it is asked about an attempt in doubt, or were
//! when the attempt was made. No text goes twice; what cannot be said for that is held and told to staff.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use upprop::env::{Clock, Pending, SystemClock};
use upprop::sim::sink::{Faults, LatencyWhen};

use crate::faults::{holding, http, silent};
use crate::world::{Setup, TEAM, World};

const HOUR: i64 = 3_600;

/// A provider's clock, so many seconds ahead of the machine's.
struct Ahead {
    machine: SystemClock,
    seconds: AtomicI64,
}

impl Ahead {
    fn by(seconds: i64) -> Arc<Self> {
        Arc::new(Self { machine: SystemClock::new(), seconds: AtomicI64::new(seconds) })
    }

    /// As if the machine's clock, on which the daemon runs, were set to the provider's.
    fn put_right(&self) {
        self.seconds.store(0, Ordering::Relaxed);
    }

    fn span(&self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds.load(Ordering::Relaxed))
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.machine.now() + self.span()
    }

    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        self.machine.sleep_until(until - self.span())
    }
}

/// The daemon has died while the provider held its answer; the provider is well again.
async fn died(clock: &Arc<Ahead>, when: LatencyWhen, then: Faults) -> World {
    let (faults, provider_clock) = (holding(when), Arc::clone(clock) as Arc<dyn Clock>);
    let (patience, delivery) = ("1s", "settle = \"2s\"\n".into());
    let setup = Setup { delivery, patience, faults, provider_clock, ..Setup::default() };
    let mut world = setup.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    match when {
        LatencyWhen::AfterStoring => drop(world.messages(1).await),
        // The first sign of the attempt is that it is in doubt.
        LatencyWhen::BeforeStoring => world.logged("outcome=\"in-doubt\"", 1).await,
    }
    world.kill();
    world.sink.set_faults(then);
    world
}

/// The provider was asked as often as shows that a text was not sent, and that is not what it said; only
/// so many messages have left.
async fn undecided(world: &World, why: &str, messages: usize) {
    world.logged("attempt in doubt looked into", 2).await;
    assert!(world.lines(&format!("why=\"{why}\"")) >= 2, "{}", world.log());
    assert_eq!(world.lines("finding=\"empty\""), 0, "{}", world.log());
    world.quiet(messages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_was_taken_is_found_although_the_clocks_are_apart() {
    for seconds in [HOUR, -HOUR] {
        let mut world = died(&Ahead::by(seconds), LatencyWhen::AfterStoring, silent()).await;
        world.start().await;
        world.logged("attempt in doubt looked into", 1).await;
        assert_eq!(world.lines("finding=\"found\""), 1, "{}", world.log());
        world.quiet(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_not_found_is_held_when_the_clocks_are_apart() {
    let mut world = died(&Ahead::by(HOUR), LatencyWhen::BeforeStoring, silent()).await;
    world.start().await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, TEAM, "{}", world.shown());
    let subject = all[0].subject.as_deref().unwrap_or_default();
    assert!(subject.starts_with("Oklart om ett meddelande kom fram"), "{subject}");
    undecided(&world, "clocks-differ", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_taken_before_the_clock_was_put_right_is_not_sent_again() {
    for seconds in [HOUR, -HOUR] {
        let clock = Ahead::by(seconds);
        let mut world = died(&clock, LatencyWhen::AfterStoring, silent()).await;
        clock.put_right();
        world.start().await;
        undecided(&world, "history-outside-window", 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_not_found_does_not_go_again_when_the_answer_has_no_time() {
    let then = http(&["odd-date:on=lookup"]);
    let mut world = died(&Ahead::by(0), LatencyWhen::BeforeStoring, then).await;
    world.start().await;
    undecided(&world, "history-undated", 0).await;
}
