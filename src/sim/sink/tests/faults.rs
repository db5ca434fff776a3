//! Everything that can go wrong over HTTP, does.

use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::sim::sink::{
    Credentials, HttpFault, HttpRule, Latency, LatencyWhen, On, RetryAfter, Share, When,
};

const TO: &str = "+46701740605";

fn with(rule: HttpRule) -> Faults {
    Faults { http: vec![rule], ..Faults::default() }
}

#[tokio::test]
async fn each_fault_answers_and_stores_as_it_says() {
    use HttpFault::*;
    // Status (none: no answer), a piece of the body, whether the message is listed.
    let cases: [(HttpFault, Option<u16>, &str, usize); 11] = [
        (TooManyRequests, Some(429), "Too many", 0),
        (ServerError, Some(500), "Internal", 0),
        (Unavailable, Some(503), "unavailable", 0),
        (NoCredit, Some(403), "Not enough credits", 0),
        (Unauthorized, Some(401), "authentication", 0),
        (HtmlPage, Some(200), "<!doctype html>", 0),
        (InnerError, Some(200), "error-text", 0),
        (DropAfterStoring, None, "", 1),
        (DropBeforeStoring, None, "", 0),
        (Truncated, Some(200), "", 1),
        (OddDate, Some(200), "created", 1),
    ];
    for (fault, status, words, stored) in cases {
        let (sink, _) = start(with(HttpRule::new(fault).next(1)));
        let answer = send(&sink, TO, "x", &[]).await;
        match (&answer, status) {
            (Ok(answer), Some(status)) => {
                assert_eq!(answer.status, status, "{fault:?}");
                assert!(answer.text.contains(words), "{fault:?}: {}", answer.text);
                let whole = serde_json::from_str::<Value>(&answer.text).is_ok();
                assert_eq!(
                    whole,
                    matches!(fault, InnerError | OddDate),
                    "{fault:?}: {}",
                    answer.text
                );
            }
            (Err(_), None) => {}
            _ => panic!("{fault:?}: {answer:?}"),
        }
        assert_eq!(sink.count(), stored, "{fault:?}");
        let history = get(&sink, "/a1/sms").await.json();
        assert_eq!(history["data"].as_array().map(Vec::len), Some(stored), "{fault:?}");
        assert_eq!(send(&sink, TO, "x", &[]).await.expect("over").status, 200, "{fault:?}");
    }
}

