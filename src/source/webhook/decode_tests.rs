//! Tests of `decode`: every form, every type, every check; and that what is said to the sender
//! repeats nothing personal.

use http::HeaderValue;
use proptest::prelude::*;
use serde_json::json;

use super::super::examples;
use super::*;
use crate::model::{Mark, NoticeKind};

fn now() -> Timestamp {
    "2026-11-23T08:45:00+01:00".parse().expect("now")
}

fn source() -> SourceId {
    SourceId::new("dexter").expect("source")
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in list {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("value"));
    }
    map
}

fn json_headers() -> HeaderMap {
    headers(&[("content-type", "application/json; charset=utf-8")])
}

fn native(body: &Value) -> Vec<Item> {
    decode(&json_headers(), body.to_string().as_bytes(), &source(), now()).expect("usable").items
}

fn example(name: &str) -> Value {
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

#[test]
fn every_check_names_the_place_and_the_remedy() {
    let marks = "present, unexcused, excused, late, left_early, other_activity, unknown";
    for (name, pointer, value, words) in [
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
    ] {
        let words = words.replace("MARKS", marks).replace("TYPES", &TYPES.join(", "));
        let error = error(&with(name, pointer, value));
        assert!(error.starts_with(&words), "{error}\nshould start\n{words}");
    }
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

fn cloud_event() -> Value {
    let mut data = example("marked");
    let fields = data.as_object_mut().expect("object");
    let id = fields.remove("id");
    fields.remove("type");
    json!({
        "specversion": "1.0", "id": id, "source": "/dexter/sydskola", "type": "se.example.attendance.marked",
        "time": "2026-11-23T08:31:08+01:00", "datacontenttype": "application/json", "traceparent": "00-1",
        "count": 3, "dataschema": null, "data": data,
    })
}

fn structured(event: &Value) -> Item {
    let headers = headers(&[("content-type", "application/cloudevents+json")]);
    decode(&headers, event.to_string().as_bytes(), &source(), now())
        .expect("usable")
        .items
        .remove(0)
}

#[test]
fn a_cloud_event_is_the_same_fact() {
    let item = structured(&cloud_event());
    let observation = item.result.expect("decodes");
    assert_eq!(item.id.as_deref(), Some("evt-000001"));
    assert_eq!(observation.event.as_str(), "/dexter/sydskola|evt-000001");
    let plain = native(&example("marked")).remove(0).result.expect("decodes");
    assert_eq!((observation.fact, observation.school), (plain.fact, plain.school));
}

#[test]
fn a_batch_of_cloud_events() {
    let mut bad = cloud_event();
    bad["specversion"] = json!("0.3");
    let body = json!([cloud_event(), bad]);
    let headers = headers(&[("content-type", "application/cloudevents-batch+json; charset=UTF-8")]);
    let items = decode(&headers, body.to_string().as_bytes(), &source(), now()).unwrap().items;
    assert!(items[0].result.is_ok());
    assert_eq!(items[1].result.as_ref().unwrap_err(), "specversion: must be 1.0");
}

#[test]
fn faults_of_a_cloud_event_are_told_in_its_own_terms() {
    let change = |pointer: &str, value: Value| {
        let mut event = cloud_event();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(field)
        } else {
            parent.insert(field.to_owned(), value)
        };
        event
    };
    for (event, words) in [
        (change("/source", Value::Null), "source: is missing or empty"),
        (change("/id", json!("")), "id: is missing or empty"),
        (change("/id", json!(5)), "id: must be a string, not a number"),
        (change("/id", json!("a\nb")), "id: holds a control"),
        (change("/type", json!("com.example.order.created")), "type: is not one of"),
        (change("/type", json!("xattendance.marked")), "type: is not one of"),
        (change("/data", Value::Null), "data: is missing"),
        (change("/data", json!("x")), "data: must be an object, not a string"),
        (change("/data/id", json!("x")), "data.id: belongs in the attribute id alone"),
        (change("/data/mark", json!("gone")), "data.mark: is not one of"),
        (
            change("/data/lesson/start", json!("2026-11-23T08:20:00")),
            "data.lesson.start: no offset",
        ),
        (change("/data/school", Value::Null), "data.school: is missing"),
        (change("/school", json!("another")), "data.school: differs from the attribute school"),
        (
            change("/datacontenttype", json!("application/xml")),
            "datacontenttype: must be application/json",
        ),
        (change("/data_base64", json!("e30=")), "data_base64: is not read here"),
    ] {
        let error = structured(&event).result.unwrap_err();
        assert!(error.starts_with(words), "{error}\nshould start\n{words}");
    }
    for (attribute, school) in [("school", "ext"), ("subject", "sub")] {
        let mut event = change("/data/school", Value::Null);
        event[attribute] = json!(school);
        assert_eq!(structured(&event).result.expect(attribute).school.as_str(), school);
        event[attribute] = json!(" x");
        let error = structured(&event).result.unwrap_err();
        assert!(error.starts_with(&format!("{attribute}: holds")), "{error}");
    }
    let mut event = cloud_event();
    event["subject"] = json!("pupils/p-1001");
    assert_eq!(structured(&event).result.expect("subject").school.as_str(), "lindskolan");
}

#[test]
fn binary_mode_takes_attributes_from_headers() {
    let data = cloud_event()["data"].to_string();
    let good = headers(&[
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "b%C3%A5t%201"),
        ("ce-source", "/dexter"),
        ("ce-type", "attendance.marked"),
    ]);
    let item = decode(&good, data.as_bytes(), &source(), now()).unwrap().items.remove(0);
    assert_eq!(item.result.expect("decodes").event.as_str(), "/dexter|båt 1");
    for (name, value, words) in [
        ("ce-specversion", "0.3", "ce-specversion: must be 1.0"),
        ("ce-id", "", "ce-id: is missing or empty"),
        ("ce-id", "%ff", "ce-id: is not UTF-8"),
        ("ce-source", "", "ce-source: is missing or empty"),
        ("ce-type", "x", "ce-type: is not one of"),
        ("ce-school", "another", "data.school: differs"),
    ] {
        let mut headers = good.clone();
        headers.insert(name, HeaderValue::from_static(value));
        let item = decode(&headers, data.as_bytes(), &source(), now()).unwrap().items.remove(0);
        let error = item.result.unwrap_err();
        assert!(error.starts_with(words), "{error}\nshould start\n{words}");
    }
    let mut twice = good.clone();
    twice.append("ce-id", HeaderValue::from_static("2"));
    let item = decode(&twice, data.as_bytes(), &source(), now()).unwrap().items.remove(0);
    assert_eq!(item.result.unwrap_err(), "ce-id: appears twice");
    assert_eq!(decode(&good, b"{", &source(), now()).unwrap_err().status().as_u16(), 400);
    let array = decode(&good, b"[]", &source(), now()).unwrap().items.remove(0);
    assert_eq!(array.result.unwrap_err(), "data: must be an object, not an array");
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
