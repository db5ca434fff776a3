//! Tests of the published descriptions: the examples validate, the schema agrees with the decoder,
//! and the document holds together.

use http::HeaderMap;
use jiff::Timestamp;
use jsonschema::Validator;

use super::*;
use crate::model::SourceId;
use crate::source::webhook::decode;

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

fn decodes(media: &'static str, body: &Value) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static(media));
    let now: Timestamp = "2026-11-23T08:45:00+01:00".parse().expect("now");
    let source = SourceId::new("dexter").expect("source");
    decode(&headers, body.to_string().as_bytes(), &source, now)
        .is_ok_and(|decoded| decoded.items.iter().all(|item| item.result.is_ok()))
}

fn example(name: &str) -> Value {
    examples::events().into_iter().find(|(known, ..)| *known == name).expect("example").2
}

/// The example with the value at a pointer replaced, or its field removed.
fn with(name: &str, pointer: &str, value: Option<Value>) -> Value {
    let mut event = example(name);
    let (parent, field) = pointer.rsplit_once('/').expect("pointer");
    let parent = event.pointer_mut(parent).expect("parent").as_object_mut().expect("object");
    match value {
        Some(value) => drop(parent.insert(field.to_owned(), value)),
        None => drop(parent.remove(field)),
    }
    event
}

/// Events, whether they are good, and whether a schema can know that.
fn table() -> Vec<(Value, bool, bool)> {
    let seen = true;
    let unseen = false;
    let mut table: Vec<_> =
        examples::events().into_iter().map(|(.., event)| (event, true, seen)).collect();
    for (name, pointer, value, good, by_schema) in [
        ("marked", "/type", None, false, seen),
        ("marked", "/type", Some(json!("attendance.mark")), false, seen),
        ("marked", "/type", Some(json!("register.closed")), false, seen),
        ("marked", "/id", None, false, seen),
        ("marked", "/id", Some(json!("")), false, seen),
        ("marked", "/id", Some(json!(7)), false, seen),
        ("marked", "/id", Some(json!("x".repeat(128))), true, seen),
        ("marked", "/id", Some(json!("x".repeat(129))), false, seen),
        ("marked", "/id", Some(json!("å".repeat(65))), false, unseen),
        ("marked", "/id", Some(json!("a\nb")), false, unseen),
        ("marked", "/school", None, false, seen),
        ("marked", "/pupil", None, false, seen),
        ("marked", "/pupil", Some(Value::Null), false, seen),
        ("marked", "/mark", Some(json!("absent")), false, seen),
        ("marked", "/mark", Some(json!("Late")), false, seen),
        ("marked", "/mark", Some(json!({ "late": null })), false, seen),
        ("marked", "/mark", Some(json!("unknown")), true, seen),
        ("marked", "/minutes", None, true, seen),
        ("marked", "/minutes", Some(Value::Null), true, seen),
        ("marked", "/minutes", Some(json!({ "absent": 0 })), false, seen),
        ("marked", "/minutes/absent", Some(json!(12.0)), true, seen),
        ("marked", "/minutes/absent", Some(json!(12.5)), false, seen),
        ("marked", "/minutes/absent", Some(json!(-1)), false, seen),
        ("marked", "/minutes/absent", Some(json!(1440)), true, seen),
        ("marked", "/minutes/absent", Some(json!(1441)), false, seen),
        ("marked", "/minutes/extra", Some(json!(1)), false, seen),
        ("marked", "/register_closed", Some(json!("true")), false, seen),
        ("marked", "/register_closed", Some(Value::Null), true, seen),
        ("marked", "/recorded_by", Some(json!("")), false, seen),
        ("marked", "/recorded_at", Some(json!("2026-11-23T07:31:07Z")), true, seen),
        ("marked", "/recorded_at", Some(json!("2026-11-23t07:31:07.1234567z")), true, seen),
        ("marked", "/recorded_at", Some(json!("2026-11-23T08:31:07")), false, seen),
        ("marked", "/recorded_at", Some(json!("2026-11-23 08:31:07+01:00")), false, seen),
        ("marked", "/recorded_at", Some(json!("2026-11-23T08:31+01:00")), false, seen),
        ("marked", "/recorded_at", Some(json!("2026-02-30T08:31:07+01:00")), false, seen),
        ("marked", "/recorded_at", Some(json!("2026-11-23T08:31:07+25:00")), false, seen),
        ("marked", "/recorded_at", Some(json!("0001-01-01T00:00:00Z")), false, seen),
        ("marked", "/recorded_at", Some(json!("2101-01-01T00:00:00Z")), false, seen),
        ("marked", "/recorded_at", Some(json!(1_795_419_067)), false, seen),
        ("marked", "/recorded_at", Some(json!("2026-11-24T08:31:07+01:00")), false, unseen),
        ("marked", "/lesson/end", Some(json!("2026-11-23T08:20:00+01:00")), false, unseen),
        ("marked", "/lesson/end", Some(json!("2026-11-25T08:20:00+01:00")), false, unseen),
        ("marked", "/lesson/end", None, false, seen),
        ("marked", "/lesson/label", Some(json!("å".repeat(200))), true, seen),
        ("marked", "/lesson/label", Some(json!("å".repeat(201))), false, seen),
        ("marked", "/lesson/label", Some(json!("a\r\nb")), false, seen),
        ("marked", "/lesson/label", Some(Value::Null), true, seen),
        ("marked", "/lesson/room", Some(json!("A1")), false, seen),
        ("marked", "/note", Some(json!("x")), false, seen),
        ("report", "/note", Some(json!("😀".repeat(500))), true, seen),
        ("report", "/note", Some(json!("😀".repeat(501))), false, seen),
        ("report", "/note", Some(json!("two\nlines")), true, seen),
        ("report", "/note", Some(json!("a\u{0}b")), false, seen),
        ("report", "/reported_by", None, false, seen),
        ("notified", "/kind", Some(json!("sick")), false, seen),
        ("notified", "/to", Some(json!("2026-11-22T00:00:00+01:00")), false, unseen),
        ("closed", "/closed_at", None, false, seen),
        ("closed", "/pupil", Some(json!("p-1")), false, seen),
    ] {
        table.push((with(name, pointer, value), good, by_schema));
    }
    table
}

