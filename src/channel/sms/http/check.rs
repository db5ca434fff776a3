//! What cannot work though each part of the settings is good. Pure; names settings by their names in
//! [`HttpSettings`], the room that reads configuration knows the operator's words for them.

use std::collections::BTreeSet;

use http::header::AUTHORIZATION;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    charset::Charset,
    raw::{Escape, RawTemplate},
    request,
    settings::{ContentType, Encoding, HttpAuth, HttpBody, HttpReceipts, HttpSettings},
    template::Values,
};
use crate::model::{Phone, ReceiptStatus};

/// Settings that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Neither a reference nor a test: every answer would be in doubt. A status alone proves nothing, as
    /// a proxy's page comes with 200 too.
    #[error("nothing tells that a message was taken: a status alone proves nothing")]
    NoProof,
    /// A reference where a refusal has something too, and no test.
    #[error("the reference stands where a refusal has a text too, and nothing else tells success")]
    LooseProof,
    /// A test that nothing passes.
    #[error("the success test names no value, so no message would count as taken")]
    NoSuccessValue,
    /// A message needs these two.
    #[error("nothing in the request holds {{{0}}}")]
    NotInRequest(&'static str),
    /// The gateway cannot find what it was never told: each look-up would say *not found*, and the
    /// message would go again.
    #[error("a look-up asks by our id, but nothing in the request holds {{id}}")]
    LookupWithoutId,
    /// The gateway cannot hand back what it was never told.
    #[error("reports are to bring our id, but nothing in the request holds {{id}}")]
    ReceiptIdNeverSent,
    /// No report could be put to a message.
    #[error("no report could be put to its message: none would bring our id or a known reference")]
    ReceiptWithoutMessage,
    /// Reports that say nothing.
    #[error("no status means delivered or undelivered")]
    NoFinalStatus,
    /// Not 2xx, which a gateway takes for a refusal, and asks again.
    #[error("the answer {0} to a report is not one of 200–299")]
    AckStatus(u16),
    /// RFC 9110 §15.3.5 and §15.3.6.
    #[error("the answer {0} to a report cannot carry a body")]
    AckBody(u16),
    /// A place to look for codes, and nothing to find.
    #[error("no code has a meaning")]
    NoCode,
    /// One code with two meanings.
    #[error("the code {0:?} has two meanings")]
    CodeTwice(String),
    /// Codes count before the success test.
    #[error("the value {0:?} at one place is both success and an error")]
    CodeIsSuccess(String),
    /// One of the two would be lost, or both be sent.
    #[error("the secret field {0:?} stands in the body too")]
    SecretFieldTwice(String),
    /// A name in the body that no file is given for.
    #[error("the body holds {{secret:{0}}}, which no file is given for")]
    SecretUnknown(String),
    /// A file that nothing comes of: the gateway would not learn who we are.
    #[error("nothing in the body holds {{secret:{0}}}")]
    SecretUnused(String),
    /// The body says of itself what it is not.
    #[error("the body is said to be in {0:?}, and is not")]
    Charset(String),
    /// A body in another charset that nothing says so of.
    #[error("the XML document is in ISO-8859-1, but neither it nor its media type says so")]
    CharsetUnsaid,
    /// RFC 8259 §8.1.
    #[error("the body is JSON, which is UTF-8 always")]
    JsonCharset,
    /// Something of the operator's own, which would be sent as a question mark.
    #[error("{0} holds a character that ISO-8859-1 has not")]
    NotInCharset(String),
    /// Escaping for JSON is right inside quotation marks only.
    #[error(
        "the body would be no JSON: {{from}}, {{text}} and the like stand inside quotation marks"
    )]
    NotJson,
    /// The header of the id is taken by the authorisation.
    #[error("the header for our id is the one that shows who we are")]
    HeaderTwice,
    /// RFC 7617 §2: it would end there.
    #[error("the user name holds a colon, which Basic authentication cannot carry")]
    ColonInUsername,
}

impl HttpSettings {
    /// All that cannot work; empty when nothing is wrong.
    pub fn check(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        self.check_request(&mut found);
        self.check_answer(&mut found);
        if self.lookup.is_some() && !self.asks_for("id") {
            found.push(Contradiction::LookupWithoutId);
        }
        if let Some(receipts) = &self.receipts {
            self.check_receipts(receipts, &mut found);
        }
        found
    }

