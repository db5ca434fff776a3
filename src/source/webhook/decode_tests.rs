//! Tests of `decode`: every type and every check of the native form, what is no request at all, and
//! that what is said to the sender repeats nothing personal.

use http::HeaderValue;
use proptest::prelude::*;
use serde_json::json;

use super::super::examples;
use super::*;
use crate::model::{Mark, NoticeKind};

pub(super) fn now() -> Timestamp {
    "2026-11-23T08:45:00+01:00".parse().expect("now")
}

pub(super) fn source() -> SourceId {
    SourceId::new("dexter").expect("source")
}

pub(super) fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in list {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("value"));
    }
    map
}

fn json_headers() -> HeaderMap {
    headers(&[("content-type", "application/json; charset=utf-8")])
}

pub(super) fn native(body: &Value) -> Vec<Item> {
    decode(&json_headers(), body.to_string().as_bytes(), &source(), now()).expect("usable").items
}

pub(super) fn example(name: &str) -> Value {
    examples::events().into_iter().find(|(known, ..)| *known == name).expect("example").2
}

/// The example with one field replaced (or removed, by null), given as a JSON pointer.
fn with(name: &str, pointer: &str, value: Value) -> Value {
    let mut event = example(name);
    let (parent, field) = pointer.rsplit_once('/').expect("pointer");
    let parent = event.pointer_mut(parent).expect("parent").as_object_mut().expect("object");
    if value.is_null() {
        parent.remove(field)
    } else {
        parent.insert(field.to_owned(), value)
    };
    event
}

fn error(event: &Value) -> String {
    native(event).remove(0).result.expect_err(&event.to_string())
}

#[test]
fn every_example_becomes_its_fact() {
    let items = native(&Value::Array(examples::events().into_iter().map(|(.., e)| e).collect()));
    assert_eq!(items.len(), 6);
    for (index, item) in items.iter().enumerate() {
        assert_eq!(item.index, index);
        let observation = item.result.as_ref().expect("decodes");
        assert_eq!(item.id.as_deref(), Some(observation.event.as_str()));
        assert_eq!(observation.source, source());
        assert_eq!(observation.school.as_str(), "lindskolan");
    }
    let Ok(Observation {
        fact: Fact::Marked { lesson, mark, minutes, register_closed, recorded_by, .. },
        ..
    }) = &items[0].result
    else {
        panic!("a mark")
    };
    assert_eq!(lesson.start, "2026-11-23T07:20:00Z".parse().unwrap());
    assert_eq!(lesson.label.as_deref(), Some("Ma 7B"));
    assert_eq!(
        (*mark, *register_closed, recorded_by.as_deref()),
        (Mark::Unexcused, Some(true), Some("t-17"))
    );
    assert_eq!(minutes.map(|m| (m.absent, m.scheduled)), Some((60, 60)));
    let withdrawn: Vec<_> = items
        .iter()
        .filter_map(|item| match item.result.as_ref().map(|o| &o.fact) {
            Ok(Fact::Notified { notice, withdrawn, .. }) => Some((notice.kind, *withdrawn)),
            _ => None,
        })
        .collect();
    assert_eq!(withdrawn, [(NoticeKind::Notified, false), (NoticeKind::Leave, true)]);
}

#[test]
fn the_type_that_is_published_reads_and_writes_the_same() {
    for (name, _, event) in examples::events() {
        let typed: wire::Event = serde_json::from_value(event.clone()).expect(name);
        // Written in UTC, read as the same instants.
        let written = serde_json::to_value(&typed).expect(name);
        assert_eq!(native(&written)[0].result, native(&event)[0].result, "{name}");
        assert!(native(&written)[0].result.is_ok(), "{name}");
    }
}

#[test]
fn what_is_rejected_keeps_its_place() {
    let body = json!([7, example("marked"), with("closed", "/closed_at", Value::Null)]);
    let (good, rejected) = Decoded { items: native(&body) }.into_parts();
    assert_eq!(good.len(), 1);
    let places: Vec<_> = rejected.iter().map(|r| (r.index, r.id.as_deref())).collect();
    assert_eq!(places, [(0, None), (2, Some("evt-000006"))]);
    assert_eq!(rejected[1].error, "closed_at: is missing");
}

