//! One table of answers, run over every provider, and what they have in common.

use bytes::Bytes;
use http::Response;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{
    LookupQuery, ProviderKind, ProviderSettings, SmsMessage,
    elks::ElksSettings,
    http::{
        Address, BodyMethod, Charset, Encoding, HttpAuth, HttpBody, HttpSettings, NumberFormat,
        Place, Success, Template,
    },
    text_sha256,
};
use crate::{
    model::{Endpoint, PlainHttp, WireError},
    model::{NotificationId, Outcome, Phone, ProviderId},
};

pub(super) fn message() -> SmsMessage {
    SmsMessage {
        id: NotificationId::of(&["a"]),
        sender: "Ekskolan".into(),
        to: Phone::new("+46701740605").unwrap(),
        text: "Åsa saknas & är inte anmäld = 50% {to}".into(),
        unicode: false,
        receipt_url: Some("https://u.example/receipts/p/s3cret".into()),
        at: now(),
        expires_at: now() + SignedDuration::from_hours(2),
    }
}

pub(super) fn now() -> Timestamp {
    "2026-10-06T08:15:00Z".parse().unwrap()
}

pub(super) fn query() -> LookupQuery {
    let SmsMessage { id, to, text, .. } = message();
    let text_sha256 = Some(text_sha256(&text));
    LookupQuery { id, to, started_at: now(), known: vec![], text_sha256 }
}

