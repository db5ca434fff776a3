//! Absence that was notified in advance, or granted: it keeps quiet what it covers, puts right what
//! was told, and counts for nothing once it is withdrawn.

use jiff::SignedDuration;
use serde_json::{Value, json};
use upprop::env::{Clock as _, SystemClock};

use crate::world::{Setup, World};

/// A notice from a day before the test began until `hours` after: the withdrawal names the same span.
fn notice(world: &World, pupil: &str, kind: &str, hours: i64, withdrawn: bool) -> Value {
    let from = world.began - SignedDuration::from_hours(24);
    let to = world.began + SignedDuration::from_hours(hours);
    json!({
        "type": "absence.notified", "id": world.event_id(), "school": "s1", "pupil": pupil,
        "from": from.to_string(), "to": to.to_string(), "kind": kind, "withdrawn": withdrawn,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_notified_is_not_told_until_it_is_withdrawn() {
    let world = Setup::default().start().await;
    for kind in ["notified", "leave"] {
        world.accept(&notice(&world, "alva", kind, 20, false)).await;
    }
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    // Withdrawn, but the leave still stands.
    let withdrawn = notice(&world, "alva", "notified", 20, true);
    world.accept(&withdrawn).await;
    world.quiet(0).await;
    world.accept(&notice(&world, "alva", "leave", 20, true)).await;
    // Two for alva, one was the marker.
    world.quiet(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_overtakes_its_notice_stands() {
    let world = Setup::default().start().await;
    let made = |ago: i64| (SystemClock::new().now() - SignedDuration::from_secs(ago)).to_string();
    for (withdrawn, ago) in [(true, 10), (false, 20)] {
        let mut event = notice(&world, "alva", "notified", 20, withdrawn);
        event["recorded_at"] = made(ago).into();
        world.accept(&event).await;
    }
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    world.messages(2).await;
    // Given anew, it is a notice again.
    let mut event = notice(&world, "alva", "notified", 20, false);
    event["recorded_at"] = made(0).into();
    world.accept(&event).await;
    world.messages(4).await;
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_does_not_reach_the_lesson_changes_nothing() {
    let world = Setup::default().start().await;
    world.accept(&notice(&world, "alva", "notified", -20, false)).await;
    world.accept(&notice(&world, "nils", "notified", 20, false)).await;
    world.accept(&world.marked("alva", "l1", "unexcused", 5)).await;
    let all = world.messages(2).await;
    assert!(World::texts(&all).iter().all(|(to, _)| to != "+46701740607"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_comes_after_is_thanked_for_once_by_each_told() {
    let world = Setup::default().start().await;
    for pupil in ["alva", "mail"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    world.messages(3).await;
    for pupil in ["alva", "mail"] {
        world.accept(&notice(&world, pupil, "notified", 20, false)).await;
    }
    let all = world.messages(6).await;
    for (to, text) in World::texts(&all[3..]) {
        let words =
            if to == "+46701740605" { "Tack, vi har nu fått" } else { "Thank you, we now" };
        assert!(text.starts_with(words), "{text}");
    }
    assert_eq!(World::mails(&all[3..])[0].to, "maj.g@hem.example");
    // Said twice, by another event and as leave too: known already.
    world.accept(&notice(&world, "alva", "notified", 20, false)).await;
    world.accept(&notice(&world, "alva", "leave", 20, false)).await;
    world.quiet(6).await;
    // Both taken back: it is so after all.
    world.accept(&notice(&world, "alva", "notified", 20, true)).await;
    world.accept(&notice(&world, "alva", "leave", 20, true)).await;
    let all = world.messages(9).await;
    for (to, text) in World::texts(&all[7..]) {
        let words = if to == "+46701740605" { "Ny uppgift: Alva" } else { "Update: Alva" };
        assert!(text.starts_with(words), "{text}");
    }
    world.quiet(9).await;
}
