//! Webhooks that somebody forges, alters, keeps and sends again: what was not signed as it stands is
//! not read, and what was accepted is accepted once, across crashes and after its time.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use upprop::env::{Clock as _, SystemClock};
use upprop::source::webhook::auth::sign;

use crate::inlet::{Answer, amend, raw, send, send_signed};
use crate::world::{SIGNING, Setup, World, soon, within};

fn event(world: &World, lesson: &str) -> String {
    world.marked("nils", lesson, "unexcused", 5).to_string()
}

fn signature(id: &str, at: Timestamp, body: &str) -> String {
    sign(&SecretString::from(SIGNING), id, at, body.as_bytes()).expect("a secret")
}

async fn post(world: &World, id: &str, time: &str, signature: &str, body: &str) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", time),
        ("webhook-signature", signature),
    ];
    send(world, "/hooks/src", &headers, body.to_owned()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_over_the_bytes_as_they_came() {
    let world = Setup::default().start().await;
    let body = event(&world, "l1");
    let now = SystemClock::new().now();
    let (time, signed) = (now.as_second().to_string(), signature("msg_1", now, &body));
    // The same JSON to every reader, in other bytes.
    let escaped = body.replacen("nils", "\\u006eils", 1);
    for same in [
        body.replacen('{', "{ ", 1),
        format!("{body}\n"),
        format!("\u{feff}{body}"),
        escaped.clone(),
        body.replacen("\"unexcused\"", "\"unexcused\" ", 1),
    ] {
        assert_eq!(post(&world, "msg_1", &time, &signed, &same).await.status, 401, "{same}");
    }
    // Nothing is said about a body before it is known who sent it, not even that it is no JSON.
    for nonsense in ["", "{", "[[[[", "\0"] {
        let answer = post(&world, "msg_1", &time, &signed, nonsense).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, ""));
    }
    // What was signed is what counts, however it is written.
    let signed = signature("msg_2", now, &escaped);
    assert_eq!(post(&world, "msg_2", &time, &signed, &escaped).await.status, 202);
    let signed = signature("msg_3", now, "{");
    assert_eq!(post(&world, "msg_3", &time, &signed, "{").await.status, 400);
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn id_time_and_body_cannot_be_cut_anew() {
    let world = Setup::default().start().await;
    let body = event(&world, "l1");
    let now = SystemClock::new().now();
    let time = now.as_second().to_string();
    // The signed text is `a.1.T.{…}`: other ways to cut it at its dots.
    let signed = sign(&SecretString::from(SIGNING), "a.1", now, body.as_bytes()).expect("a secret");
    let rest = format!("{time}.{body}");
    for (id, at, body) in [
        ("a", "1", rest.as_str()),
        ("a.", "1", &rest),
        ("a.1", &time, &format!(".{body}")),
        ("a.1.", &time, &body),
        (&format!("a.1.{time}"), "", &body),
        ("a.1", &format!("0{time}"), &body),
        ("a.1", &format!("+{time}"), &body),
        ("a.1", &format!("{time}.0"), &body),
        ("a.1", &format!("{}", now.as_second() + 1), &body),
        ("a.1", "99999999999999999999", &body),
        ("a.2", &time, &body),
        ("A.1", &time, &body),
    ] {
        assert_eq!(post(&world, id, at, &signed, body).await.status, 401, "{id} {at}");
    }
    // A signature of another kind, in another alphabet, or of nothing.
    let base64 = signed.strip_prefix("v1,").expect("version 1");
    for other in [
        format!("v1a,{base64}"),
        format!("v2,{base64}"),
        format!("v1={base64}"),
        base64.to_owned(),
        format!("v1,{}", &base64[..base64.len() - 4]),
        format!("v1,{base64}{base64}"),
        "v1,".to_owned(),
        ["v1,AAAA"; 33].join(" ") + " " + &signed,
    ] {
        assert_eq!(post(&world, "a.1", &time, &other, &body).await.status, 401, "{other}");
    }
    assert_eq!(post(&world, "a.1", &time, &signed, &body).await.status, 202);
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_headers_that_come_twice_are_none() {
    let world = Setup::default().start().await;
    let body = event(&world, "l1");
    let now = SystemClock::new().now();
    let signed = signature("msg_1", now, &body);
    let good = [
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", now.as_second().to_string()),
        ("webhook-signature", signed.clone()),
    ];
    let request = |more: &[(&str, &str)]| {
        let length = body.len().to_string();
        let plain = [("Host", "x"), ("Connection", "close"), ("Content-Length", &length)];
        let own = good.iter().map(|(name, value)| (*name, value.as_str()));
        let mut text = "POST /hooks/src HTTP/1.1\r\nContent-Type: application/json\r\n".to_owned();
        for (name, value) in plain.into_iter().chain(more.iter().copied()).chain(own) {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text + "\r\n" + &body
    };
    for more in [[("webhook-id", "msg_0")], [("Webhook-Id", "msg_1")], [("webhook-timestamp", "1")]]
    {
        let answer = raw(world.address, request(&more).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{more:?}: {answer}");
    }
    // Several signatures are several secrets: one that is right will do.
    let answer = raw(world.address, request(&[("webhook-signature", "v1,AAAA")]).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_heard_once_is_told_once_until_its_time_and_refused_after_it() {
    let mut world = Setup::default().prepare();
    let secret = "signature-secret-file = \"secrets/signing\"";
    amend(&world, secret, &format!("{secret}\nsignature-tolerance = \"10s\""));
    world.start().await;
    let body = event(&world, "l1");
    let clock = SystemClock::new();
    // Nearly too early, so that the replays may last long.
    let at = clock.now() + SignedDuration::from_secs(8);
    let (time, signed) = (at.as_second().to_string(), signature("msg_1", at, &body));
    let first = post(&world, "msg_1", &time, &signed, &body).await;
    assert_eq!((first.status, first.counts()), (202, (1, 0, 0)));
    world.messages(1).await;
    world.kill();
    world.start().await;
    let stale = async {
        loop {
            let again = post(&world, "msg_1", &time, &signed, &body).await;
            match again.status {
                401 => return,
                status => assert_eq!((status, again.counts()), (202, (0, 1, 0))),
            }
            clock.sleep_until(soon(&clock)).await;
        }
    };
    within("the replay to be too old", stale).await;
    assert!(clock.now() > at + SignedDuration::from_secs(9), "refused no sooner than it may be");
    assert!(world.log().contains("stale"), "{}", world.log());
    world.kill();
    world.start().await;
    assert_eq!(post(&world, "msg_1", &time, &signed, &body).await.status, 401);
    // Nor does a new signature of the source's own make another message of the same event.
    let again = send_signed(&world, SIGNING, "msg_2", 0, &body).await;
    assert_eq!((again.status, again.counts()), (202, (0, 1, 0)));
    world.quiet(1).await;
}
