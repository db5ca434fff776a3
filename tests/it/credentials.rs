//! Bearer tokens and Basic passwords: what is taken, and that a refusal tells nobody which sources
//! there are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::inlet::{amend, put_file, send};
use crate::world::{API_TOKEN, Setup, TOKEN};

const PASSWORD: &str = "basic-password-0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_password_will_do_where_they_are_set() {
    let mut world = Setup::default().prepare();
    put_file(&world, "secrets/basic", PASSWORD);
    let token = "bearer-file = \"secrets/token\"\n";
    let basic = "basic-user = \"skola\"\nbasic-password-file = \"secrets/basic\"\n";
    amend(&world, token, basic);
    world.start().await;
    for (pair, status) in [
        (format!("skola:{PASSWORD}"), 202),
        ("skola:wrong".into(), 401),
        (format!("annan:{PASSWORD}"), 401),
        (String::new(), 401),
    ] {
        let credentials = format!("Basic {}", STANDARD.encode(pair));
        let headers = [("content-type", "application/json"), ("authorization", &*credentials)];
        let body = world.marked("nils", &world.event_id(), "unexcused", 5).to_string();
        assert_eq!(send(&world, "/hooks/src", &headers, body).await.status, status);
    }
    let bearer = world.post(&world.marked("nils", "l9", "unexcused", 5)).await;
    assert_eq!(bearer.0, 401, "a token that is not set up");
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_same_for_every_source_known_or_not() {
    let world = Setup::default().start().await;
    let body = world.marked("nils", "l1", "unexcused", 5).to_string();
    let mut seen = Vec::new();
    for path in ["/hooks/src", "/hooks/nobody", "/hooks/SRC", "/hooks/%20"] {
        for token in ["wrong", "", API_TOKEN, "\u{e5}"] {
            let credentials = format!("Bearer {token}");
            let headers = [("content-type", "application/json"), ("authorization", &*credentials)];
            let answer = send(&world, path, &headers, body.clone()).await;
            let mut headers = answer.headers.clone();
            headers.remove("date");
            seen.push((answer.status, answer.text, format!("{headers:?}")));
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((seen[0].0, seen[0].1.as_str()), (401, ""));
    // The good token opens its own source only.
    let (status, _) = world.post_as("nobody", TOKEN, body.clone()).await;
    assert_eq!(status, 401);
    assert!(!world.log().contains(TOKEN) && !world.log().contains("wrong\""), "{}", world.log());
    world.accept(&serde_json::from_str(&body).expect("JSON")).await;
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_reports_for_its_own_schools_and_no_faster_than_it_may() {
    let extra = "[schools.s2]\nname = \"Andra skolan\"\n";
    let mut world = Setup { extra: extra.into(), ..Setup::default() }.prepare();
    let signing = "signature-secret-file = \"secrets/signing\"\n";
    amend(&world, signing, "schools = [\"s2\"]\nrate = \"1/h\"\n");
    world.start().await;
    let event = world.marked("nils", "l1", "unexcused", 5);
    let (status, answer) = world.post(&event).await;
    assert_eq!(status, 422, "{answer}");
    let error = answer["rejected"][0]["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("school: this source may not report for it"), "{error}");
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
    let second = send(&world, "/hooks/src", &headers, event.to_string()).await;
    assert_eq!(second.status, 429);
    let wait: u64 = second.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(world.sink.count(), 0);
}
