//! A text that could not leave in time is not sent late: staff are told instead.

use jiff::SignedDuration;
use upprop::env::{Clock as _, SystemClock};

use crate::faults::{http, silent};
use crate::world::{Setup, TEAM, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_text_becomes_a_task_for_staff() {
    let faults = http(&["503"]);
    let world = Setup { faults, ..Setup::default() }.start().await;
    // Three days after its end a lesson is stale; this one will be in a moment.
    let end =
        SystemClock::new().now() - SignedDuration::from_hours(72) + SignedDuration::from_secs(15);
    let start = end - SignedDuration::from_hours(1);
    world.accept(&world.marked_between("nils", "l1", "unexcused", start, end)).await;

    let all = world.messages(2).await;
    assert!(World::texts(&all).is_empty(), "{}", world.shown());
    let subjects: Vec<_> = all.iter().filter_map(|mail| mail.subject.clone()).collect();
    assert!(all.iter().all(|mail| mail.to == TEAM), "{}", world.shown());
    assert!(subjects[0].starts_with("Ej anlänt"), "{subjects:?}");
    assert!(subjects[1].starts_with("Ingen nådd"), "{subjects:?}");

    world.sink.set_faults(silent());
    world.quiet(2).await;
}
