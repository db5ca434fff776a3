//! The forms an event may come in: native, an array, and CloudEvents structured, batched and
//! binary; how many at once; and the shape of the answer.

use serde_json::{Value, json};

use crate::inlet::{Answer, send};
use crate::world::{Setup, TOKEN, World};

async fn post(world: &World, media: &str, more: &[(&str, &str)], body: &Value) -> Answer {
    let token = format!("Bearer {TOKEN}");
    let mut headers = vec![("content-type", media), ("authorization", &*token)];
    headers.extend(more);
    send(world, "/hooks/src", &headers, body.to_string()).await
}

/// Sends again what was put off, as senders do where the machine is slow; how many events were
/// taken by the last answer, and how many before it.
async fn patiently(world: &World, body: &Value) -> (u64, u64) {
    for _ in 0..10 {
        let answer = post(world, "application/json", &[], body).await;
        if answer.status != 503 {
            let (taken, known, rejected) = answer.counts();
            assert_eq!((answer.status, rejected), (202, 0), "{}", answer.text);
            return (taken, known);
        }
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    panic!("put off ten times:\n{}", world.log());
}

/// The same event in a CloudEvents envelope.
fn wrapped(mut event: Value) -> Value {
    let fields = event.as_object_mut().expect("an object");
    let id = fields.remove("id").expect("id");
    let kind = fields.remove("type").expect("type");
    let school = fields.remove("school").expect("school");
    let kind = format!("se.example.{}", kind.as_str().expect("text"));
    json!({
        "specversion": "1.0", "id": id, "source": "/dexter", "type": kind, "subject": school,
        "data": event,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_events_in_all_three_modes_are_the_same_events() {
    let world = Setup::default().start().await;
    let structured = wrapped(world.marked("nils", "l1", "unexcused", 5));
    let media = "application/cloudevents+json";
    let answer = post(&world, media, &[], &structured).await;
    assert_eq!((answer.status, answer.counts()), (202, (1, 0, 0)), "{}", answer.text);

    let batch = json!([
        structured,
        wrapped(world.marked("alva", "l1", "unexcused", 5)),
        wrapped(world.marked("alva", "l1", "unexcused", 5)),
        {"specversion": "1.0"},
    ]);
    let answer = post(&world, "application/cloudevents-batch+json", &[], &batch).await;
    assert_eq!((answer.status, answer.counts()), (202, (2, 1, 1)), "{}", answer.text);

    // The first once more, in binary mode: known by source and id.
    let id = structured["id"].as_str().expect("id");
    let attributes = [
        ("ce-specversion", "1.0"),
        ("ce-id", id),
        ("ce-source", "/dexter"),
        ("ce-type", "attendance.marked"),
        ("ce-subject", "s1"),
    ];
    let answer = post(&world, "application/json", &attributes, &structured["data"]).await;
    assert_eq!((answer.status, answer.counts()), (202, (0, 1, 0)), "{}", answer.text);
    let mut other = attributes;
    other[2].1 = "/another";
    let later = wrapped(world.marked("nils", "l2", "unexcused", 5));
    let answer = post(&world, "application/json", &other, &later["data"]).await;
    assert_eq!((answer.status, answer.counts()), (202, (1, 0, 0)), "{}", answer.text);
    // nils twice, alva's two guardians once.
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_counts_and_names_what_was_not_taken() {
    let world = Setup::default().start().await;
    let known = world.marked("nils", "l1", "unexcused", 5);
    world.accept(&known).await;
    let mut nameless = world.marked("nils", "l2", "unexcused", 5);
    nameless.as_object_mut().expect("an object").remove("id");
    let mixed = json!([
        known,
        world.marked("nils", "l3", "unexcused", 5),
        nameless,
        {"type": "attendance.marked", "id": "x-1", "school": "s1", "mark": "vanished"},
        7,
    ]);
    let answer = post(&world, "application/json", &[], &mixed).await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["accepted", "duplicate", "rejected"]);
    assert_eq!(answer.counts(), (1, 1, 3));
    let rejected = body["rejected"].as_array().expect("an array");
    let places: Vec<_> = rejected.iter().map(|r| (r["index"].clone(), r["id"].clone())).collect();
    assert_eq!(
        places,
        [(2.into(), Value::Null), (3.into(), "x-1".into()), (4.into(), Value::Null)]
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_at_a_time_and_not_one_more() {
    let world = Setup::default().start().await;
    let pupils = ["nils", "mail", "alva", "ensam", "vuxen"];
    let marks = |n: usize| -> Value {
        let of = |i: usize| world.marked(pupils[i % 5], &format!("l{i}"), "present", 5);
        (0..n).map(of).collect()
    };
    let too_many = post(&world, "application/json", &[], &marks(1001)).await;
    assert_eq!(too_many.status, 413);
    assert_eq!(
        too_many.json(),
        json!({"error": "1001 events in one request; send at most 1000 at a time"})
    );
    let mut all = marks(1000);
    all[999] = world.marked("alva", "l1", "unexcused", 5);
    let (taken, known) = patiently(&world, &all).await;
    assert_eq!(taken + known, 1000);
    assert_eq!(patiently(&world, &all).await, (0, 1000));
    world.quiet(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_refused_in_words() {
    let world = Setup::default().start().await;
    let good = world.marked("nils", "l1", "unexcused", 5);
    for (media, body, status, words) in [
        ("text/plain", good.to_string(), 415, "the Content-Type is not read here"),
        ("application/json; charset=iso-8859-1", good.to_string(), 415, "the charset"),
        ("application/cloudevents+json", json!([good]).to_string(), 400, "holds one event"),
        ("application/cloudevents-batch+json", good.to_string(), 400, "holds an array"),
        ("application/json", "[]".into(), 400, "the array is empty"),
        ("application/json", String::new(), 400, "it is empty"),
        ("application/json", "null".into(), 400, "must be an event"),
        ("application/json", good.to_string() + "x", 400, "not JSON"),
        ("application/json", good.to_string()[..40].into(), 400, "not JSON"),
        ("application/json", "{\"type\":\"a\",\"type\":\"b\"}".into(), 422, "appears twice"),
    ] {
        let token = format!("Bearer {TOKEN}");
        let headers = [("content-type", media), ("authorization", &*token)];
        let answer = send(&world, "/hooks/src", &headers, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert!(answer.text.contains(words), "{body}: {}", answer.text);
    }
    let token = format!("Bearer {TOKEN}");
    let packed = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("authorization", &*token),
    ];
    assert_eq!(send(&world, "/hooks/src", &packed, good.to_string()).await.status, 415);
    assert_eq!(send(&world, "GET /hooks/src", &packed, "").await.status, 405);
    world.quiet(0).await;
}