#[expect(clippy::unnecessary_wraps, reason = "in the form the wire gives it")]
pub(super) fn answer(status: u16, body: &str) -> Result<Response<Bytes>, WireError> {
    Ok(Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

pub(super) fn elks_settings() -> ElksSettings {
    ElksSettings {
        base_url: Endpoint::parse("https://api.46elks.com", PlainHttp::LoopbackOnly).unwrap(),
        username: "u123".into(),
        password: "hemligt".into(),
        keep_text: false,
    }
}

pub(super) fn http_settings() -> HttpSettings {
    let field = |name: &str, text: &str| (name.to_owned(), Template::parse(text).unwrap());
    HttpSettings {
        url: Address::parse("https://sms.example/send?v=2", PlainHttp::LoopbackOnly).unwrap(),
        auth: HttpAuth::Basic { username: "u123".into(), password: "hemligt".into() },
        account: None,
        body: HttpBody::Form(
            BodyMethod::Post,
            vec![field("to", "{to}"), field("body", "{text}"), field("cb", "{receipt-url}")],
        ),
        charset: Charset::Utf8,
        content_type: None,
        secret_fields: [("api_secret".to_owned(), "hemligt".into())].into(),
        idempotency_header: None,
        number: NumberFormat::Plus,
        encoding: Encoding::default(),
        success: Success::default(),
        reference: Some(Place::parse("/id", None).unwrap()),
        parts: Some(Place::parse("/parts", None).unwrap()),
        codes: None,
        lookup: None,
        receipts: None,
    }
}

fn providers() -> Vec<ProviderSettings> {
    let with = |id: &str, kind| ProviderSettings {
        id: ProviderId::new(id).unwrap(),
        kind,
        rates: Vec::new(),
        receipt_secret: Some("s3cret".into()),
    };
    vec![
        with("elks", ProviderKind::Elks(elks_settings())),
        with("other", ProviderKind::Http(Box::new(http_settings()))),
    ]
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Retry { provider_wide: true, .. } => "retry",
        Outcome::Retry { .. } => "retry this one",
        Outcome::RejectMessage { bad_contact: true, .. } => "bad contact",
        other => other.class(),
    }
}

#[test]
fn every_provider_reads_http_alike() {
    let good = r#"{"id": "s1", "parts": 2, "status": "created"}"#;
    let table: &[(&[u16], &str, &str)] = &[
        (&[200, 201, 202], good, "accepted"),
        (&[200, 202, 204], "", "in-doubt"),
        (&[200], "<html>Log in to the guest network</html>", "in-doubt"),
        (&[200], "{}", "in-doubt"),
        (&[200], r#"{"id": ""}"#, "in-doubt"),
        (&[200], r#"{"id": "s1"#, "in-doubt"),
        (&[200], "null", "in-doubt"),
        (&[400, 413, 415, 422, 406, 414, 418, 431], "no", "reject-message"),
        (&[401, 402, 403, 404, 405, 407, 410, 301, 307, 308], "no", "reject-channel"),
        (&[408, 421, 425, 429, 503], "no", "retry"),
        (&[500, 501, 502, 504, 511, 599, 409, 302, 303, 304], "no", "in-doubt"),
        (&[500, 502], good, "in-doubt"),
    ];
    for provider in providers() {
        let api = provider.api();
        for (statuses, body, expected) in table {
            for status in *statuses {
                let outcome = api.outcome(&answer(*status, body), now());
                assert_eq!(word(&outcome), *expected, "{} {status} {body}", provider.id);
            }
        }
        let not_sent = api.outcome(&Err(WireError::NotSent("refused".into())), now());
        assert_eq!(word(&not_sent), "retry", "{}", provider.id);
        let stopped = api.outcome(&Err(WireError::NotLetIn("no token".into())), now());
        assert_eq!(word(&stopped), "reject-channel", "{}", provider.id);
        let unknown = api.outcome(&Err(WireError::Unknown("timed out".into())), now());
        assert_eq!(word(&unknown), "in-doubt", "{}", provider.id);
    }
}

#[test]
fn every_provider_honours_retry_after() {
    for provider in providers() {
        for (value, expected) in [("30", Some(30)), ("Tue, 06 Oct 2026 08:14:00 GMT", Some(0))] {
            let busy = Response::builder().status(429).header("Retry-After", value);
            let outcome = provider.api().outcome(&Ok(busy.body(Bytes::new()).unwrap()), now());
            let Outcome::Retry { after, code, provider_wide: true } = outcome else {
                panic!("{}: {outcome:?}", provider.id)
            };
            assert_eq!((after.map(|a| a.as_secs()), code.as_str()), (expected, "http-429"));
        }
    }
}

#[test]
fn every_provider_encodes_what_it_is_given() {
    for provider in providers() {
        let request = provider.api().submit(&message()).unwrap();
        assert_eq!(request.method(), "POST");
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(request.body()).unwrap();
        let texts: Vec<_> = pairs.iter().filter(|(_, value)| *value == message().text).collect();
        assert_eq!(texts.len(), 1, "{}", provider.id);
        let callback = format!("https://u.example/receipts/p/s3cret?n={}", message().id);
        assert!(pairs.iter().any(|(_, value)| *value == callback), "{}", provider.id);

        let silent = SmsMessage { receipt_url: None, ..message() };
        let body = provider.api().submit(&silent).unwrap().into_body();
        assert!(!String::from_utf8_lossy(&body).contains("receipts"), "{}", provider.id);
    }
}

proptest! {
    #[test]
    fn no_text_changes_the_form(text in "\\PC{0,60}", sender in "[A-Za-z&=%+]{3,11}") {
        for provider in providers() {
            let names = |message: &SmsMessage| -> Vec<String> {
                let request = provider.api().submit(message).unwrap();
                let pairs: Vec<(String, String)> =
                    serde_urlencoded::from_bytes(request.body()).unwrap();
                assert!(pairs.iter().any(|(_, value)| *value == message.text));
                pairs.into_iter().map(|(name, _)| name).collect()
            };
            let odd = SmsMessage { text: text.clone(), sender: sender.clone(), ..message() };
            prop_assert_eq!(names(&odd), names(&message()));
        }
    }
}

#[test]
fn digests_are_those_of_the_standard() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(text_sha256("abc"), abc, "FIPS 180-4, example 1");
}

#[test]
fn a_message_prints_without_its_text() {
    let printed = format!("{:?} {:?}", message(), query());
    let digest = text_sha256(&message().text);
    for private in ["saknas", "46701740605", "s3cret", digest.as_str()] {
        assert!(!printed.contains(private), "{printed}");
    }
}

#[test]
fn secrets_print_nowhere() {
    for provider in providers() {
        let request = provider.api().submit(&message()).unwrap();
        let printed = format!("{provider:?} {:?}", request.headers());
        for secret in ["hemligt", "s3cret", "dTEyMzpoZW1saWd0"] {
            assert!(!printed.contains(secret), "{}: {printed}", provider.id);
        }
        assert!(request.headers()["authorization"].is_sensitive());
    }
}