#[tokio::test]
async fn an_error_can_hide_a_message_that_was_taken() {
    let rule = HttpRule { stored: Some(true), ..HttpRule::new(HttpFault::ServerError) };
    let (sink, _) = start(with(rule));
    assert_eq!(send(&sink, TO, "x", &[]).await.expect("answer").status, 500);
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn retry_after_comes_in_both_forms() {
    let cases = [
        (None, None),
        (Some(RetryAfter::Seconds(5)), Some("5")),
        (Some(RetryAfter::Date(60)), Some("Mon, 02 Mar 2026 07:32:02 GMT")),
    ];
    for (retry_after, expected) in cases {
        for fault in [HttpFault::TooManyRequests, HttpFault::Unavailable] {
            let (sink, _) = start(with(HttpRule { retry_after, ..HttpRule::new(fault) }));
            let answer = send(&sink, TO, "x", &[]).await.expect("answer");
            let told = answer.headers.get("retry-after").map(|v| v.to_str().expect("text"));
            assert_eq!(told, expected);
        }
    }
}

#[tokio::test]
async fn a_late_answer_has_taken_the_message_and_latency_decides_when() {
    let after = Latency { ms: 40_000, when: LatencyWhen::AfterStoring };
    let before = Latency { ms: 40_000, when: LatencyWhen::BeforeStoring };
    let cases = [
        (with(HttpRule::new(HttpFault::Late)), 1),
        (Faults { latency: after, ..Faults::default() }, 1),
        (Faults { latency: before, ..Faults::default() }, 0),
    ];
    for (faults, stored_meanwhile) in cases {
        let (sink, clock) = start(faults.clone());
        let wait = async {
            clock.sleepers(1).await;
            let meanwhile = sink.count();
            clock.advance(SignedDuration::from_secs(39));
            clock.advance(SignedDuration::from_secs(1));
            meanwhile
        };
        let (answer, meanwhile) = tokio::join!(send(&sink, TO, "x", &[]), wait);
        assert_eq!(meanwhile, stored_meanwhile, "{faults:?}");
        assert_eq!(answer.expect("at last").status, 200);
        assert_eq!(sink.count(), 1);
    }
}

#[tokio::test]
async fn a_client_that_gave_up_on_a_slow_provider_has_not_sent() {
    let latency = Latency { ms: 1000, when: LatencyWhen::BeforeStoring };
    let (sink, clock) = start(Faults { latency, ..Faults::default() });
    {
        let patience = clock.sleepers(1);
        tokio::select! {
            answer = send(&sink, TO, "x", &[]) => panic!("{answer:?}"),
            () = patience => {}
        }
    }
    soon(sink.stop()).await;
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn rules_strike_by_counting() {
    let every = |fault, n| HttpRule {
        when: When { every: std::num::NonZeroU64::new(n), ..When::default() },
        ..HttpRule::new(fault)
    };
    let share = Share::try_from(0.4).expect("share");
    let shared = HttpRule {
        when: When { share: Some(share), ..When::default() },
        ..HttpRule::new(HttpFault::NoCredit)
    };
    let only = HttpRule {
        when: When { to: Some("+46701740606".into()), ..When::default() },
        ..HttpRule::new(HttpFault::NoCredit)
    };
    let cases = [
        (vec![every(HttpFault::ServerError, 3)], [200, 200, 500, 200, 200, 500]),
        (vec![shared], [200, 200, 403, 200, 403, 200]),
        (vec![HttpRule::new(HttpFault::Unavailable).next(2)], [503, 503, 200, 200, 200, 200]),
        (vec![only], [200; 6]),
        // The second rule counts what the first left over, or it would never strike.
        (
            vec![every(HttpFault::ServerError, 2), every(HttpFault::NoCredit, 2)],
            [200, 500, 403, 500, 200, 500],
        ),
    ];
    for (http, expected) in cases {
        let (sink, _) = start(Faults { http, ..Faults::default() });
        let mut got = Vec::new();
        for _ in 0..6 {
            got.push(send(&sink, TO, "x", &[]).await.expect("answer").status.as_u16());
        }
        assert_eq!(got, expected, "{:?}", sink.faults().http);
    }
}

#[tokio::test]
async fn faults_are_switched_while_running() {
    let (sink, _) = start(Faults::default());
    let put = async |body: String| {
        call(Method::PUT, sink.url() + "/faults", body, "application/json").await.expect("answer")
    };
    let rules = json!({"http": [{
        "fault": "too-many-requests", "retry-after": {"seconds": 7}, "when": {"remaining": 3}
    }]});
    assert_eq!(put(rules.to_string()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&sink, TO, "x", &[]).await.expect("answer").headers["retry-after"], "7");
    let left = get(&sink, "/faults").await.json();
    assert_eq!(left["http"][0]["when"]["remaining"], 2, "{left}");
    assert_eq!(serde_json::from_value::<Faults>(left).expect("round trip"), sink.faults());

    for wrong in [
        "",
        "1",
        r#"{"outages":true}"#,
        r#"{"http":[{"fault":"rain"}]}"#,
        r#"{"http":[{"fault":"late","when":{"share":2}}]}"#,
        r#"{"smtp":[{"at":"rcpt","fault":{"reply":"250 fine"}}]}"#,
    ] {
        let answer = put(wrong.into()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(sink.faults().http[0].when.remaining, Some(2), "the old ones stay");

    for (outage, answered) in [(r#"{"outage":true}"#, true), (r#"{"outage-hard":true}"#, false)] {
        assert_eq!(put(outage.into()).await.status, 204);
        let refused = send(&sink, TO, "x", &[]).await;
        assert_eq!(
            refused.as_ref().map(|answer| answer.status.as_u16()).ok(),
            answered.then_some(503)
        );
    }
    assert_eq!(put("{}".into()).await.status, 204, "an outage ends by HTTP");
    assert_eq!(send(&sink, TO, "x", &[]).await.expect("answer").status, 200);
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn looking_up_can_fail_alone() {
    let rule = HttpRule { on: On::Lookup, ..HttpRule::new(HttpFault::ServerError).next(1) };
    let (sink, _) = start(with(rule));
    assert_eq!(send(&sink, TO, "x", &[]).await.expect("answer").status, 200);
    assert_eq!(get(&sink, "/a1/sms").await.status, 500);
    assert_eq!(get(&sink, "/a1/sms").await.status, 200);
}

#[tokio::test]
async fn credentials_can_matter() {
    let login = |user: &str, password: &str| {
        Some(Credentials { user: user.into(), password: password.into() })
    };
    for (credentials, status) in [(login("u1", "p1"), 200), (login("u1", "p2"), 401)] {
        let (sink, _) = start(Faults { credentials, ..Faults::default() });
        assert_eq!(send(&sink, TO, "x", &[]).await.expect("answer").status, status);
    }
}

#[tokio::test]
async fn magic_numbers_fail_without_switches() {
    let (sink, _) = start(Faults::default());
    let answer = async |number: u32, text: &str| {
        send(&sink, &format!("+46701740{number}"), text, &[]).await.map(|a| a.status.as_u16()).ok()
    };
    assert_eq!(answer(692, "x").await, Some(400));
    assert_eq!(answer(693, "x").await, Some(429));
    assert_eq!(answer(693, "x").await, Some(200));
    assert_eq!(answer(693, "y").await, Some(429), "each text once");
    assert_eq!(answer(698, "x").await, Some(500));
    assert_eq!(answer(699, "x").await, Some(403));
    assert_eq!(sink.count(), 1);
    assert_eq!(answer(697, "x").await, None);
    assert_eq!(sink.count(), 2);
}
