//! What the settings of a gateway can say, each knob once.

use serde_json::json;

use super::{request::number, *};
use crate::{
    channel::sms::{
        receipt::Ack,
        tests::{answer, http_settings, message, now, query},
    },
    model::{OnBehalfOf, Phone, PlainHttp, ProviderId, ReceiptStatus},
};

pub(super) fn api(change: impl FnOnce(&mut HttpSettings)) -> HttpApi {
    let mut settings = http_settings();
    change(&mut settings);
    HttpApi::new(settings)
}

pub(super) fn place(text: &str) -> Place {
    Place::parse(text, Some(";")).unwrap()
}

#[test]
fn numbers_in_each_format() {
    use NumberFormat::{Digits, DoubleZero, National, Plus};
    let swedish = Phone::new("+46701740605").unwrap();
    let foreign = Phone::new("+358401234567").unwrap();
    for (format, home, abroad) in [
        (Plus, "+46701740605", "+358401234567"),
        (Digits, "46701740605", "358401234567"),
        (DoubleZero, "0046701740605", "00358401234567"),
        (National, "0701740605", "00358401234567"),
    ] {
        assert_eq!(number(&swedish, format), home);
        assert_eq!(number(&foreign, format), abroad);
    }
}

#[test]
fn a_json_body_carries_values_and_secrets() {
    let document = json!({ "to": ["{to}"], "body": "{text}", "type": "{encoding}",
        "expire_at": "{expires-at}", "ttl": "{expires-seconds}", "ref": "{id}" });
    let api = api(|s| {
        s.body = HttpBody::Json(BodyMethod::Put, JsonTemplate::parse(&document).unwrap());
        s.auth = HttpAuth::Bearer(HeaderSecret::new("t0ken".into()).unwrap());
        s.number = NumberFormat::Digits;
    });
    let request = api.submit(&SmsMessage { unicode: true, ..message() }).unwrap();
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        ("PUT", "https://sms.example/send?v=2")
    );
    assert_eq!(request.headers()["authorization"], "Bearer t0ken");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(
        serde_json::from_slice::<Value>(request.body()).unwrap(),
        json!({ "to": ["46701740605"], "body": message().text, "type": "unicode",
            "expire_at": "2026-10-06T10:15:00Z", "ttl": 7200, "ref": message().id.as_str(),
            "api_secret": "hemligt" })
    );
}

#[test]
fn a_query_is_encoded_after_the_fixed_one() {
    let api = api(|s| {
        s.body = HttpBody::Query(vec![("text".into(), Template::parse("{text}#&").unwrap())]);
        s.auth = HttpAuth::Header {
            name: "x-key".parse().unwrap(),
            value: HeaderSecret::new("k3y".into()).unwrap(),
        };
        s.secret_fields.clear();
    });
    let request = api.submit(&SmsMessage { text: "å & b".into(), ..message() }).unwrap();
    assert_eq!(request.method(), "GET");
    assert_eq!(request.uri(), "https://sms.example/send?v=2&text=%C3%A5+%26+b%23%26");
    assert_eq!(request.headers()["x-key"], "k3y");
    assert!(request.body().is_empty());
}

#[test]
fn what_the_wire_adds_is_asked_for_by_account() {
    let id = ProviderId::new("gw").unwrap();
    let with = |account: Option<ProviderId>| {
        api(|s| {
            s.auth = HttpAuth::Token;
            s.account = account;
            s.lookup = Some(HttpLookup {
                url: LookupUrl::parse("https://a.se/b?ref={id}", PlainHttp::LoopbackOnly).unwrap(),
                reference: Pointer::parse("/id").unwrap(),
            });
        })
    };
    let api = with(Some(id.clone()));
    for request in [api.submit(&message()).unwrap(), api.lookup(&query()).unwrap()] {
        assert_eq!(request.extensions().get(), Some(&OnBehalfOf(id.clone())));
        assert!(!request.headers().contains_key("authorization"));
    }
    let plain = with(None).submit(&message()).unwrap();
    assert!(plain.extensions().get::<OnBehalfOf>().is_none());
}

#[test]
fn our_id_goes_in_the_header_for_it() {
    let submit = |name: Option<&str>| {
        let name = name.map(|name| free_header(name).unwrap());
        api(|s| s.idempotency_header = name).submit(&message()).unwrap()
    };
    let request = submit(Some("Idempotency-Key"));
    assert_eq!(request.headers()["idempotency-key"], message().id.as_str());
    assert!(submit(None).headers().get("idempotency-key").is_none());
}

