//! Any gateway that takes one message in one HTTP request and says in its answer what became of it,
//! as described by [`HttpSettings`]. Pure. What the settings do not say follows [`mapping`]; an answer
//! that fits nothing is doubt.

mod address;
#[cfg(test)]
mod body_tests;
mod charset;
mod check;
mod escape;
mod place;
mod raw;
mod report;
mod request;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod xml;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

pub use address::{Address, AddressError};
pub use charset::Charset;
pub use check::Contradiction;
pub use place::{Place, PlaceError, Pointer};
pub use raw::{Escape, RawTemplate};
pub use settings::{
    BodyMethod, Codes, ContentType, Encoding, FieldName, HeaderSecret, HttpAuth, HttpBody,
    HttpLookup, HttpReceipts, HttpSettings, LookupUrl, NumberFormat, Success, free_header,
};
pub use template::{JsonTemplate, PLACEHOLDERS, Template, TemplateError};
pub use xml::{XmlError, XmlTemplate};

use self::place::Answer;
use super::{LookupQuery, SmsApi, SmsMessage, mapping};
use crate::{
    model::WireError,
    model::{Lookup, Outcome, Receipt},
};

/// The protocol.
#[derive(Debug)]
pub struct HttpApi {
    settings: HttpSettings,
}

impl HttpApi {
    /// With that gateway.
    pub fn new(settings: HttpSettings) -> Self {
        Self { settings }
    }

    /// The gateway's own code, if it is one we have been told about.
    fn by_code(&self, read: &Answer, answer: &Response<Bytes>, now: Timestamp) -> Option<Outcome> {
        let codes = self.settings.codes.as_ref()?;
        let found = codes.at.find(read)?;
        let listed = |list: &[String]| list.contains(&found);
        let code = format!("code-{found}");
        Some(if listed(&codes.bad_contact) {
            Outcome::RejectMessage { code, bad_contact: true }
        } else if listed(&codes.permanent) {
            Outcome::RejectMessage { code, bad_contact: false }
        } else if listed(&codes.config) {
            Outcome::RejectChannel { code }
        } else if listed(&codes.retry) {
            let after = mapping::retry_after(answer.headers(), now);
            Outcome::Retry { after, code, provider_wide: true }
        } else {
            return None;
        })
    }

    /// Taken, if the answer says so at the places that prove it. A page of a proxy may come with 200,
    /// and the message may have been taken all the same: what is not understood is doubt.
    fn accepted(&self, read: &Answer) -> Outcome {
        let settings = &self.settings;
        let doubt = |code: &str| Outcome::InDoubt { code: code.into() };
        let proof =
            settings.success.test.as_ref().map(|(at, _)| at).or(settings.reference.as_ref());
        if proof.is_some_and(|at| !at.fits(read)) {
            return doubt("answer-unreadable");
        }
        if let Some((at, values)) = &settings.success.test
            && !at.find(read).is_some_and(|found| values.contains(&found))
        {
            return doubt("answer-not-understood");
        }
        let reference = settings.reference.as_ref().and_then(|at| at.find(read));
        if reference.is_none() && settings.success.test.is_none() {
            return doubt("answer-without-id");
        }
        let parts = settings.parts.as_ref().and_then(|at| at.find(read)?.parse().ok());
        Outcome::Accepted { reference, parts }
    }
}

impl SmsApi for HttpApi {
    fn submit(&self, message: &SmsMessage) -> Result<Request<Bytes>, Outcome> {
        self.settings.request(message)
    }

    fn outcome(&self, answer: &Result<Response<Bytes>, WireError>, now: Timestamp) -> Outcome {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return mapping::unanswered(error),
        };
        let read = Answer::read(answer.body());
        if let Some(outcome) = self.by_code(&read, answer, now) {
            return outcome;
        }
        if !self.settings.success.statuses.contains(&answer.status().as_u16()) {
            return mapping::by_status(answer.status(), answer.headers(), now);
        }
        self.accepted(&read)
    }

    fn lookup(&self, query: &LookupQuery) -> Option<Request<Bytes>> {
        let lookup = self.settings.lookup.as_ref()?;
        let request = self.settings.authorized(Request::get(lookup.url.with(&query.id)));
        Some(request.body(Bytes::new()).expect("address and headers were checked"))
    }

    /// It is asked by our id, or not at all.
    fn tells_texts_apart(&self) -> bool {
        self.settings.lookup.is_some()
    }

    /// It is asked by our id: no clock has a say.
    fn looked_up(
        &self,
        query: &LookupQuery,
        answer: &Result<Response<Bytes>, WireError>,
        _now: Timestamp,
    ) -> Lookup {
        let inconclusive = |code: &str| Lookup::Inconclusive { code: code.into() };
        let Some(lookup) = &self.settings.lookup else { return inconclusive("no-lookup") };
        let Ok(answer) = answer else { return inconclusive("no-answer") };
        match answer.status() {
            // The gateway's own word. A page, or nothing at all, may be the answer of a wrong address,
            // and must not make every message in doubt go twice.
            StatusCode::NOT_FOUND
                if serde_json::from_slice::<Value>(answer.body())
                    .is_ok_and(|body| body.is_object() || body.is_array()) =>
            {
                Lookup::NotFound
            }
            StatusCode::OK => match serde_json::from_slice(answer.body()) {
                Ok(document) => find(&lookup.reference, &document, &query.known),
                Err(_) => inconclusive("lookup-unreadable"),
            },
            status => inconclusive(&mapping::code(status)),
        }
    }

    fn receipts(
        &self,
        query: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Vec<Receipt>, String> {
        let Some(settings) = &self.settings.receipts else {
            return Err("no receipts are configured for this provider".into());
        };
        report::read(settings, query, content_type, body)
    }
}

/// Walks to the gateway's id. Only an empty list or `null` says that there is nothing: a name that is
/// not there may be a mistake in the settings, and must not make a message go twice.
fn find(at: &Pointer, document: &Value, known: &[String]) -> Lookup {
    let inconclusive = |code: &str| Lookup::Inconclusive { code: code.into() };
    let mut value = document;
    for step in at.steps() {
        match value {
            Value::Null => return Lookup::NotFound,
            Value::Array(list) if list.is_empty() => return Lookup::NotFound,
            Value::Array(list) if list.len() > 1 => return inconclusive("lookup-several"),
            _ => {}
        }
        let inner = match value {
            Value::Array(list) => step.parse::<usize>().ok().and_then(|index| list.get(index)),
            _ => value.get(&step),
        };
        let Some(inner) = inner else { return inconclusive("lookup-not-understood") };
        value = inner;
    }
    match place::scalar(value) {
        Some(reference) if known.contains(&reference) => inconclusive("lookup-known"),
        Some(reference) => Lookup::Found { reference },
        None if value.is_null() => Lookup::NotFound,
        None => inconclusive("lookup-not-understood"),
    }
}
