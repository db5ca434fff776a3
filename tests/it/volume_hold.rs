//! A whole class marked by mistake: no guardian is told, the team is, once; a person releases or discards what is held,
//! whole or by class; and nothing held leaves by any other way, whatever is killed or tried again.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::metrics::scrape;
use crate::world::{DEADLINE, Setup, TEAM, World, soon, upprop};

/// Holds as they are by default, with a shorter time to gather.
const HOLDS: &str = "volume-class = \"50%\"\nvolume-school = \"off\"\nvolume-gather = \"2s\"\n";

/// Runs a command, which must do it.
pub fn done(world: &World, args: &[&str]) -> String {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    assert_eq!(code, 0, "{args:?}\n{out}{err}\n{}", world.log());
    out + &err
}

fn refused(world: &World, args: &[&str]) -> String {
    let config = world.config();
    let all = [args, &["--config", config.to_str().expect("a path")]].concat();
    let (code, out, err) = upprop(&all);
    assert_eq!(code, 1, "{args:?}\n{out}{err}");
    out + &err
}

pub fn document(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&done(world, &[args, &["--json"]].concat())).expect("JSON")
}

/// A school with classes beside 7B: pupils `8a-0`, `8a-1`, … in 8A, and so on.
pub fn with_classes(mut setup: Setup, classes: &[(&str, usize)]) -> World {
    let all = classes.iter().flat_map(|(class, n)| (0..*n).map(move |i| format!("{class}-{i}")));
    for (nth, id) in all.enumerate() {
        setup = setup.family(&id, &format!("070-174 06 {}", 20 + nth % 70), "", "sms");
    }
    let world = setup.prepare();
    let path = world.folder.path().join("directory/pupils.csv");
    let text = fs::read_to_string(&path).expect("pupils");
    let moved = text.lines().map(|line| {
        let class = line.split('-').next().unwrap_or_default();
        let is_of = classes.iter().any(|(known, _)| *known == class);
        let named = format!(",s1,{},", class.to_uppercase());
        if is_of { line.replacen(",s1,7B,", &named, 1) } else { line.to_owned() }
    });
    fs::write(&path, moved.collect::<Vec<_>>().join("\n") + "\n").expect("written");
    world
}

/// The marks of a class, as one request's body, made by one teacher at a lesson that lasts until `end`.
pub fn register(
    world: &World,
    class: &str,
    n: usize,
    mark: &str,
    at: (Timestamp, Timestamp),
) -> Value {
    let one = |i| {
        let (pupil, lesson) = (format!("{class}-{i}"), format!("ma-{class}"));
        let mut event = world.marked_between(&pupil, &lesson, mark, at.0, at.1);
        event["recorded_by"] = "t-17".into();
        event
    };
    (0..n).map(one).collect()
}

pub fn lesson(seconds: i64) -> (Timestamp, Timestamp) {
    let now = SystemClock::new().now();
    (now - SignedDuration::from_secs(5), now + SignedDuration::from_secs(seconds))
}

/// Waits until a hold keeps so many messages, and gives it.
pub async fn held(world: &World, messages: u64) -> Value {
    let clock = SystemClock::new();
    let met = async {
        loop {
            let all = document(world, &["holds", "list"]);
            let of = |hold: &&Value| {
                hold["over-at"].is_null() && hold["waiting"].as_u64() == Some(messages)
            };
            if let Some(hold) = all["holds"].as_array().expect("holds").iter().find(of) {
                return hold.clone();
            }
            clock.sleep_until(soon(&clock)).await;
        }
    };
    let Ok(hold) = tokio::time::timeout(DEADLINE, met).await else {
        panic!("waited for {messages} held:\n{}\n{}", world.shown(), world.log())
    };
    hold
}

