//! Subscriptions and callbacks, with a listener that keeps what it hears.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::acts::within;
use super::*;

/// Answers every call with `status` and passes on what was said.
async fn listener(tasks: &TaskTracker, status: &'static str) -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (sender, hears) = mpsc::channel(100);
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let body = loop {
                let mut more = [0; 4096];
                let Ok(n) = stream.read(&mut more).await else { break Value::Null };
                bytes.extend_from_slice(&more[..n]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((_, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str(body)
                {
                    break body;
                }
                if n == 0 {
                    break Value::Null;
                }
            };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            if sender.send(body).await.is_err() {
                return;
            }
        }
    });
    (url, hears)
}

fn wish(target: &str) -> Value {
    let resources = json!([{"resource": "Attendance"}, {"resource": "Absence"}]);
    json!({"name": "upprop", "target": target, "resourceTypes": resources})
}

async fn next(hears: &mut mpsc::Receiver<Value>) -> Value {
    let mut body = Value::Null;
    within("a callback", async { body = hears.recv().await.expect("a callback") }).await;
    body
}

#[tokio::test]
async fn a_change_is_told_to_those_who_want_to_know() {
    let tasks = TaskTracker::new();
    let (target, mut hears) = listener(&tasks, "200 OK").await;
    let visit = Visit::new("");
    let (status, made) = visit.post("subscriptions", &wish(&target)).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(made["resourceTypes"], json!([{"resource": "Absence"}, {"resource": "Attendance"}]));
    let (lesson, pupil, _) = visit.lesson();
    let lesson = lesson.id.to_string();
    visit.act(Act::Absent { pupil: pupil.clone(), lesson: lesson.clone(), reported: true });
    let told = json!({"modifiedEntites": ["Attendance"], "deletedEntities": false});
    assert_eq!(next(&mut hears).await, told);
    // Nobody here wants to know of lessons: the next that is heard is of the deletion.
    visit.act(Act::Cancel { lesson: lesson.clone(), cancelled: true });
    visit.act(Act::Unmark { pupil, lesson });
    assert_eq!(next(&mut hears).await["deletedEntities"], true);
    // One that is forged, twice.
    visit.act(Act::Callback {
        modified: std::collections::BTreeSet::new(),
        deleted: false,
        times: 2,
        body: Some(json!({"hello": 1})),
        target: None,
    });
    assert_eq!(
        [next(&mut hears).await, next(&mut hears).await],
        [json!({"hello": 1}), json!({"hello": 1})]
    );

    let url = format!("{}/subscriptions/{id}", visit.school.url());
    let extended = visit.call(http::Request::patch(&url), &Value::Null).await;
    assert_eq!(extended.0, 200);
    assert!(extended.1["expires"].as_str() >= made["expires"].as_str());
    assert_eq!(visit.call(http::Request::patch(&url), &json!({})).await.0, 400);
    assert_eq!(visit.rows("subscriptions").await.len(), 1);
    assert_eq!(visit.call(http::Request::delete(&url), &Value::Null).await.0, 204);
    assert_eq!(visit.call(http::Request::patch(&url), &Value::Null).await, (404, Value::Null));
}

#[tokio::test]
async fn a_callback_that_is_not_answered_as_it_must_be_comes_again() {
    let tasks = TaskTracker::new();
    let (target, mut hears) = listener(&tasks, "204 No Content").await;
    let visit = Visit::with("skolverket", |settings| {
        settings.retry = SignedDuration::from_millis(1);
    });
    assert_eq!(visit.post("subscriptions", &wish(&target)).await.0, 201);
    let (lesson, pupil, _) = visit.lesson();
    visit.act(Act::Absent { pupil, lesson: lesson.id.to_string(), reported: true });
    for _ in 0..4 {
        assert_eq!(next(&mut hears).await, json!({"modifiedEntities": ["Attendance"]}));
    }
}

#[tokio::test]
async fn a_subscription_ends_and_is_refused_when_it_is_wrong() {
    let visit = Visit::with("", |settings| settings.subscription = SignedDuration::ZERO);
    let target = "http://127.0.0.1:9/hook";
    let (_, made) = visit.post("subscriptions", &wish(target)).await;
    let id = made["id"].as_str().expect("an id");
    assert_eq!(visit.get(&format!("subscriptions/{id}")).await.0, 404, "it has ended");
    let outside = visit.post("subscriptions", &wish("https://example.se/hook")).await;
    assert_eq!(code(&outside), (400, "target"));
    let words = json!({"name": "upprop", "target": target, "resourceTypes": ["Attendance"]});
    assert_eq!(code(&visit.post("subscriptions", &words).await), (400, "resource_type"));
    visit.school.set_quirks("plain-resources".parse().expect("known"));
    assert_eq!(visit.post("subscriptions", &words).await.0, 201);
}
