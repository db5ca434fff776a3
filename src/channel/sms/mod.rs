//! Text message providers behind one pure trait.

use bytes::Bytes;
use jiff::Timestamp;

use crate::env::WireError;
use crate::model::{Lookup, NotificationId, Outcome, Phone, Receipt};

/// One text ready to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// Our id, given to the provider wherever it takes one.
    pub id: NotificationId,
    /// Alphanumeric sender (3–11 characters) or a number.
    pub sender: String,
    /// The recipient.
    pub to: Phone,
    /// The text, already folded.
    pub text: String,
    /// Where delivery reports go, without our id; none when no public address is configured.
    pub receipt_url: Option<String>,
    /// When the message stops being worth delivering.
    pub expires_at: Timestamp,
}

/// What is needed to ask about an attempt in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupQuery {
    /// Our id.
    pub id: NotificationId,
    /// The recipient.
    pub to: Phone,
    /// When the attempt was written down.
    pub started_at: Timestamp,
    /// Provider references that are known to belong to other notifications.
    pub known: Vec<String>,
    /// The text, to tell two messages to one number apart where the provider keeps it.
    pub text: Option<String>,
}

/// One provider's protocol. No I/O: requests and answers are values.
pub trait SmsApi: Send + Sync {
    /// The HTTP request that submits the message.
    fn submit(&self, message: &SmsMessage) -> http::Request<Bytes>;

    /// What the answer to [`SmsApi::submit`] means. `now` resolves a `Retry-After` date.
    fn outcome(&self, answer: &Result<http::Response<Bytes>, WireError>, now: Timestamp)
    -> Outcome;

    /// The request that asks whether an attempt in doubt arrived; none where the provider has no such service.
    fn lookup(&self, query: &LookupQuery) -> Option<http::Request<Bytes>>;

    /// What the answer to [`SmsApi::lookup`] means.
    fn looked_up(
        &self,
        query: &LookupQuery,
        answer: &Result<http::Response<Bytes>, WireError>,
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
