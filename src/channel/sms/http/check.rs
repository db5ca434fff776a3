//! What cannot work though each part of the settings is good. Pure; names settings by their names in
//! [`HttpSettings`], the room that reads configuration knows the operator's words for them.

use std::collections::BTreeSet;

use http::header::AUTHORIZATION;
use secrecy::ExposeSecret as _;

use super::settings::{HttpAuth, HttpReceipts, HttpSettings};
use crate::model::ReceiptStatus;

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
        let taken = match &self.auth {
            HttpAuth::None => None,
            HttpAuth::Basic { .. } | HttpAuth::Bearer(_) => Some(&AUTHORIZATION),
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