fn id(hold: &Value) -> &str {
    hold["id"].as_str().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_marked_by_mistake_is_held_through_a_kill_and_released_once() {
    let mut setup = Setup { school: HOLDS.into(), ..Setup::default() };
    let secret = ("8a-hemlig", "Hemlig", "2012-02-15", "protected");
    setup.pupils.push((secret.0.into(), secret.1.into(), secret.2.into(), secret.3.into()));
    let mut world = with_classes(setup, &[("8a", 7)]);
    world.start().await;
    let at = lesson(3600);
    let mut marks = register(&world, "8a", 7, "unexcused", at);
    let mut protected = world.marked_between("8a-hemlig", "ma-8a", "unexcused", at.0, at.1);
    protected["recorded_by"] = "t-17".into();
    marks.as_array_mut().expect("events").push(protected);
    // Somebody of another class is missing at the same time, and is told.
    marks.as_array_mut().expect("events").push(world.marked_between(
        "nils",
        "ma-7b",
        "unexcused",
        at.0,
        at.1,
    ));
    world.accept(&marks).await;
    // The team's, a task about somebody who is protected, and the one guardian's.
    let all = world.messages(3).await;
    assert_eq!(World::texts(&all).len(), 1, "{}", world.shown());
    let mails = World::mails(&all);
    let mail = mails.iter().find(|m| m.subject.as_deref().is_some_and(|s| s.contains("8 av 8")));
    let mail = mail.unwrap_or_else(|| panic!("no mail of the hold:\n{}", world.shown()));
    assert_eq!(mail.to, TEAM);
    for words in ["i 8A saknas", "ma-8a: 8 av 8", "inom en minut", "50 procent av en klass"] {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
    }
    for name in ["Ylva", "Hemlig", "hemlig", "8a-"] {
        assert!(!mail.text.contains(name), "{name}: {}", mail.text);
    }
    let hold = held(&world, 7).await;
    assert_eq!((&hold["counted"], &hold["of"]), (&8.into(), &8.into()));
    assert!(mail.text.contains(&format!("upprop holds release {}", id(&hold))), "{}", mail.text);

    world.kill();
    world.start().await;
    let hold = held(&world, 7).await;
    let status = done(&world, &["status"]);
    let words = format!("HELD: {}  8 of 8 pupils in 8A of school s1", id(&hold));
    assert!(status.contains(&words) && status.contains("upprop holds release"), "{status}");
    let shown = done(&world, &["holds", "show", id(&hold)]);
    for words in [
        "limit: 50 % of a class",
        "8A, lesson ma-8a",
        "8 of 8, 7 message(s) wait, held",
        "perhaps: one person",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let numbers = scrape(&world).await;
    assert!(numbers.contains("upprop_volume_holds{school=\"s1\"} 1"), "{numbers}");

    // Sent again by hand it is held again.
    let why = document(&world, &["why", "8a-0"]);
    let message = find(&why, "held-for-volume").expect("a message that is held");
    done(&world, &["message", "retry", &message, "--yes"]);
    held(&world, 7).await;
    world.accept(&register(&world, "8a", 1, "present", at)).await;
    let hold = held(&world, 6).await;
    world.quiet(3).await;

    let (code, said, _) = upprop(&["holds", "release", "zz", "--yes"]);
    assert!(code == 2 && said.is_empty(), "{code} {said}");
    let said =
        done(&world, &["holds", "release", id(&hold), "--reason", "they are missing", "--yes"]);
    assert!(said.contains("Released: 6 message(s)"), "{said}");
    let all = world.messages(4 + 6).await;
    assert_eq!(
        World::texts(&all).len(),
        2 + 6,
        "each once, and not who was there:\n{}",
        world.shown()
    );
    let again = refused(&world, &["holds", "discard", id(&hold), "--yes"]);
    assert!(again.contains("is over since") && again.contains("release by uid"), "{again}");
    let why = done(&world, &["why", "8a-1"]);
    assert!(why.contains("far more pupils than usual"), "{why}");
    // One more of the class, and those who were decided about do not count again.
    world.accept(&register(&world, "8a", 1, "unexcused", at)).await;
    world.messages(11).await;
    world.quiet(11).await;
    assert_eq!(document(&world, &["holds", "list"])["holds"].as_array().map(Vec::len), Some(1));
}

/// The id of a message of a document that is in a state for a reason.
fn find(document: &Value, reason: &str) -> Option<String> {
    match document {
        Value::Object(map) if map.get("state-reason").is_some_and(|found| found == reason) => {
            map.get("id").and_then(Value::as_str).map(str::to_owned)
        }
        Value::Object(map) => map.values().find_map(|value| find(value, reason)),
        Value::Array(all) => all.iter().find_map(|value| find(value, reason)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_discarded_never_leaves_and_the_team_rings_after_the_lesson() {
    let setup = Setup { school: HOLDS.into(), ..Setup::default() };
    let mut world = with_classes(setup, &[("8a", 6)]);
    world.start().await;
    let at = lesson(25);
    world.accept(&register(&world, "8a", 6, "unexcused", at)).await;
    world.messages(1).await;
    let hold = held(&world, 6).await;
    let said = done(&world, &["holds", "discard", id(&hold), "--reason", "a trip", "--yes"]);
    assert!(said.contains("Discarded: 6 message(s)"), "{said}");
    world.kill();
    world.start().await;
    // One turns out to have been there; of the others the team is told when the lesson ends.
    world.accept(&register(&world, "8a", 1, "present", at)).await;
    let all = world.messages(1 + 5).await;
    assert_eq!(World::texts(&all), [], "no guardian is told:\n{}", world.shown());
    let rings = World::mails(&all).into_iter().filter(|m| m.received_at >= at.1);
    assert_eq!(rings.count(), 5, "{}", world.shown());
    let why = done(&world, &["why", "8a-3"]);
    assert!(why.contains("somebody looked at what was held and discarded it"), "{why}");
    world.quiet(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_decided_by_class() {
    let setup = Setup { school: HOLDS.into(), ..Setup::default() };
    let mut world = with_classes(setup, &[("8a", 6), ("8b", 6), ("9a", 6), ("9b", 6), ("9c", 6)]);
    world.start().await;
    let at = lesson(3600);
    let mut marks = register(&world, "8a", 6, "unexcused", at);
    let others = register(&world, "8b", 5, "unexcused", at);
    marks.as_array_mut().expect("events").extend(others.as_array().expect("events").clone());
    world.accept(&marks).await;
    let all = world.messages(1).await;
    assert!(all[0].subject.as_deref().is_some_and(|s| s.contains("11 av 12")), "{}", world.shown());
    let hold = held(&world, 11).await;
    let none = refused(&world, &["holds", "release", id(&hold), "--class", "9A", "--yes"]);
    assert!(none.contains("held are classes 8A, 8B at lessons ma-8a, ma-8b"), "{none}");
    let said = done(&world, &["holds", "release", id(&hold), "--class", "8A", "--yes"]);
    assert!(said.contains("Released: 6") && said.contains("Still held: 5 pupil(s)"), "{said}");
    world.messages(1 + 6).await;
    let said = done(&world, &["holds", "discard", id(&hold), "--lesson", "ma-8b", "--yes"]);
    assert!(said.contains("Discarded: 5") && !said.contains("Still held"), "{said}");
    // Over: a late one of 8B is one more, and no class.
    world.accept(&world.marked_between("8b-5", "ma-8b", "unexcused", at.0, at.1)).await;
    world.messages(8).await;
    world.quiet(8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_decides_the_school_has_chosen_what_becomes_of_it() {
    let school = format!("{HOLDS}volume-timeout = \"2s\"\nvolume-then = \"release\"\n");
    let mut world = with_classes(Setup { school, ..Setup::default() }, &[("8a", 5)]);
    world.start().await;
    world.accept(&register(&world, "8a", 5, "unexcused", lesson(3600))).await;
    let all = world.messages(1 + 5).await;
    assert_eq!(all[0].to, TEAM, "first the team:\n{}", world.shown());
    let over = &document(&world, &["holds", "list"])["holds"][0];
    assert_eq!(over["decisions"][0]["by"], "time-out", "{over}");
    world.quiet(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_too_long_becomes_a_task_for_each() {
    let school = format!("{HOLDS}volume-timeout = \"1s\"\n").replace("2s", "1s");
    let mut world = with_classes(Setup { school, ..Setup::default() }, &[("8a", 5)]);
    let config = fs::read_to_string(world.config()).expect("the configuration");
    let config = config.replace("stale-after = \"3d\"", "stale-after = \"1m\"");
    fs::write(world.config(), config).expect("written");
    world.start().await;
    // Too old in some seconds.
    let end = SystemClock::new().now() - SignedDuration::from_secs(50);
    let at = (end - SignedDuration::from_hours(1), end);
    world.accept(&register(&world, "8a", 5, "unexcused", at)).await;
    // Of a lesson that is over the team has its mail at once; then of the hold; then of nobody reached.
    let all = world.messages(5 + 1 + 5).await;
    assert_eq!(World::texts(&all), [], "no guardian is told:\n{}", world.shown());
    let open = &document(&world, &["holds", "list"])["holds"][0];
    assert!(open["over-at"].is_null(), "nobody has decided: {open}");
}