#[test]
fn one_bad_event_spoils_only_itself() {
    let body = json!([
        example("marked"),
        7,
        with("closed", "/lesson/start", json!("x")),
        example("closed")
    ]);
    let good: Vec<_> =
        native(&body).iter().map(|item| (item.id.clone(), item.result.is_ok())).collect();
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(
        good,
        [
            (id("evt-000001"), true),
            (None, false),
            (id("evt-000006"), false),
            (id("evt-000006"), true)
        ]
    );
}

/// Changes one field of an example, and says how the answer starts.
type Row = (&'static str, &'static str, Value, &'static str);

fn refused(rows: Vec<Row>) {
    let marks = "present, unexcused, excused, late, left_early, other_activity, unknown";
    for (name, pointer, value, words) in rows {
        let words = words.replace("MARKS", marks).replace("TYPES", &TYPES.join(", "));
        let error = error(&with(name, pointer, value));
        assert!(error.starts_with(&words), "{error}\nshould start\n{words}");
    }
}

#[test]
fn faults_of_lessons_and_marks_name_the_place_and_the_remedy() {
    refused(vec![
        (
            "marked",
            "/lesson/start",
            json!("2026-11-23T08:20:00"),
            "lesson.start: no offset; write 2026-11-23T08:20:00+01:00",
        ),
        (
            "marked",
            "/lesson/start",
            json!("0001-01-01T00:00:00"),
            "lesson.start: the year 0001 cannot be right",
        ),
        (
            "marked",
            "/lesson/end",
            json!("2026-11-23T08:20:00+01:00"),
            "lesson.end: must be after lesson.start",
        ),
        (
            "marked",
            "/lesson/end",
            json!("2026-11-24T08:20:01+01:00"),
            "lesson.end: is more than 24 hours",
        ),
        ("marked", "/lesson/id", json!(17), "lesson.id: must be a string, not a number"),
        (
            "marked",
            "/lesson/label",
            json!("x".repeat(201)),
            "lesson.label: is longer than 200 characters",
        ),
        (
            "marked",
            "/lesson/labl",
            json!("x"),
            "lesson.labl: is not a field here (did you mean label?); allowed: id, start, end, label",
        ),
        (
            "closed",
            "/lesson/starts",
            json!({ "id": 1 }),
            "lesson.starts: is not a field here (did you mean start?)",
        ),
        (
            "closed",
            "/Anna\u{0}",
            json!(1),
            "Anna: is not a field here; allowed: id, school, lesson, closed_at, closed_by",
        ),
        ("marked", "/lesson", Value::Null, "lesson: is missing"),
        ("marked", "/lesson", json!("20261123-MA7B-1"), "lesson: must be an object, not a string"),
        ("marked", "/mark", json!("absent"), "mark: is not one of MARKS"),
        (
            "marked",
            "/mark",
            json!("leftEarly"),
            "mark: is not one of MARKS (did you mean left_early?)",
        ),
        ("marked", "/mark", json!(3), "mark: must be a string, not a number"),
        ("marked", "/mark", json!({"unexcused": null}), "mark: must be a string, not an object"),
        ("marked", "/mark", Value::Null, "mark: is missing"),
    ]);
}

#[test]
fn faults_of_other_fields_name_the_place_and_the_remedy() {
    refused(vec![
        ("marked", "/minutes", json!({"absent": 5}), "minutes.scheduled: is missing"),
        (
            "marked",
            "/minutes/absent",
            json!(1441),
            "minutes.absent: must be a whole number from 0 to 1440",
        ),
        ("marked", "/minutes/absent", json!(-5), "minutes.absent: must be a whole number"),
        (
            "marked",
            "/minutes/absent",
            json!("5"),
            "minutes.absent: must be a whole number from 0 to 1440, not a string",
        ),
        (
            "marked",
            "/register_closed",
            json!("yes"),
            "register_closed: must be true or false, not a string",
        ),
        (
            "marked",
            "/recordedAt",
            json!("x"),
            "recordedAt: is not a field here (did you mean recorded_at?)",
        ),
        (
            "marked",
            "/recorded_at",
            json!("2026-11-23T08:55:01+01:00"),
            "recorded_at: is more than 10 minutes ahead",
        ),
        ("marked", "/recorded_by", json!(""), "recorded_by: is empty"),
        ("marked", "/pupil", json!("p".repeat(129)), "pupil: is longer than 128 bytes"),
        ("marked", "/pupil", json!(["p"]), "pupil: must be a string, not an array"),
        ("marked", "/id", json!(""), "id: is empty"),
        ("marked", "/school", json!(" x"), "school: holds a control or invisible character"),
        (
            "marked",
            "/type",
            Value::Null,
            "type: is missing; one of attendance.marked, absence.notified",
        ),
        (
            "marked",
            "/type",
            json!("attendance.mark"),
            "type: is not one of TYPES (did you mean attendance.marked?)",
        ),
        ("marked", "/type", json!(1), "type: must be a string, not a number"),
        ("notified", "/to", json!("2026-11-23T00:00:00+01:00"), "to: must be after from"),
        (
            "notified",
            "/to",
            json!("2027-12-28T00:00:01+01:00"),
            "to: is more than 400 days after from",
        ),
        ("notified", "/kind", json!("sick"), "kind: is not one of notified, leave"),
        ("report", "/note", json!("å".repeat(501)), "note: is longer than 500 characters"),
        (
            "report",
            "/note",
            json!(["a"]),
            "note: must be a string of at most 500 characters, not an array",
        ),
        ("report", "/reported_by", Value::Null, "reported_by: is missing"),
        (
            "closed",
            "/closed_at",
            json!("2026-11-24T08:00:00+01:00"),
            "closed_at: is more than 10 minutes ahead",
        ),
        (
            "closed",
            "/pupil",
            json!("p-1001"),
            "pupil: is not a field here; allowed: id, school, lesson, closed_at, closed_by",
        ),
    ]);
}

#[test]
fn limits_are_inclusive() {
    for event in [
        with("marked", "/lesson/end", json!("2026-11-24T08:20:00+01:00")),
        with("marked", "/lesson/label", json!("å".repeat(200))),
        with("marked", "/recorded_at", json!("2026-11-23T08:55:00+01:00")),
        with("notified", "/to", json!("2027-12-28T00:00:00+01:00")),
        with("report", "/note", json!("å".repeat(500))),
        with("marked", "/pupil", json!("p".repeat(128))),
    ] {
        assert!(native(&event)[0].result.is_ok(), "{:?}", native(&event)[0].result);
    }
}

#[test]
fn null_is_absent_and_blank_is_nothing() {
    let mut event = example("report");
    event["note"] = Value::Null;
    event["lesson"]["label"] = json!("  ");
    let Ok(Observation { fact: Fact::LessonReported { lesson, report, .. }, .. }) =
        &native(&event)[0].result
    else {
        panic!("a report")
    };
    assert_eq!((&report.note, &lesson.label), (&None, &None));
}

#[test]
fn an_id_is_repeated_cut_and_cleaned() {
    for (id, shown) in [
        (json!("a\u{0}b\nc\u{202e}d"), Some("abcd".to_owned())),
        (json!("x".repeat(500)), Some("x".repeat(128))),
        (json!("\n"), None),
        (json!(199_001_011_234_u64), None),
    ] {
        let item = native(&with("marked", "/id", id)).remove(0);
        assert_eq!((item.id, item.result.is_err()), (shown, true));
    }
}

#[test]
fn a_name_twice_is_refused_where_it_is() {
    let text =
        example("marked").to_string().replacen("\"mark\":", "\"mark\":\"present\",\"mark\":", 1);
    let items = decode(&json_headers(), text.as_bytes(), &source(), now()).unwrap().items;
    assert_eq!(items[0].result.as_ref().unwrap_err(), "mark: appears twice");
}

#[test]
fn bodies_and_media_types_that_hold_nothing_for_us() {
    let event = example("marked").to_string();
    for (media, body, status) in [
        (Some("application/json"), "", 400),
        (Some("application/json"), "{", 400),
        (Some("application/json"), "[]", 400),
        (Some("application/json"), "\"x\"", 400),
        (Some("application/json"), "null", 400),
        (None, event.as_str(), 415),
        (Some("text/plain"), &event, 415),
        (Some("application/xml"), &event, 415),
        (Some("application/x-www-form-urlencoded"), &event, 415),
        (Some("application/json; charset=iso-8859-1"), &event, 415),
        (Some("application/cloudevents"), &event, 415),
        (Some("application/cloudevents+xml"), &event, 415),
        (Some("application/cloudevents+json"), "[{}]", 400),
        (Some("application/cloudevents-batch+json"), "{}", 400),
        (Some("application/cloudevents-batch+json"), "[]", 400),
    ] {
        let headers =
            media.map_or_else(HeaderMap::new, |media| headers(&[("content-type", media)]));
        let error = decode(&headers, body.as_bytes(), &source(), now()).unwrap_err();
        assert_eq!(error.status().as_u16(), status, "{media:?} {body}: {error}");
    }
    let zipped = headers(&[("content-type", "application/json"), ("content-encoding", "gzip")]);
    assert_eq!(
        decode(&zipped, event.as_bytes(), &source(), now()).unwrap_err().status().as_u16(),
        415
    );
    let many = format!("[{}]", vec!["{}"; 1001].join(","));
    let error = decode(&json_headers(), many.as_bytes(), &source(), now()).unwrap_err();
    assert_eq!(error.status().as_u16(), 413);
    let deep = "[".repeat(10_000);
    let error = decode(&json_headers(), deep.as_bytes(), &source(), now()).unwrap_err();
    assert_eq!(error.status().as_u16(), 400);
    for media in
        ["Application/JSON", "application/json;charset=\"UTF-8\"", "application/json ; a=b"]
    {
        assert!(
            decode(&headers(&[("content-type", media)]), event.as_bytes(), &source(), now())
                .is_ok(),
            "{media}"
        );
    }
}

/// What no answer may contain, wherever a sender puts it.
const CANARY: &str = "Kanariefågel";

proptest! {
    #[test]
    fn no_answer_repeats_a_value(
        name in prop::sample::select(vec!["marked", "notified", "report", "closed"]),
        pick in any::<prop::sample::Index>(),
        shape in 0..8usize,
        cloud in any::<bool>(),
    ) {
        let mut event = example(name);
        let mut pointers: Vec<String> = Vec::new();
        let mut ways = vec![String::new()];
        while let Some(way) = ways.pop() {
            if let Some(object) = event.pointer(&way).and_then(Value::as_object) {
                let keys = object.keys().filter(|key| *key != "id");
                ways.extend(keys.map(|key| format!("{way}/{key}")));
            }
            pointers.push(way);
        }
        let pointer = &pointers[pick.index(pointers.len())];
        *event.pointer_mut(pointer).unwrap() = match shape {
            0 => json!(CANARY),
            1 => json!([CANARY]),
            2 => json!({ "id": CANARY, "start": CANARY }),
            3 => json!(format!("x`, expected one of `{CANARY}`")),
            4 => json!(format!("x, expected {CANARY}")),
            5 => json!(199_001_011_234_u64),
            6 => json!(19_900_101_123.4),
            _ => json!(format!("2026-11-23T08:20:00{CANARY}")),
        };
        let (media, body) = if cloud {
            let mut whole = json!({ "specversion": "1.0", "id": "1", "source": "/x" });
            whole["type"] = event["type"].clone();
            whole["data"] = event;
            ("application/cloudevents-batch+json", json!([whole]))
        } else {
            ("application/json", json!([event]))
        };
        let headers = headers(&[("content-type", media)]);
        let decoded = decode(&headers, body.to_string().as_bytes(), &source(), now()).unwrap();
        if let Err(error) = &decoded.items[0].result {
            for secret in [CANARY, "1990", "19900101123"] {
                prop_assert!(!error.contains(secret), "{}", error);
            }
        }
    }

    #[test]
    fn no_body_panics(body in "[\\[\\]{}:,\"a1 ]{0,40}", media in 0..4usize) {
        let media = [
            "application/json",
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
            "text/json",
        ][media];
        let headers = headers(&[("content-type", media), ("ce-id", "1")]);
        let _ = decode(&headers, body.as_bytes(), &source(), now());
    }
}
