//! 46elks as far as the gateway uses it: send, history, one text, the account. After 46elks.com/docs (send-sms,
//! sms-history, show-sms-id); where the vendor gives no wording for a refusal, it is ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Shared;
use super::faults::Credentials;
use super::http::{Answer, Asked, Dropped, json as json_answer, plain, unauthorized, wrong_method};
use super::parts::parts;
use super::received::{Kind, Received, Status};
use super::rules::On;
use super::text::{self, Texted};
use crate::model::Phone;

/// What one part costs, in 1/10,000 of the currency.
const PRICE: u32 = 3500;
/// Largest page of the history.
const PAGE: usize = 100;

/// Answers `path`, which stands after `/a1/`.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    asked: &Asked,
    path: &str,
) -> Result<Answer, Dropped> {
    let credentials = shared.active().faults().credentials.clone();
    if !admitted(&asked.head.headers, credentials.as_ref()) {
        return Ok(unauthorized());
    }
    let path = path.to_ascii_lowercase();
    if path == "me" && asked.head.method == Method::GET {
        let account = json!({"id": "u0", "name": "Sink", "currency": "SEK", "balance": 1_000_000});
        return lookup(shared, "", json_answer(&account)).await;
    }
    match path.strip_prefix("sms").map(|rest| rest.trim_end_matches('/')) {
        Some("") if asked.head.method == Method::POST => submit(shared, asked).await,
        Some("") if asked.head.method == Method::GET => {
            let query = fields(asked.head.uri.query().unwrap_or_default().as_bytes());
            let to = query.get("to").map_or("", String::as_str);
            let answer = history(shared, &query);
            lookup(shared, to, answer).await
        }
        Some(rest) if rest.starts_with('/') && asked.head.method == Method::GET => {
            let found = shared.inbox.get(&rest[1..]);
            let to = found.as_ref().map(|text| text.to.clone()).unwrap_or_default();
            let answer = match found {
                Some(text) => json_answer(&shown(&text)),
                None => plain(StatusCode::NOT_FOUND, "SMS not found"),
            };
            lookup(shared, &to, answer).await
        }
        Some("") => Ok(wrong_method(&asked.head.method)),
        Some(_) | None => Ok(plain(StatusCode::NOT_FOUND, "Not found")),
    }
}

/// Whether HTTP Basic is there and, if it matters, right.
pub(super) fn admitted(headers: &HeaderMap, required: Option<&Credentials>) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Basic "));
    let given = given.and_then(|value| BASE64_STANDARD.decode(value.trim()).ok());
    let given = given.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, password)) = given.as_deref().and_then(|both| both.split_once(':')) else {
        return false;
    };
    required.is_none_or(|right| right.user == user && right.password == password)
}

/// Fields of a form or a query; the last of a name wins.
pub(super) fn fields(encoded: &[u8]) -> BTreeMap<String, String> {
    serde_urlencoded::from_bytes::<Vec<(String, String)>>(encoded)
        .unwrap_or_default()
        .into_iter()
        .collect()
}

async fn lookup(shared: &Shared, to: &str, answer: Answer) -> Result<Answer, Dropped> {
    let rule = shared.active().http(On::Lookup, to);
    match rule {
        Some(rule) => shared.spoiled(&rule, answer).await,
        None => Ok(answer),
    }
}

async fn submit(shared: &Arc<Shared>, asked: &Asked) -> Result<Answer, Dropped> {
    let mut form = fields(&asked.body);
    let [from, to, text] =
        ["from", "to", "message"].map(|name| form.remove(name).unwrap_or_default());
    let texted = Texted { from, to, text, rest: form };
    text::take(shared, asked, texted, before_taking, |text| json_answer(&shown(text))).await
}

/// The answer when the text is not to be taken: it is wrong, or only to be priced.
fn before_taking(texted: &Texted) -> Option<Answer> {
    let Texted { from, to, text, rest } = texted;
    if let Err(words) = valid(from, to, text) {
        return Some(plain(StatusCode::BAD_REQUEST, words));
    }
    rest.get("dryrun").filter(|value| *value == "yes").map(|_| {
        let parts = parts(text);
        json_answer(&json!({
            "status": "created", "direction": "outgoing", "from": from, "to": to,
            "message": text, "parts": parts, "estimated_cost": parts * PRICE,
        }))
    })
}

fn valid(from: &str, to: &str, text: &str) -> Result<(), &'static str> {
    let name = (3..=11).contains(&from.len())
        && from.starts_with(|c: char| c.is_ascii_alphabetic())
        && from.chars().all(|c| c.is_ascii_alphanumeric());
    if from.is_empty() {
        Err("Missing key from")
    } else if to.is_empty() {
        Err("Missing key to")
    } else if text.is_empty() {
        Err("Missing key message")
    } else if !name && Phone::new(from).is_err() {
        Err("Invalid from: give 3 to 11 letters and digits, a letter first, or a number as +46…")
    } else if Phone::new(to).is_err() {
        Err("Invalid to number: give it as +46…")
    } else {
        Ok(())
    }
}

/// A time as the vendor writes it: UTC, microseconds, no zone.
pub(super) fn vendor_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()
}

fn vendor_moment(text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.trim_end_matches('Z').parse().ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn shown(text: &Received) -> Value {
    let parts = text.parts.unwrap_or(1);
    let mut shown = json!({
        "id": text.id, "status": text.status, "direction": "outgoing",
        "from": text.from, "to": text.to, "created": vendor_time(text.received_at),
        "parts": parts, "cost": parts * PRICE,
    });
    if text.headers.get("dontlog").is_none_or(|value| value != "message") {
        shown["message"] = json!(text.text);
    }
    if text.status == Some(Status::Delivered) {
        shown["delivered"] = json!(vendor_time(text.received_at));
    }
    shown
}

fn history(shared: &Shared, query: &BTreeMap<String, String>) -> Answer {
    let moment = |name: &str| match query.get(name).map(|text| vendor_moment(text)) {
        Some(None) => Err(format!("Invalid {name}")),
        Some(at) => Ok(at),
        None => Ok(None),
    };
    let (before, after) = match (moment("start"), moment("end")) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(words), _) | (_, Err(words)) => return plain(StatusCode::BAD_REQUEST, words),
    };
    let limit = match query.get("limit").map(|text| text.parse::<usize>()) {
        None => PAGE,
        Some(Ok(limit)) if limit > 0 => limit.min(PAGE),
        Some(_) => return plain(StatusCode::BAD_REQUEST, "Invalid limit"),
    };
    let to = query.get("to");
    let mut found = 0;
    let mut texts = shared.inbox.newest(|text| {
        if found > limit || after.is_some_and(|after| text.received_at <= after) {
            return None;
        }
        let wanted = text.kind == Kind::Sms
            && before.is_none_or(|before| text.received_at < before)
            && to.is_none_or(|to| *to == text.to);
        found += usize::from(wanted);
        Some(wanted)
    });
    let more = texts.len() > limit;
    texts.truncate(limit);
    let mut page = json!({ "data": texts.iter().map(|text| shown(text)).collect::<Vec<_>>() });
    if let (true, Some(last)) = (more, texts.last()) {
        page["next"] = json!(vendor_time(last.received_at));
    }
    json_answer(&page)
}
