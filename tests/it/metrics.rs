//! `GET /metrics` of the real daemon: what happened is counted once and only when it did, how it is can be
//! read, and nothing in it says anything about a person.

use serde_json::json;
use upprop::env::SystemClock;

use crate::faults::http;
use crate::world::{Setup, TOKEN, World, soon, within};

/// The numbers as Prometheus text.
pub async fn scrape(world: &World) -> String {
    let url = format!("http://{}/metrics", world.address);
    let answer = within("/metrics", world.client().get(url).send()).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.expect("a body")
}

/// One sample of a text.
fn sample(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

/// Waits until a sample has a value.
async fn shows(world: &World, name: &str, value: f64) -> String {
    let clock = SystemClock::new();
    within(name, async {
        loop {
            let text = scrape(world).await;
            if sample(&text, name).is_some_and(|found| (found - value).abs() < 1e-9) {
                return text;
            }
            upprop::env::Clock::sleep_until(&clock, soon(&clock)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_counted() {
    let mut world = Setup::default().start().await;
    let text = scrape(&world).await;
    for name in [
        r#"upprop_events_total{source="src",outcome="accepted"}"#,
        r#"upprop_attempts_total{account="elks",outcome="accepted"}"#,
        r#"upprop_queue_rows{lane="sms-urgent",when="due"}"#,
        r#"upprop_messages{state="held"}"#,
    ] {
        assert_eq!(sample(&text, name), Some(0.0), "{name} before anything happened:\n{text}");
    }
    let absence = world.marked("nils", "l1", "unexcused", 5);
    world.accept(&absence).await;
    let (status, answer) = world.post(&absence).await;
    assert_eq!((status, &answer["duplicate"]), (202, &json!(1)));
    let mut unknown = world.marked("nils", "l2", "unexcused", 5);
    unknown["pupil"] = json!("nobody-here");
    let (status, answer) = world.post(&unknown).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(world.post_as("src", "wrong", absence.to_string()).await.0, 401);
    assert_eq!(world.post_as("elsewhere", TOKEN, absence.to_string()).await.0, 401);
    world.messages(1).await;
    shows(&world, r#"upprop_attempts_total{account="elks",outcome="accepted"}"#, 1.0).await;
    let report = r#"upprop_receipts_total{account="elks",status="delivered",outcome="new"}"#;
    let text = shows(&world, report, 1.0).await;
    for (name, value) in [
        (r#"upprop_events_total{source="src",outcome="accepted"}"#, 1.0),
        (r#"upprop_events_total{source="src",outcome="duplicate"}"#, 1.0),
        (r#"upprop_events_total{source="src",outcome="rejected"}"#, 1.0),
        (r#"upprop_events_total{source="src",outcome="refused"}"#, 1.0),
        (r#"upprop_events_total{source="src",outcome="put-off"}"#, 0.0),
        ("upprop_unknown_source_requests_total", 1.0),
        (r#"upprop_decisions_total{act="notify",reason="unexcused-absence"}"#, 1.0),
        (r#"upprop_source_delay_seconds_count{source="src"}"#, 1.0),
        (r#"upprop_our_delay_seconds_count{channel="sms"}"#, 1.0),
        (r#"upprop_our_delay_seconds_count{channel="email"}"#, 0.0),
        (r#"upprop_school_mode{school="s1",mode="live"}"#, 1.0),
        (r#"upprop_account_shut_seconds{account="elks"}"#, 0.0),
        (r#"upprop_account_trouble{account="mail",reason="channel-stopped"}"#, 0.0),
        ("upprop_ready", 1.0),
        ("upprop_store_writable", 1.0),
        ("upprop_last_reload_ok", 1.0),
    ] {
        assert_eq!(sample(&text, name), Some(value), "{name}:\n{text}");
    }
    let at_least = |name: &str, least: f64| {
        assert!(sample(&text, name).is_some_and(|found| found >= least), "{name}:\n{text}");
    };
    at_least("upprop_directory_pupils", 1.0);
    at_least("upprop_store_free_bytes", 1.0);
    at_least("upprop_store_journal_bytes", 1.0);
    at_least("upprop_store_database_bytes", 1.0);
    at_least(r#"upprop_store_commit_seconds_count{outcome="done"}"#, 3.0);
    let age = sample(&text, r#"upprop_source_age_seconds{source="src"}"#).expect("an age");
    assert!(age < 60.0, "it was heard a moment ago: {age}");
    for private in ["nils", "nobody-here", "Nils", "701740607", "@", "Test", "Björk"] {
        assert!(!text.contains(private), "{private:?} in:\n{text}");
    }
    assert_eq!(world.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_and_an_account_that_is_stopped_are_seen() {
    let world = Setup { faults: http(&["401:next=100"]), ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let stopped = r#"upprop_account_trouble{account="elks",reason="channel-stopped"}"#;
    shows(&world, stopped, 1.0).await;
    let due = r#"upprop_queue_rows{lane="sms-urgent",when="due"}"#;
    let text = shows(&world, due, 1.0).await;
    let shut = sample(&text, r#"upprop_account_shut_seconds{account="elks"}"#);
    assert!(shut.is_some_and(|seconds| seconds > 1.0), "{text}");
    let later = shows(&world, due, 1.0).await;
    let oldest = r#"upprop_queue_oldest_due_age_seconds{lane="sms-urgent"}"#;
    assert!(sample(&later, oldest).is_some_and(|age| age > 0.0), "{later}");
    let refused = r#"upprop_attempts_total{account="elks",outcome="reject-channel"}"#;
    assert_eq!(sample(&later, refused), Some(1.0), "{later}");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_metrics_for_whoever_asks() {
    let world = Setup::default().start().await;
    let asked = world
        .client()
        .get(format!("http://{}/metrics", world.address))
        .header("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        .send();
    let answer = within("/metrics", asked).await.expect("an answer");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.headers()["content-type"], kind);
    let text = answer.text().await.expect("a body");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert!(text.contains("# TYPE upprop_events counter\n"), "{text}");
}
