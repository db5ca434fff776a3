//! The doors to the outside of a term that is lived through again: a provider in the protocol of 46elks and a mail
//! server that take everything at once, and reports of delivery that come a little later. Nothing leaves the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::clock::HandClock;
use crate::channel::sms::receipt;
use crate::env::{Clock as _, MailEnvelope, MailOutcome, MailWire, Pending, Wire, WireError};
use crate::message::sms;
use crate::model::{Receipt, ReceiptStatus};

/// In how many parts a share is told.
pub(super) const WHOLE: u32 = 10_000;

/// Both doors of one school.
pub(super) struct Line {
    clock: std::sync::Arc<HandClock>,
    seed: u64,
    /// How many of [`WHOLE`] texts are not delivered.
    undelivered: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    texts: u64,
    /// Reports by the time when they come.
    reports: BTreeMap<(Timestamp, u64), Receipt>,
}

impl Line {
    pub fn new(clock: std::sync::Arc<HandClock>, seed: u64, undelivered: u32) -> Self {
        Self { clock, seed, undelivered, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next report comes.
    pub fn next_report(&self) -> Option<Timestamp> {
        self.state().reports.keys().next().map(|(at, _)| *at)
    }

    /// A report that has come.
    pub fn report(&self, now: Timestamp) -> Option<Receipt> {
        let mut state = self.state();
        let first = state.reports.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Takes a text; the provider's reference, and what it counts.
    fn take(&self, to: &str, text: &str) -> (String, u32) {
        let now = self.clock.now();
        let mut state = self.state();
        state.texts += 1;
        let number = state.texts;
        let reference = format!("s{number:032x}");
        // What becomes of a text goes by the recipient, the time and the seed, so that it is the same under another
        // configuration that sends it at the same time.
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(to.as_bytes());
        hash.update(now.as_microsecond().to_be_bytes());
        let digest = hash.finalize();
        let drawn = |at: usize| {
            let bytes = digest.as_slice();
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let fails = drawn(0) % WHOLE < self.undelivered;
        // A telephone that is on says so within a minute; a network tries for a while before it gives up.
        let (status, after) = if fails {
            (ReceiptStatus::Undelivered, 60 + drawn(4) % 540)
        } else {
            (ReceiptStatus::Delivered, 3 + drawn(4) % 27)
        };
        let at = now + SignedDuration::from_secs(i64::from(after));
        let report = Receipt {
            notification: None,
            reference: Some(reference.clone()),
            status,
            at: Some(at),
        };
        state.reports.insert((at, number), report);
        (reference, sms::count(text).parts)
    }
}

impl Wire for Line {
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Result<Response<Bytes>, WireError>> {
        let answer = if request.method() == Method::POST {
            let form = receipt::form(request.body());
            let field = |name| receipt::value(&form, name).unwrap_or_default();
            let (reference, parts) = self.take(field("to"), field("message"));
            serde_json::json!({"id": reference, "status": "created", "parts": parts})
        } else {
            serde_json::json!({"data": []})
        };
        Box::pin(std::future::ready(Ok(Response::new(Bytes::from(answer.to_string())))))
    }
}

impl MailWire for Line {
    fn send<'a>(&'a self, _: &'a MailEnvelope, _: Bytes) -> Pending<'a, MailOutcome> {
        Box::pin(std::future::ready(MailOutcome::Accepted { reference: None, parts: None }))
    }
}
