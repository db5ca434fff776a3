//! `PUT /api/directory`: who may, what is taken, what is held back until confirmed.

use serde_json::{Value, json};

use crate::inlet::{Answer, amend, raw, send};
use crate::world::{API_TOKEN, Setup, TOKEN, World};

async fn put(world: &World, query: &str, token: &str, body: &Value) -> Answer {
    let credentials = format!("Bearer {token}");
    let headers = [("authorization", &*credentials), ("content-type", "application/json")];
    send(world, &format!("PUT /api/directory{query}"), &headers, body.to_string()).await
}

fn directory(pupils: usize) -> Value {
    let pupil = |i: usize| {
        json!({"id": format!("p{i}"), "school": "s1", "given-name": "Nils",
               "birth-date": "2012-01-15", "protection": "none"})
    };
    let guardian = |i: usize| {
        json!({"pupil": format!("p{i}"), "school": "s1", "guardian": "g-nils",
               "phone": "070-174 06 07", "may-receive": true})
    };
    json!({
        "pupils": (0..pupils).map(pupil).collect::<Vec<_>>(),
        "guardians": (0..pupils).map(guardian).collect::<Vec<_>>(),
    })
}

/// A world without a folder.
async fn world() -> World {
    let mut world = Setup::default().prepare();
    amend(&world, "folder = \"directory\"\n", "");
    world.start().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_token_and_nobody_else() {
    let world = world().await;
    for token in ["", "wrong", TOKEN] {
        let answer = put(&world, "", token, &directory(1)).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, ""));
    }
    // Whoever reports meanwhile is asked to come again, and loses nothing.
    let marked = world.marked("p0", "l1", "unexcused", 5);
    assert_eq!(world.post(&marked).await.0, 503, "nothing was taken");
    assert_eq!(send(&world, "GET /readyz", &[], "").await.status, 503);
    let taken = put(&world, "", API_TOKEN, &directory(1)).await;
    assert_eq!((taken.status, &taken.json()["status"]), (200, &json!("taken")), "{}", taken.text);
    assert_eq!(taken.json()["change"]["pupils"], 1);
    let again = put(&world, "", API_TOKEN, &directory(1)).await;
    assert_eq!(again.json(), json!({"status": "unchanged"}));
    assert_eq!(send(&world, "GET /readyz", &[], "").await.status, 200);
    world.accept(&marked).await;
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_strangers_body_nothing_is_read() {
    let world = world().await;
    let head = format!(
        "PUT /api/directory HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 200000000\r\nConnection: close\r\n\r\n{{\"pupils\":",
        world.address
    );
    let answer = raw(world.address, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "at once, and not when the body is late: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_wrong_waits_for_its_digest() {
    let mut world = world().await;
    assert_eq!(put(&world, "", API_TOKEN, &directory(20)).await.status, 200);
    let fewer = directory(3);
    let refused = put(&world, "", API_TOKEN, &fewer).await;
    assert_eq!((refused.status, &refused.json()["status"]), (409, &json!("refused")));
    let causes = refused.json()["causes"].to_string();
    assert!(causes.contains("17 of 20 pupils are gone"), "{causes}");
    let digest = refused.json()["confirm"].as_str().expect("a digest").to_owned();
    // The digest of this load confirms no other.
    let other = put(&world, &format!("?confirm={digest}"), API_TOKEN, &directory(2)).await;
    assert_eq!(other.status, 409);
    let taken = put(&world, &format!("?confirm={digest}"), API_TOKEN, &fewer).await;
    assert_eq!((taken.status, &taken.json()["change"]["removed"]), (200, &json!(17)));
    world.kill();
    world.start().await;
    let again = put(&world, "", API_TOKEN, &fewer).await;
    assert_eq!(again.json(), json!({"status": "unchanged"}), "in force after a crash");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_told_whole_and_without_names() {
    let world = world().await;
    let mut bad = directory(3);
    bad["pupils"][0]["birth-date"] = "Hemlig".into();
    bad["pupils"][1]["school"] = "s9".into();
    bad["guardians"][0]["phone"] = "Hemlig 070-174 06 07".into();
    bad["guardians"][1]["may-receive"] = "Hemlig".into();
    bad["guardians"][2]["favourite"] = "Hemlig".into();
    let answer = put(&world, "", API_TOKEN, &bad).await;
    assert_eq!((answer.status, &answer.json()["status"]), (422, &json!("unusable")));
    let problems = answer.json()["problems"].as_array().expect("an array").clone();
    assert!(problems.len() >= 3, "all at once: {problems:?}");
    assert!(!answer.text.contains("Hemlig") && !answer.text.contains("174 06"), "{}", answer.text);
    for body in ["", "[]", "{\"pupils\":[],\"guardians\":[]}", "{\"pupils\":"] {
        let credentials = format!("Bearer {API_TOKEN}");
        let headers = [("authorization", &*credentials), ("content-type", "application/json")];
        let answer = send(&world, "PUT /api/directory", &headers, body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
    }
    assert!(!world.log().contains("Hemlig"), "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_the_api_do_not_mix() {
    let world = Setup::default().start().await;
    let answer = put(&world, "", API_TOKEN, &directory(1)).await;
    assert_eq!((answer.status, &answer.json()["status"]), (409, &json!("from-folder")));
    world.quiet(0).await;
}
