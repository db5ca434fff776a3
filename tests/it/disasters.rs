//! What has gone wrong at other schools, on the real daemon: a whole school marked by mistake, a filter forgotten, a trip
//! that the register does not know of, parents who had reported already, an alarm in quiet hours. Each lists every
//! message that leaves. A backup that is put back is in `backup.rs`.

use std::fs;

use jiff::{SignedDuration, ToSpan as _};
use serde_json::{Value, json};
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::sink::Kind;

use crate::volume_hold::{done, held, lesson, register, with_classes};
use crate::world::{DEADLINE, Setup, TEAM, World, soon};

const HOLDS: &str = "volume-class = \"50%\"\nvolume-school = \"15%\"\nvolume-gather = \"2s\"\n";

/// Every message that left, a line for each, in the order of the alphabet.
fn listed(world: &World) -> Vec<String> {
    let line = |m: &upprop::sim::sink::Received| {
        let text = m.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let says = m.subject.clone().unwrap_or(text);
        let by = if m.kind == Kind::Sms { "text" } else { "mail" };
        format!("{by} to {}: {says}", m.to)
    };
    let mut all: Vec<String> = world.sink.messages().iter().map(|m| line(m)).collect();
    all.sort();
    all
}

/// Waits until as many messages have left as are expected and shows that no other will; each is one of these.
async fn sent(world: &World, expected: &[&str]) {
    world.messages(expected.len()).await;
    world.quiet(expected.len()).await;
    let marker = "text to +46701740607: ";
    let mut left = listed(world);
    let at = left.iter().position(|line| line.starts_with(marker)).expect("the marker");
    left.remove(at);
    for begins in expected {
        let at = left.iter().position(|line| line.starts_with(begins));
        let at = at.unwrap_or_else(|| panic!("not sent: {begins}\n{left:#?}\n{}", world.log()));
        left.remove(at);
    }
    assert_eq!(left, Vec::<String>::new(), "not expected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_school_marked_by_mistake_alarms_no_home_before_or_after_it_is_mended() {
    let setup = Setup { school: HOLDS.into(), ..Setup::default() };
    let classes = [("8a", 6), ("8b", 6), ("8c", 6)];
    let mut world = with_classes(setup, &classes);
    world.start().await;
    let at = lesson(3600);
    for word in ["unexcused", "present"] {
        let mut all: Vec<Value> = Vec::new();
        for (class, n) in classes {
            let marks = register(&world, class, n, word, at);
            all.extend(marks.as_array().expect("events").iter().cloned());
        }
        world.accept(&Value::from(all)).await;
        if word == "unexcused" {
            held(&world, 18).await;
        }
    }
    held(&world, 0).await;
    sent(&world, &[&format!("mail to {TEAM}: Hålls kvar: 18 av 25 elever saknas")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_forgotten_calls_no_parent_of_four_and_a_child_that_is_missing_is_told_of() {
    let mut setup = Setup {
        school: format!("{HOLDS}volume-least = 4\n").replace("15%", "off"),
        ..Setup::default()
    };
    for i in 0..4 {
        let id = format!("8a-{i}");
        setup.pupils.push((id.clone(), "Ylva".into(), "2012-02-15".into(), "none".into()));
        setup.guardians.push(format!("{id},s1,g-four,Vuxen Test,070-174 06 20,,sms,sv,yes,no"));
    }
    let world = setup.prepare();
    let path = world.folder.path().join("directory/pupils.csv");
    let text = fs::read_to_string(&path).expect("pupils").replace("8a-0,s1,7B", "8a-0,s1,8A");
    let text = (1..4)
        .fold(text, |text, i| text.replace(&format!("8a-{i},s1,7B"), &format!("8a-{i},s1,8A")));
    fs::write(&path, text).expect("written");
    let mut world = world;
    world.start().await;
    let at = lesson(3600);
    let mut all = register(&world, "8a", 4, "unexcused", at);
    all.as_array_mut().expect("events").push(world.marked_between(
        "alva",
        "ma-7b",
        "unexcused",
        at.0,
        at.1,
    ));
    world.accept(&all).await;
    let hold = held(&world, 4).await;
    let id = hold["id"].as_str().expect("an id");
    done(&world, &["holds", "discard", id, "--reason", "the filter was forgotten", "--yes"]);
    sent(
        &world,
        &[
            &format!("mail to {TEAM}: Hålls kvar: 4 av 4 elever i 8A saknas"),
            "text to +46701740605: Hej! Alva är inte",
            "text to +46701740606: Hello! Alva is not",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_that_the_school_has_said_is_told_to_nobody_and_others_are_told_as_ever() {
    let setup = Setup { school: HOLDS.into(), ..Setup::default() };
    let mut world = with_classes(setup, &[("8a", 6)]);
    world.start().await;
    let today = SystemClock::new().now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let (from, to) = ((today - 1.day()).to_string(), (today + 1.day()).to_string());
    let of = ["--school", "s1", "--class", "8A", "--from", &from, "--to", &to];
    done(&world, &[&["silence", "add"][..], &of, &["--reason", "a trip"]].concat());
    let at = lesson(3600);
    let mut all = register(&world, "8a", 6, "unexcused", at);
    all.as_array_mut().expect("events").push(world.marked_between(
        "mail",
        "ma-7b",
        "unexcused",
        at.0,
        at.1,
    ));
    world.accept(&all).await;
    sent(&world, &["mail to maj.g@hem.example: "]).await;
    let why = done(&world, &["why", "8a-2"]);
    assert!(why.contains("the school has asked for silence"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_who_have_reported_are_not_told_when_the_register_says_unexcused() {
    let setup = Setup { school: HOLDS.into(), ..Setup::default() };
    let mut world = with_classes(setup, &[("8a", 6)]);
    world.start().await;
    let at = lesson(3600);
    let notice = |i: usize| {
        json!({
            "type": "absence.notified", "id": world.event_id(), "school": "s1",
            "pupil": format!("8a-{i}"), "kind": "notified",
            "from": (at.0 - SignedDuration::from_hours(3)).to_string(),
            "to": (at.1 + SignedDuration::from_hours(3)).to_string(),
            "recorded_at": SystemClock::new().now().to_string(),
        })
    };
    // Five have reported before, one of them in the same request as the mark.
    world.accept(&(0..4).map(notice).collect()).await;
    let mut all = register(&world, "8a", 6, "unexcused", at);
    all.as_array_mut().expect("events").push(notice(4));
    world.accept(&all).await;
    sent(&world, &["text to +46701740625: Hej! Ylva är inte"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_swallow_neither_an_alarm_nor_its_correction() {
    let mut world = Setup::default().prepare();
    let clock = SystemClock::new();
    let zone = jiff::tz::TimeZone::get("Europe/Stockholm").expect("zone");
    // They end at the next full minute that leaves time to mark somebody.
    let now = clock.now().to_zoned_datetime(zone);
    let end = &now + SignedDuration::from_secs(80);
    let begin = &now - SignedDuration::from_hours(2);
    let quiet = format!("{}-{}", begin.strftime("%H:%M"), end.strftime("%H:%M"));
    let config = fs::read_to_string(world.config()).expect("the configuration");
    let config = config.replace("quiet-hours = \"off\"", &format!("quiet-hours = \"{quiet}\""));
    fs::write(world.config(), config).expect("written");
    world.start().await;
    let at = lesson(3600);
    let mark = |pupil: &str, word: &str| world.marked_between(pupil, "l", word, at.0, at.1);
    world.accept(&Value::from(vec![mark("alva", "unexcused"), mark("mail", "unexcused")])).await;
    // One has come before anybody was told.
    world.accept(&mark("mail", "present")).await;
    let told = async {
        while world.sink.messages().len() < 2 {
            clock.sleep_until(soon(&clock)).await;
        }
    };
    let told = tokio::time::timeout(DEADLINE * 2, told).await;
    assert!(told.is_ok(), "{}", world.log());
    let minute = end.timestamp().as_second() - i64::from(end.second());
    let until = jiff::Timestamp::from_second(minute).expect("a time");
    assert!(world.sink.messages().iter().all(|m| m.received_at >= until), "{}", world.shown());
    world.accept(&mark("alva", "late")).await;
    sent(
        &world,
        &[
            "text to +46701740605: I dag kl",
            "text to +46701740605: Alva kom",
            "text to +46701740606: Today at",
            "text to +46701740606: Alva came",
        ],
    )
    .await;
}
