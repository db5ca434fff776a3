//! What a provider of texts answers: 46elks' JSON and its history, and any gateway's JSON, XML or words.
//! The head has the status as `status: 200` and the answer's own headers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use http::Response;
use jiff::SignedDuration;
use upprop::channel::sms::elks::{Elks, ElksSettings};
use upprop::channel::sms::http::{
    Address, BodyMethod, Charset, Codes, Encoding, HttpApi, HttpAuth, HttpBody, HttpLookup,
    HttpReceipts, HttpSettings, LookupUrl, NumberFormat, Place, Pointer, Success, Template,
};
use upprop::channel::sms::{LookupQuery, SmsApi, text_sha256};
use upprop::model::{
    Endpoint, Lookup, NotificationId, Outcome, Phone, PlainHttp, ReceiptStatus, WireError,
};

use super::input::{headers, parted, tells_nothing};
use super::webhook::now;

/// The longest code that is kept of an answer.
const CODE: usize = 64;

/// The check.
pub fn check(data: &[u8]) {
    let (head, body) = parted(data);
    let mut headers = headers(head);
    let status = headers.remove("status").and_then(|v| v.to_str().ok()?.parse::<u16>().ok());
    let status = status.filter(|s| (200..=599).contains(s)).unwrap_or(200);
    let mut answer = Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = http::StatusCode::from_u16(status).expect("in range");
    *answer.headers_mut() = headers;
    let answer = Ok(answer);
    for keep_text in [false, true] {
        let elks = elks(keep_text);
        submitted(&elks, &answer, status, data);
        looked_up(&elks, &answer, status, data);
    }
    for gateway in [&*OF_JSON, &*OF_XML, &*OF_FIELDS] {
        submitted(gateway, &answer, status, data);
        looked_up(gateway, &answer, status, data);
    }
}

type Answer = Result<Response<Bytes>, WireError>;

fn submitted(api: &impl SmsApi, answer: &Answer, status: u16, data: &[u8]) {
    let outcome = api.outcome(answer, now());
    assert_eq!(outcome, api.outcome(answer, now()), "the same answer, the same outcome");
    let code = match &outcome {
        Outcome::Accepted { reference, .. } => {
            assert!((200..=299).contains(&status), "{status} is no yes");
            assert!(reference.as_ref().is_none_or(|r| !r.is_empty()), "an id that is none");
            return;
        }
        Outcome::Retry { after, code, .. } => {
            assert!(after.is_none_or(|after| after >= SignedDuration::ZERO), "{after:?}");
            code
        }
        Outcome::RejectMessage { code, .. }
        | Outcome::RejectChannel { code }
        | Outcome::InDoubt { code } => code,
    };
    // Who answers so may have taken it all the same, unless it is a word we were told of.
    if matches!(status, 302 | 303 | 409 | 500..=502 | 504..) && !code.starts_with("code-") {
        assert_eq!(outcome.class(), "in-doubt", "{status}");
    }
    tells_nothing(code, data, CODE);
}

fn looked_up(api: &impl SmsApi, answer: &Answer, status: u16, data: &[u8]) {
    let query = LookupQuery {
        id: NotificationId::of(&["a"]),
        to: Phone::new("+46701740605").expect("a number"),
        started_at: now(),
        known: vec!["another".into()],
        text_sha256: Some(text_sha256("Hej")),
    };
    let found = api.looked_up(&query, answer, now());
    assert_eq!(found, api.looked_up(&query, answer, now()), "the same answer, the same finding");
    match found {
        Lookup::Found { reference } => {
            assert_eq!(status, 200);
            assert!(!query.known.contains(&reference), "another message's");
        }
        Lookup::NotFound => assert!(matches!(status, 200 | 404), "{status} is no no"),
        Lookup::Inconclusive { code } => tells_nothing(&code, data, CODE),
    }
}

/// 46elks, with or without the texts in its history.
pub fn elks(keep_text: bool) -> Elks {
    Elks::new(ElksSettings {
        base_url: Endpoint::parse("https://api.46elks.com", PlainHttp::LoopbackOnly).expect("url"),
        username: "u123".into(),
        password: "made-up".into(),
        keep_text,
    })
}

/// Where a gateway's answer has the id, the count of parts, and the code.
type Places = [&'static str; 3];
const JSON: Places = ["/messages/0/id", "/messages/0/parts", "/messages/0/status/code"];
const XML: Places = ["<id>([^<]+)</id>", "<parts>([0-9]+)</parts>", "<code>([^<]+)</code>"];
const FIELDS: Places = ["2", "3", "0"];

/// A gateway that answers in JSON.
pub static OF_JSON: LazyLock<HttpApi> = LazyLock::new(|| gateway(JSON));
/// A gateway that answers in XML, which is read as text.
static OF_XML: LazyLock<HttpApi> = LazyLock::new(|| gateway(XML));
/// A gateway that answers in fields with semicolons between.
pub static OF_FIELDS: LazyLock<HttpApi> = LazyLock::new(|| gateway(FIELDS));

fn gateway([reference, parts, code]: Places) -> HttpApi {
    let place = |text| Place::parse(text, Some(";")).expect("a place");
    let field = |name: &str, text: &str| (name.to_owned(), Template::parse(text).expect("a text"));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let statuses: BTreeMap<_, _> = [
        ("DELIVRD", ReceiptStatus::Delivered),
        ("UNDELIV", ReceiptStatus::Undelivered),
        ("ACCEPTD", ReceiptStatus::Sent),
    ]
    .map(|(word, status)| (word.to_owned(), status))
    .into();
    let pointed = reference.starts_with('/');
    let receipts = |id: &str, reference: &str, status: &str, at: &str| HttpReceipts {
        id: Some(id.into()),
        reference: Some(reference.into()),
        status: status.into(),
        at: Some(at.into()),
        statuses: statuses.clone(),
        ack: upprop::channel::sms::receipt::Ack::default(),
    };
    HttpApi::new(HttpSettings {
        url: Address::parse("https://sms.example/send", PlainHttp::LoopbackOnly).expect("url"),
        auth: HttpAuth::None,
        account: None,
        body: HttpBody::Form(
            BodyMethod::Post,
            vec![field("to", "{to}"), field("body", "{text}"), field("cb", "{receipt-url}")],
        ),
        charset: Charset::Utf8,
        content_type: None,
        secret_fields: BTreeMap::new(),
        idempotency_header: None,
        number: NumberFormat::Plus,
        encoding: Encoding::default(),
        success: Success {
            test: (!pointed).then(|| (place(code), words(&["1005", "OK"]))),
            ..Success::default()
        },
        reference: Some(place(reference)),
        parts: Some(place(parts)),
        codes: Some(Codes {
            at: place(code),
            permanent: words(&["100"]),
            bad_contact: words(&["102"]),
            config: words(&["106"]),
            retry: words(&["900"]),
        }),
        lookup: Some(HttpLookup {
            url: LookupUrl::parse("https://sms.example/find?ref={id}", PlainHttp::LoopbackOnly)
                .expect("url"),
            reference: Pointer::parse(if pointed { reference } else { "/id" }).expect("pointer"),
        }),
        receipts: Some(if pointed {
            receipts("/ref", "/results/0/id", "/results/0/status", "/results/0/at")
        } else {
            receipts("ref", "id", "status", "at")
        }),
    })
}
