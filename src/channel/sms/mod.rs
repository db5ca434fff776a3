//! Text message providers behind one pure trait.

mod auth;
pub mod elks;
pub mod http;
pub mod mapping;
pub mod receipt;
pub mod sender;
pub mod settings;

#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

pub use sender::{SenderId, SenderIdError, sender_id};
pub use settings::{ProviderKind, ProviderSettings};

use crate::model::{Lookup, NotificationId, Outcome, Phone, Receipt, WireError, hex};

/// One text ready to leave.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// Our id, given to the provider wherever it takes one.
    pub id: NotificationId,
    /// Alphanumeric sender (3–11 characters) or a number.
    pub sender: String,
    /// The recipient.
    pub to: Phone,
    /// The text, already folded.
    pub text: String,
    /// Whether the text needs UCS-2, by the room that counts parts; some providers must be told.
    pub unicode: bool,
    /// Where delivery reports go, without our id; none when no public address is configured.
    pub receipt_url: Option<String>,
    /// When this attempt is made; a provider's relative expiry counts from it.
    pub at: Timestamp,
    /// When the message stops being worth delivering.
    pub expires_at: Timestamp,
}

/// How long before the attempt a provider that is asked by time may have made the message: as far as a
/// machine's clock can have been ahead when the attempt was written down, as with one that took local
/// time for UTC or the day after for today.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// What is needed to ask about an attempt in doubt.
///
/// A provider that is asked by number and time (46elks) cannot tell two attempts in doubt to one number
/// apart unless it keeps texts: each would find the other's message. The asker holds such pairs where
/// [`SmsApi::tells_texts_apart`] says no.
#[derive(Clone, PartialEq, Eq)]
pub struct LookupQuery {
    /// Our id.
    pub id: NotificationId,
    /// The recipient.
    pub to: Phone,
    /// When the attempt was written down.
    pub started_at: Timestamp,
    /// Provider references that are known to belong to other notifications, of attempts from
    /// [`LOOK_BACK`] before this one to now.
    pub known: Vec<String>,
    /// [`text_sha256`] of the text as sent, to tell two messages to one number apart where the provider
    /// keeps texts; others pass it over.
    pub text_sha256: Option<String>,
}

/// SHA-256 (FIPS 180-4) of a text's UTF-8 bytes, in lower-case hexadecimal.
pub fn text_sha256(text: &str) -> String {
    hex(Sha256::digest(text.as_bytes()).as_slice())
}

/// Without the text, which names the pupil, and the receipt address, which holds a secret.
impl fmt::Debug for SmsMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, sender, to, unicode, at, expires_at, text: _, receipt_url: _ } = self;
        f.debug_struct("SmsMessage")
            .field("id", id)
            .field("sender", sender)
            .field("to", to)
            .field("unicode", unicode)
            .field("at", at)
            .field("expires_at", expires_at)
            .finish_non_exhaustive()
    }
}

/// Without the text's digest: names are few enough to try them all.
impl fmt::Debug for LookupQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, to, started_at, known, text_sha256: _ } = self;
        f.debug_struct("LookupQuery")
            .field("id", id)
            .field("to", to)
            .field("started_at", started_at)
            .field("known", known)
            .finish_non_exhaustive()
    }
}

/// One provider's protocol. No I/O: requests and answers are values.
pub trait SmsApi: Send + Sync {
    /// The HTTP request that submits the message.
    ///
    /// # Errors
    /// What becomes of a message that this provider can never carry: nothing is sent.
    fn submit(&self, message: &SmsMessage) -> Result<::http::Request<Bytes>, Outcome>;

    /// What the answer to [`SmsApi::submit`] means. `now` resolves a `Retry-After` date.
    fn outcome(
        &self,
        answer: &Result<::http::Response<Bytes>, WireError>,
        now: Timestamp,
    ) -> Outcome;

    /// A request that shows whether we are let in, and sends nothing; none where the provider has no such service.
    fn account(&self) -> Option<::http::Request<Bytes>> {
        None
    }

    /// The request that asks whether an attempt in doubt arrived; none where the provider has no such service.
    fn lookup(&self, query: &LookupQuery) -> Option<::http::Request<Bytes>>;

    /// Whether a look-up tells two messages to one number, sent at about one time, apart: by our id, or
    /// by their texts. Where it does not, one found may be another's.
    fn tells_texts_apart(&self) -> bool;

    /// What the answer to [`SmsApi::lookup`] means. `now` is when it came, by our clock: where it is judged by
    /// time, it says how far the provider's is away.
    fn looked_up(
        &self,
        query: &LookupQuery,
        answer: &Result<::http::Response<Bytes>, WireError>,
        now: Timestamp,
    ) -> Lookup;

    /// Delivery reports in a callback to `/receipts/{provider}/{secret}`, `query` as it stands in the URL.
    ///
    /// # Errors
    /// In words, when the callback cannot be understood; the provider is then answered 400.
    fn receipts(
        &self,
        query: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Vec<Receipt>, String>;
}
