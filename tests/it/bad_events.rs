//! Events that cannot be right: each is refused in words that name the place and repeat no value,
//! and the good ones beside it are taken.

use serde_json::{Value, json};

use crate::world::{Setup, TOKEN};

/// Sets the value at a pointer, or adds the field.
fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let parent = event.pointer_mut(parent).expect("a parent").as_object_mut().expect("an object");
    parent.insert(field.to_owned(), value);
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_own_words_and_spoils_only_itself() {
    let world = Setup::default().start().await;
    let rotten = "Alva Hemlig <alva@hem.example>";
    let table = [
        ("/pupil", json!("p-unknown"), "pupil: p-unknown is not in the directory of school s1"),
        ("/school", json!("s9"), "school: s9 is not configured here"),
        ("/mark", json!("unexcussed"), "mark: is not one of"),
        ("/mark", json!(rotten), "mark: is not one of"),
        ("/mark", json!(3), "mark: must be a string, not a number"),
        ("/marks", json!(rotten), "marks: is not a field here (did you mean mark?)"),
        ("/type", json!("attendance.mark"), "type: is not one of"),
        ("/lesson/end", json!("2026-11-23T08:00:00+01:00"), "lesson.end: must be after"),
        ("/lesson/start", json!("2026-11-23T08:20:00"), "lesson.start: no offset"),
        ("/lesson/start", json!("0001-01-01T00:00:00Z"), "lesson.start: the year 0001"),
        ("/lesson/start", json!("9999-12-31T23:59:59Z"), "lesson.start: the year 9999"),
        ("/lesson/start", json!("2027-02-29T08:20:00Z"), "lesson.start: is a date"),
        ("/lesson/start", json!("2020-01-01T00:00:00Z"), "lesson.end: is more than 24 hours"),
        ("/lesson/start", json!(rotten), "lesson.start: is not an RFC 3339 time"),
        ("/lesson/label", json!("Ma\r\nBcc: x@example.se"), "lesson.label: holds a control"),
        ("/lesson/label", json!("x".repeat(300)), "lesson.label: is longer than 200"),
        ("/lesson/id", json!("x".repeat(300)), "lesson.id: "),
        ("/lesson", Value::Null, "lesson: must be an object, not null"),
        ("/recorded_at", json!("2099-01-01T00:00:00Z"), "recorded_at: is more than 10 minutes"),
        ("/id", json!(""), "id: "),
        ("/id", json!("a\nb"), "id: "),
        ("/pupil", json!("a\u{0}b"), "pupil: "),
        ("/pupil", json!(["nils"]), "pupil: must be a string, not an array"),
    ];
    let mut events = Vec::new();
    for (pointer, value, _) in &table {
        // Each stands before a good one about the same pupil.
        let bad = world.marked("nils", "bad", "unexcused", 5);
        events.push(with(bad, pointer, value.clone()));
    }
    events.push(world.marked("nils", "good", "unexcused", 5));
    let (status, answer) = world.post(&Value::Array(events)).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{answer:#}");
    let rejected = answer["rejected"].as_array().expect("an array");
    assert_eq!(rejected.len(), table.len(), "{answer:#}");
    for ((pointer, value, words), rejected) in table.iter().zip(rejected) {
        let error = rejected["error"].as_str().unwrap_or_default();
        assert!(error.starts_with(words), "{pointer} = {value}: {error}");
        assert!(!error.contains("Alva") && !error.contains('\n'), "repeats a value: {error}");
    }
    assert!(!world.log().contains("Alva"), "{}", world.log());
    world.quiet(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_events_are_judged_too() {
    let world = Setup::default().start().await;
    let lesson = world.marked("nils", "l1", "unexcused", 5)["lesson"].clone();
    let notified = json!({
        "type": "absence.notified", "id": "n1", "school": "s1", "pupil": "nils", "kind": "notified",
        "from": "2026-11-23T00:00:00+01:00", "to": "2026-11-24T00:00:00+01:00",
    });
    let report = json!({
        "type": "lesson.report", "id": "r1", "school": "s1", "pupil": "nils", "lesson": lesson,
        "reported_by": "t-1",
    });
    for (event, words) in [
        (with(notified.clone(), "/to", notified["from"].clone()), "to: must be after from"),
        (with(notified.clone(), "/to", json!("2028-11-24T00:00:00Z")), "to: is more than 400"),
        (with(notified.clone(), "/kind", json!("sick")), "kind: is not one of"),
        (with(notified, "/pupil", json!("gone")), "pupil: gone is not in the directory"),
        (with(report.clone(), "/note", json!("x".repeat(501))), "note: is longer than 500"),
        (with(report, "/reported_by", json!("")), "reported_by: "),
    ] {
        let (status, answer) = world.post_as("src", TOKEN, event.to_string()).await;
        assert_eq!(status, 422, "{answer}");
        let error = answer["rejected"][0]["error"].as_str().unwrap_or_default();
        assert!(error.starts_with(words), "{words}: {error}");
    }
    world.quiet(0).await;
}
