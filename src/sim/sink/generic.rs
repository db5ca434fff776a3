//! A gateway of no vendor, for trying the configurable HTTP adapter: takes any form or JSON body
//! and finds sender, recipient and text under the names gateways commonly use.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::http::{Answer, Asked, Dropped, json as json_answer, plain, unauthorized, wrong_method};
use super::received::Received;
use super::text::{self, Texted};
use super::{Shared, elks};

const TO: &[&str] =
    &["to", "To", "recipient", "recipients", "destination", "msisdn", "number", "phone"];
const FROM: &[&str] = &["from", "From", "sender", "source", "originator"];
const TEXT: &[&str] = &["message", "text", "body", "Body", "content", "userData"];

pub(super) async fn answer(shared: &Arc<Shared>, asked: &Asked) -> Result<Answer, Dropped> {
    if !matches!(asked.head.method, Method::POST | Method::PUT) {
        return Ok(wrong_method(&asked.head.method));
    }
    let required = shared.active().faults().credentials.clone();
    if required.is_some() && !elks::admitted(&asked.head.headers, required.as_ref()) {
        return Ok(unauthorized());
    }
    let content_type = asked.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut all = if content_type.is_some_and(|media| media.contains("json")) {
        match serde_json::from_slice(&asked.body) {
            Ok(body) => json_fields(&body),
            Err(e) => {
                let words = format!("The body is no JSON: {e}");
                return Ok(plain(http::StatusCode::BAD_REQUEST, words));
            }
        }
    } else {
        elks::fields(&asked.body)
    };
    let mut field =
        |names: &[&str]| names.iter().find_map(|name| all.remove(*name)).unwrap_or_default();
    let (to, from, text) = (field(TO), field(FROM), field(TEXT));
    let texted = Texted { from, to, text, rest: all };
    let normal = |text: &Received| json_answer(&json!({ "id": text.id, "status": "ok" }));
    text::take(shared, asked, texted, |_| None, normal).await
}

/// Top-level fields as text; a list of one is that one.
fn json_fields(body: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => match list.as_slice() {
            [Value::String(only)] => only.clone(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    };
    body.as_object()
        .map(|fields| fields.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        .unwrap_or_default()
}
