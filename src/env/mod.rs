//! The only doors to the outside: clock, randomness, HTTP wire, mail transport. The rest of the
//! house takes these as arguments; nothing else may read a clock or open a connection.

mod cause;
pub mod clock;
pub mod mail;
pub mod random;
mod smtp;
#[cfg(test)]
mod tls_tests;
pub mod wire;

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;

/// A future that owns nothing of the caller but the borrow.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The time of day and the only way to wait for it.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
    /// Returns at `until`, or at once when it has passed.
    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()>;
}

/// One HTTP request, one answer. No retries, but of what a withdrawn token kept out; no redirects, a total time-out, a cap on the answer.
pub trait Wire: Send + Sync {
    /// Sends it.
    ///
    /// # Errors
    /// See [`WireError`].
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> Pending<'_, Result<http::Response<Bytes>, WireError>>;
}

pub use crate::model::WireError;
pub use clock::SystemClock;
pub use mail::MailTransport;
pub use wire::{ReqwestWire, WireSettings};

/// What a mail transport made of one message, already folded by SMTP reply class.
pub use crate::model::Outcome as MailOutcome;

/// Takes one finished RFC 5322 message for one recipient.
pub trait MailWire: Send + Sync {
    /// Sends it.
    fn send<'a>(&'a self, envelope: &'a MailEnvelope, message: Bytes) -> Pending<'a, MailOutcome>;

    /// Goes as far as it can without a mail, and says how far.
    fn probe(&self) -> Pending<'_, Probed> {
        Box::pin(std::future::ready(Probed::Untried))
    }
}

/// How far a relay was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// There is none.
    Untried,
    /// It takes who we are.
    LoggedIn,
    /// It is there; no login is configured.
    Reached,
    /// It does not let us in.
    Refused {
        /// At which step: `connect`, `starttls`, `login` or `noop`.
        step: &'static str,
        /// A stable word, or the code of its reply.
        why: String,
    },
}

/// Who sends and who receives, as the relay sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEnvelope {
    /// Envelope sender.
    pub from: crate::model::EmailAddress,
    /// The one recipient.
    pub to: crate::model::EmailAddress,
}

/// All doors together.
#[derive(Clone)]
pub struct Env {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// HTTP.
    pub wire: Arc<dyn Wire>,
    /// Mail.
    pub mail: Arc<dyn MailWire>,
}
