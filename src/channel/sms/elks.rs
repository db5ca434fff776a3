//! 46elks (<https://46elks.com/docs/send-sms>). Pure.
//!
//! It has no idempotency key and signs nothing. What it cannot tell us: why a message failed. What it
//! can: its history, by recipient and time.

mod history;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use super::{LookupQuery, SmsApi, SmsMessage, auth, mapping, receipt};
use crate::{
    model::{Endpoint, WireError},
    model::{Lookup, Outcome, Receipt, ReceiptStatus},
};

/// An account with 46elks.
#[derive(Debug, Clone)]
pub struct ElksSettings {
    /// `https://api.46elks.com`, but for tests.
    pub base_url: Endpoint,
    /// The API user name, `u` and 32 digits.
    pub username: SecretString,
    /// The API password.
    pub password: SecretString,
    /// Whether 46elks may keep the text in its history. Off by default (data minimisation, GDPR
    /// article 5.1 c); on, an attempt in doubt can be told apart by its text too.
    pub keep_text: bool,
}

/// The protocol.
#[derive(Debug)]
pub struct Elks {
    settings: ElksSettings,
    authorization: HeaderValue,
}

/// What we read of an answer to a submission.
#[derive(Deserialize)]
struct Submitted {
    id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    parts: Option<u32>,
}

impl Elks {
    /// With that account.
    pub fn new(settings: ElksSettings) -> Self {
        let authorization = auth::basic(&settings.username, &settings.password);
        Self { settings, authorization }
    }
}

impl SmsApi for Elks {
    fn submit(&self, message: &SmsMessage) -> Result<Request<Bytes>, Outcome> {
        let receipt_url =
            message.receipt_url.as_deref().map(|base| receipt::receipt_url(base, &message.id));
        let mut fields = vec![
            ("from", message.sender.as_str()),
            ("to", message.to.expose()),
            ("message", message.text.as_str()),
        ];
        if let Some(url) = &receipt_url {
            fields.push(("whendelivered", url));
        }
        if !self.settings.keep_text {
            fields.push(("dontlog", "message"));
        }
        let body = serde_urlencoded::to_string(fields).expect("pairs of texts are a form");
        let request = Request::post(self.settings.base_url.join("/a1/sms", ""))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body));
        Ok(request.expect("address and headers were checked"))
    }

    fn outcome(&self, answer: &Result<Response<Bytes>, WireError>, now: Timestamp) -> Outcome {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return mapping::unanswered(error),
        };
        let status = answer.status();
        if status.is_success() {
            return accepted(answer);
        }
        match mapping::by_status(status, answer.headers(), now) {
            Outcome::RejectMessage { code, .. } if matches!(status.as_u16(), 400 | 422) => {
                blame(code, answer.body())
            }
            other => other,
        }
    }

    /// The account's own data.
    fn account(&self) -> Option<Request<Bytes>> {
        let request = Request::get(self.settings.base_url.join("/a1/me", ""))
            .header(AUTHORIZATION, self.authorization.clone())
            .body(Bytes::new());
        Some(request.expect("address and headers were checked"))
    }

    fn lookup(&self, query: &LookupQuery) -> Option<Request<Bytes>> {
        let uri = self.settings.base_url.join("/a1/sms", &history::parameters(query));
        let request = Request::get(uri)
            .header(AUTHORIZATION, self.authorization.clone())
            .body(Bytes::new())
            .expect("address and headers were checked");
        Some(request)
    }

    fn tells_texts_apart(&self) -> bool {
        self.settings.keep_text
    }

    fn looked_up(
        &self,
        query: &LookupQuery,
        answer: &Result<Response<Bytes>, WireError>,
        now: Timestamp,
    ) -> Lookup {
        let inconclusive = |code: String| Lookup::Inconclusive { code };
        match answer {
            Err(_) => inconclusive("no-answer".into()),
            Ok(answer) if answer.status() == http::StatusCode::OK => {
                let ahead = mapping::date(answer.headers()).map(|date| date.duration_since(now));
                history::search(query, self.settings.keep_text, ahead, answer.body())
            }
            Ok(answer) => inconclusive(mapping::code(answer.status())),
        }
    }

    /// A form with `id`, `status`, and `delivered` when it was
    /// (<https://46elks.se/docs/sms-delivery-reports>).
    fn receipts(
        &self,
        query: Option<&str>,
        _content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Vec<Receipt>, String> {
        let fields = receipt::form(body);
        let reference = receipt::value(&fields, "id")
            .filter(|id| !id.is_empty())
            .ok_or("the report has no field \"id\"")?;
        let status = match receipt::value(&fields, "status") {
            Some("created" | "sent") => ReceiptStatus::Sent,
            Some("delivered") => ReceiptStatus::Delivered,
            Some("failed") => ReceiptStatus::Undelivered,
            Some(_) => return Err("the report's \"status\" is none of the documented ones".into()),
            None => return Err("the report has no field \"status\"".into()),
        };
        Ok(vec![Receipt {
            notification: receipt::own_id(query),
            reference: Some(reference.to_owned()),
            status,
            at: receipt::value(&fields, "delivered").and_then(receipt::time),
        }])
    }
}

fn accepted(answer: &Response<Bytes>) -> Outcome {
    // A page of a proxy, or something new: it may have been taken all the same.
    let Ok(submitted) = serde_json::from_slice::<Submitted>(answer.body()) else {
        return Outcome::InDoubt { code: "answer-unreadable".into() };
    };
    if submitted.status.as_deref() == Some("failed") {
        return Outcome::RejectMessage { code: "status-failed".into(), bad_contact: false };
    }
    if submitted.id.is_empty() {
        return Outcome::InDoubt { code: "answer-unreadable".into() };
    }
    Outcome::Accepted { reference: Some(submitted.id), parts: submitted.parts }
}

/// Whose fault a refused request is. The refusals are plain English without codes, so only a text that
/// names one parameter, and not the other, is believed: a contact is not marked on a guess, and the
/// channel is not stopped on one.
fn blame(code: String, body: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(&body[..body.len().min(1024)]).to_ascii_lowercase();
    let names = |parameter: &str| {
        ["\"#\"", "'#'", "`#`", "key #", "parameter #", "field #", "# number", "#-number"]
            .iter()
            .any(|form| text.contains(&form.replace('#', parameter)))
    };
    match (names("to"), names("from")) {
        (true, false) if text.contains("valid") => {
            Outcome::RejectMessage { code, bad_contact: true }
        }
        (false, true) => Outcome::RejectChannel { code: format!("{code}-from") },
        _ => Outcome::RejectMessage { code, bad_contact: false },
    }
}