#[test]
fn success_can_be_told_by_a_value() {
    let api = api(|s| s.success.test = Some((place("/resultCode"), vec!["1005".into()])));
    for (body, expected) in [
        (r#"{"resultCode": 1005, "id": 77}"#, "accepted"),
        (r#"{"resultCode": "1005"}"#, "accepted"),
        (r#"{"resultCode": 106}"#, "in-doubt"),
        (r#"{"id": "77"}"#, "in-doubt"),
    ] {
        assert_eq!(api.outcome(&answer(200, body), now()).class(), expected, "{body}");
    }
    let with_id = api.outcome(&answer(200, r#"{"resultCode": 1005, "id": 77}"#), now());
    assert_eq!(with_id, Outcome::Accepted { reference: Some("77".into()), parts: None });
}

#[test]
fn a_status_alone_proves_nothing() {
    let change = |s: &mut HttpSettings| s.reference = None;
    let outcome = api(change).outcome(&answer(200, r#"{"error": "no such number"}"#), now());
    assert_eq!(outcome.class(), "in-doubt");
    let mut settings = http_settings();
    assert_eq!(settings.check(), []);
    change(&mut settings);
    assert_eq!(settings.check(), [Contradiction::NoProof]);
    for (loose, expected) in [("2", vec![Contradiction::LooseProof]), ("^OK ([0-9]+)$", vec![])] {
        settings.reference = Some(place(loose));
        assert_eq!(settings.check(), expected, "{loose}");
    }
}

/// Sergel's plain answer, `resultCode;resultDescription;messageId` (providers.md §6).
#[test]
fn an_answer_of_fields() {
    let api = api(|s| {
        s.success.test = Some((place("0"), vec!["1005".into()]));
        s.reference = Some(place("2"));
        s.parts = Some(place("3"));
        s.codes = Some(Codes {
            at: place("0"),
            permanent: vec![],
            bad_contact: vec!["102".into()],
            config: vec!["106".into()],
            retry: vec![],
        });
    });
    let accepted = |reference: Option<&str>, parts| Outcome::Accepted {
        reference: reference.map(str::to_owned),
        parts,
    };
    let doubt = |code: &str| Outcome::InDoubt { code: code.into() };
    for (status, body, expected) in [
        (200, "1005;Queued;m-1;2\n", accepted(Some("m-1"), Some(2))),
        (200, "1005;Queued;m-1", accepted(Some("m-1"), None)),
        (200, "1005", accepted(None, None)),
        (
            200,
            "102;Invalid destination;",
            Outcome::RejectMessage { code: "code-102".into(), bad_contact: true },
        ),
        (400, "106;No access", Outcome::RejectChannel { code: "code-106".into() }),
        (200, "107;Who knows;m-2", doubt("answer-not-understood")),
        (200, "1005;Queued;m-1\n1005;Queued;m-2", doubt("answer-not-understood")),
        (200, "", doubt("answer-unreadable")),
        (200, "<html><body>1005;Queued;m-1", doubt("answer-unreadable")),
        (500, "1005;Queued;m-1", doubt("http-500")),
    ] {
        assert_eq!(api.outcome(&answer(status, body), now()), expected, "{status} {body}");
    }
}

#[test]
fn an_answer_in_words() {
    let api = api(|s| {
        s.reference = Some(place("^ID: ([0-9a-f]+)$"));
        s.parts = None;
        s.codes = Some(Codes {
            at: place("^ERR: ([0-9]+)"),
            permanent: vec![],
            bad_contact: vec!["105".into()],
            config: vec!["301".into()],
            retry: vec!["901".into()],
        });
    });
    for (body, expected) in [
        ("ID: 7f", "accepted"),
        ("ID: 7f\nID: 80", "in-doubt"),
        ("ERR: 105, Invalid Destination Address", "reject-message"),
        ("ERR: 301, No credit left", "reject-channel"),
        ("ERR: 901, Internal error - please retry", "retry"),
        ("ERR: 999", "in-doubt"),
        ("Something else", "in-doubt"),
    ] {
        assert_eq!(api.outcome(&answer(200, body), now()).class(), expected, "{body}");
    }
}

#[test]
fn codes_count_before_the_status() {
    let list = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
    let api = api(|s| {
        s.codes = Some(Codes {
            at: place("/messages/0/status"),
            permanent: list(&["6"]),
            bad_contact: list(&["7"]),
            config: list(&["4", "9"]),
            retry: list(&["1"]),
        });
    });
    let coded = |status, code: &str| {
        let body = json!({ "messages": [{ "status": code }] }).to_string();
        api.outcome(&answer(status, &body), now())
    };
    for status in [200, 400, 500] {
        assert_eq!(
            coded(status, "7"),
            Outcome::RejectMessage { code: "code-7".into(), bad_contact: true }
        );
        assert_eq!(
            coded(status, "6"),
            Outcome::RejectMessage { code: "code-6".into(), bad_contact: false }
        );
        assert_eq!(coded(status, "9"), Outcome::RejectChannel { code: "code-9".into() });
        assert_eq!(coded(status, "1").class(), "retry");
    }
    assert_eq!(coded(200, "99").class(), "in-doubt", "a code nobody has explained");
}

#[test]
fn a_lookup_finds_by_our_id_and_never_guesses() {
    let api = api(|s| {
        s.lookup = Some(HttpLookup {
            url: LookupUrl::parse("https://sms.example/b?ref={id}", PlainHttp::LoopbackOnly)
                .unwrap(),
            reference: Pointer::parse("/batches/0/id").unwrap(),
        });
    });
    let request = api.lookup(&query()).unwrap();
    assert_eq!(request.uri().to_string(), format!("https://sms.example/b?ref={}", query().id));
    assert!(request.headers()["authorization"].is_sensitive());

    let unclear = |code: &str| Lookup::Inconclusive { code: code.into() };
    for (status, body, expected) in [
        (200, r#"{"batches":[{"id":"b1"}]}"#, Lookup::Found { reference: "b1".into() }),
        (200, r#"{"batches":[{"id":"known"}]}"#, unclear("lookup-known")),
        (200, r#"{"batches":[]}"#, Lookup::NotFound),
        (200, r#"{"batches":null}"#, Lookup::NotFound),
        (200, r#"{"batches":[{"id":null}]}"#, Lookup::NotFound),
        (200, r#"{"batches":[{"id":"b1"},{"id":"b2"}]}"#, unclear("lookup-several")),
        (200, r#"{"batches":[{"batch_id":"b1"}]}"#, unclear("lookup-not-understood")),
        (200, r#"{"results":[]}"#, unclear("lookup-not-understood")),
        (200, "", unclear("lookup-unreadable")),
        (404, r#"{"error":"no such batch"}"#, Lookup::NotFound),
        (404, "", unclear("http-404")),
        (404, "<html>Not Found</html>", unclear("http-404")),
        (404, "404", unclear("http-404")),
        (401, "", unclear("http-401")),
        (500, "", unclear("http-500")),
    ] {
        let query = LookupQuery { known: vec!["known".into()], ..query() };
        assert_eq!(
            api.looked_up(&query, &answer(status, body), now()),
            expected,
            "{status} {body}"
        );
    }
    let silent = Err(WireError::Unknown("timed out".into()));
    assert_eq!(api.looked_up(&query(), &silent, now()), unclear("no-answer"));
    assert!(HttpApi::new(http_settings()).lookup(&query()).is_none());
}

#[test]
fn reports_as_form_json_or_query() {
    let api = api(|s| {
        s.receipts = Some(HttpReceipts {
            id: Some("client-ref".into()),
            reference: Some("messageId".into()),
            status: "status".into(),
            at: Some("at".into()),
            statuses: [
                ("delivered".to_owned(), ReceiptStatus::Delivered),
                ("failed".to_owned(), ReceiptStatus::Undelivered),
            ]
            .into(),
            ack: Ack::default(),
        });
    });
    let ours = message().id;
    let expected = |reference: Option<&str>, at: Option<&str>| {
        Ok(vec![Receipt {
            notification: Some(ours.clone()),
            reference: reference.map(str::to_owned),
            status: ReceiptStatus::Delivered,
            at: at.map(|at| at.parse().unwrap()),
        }])
    };
    let own = format!("n={ours}");
    let at = "2026-10-06T08:16:00Z";
    assert_eq!(
        api.receipts(Some(&own), None, b"messageId=m1&status=delivered"),
        expected(Some("m1"), None)
    );
    let body =
        json!({ "messageId": "m1", "status": "delivered", "at": at, "client-ref": ours.as_str() });
    assert_eq!(
        api.receipts(None, Some("application/json; charset=utf-8"), body.to_string().as_bytes()),
        expected(Some("m1"), Some(at))
    );
    assert_eq!(
        api.receipts(Some(&format!("{own}&status=delivered")), None, b""),
        expected(None, None)
    );
    assert_eq!(api.receipts(Some(&own), None, b"status=buffered"), Ok(vec![]));
    for (query, kind, body) in [
        (None, None, "status=delivered"),
        (Some(own.as_str()), None, "messageId=m1"),
        (Some(own.as_str()), Some("application/json"), "status=delivered"),
    ] {
        assert!(api.receipts(query, kind, body.as_bytes()).is_err(), "{query:?} {body}");
    }
    assert!(HttpApi::new(http_settings()).receipts(Some(&own), None, b"status=delivered").is_err());
}

#[test]
fn what_cannot_work_is_refused_when_it_is_made() {
    for text in ["https://a.se/x", "https://{id}.a.se/x", "http://a.se/{id}", "/x/{id}"] {
        assert!(LookupUrl::parse(text, PlainHttp::LoopbackOnly).is_err(), "{text}");
    }
    assert!(LookupUrl::parse("https://a.se/m/{id}", PlainHttp::LoopbackOnly).is_ok());
    for text in ["", "id", "/a~2", "/a~"] {
        assert!(Pointer::parse(text).is_err(), "{text}");
    }
    for text in ["", "a b", "line\n", "å"] {
        assert!(HeaderSecret::new(text.into()).is_err(), "{text:?}");
    }
    for text in ["", " a", "a ", "line\n", "å", "a\tb"] {
        assert!(HeaderSecret::value(text.into()).is_err(), "{text:?}");
    }
    assert!(HeaderSecret::value("App 0123abcd".into()).is_ok());
    for (name, good) in [("X-Api-Key", true), ("authorization", true), ("Host", false)]
        .into_iter()
        .chain([("content-type", false), ("", false), ("a b", false), ("å", false)])
    {
        assert_eq!(free_header(name).is_ok(), good, "{name:?}");
    }
}