#[test]
fn the_schema_and_the_decoder_agree() {
    let validator = validator(&schema_events());
    for (event, good, by_schema) in table() {
        for body in [event.clone(), json!([event])] {
            assert_eq!(decodes("application/json", &body), good, "decode: {body}");
            assert_eq!(validator.is_valid(&body), good || !by_schema, "schema: {body}");
        }
    }
}

#[test]
fn bodies_that_are_no_events_are_refused_by_both() {
    let validator = validator(&schema_events());
    let many = Value::Array(vec![example("marked"); 1001]);
    for body in [json!([]), json!("x"), json!(null), json!(1), json!({}), json!([[]]), many] {
        assert!(!validator.is_valid(&body) && !decodes("application/json", &body), "{body}");
    }
}

/// A schema of the document with its components, as a schema of its own.
fn part(document: &Value, pointer: &str) -> Value {
    let mut schema = document.pointer(pointer).expect(pointer).clone();
    schema["components"] = document["components"].clone();
    schema
}

#[test]
fn cloud_events_agree_too() {
    let document = document("0", &[]);
    let content = "/paths/~1hooks~1{source}/post/requestBody/content";
    let one =
        validator(&part(&document, &format!("{content}/application~1cloudevents+json/schema")));
    let batch = validator(&part(
        &document,
        &format!("{content}/application~1cloudevents-batch+json/schema"),
    ));
    for (event, good, by_schema) in table() {
        // What the envelope holds is checked below.
        let Some(id) = event["id"].as_str().filter(|id| !id.is_empty() && id.len() < 100) else {
            continue;
        };
        let Some(kind) = event["type"].as_str().filter(|kind| !kind.ends_with("mark")) else {
            continue;
        };
        let mut data = event.clone();
        data.as_object_mut().expect("object").retain(|name, _| name != "id" && name != "type");
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/x", "type": format!("se.example.{kind}"), "data": data,
        });
        let no_school = event["data"].get("school").is_none();
        assert_eq!(decodes("application/cloudevents+json", &event), good, "decode: {event}");
        assert_eq!(one.is_valid(&event), good || !by_schema || no_school, "schema: {event}");
        assert_eq!(batch.is_valid(&json!([event])), one.is_valid(&event));
    }
    let mut good = json!({
        "specversion": "1.0", "id": "1", "source": "/x", "type": "attendance.marked", "school": "s", "extra": 1,
        "data": example("marked"),
    });
    good["data"]
        .as_object_mut()
        .expect("object")
        .retain(|name, _| !matches!(name.as_str(), "id" | "type" | "school"));
    for (field, value, fine) in [
        ("extra", json!(2), true),
        ("specversion", json!("0.3"), false),
        ("id", json!(""), false),
        ("source", json!(1), false),
        ("type", json!("xattendance.marked"), false),
        ("type", json!("register.closed"), false),
        ("data", json!("x"), false),
        ("data", example("marked"), false),
    ] {
        let mut event = good.clone();
        event[field] = value;
        assert_eq!(decodes("application/cloudevents+json", &event), fine, "decode: {event}");
        assert_eq!(one.is_valid(&event), fine, "schema: {event}");
    }
}

/// Every `$ref` in a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(to) if name == "$ref" => found.push(to.clone()),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [document("1.2.3", &[]), schema_events()] {
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 10);
        for to in found {
            let pointer = to.strip_prefix('#').expect("inside the document");
            assert!(document.pointer(pointer).is_some(), "{to}");
        }
    }
}

#[test]
fn descriptions_come_from_the_code() {
    let text = schema_events().to_string();
    for words in
        ["\"maxLength\":500", "\"maxItems\":1000", "date-time", "Planned start.", "left_early"]
    {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn other_rooms_add_their_routes() {
    fn register(api: &mut OpenApi) {
        let schema = api.schema::<ErrorAnswer>();
        api.add(Operation {
            method: Method::PUT,
            path: "/things/{kind}/{id}",
            id: "putThing",
            summary: "Puts a thing",
            description: "",
            tag: "Things",
            query: Vec::new(),
            security: vec!["bearer"],
            bodies: vec![Content {
                media: "text/csv",
                schema: json!({ "type": "string" }),
                examples: Vec::new(),
            }],
            answers: vec![Answer::new(StatusCode::OK, "Done.", Some(schema))],
        });
    }
    let document = document("0", &[register]);
    let put = &document["paths"]["/things/{kind}/{id}"]["put"];
    assert_eq!(put["parameters"][1]["name"], "id");
    assert_eq!(
        put["responses"]["200"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/ErrorAnswer"
    );
    let hooks = &document["paths"]["/hooks/{source}"]["post"];
    for status in ["202", "400", "401", "408", "413", "415", "422", "429", "503"] {
        assert!(hooks["responses"].get(status).is_some(), "{status}");
    }
    assert!(hooks["responses"]["503"]["headers"].get("Retry-After").is_some());
}
