//! Tests of `decode` with CloudEvents: structured, batch and binary mode.

use http::HeaderValue;
use serde_json::json;

use super::tests::{example, headers, native, now, source};
use super::*;

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