    fn check_request(&self, found: &mut Vec<Contradiction>) {
        for needed in ["to", "text"] {
            if !self.asks_for(needed) {
                found.push(Contradiction::NotInRequest(needed));
            }
        }
        let names = self.body.names();
        let twice = self.secret_fields.keys().filter(|name| names.contains(&name.as_str()));
        found.extend(twice.cloned().map(Contradiction::SecretFieldTwice));
        if let Some(body) = self.body.written() {
            let used: BTreeSet<&str> = body.secrets().collect();
            let known = |name: &&str| self.secret_fields.contains_key(*name);
            let unknown = used.iter().filter(|name| !known(name));
            found.extend(unknown.map(|name| Contradiction::SecretUnknown((*name).to_owned())));
            let unused = self.secret_fields.keys().filter(|name| !used.contains(name.as_str()));
            found.extend(unused.cloned().map(Contradiction::SecretUnused));
        }
        self.check_charset(found);
        if let HttpBody::Raw(_, body) = &self.body
            && body.escape() == Escape::Json
            && ![false, true].into_iter().all(|unicode| self.is_json(body, unicode))
        {
            found.push(Contradiction::NotJson);
        }
        let taken = match &self.auth {
            HttpAuth::None => None,
            HttpAuth::Basic { .. } | HttpAuth::Bearer(_) | HttpAuth::Token => Some(&AUTHORIZATION),
            HttpAuth::Header { name, .. } => Some(name),
        };
        if taken.is_some() && taken == self.idempotency_header.as_ref() {
            found.push(Contradiction::HeaderTwice);
        }
        if let HttpAuth::Basic { username, .. } = &self.auth
            && username.expose_secret().contains(':')
        {
            found.push(Contradiction::ColonInUsername);
        }
    }

    fn check_charset(&self, found: &mut Vec<Contradiction>) {
        let declared = match &self.body {
            HttpBody::Xml(_, document) => document.encoding().map(str::to_owned),
            _ => None,
        };
        let said = self.content_type.as_ref().and_then(ContentType::charset);
        let unsaid = declared.is_none() && said.is_none() && self.content_type.is_some();
        let wrong = declared.into_iter().chain(said).filter(|name| name != self.charset.name());
        found.extend(wrong.map(Contradiction::Charset));
        if self.charset == Charset::Utf8 {
            return;
        }
        match &self.body {
            HttpBody::Json(..) => found.push(Contradiction::JsonCharset),
            HttpBody::Xml(..) if unsaid => found.push(Contradiction::CharsetUnsaid),
            _ => {}
        }
        let Encoding { gsm, unicode } = &self.encoding;
        let secrets = self.secret_fields.iter();
        let secrets = secrets.map(|(name, value)| (name.as_str(), value.expose_secret()));
        let fixed = self.body.fixed();
        let texts = [("the body", fixed.as_str()), ("{encoding}", gsm), ("{encoding}", unicode)];
        for (name, text) in texts.into_iter().chain(secrets) {
            if !self.charset.carries(name) || !self.charset.carries(text) {
                found.push(Contradiction::NotInCharset(name.to_owned()));
            }
        }
    }

    /// Whether a body is JSON even when its free texts are of the character that ends a string. Numbers
    /// and the operator's own words may stand outside of quotation marks.
    fn is_json(&self, body: &RawTemplate, unicode: bool) -> bool {
        let hostile = || "\"".to_owned();
        let phone = Phone::new("+46701740605").expect("a number");
        let values = Values {
            to: request::number(&phone, self.number),
            from: hostile(),
            text: hostile(),
            id: hostile(),
            receipt_url: Some(hostile()),
            expires_at: hostile(),
            encoding: self.encoding.of(unicode).to_owned(),
            secrets: self.secret_fields.keys().map(|k| (k.clone(), hostile().into())).collect(),
            ..Values::example()
        };
        serde_json::from_str::<Value>(&body.fill(&values, self.charset)).is_ok()
    }

    fn check_answer(&self, found: &mut Vec<Contradiction>) {
        match (&self.success.test, &self.reference) {
            (None, None) => found.push(Contradiction::NoProof),
            (None, Some(at)) if !at.proves() => found.push(Contradiction::LooseProof),
            (Some((_, values)), _) if values.is_empty() => {
                found.push(Contradiction::NoSuccessValue);
            }
            _ => {}
        }
        let Some(codes) = &self.codes else { return };
        let lists = [&codes.permanent, &codes.bad_contact, &codes.config, &codes.retry];
        let mut seen = BTreeSet::new();
        for list in lists {
            for code in list.iter().collect::<BTreeSet<_>>() {
                if !seen.insert(code) {
                    found.push(Contradiction::CodeTwice(code.clone()));
                }
            }
        }
        if seen.is_empty() {
            found.push(Contradiction::NoCode);
        }
        if let Some((at, values)) = &self.success.test
            && *at == codes.at
        {
            let both = values.iter().filter(|value| seen.contains(value));
            found.extend(both.cloned().map(Contradiction::CodeIsSuccess));
        }
    }

    fn check_receipts(&self, receipts: &HttpReceipts, found: &mut Vec<Contradiction>) {
        let sends_id = self.asks_for("id");
        if receipts.id.is_some() && !sends_id {
            found.push(Contradiction::ReceiptIdNeverSent);
        } else if receipts.id.is_none()
            && !(receipts.reference.is_some() && self.reference.is_some())
            && !self.asks_for("receipt-url")
        {
            found.push(Contradiction::ReceiptWithoutMessage);
        }
        if !receipts.statuses.values().any(|status| *status != ReceiptStatus::Sent) {
            found.push(Contradiction::NoFinalStatus);
        }
        match receipts.ack.status {
            status @ (204 | 205) if !receipts.ack.body.is_empty() => {
                found.push(Contradiction::AckBody(status));
            }
            200..=299 => {}
            status => found.push(Contradiction::AckStatus(status)),
        }
    }
}
