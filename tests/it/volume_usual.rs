//! What is usual at a weekday and hour is learned from the weeks before, shown with its numbers, and a limit of its own.

use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::volume_hold::{document, with_classes};
use crate::world::{Setup, World, upprop};

const CLASSES: [(&str, usize); 5] = [("6a", 20), ("6b", 20), ("6c", 20), ("6d", 20), ("6e", 20)];

/// Lessons `weeks` ago by the school's clock, at which so many of each of four classes are missing.
fn missing(world: &World, start: Timestamp, weeks: i64, of_each: usize) -> Value {
    let zone = TimeZone::get("Europe/Stockholm").expect("zone");
    let then =
        start.to_zoned_datetime(zone).checked_sub(weeks.weeks()).expect("a time").timestamp();
    let end = then + SignedDuration::from_hours(1);
    let mut all = Vec::new();
    for (class, _) in &CLASSES[..4] {
        for i in 0..of_each {
            let (pupil, lesson) = (format!("{class}-{i}"), format!("{class}-{weeks}"));
            all.push(world.marked_between(&pupil, &lesson, "unexcused", then, end));
        }
    }
    all.into()
}

async fn began(usual: u32) -> (World, Timestamp) {
    let school = format!("volume-usual = {usual}\nvolume-gather = \"2s\"\n");
    let mut world = with_classes(Setup { school, ..Setup::default() }, &CLASSES);
    world.start().await;
    let start = SystemClock::new().now() - SignedDuration::from_secs(5);
    (world, start)
}

#[tokio::test(flavor = "multi_thread")]
async fn far_more_than_usual_is_held_with_its_numbers() {
    let (world, start) = began(2).await;
    for weeks in 1..=3 {
        world.accept(&missing(&world, start, weeks, 1)).await;
    }
    // Twelve, and four are usual.
    world.accept(&missing(&world, start, 0, 3)).await;
    let all = world.messages(1).await;
    assert!(
        all[0].text.contains("Vanligt vid den tiden är 4,0 elever (av 3 veckor)"),
        "{}",
        all[0].text
    );
    let hold = document(&world, &["holds", "list"])["holds"][0].clone();
    assert_eq!((&hold["counted"], &hold["why"]["usual"]), (&12.into(), &2.into()), "{hold}");
    let config = world.config();
    let config = config.to_str().expect("a path");
    let id = hold["id"].as_str().expect("an id");
    let (code, shown, err) = upprop(&["holds", "show", id, "--config", config]);
    assert_eq!(code, 0, "{err}");
    for words in ["usual at that weekday and hour: 4.0 (of 3 weeks)", "2 times what is usual"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // They are really missing: each is told once, and nobody else.
    let (code, _, err) = upprop(&["holds", "release", id, "--yes", "--config", config]);
    assert_eq!(code, 0, "{err}");
    world.messages(1 + 12).await;
    world.quiet(13).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_as_usual_are_told() {
    let (world, start) = began(2).await;
    for weeks in 1..=3 {
        world.accept(&missing(&world, start, weeks, 2)).await;
    }
    // Twelve, and eight are usual.
    world.accept(&missing(&world, start, 0, 3)).await;
    let all = world.messages(12).await;
    assert_eq!(World::texts(&all).len(), 12, "{}", world.shown());
    world.quiet(12).await;
}
