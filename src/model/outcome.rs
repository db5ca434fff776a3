//! How a provider's answer is understood, whatever the provider.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::NotificationId;

/// What came of one attempt to send. `code` is a short, stable word or number for logs and
/// metrics (`http-503`, `550-5.1.1`), never the provider's free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Outcome {
    /// The provider has taken responsibility.
    Accepted {
        /// The provider's id of the message, if it gives one.
        reference: Option<String>,
        /// Parts it counted, if it says.
        parts: Option<u32>,
    },
    /// Certainly not accepted; may be tried again.
    Retry {
        /// The provider's wish (`Retry-After`), not yet clamped.
        after: Option<SignedDuration>,
        /// Why.
        code: String,
        /// The provider as a whole is slow or away: slow the provider, do not burn this message's attempts.
        provider_wide: bool,
    },
    /// This message will never be accepted.
    RejectMessage {
        /// Why.
        code: String,
        /// The address itself is at fault: mark the contact.
        bad_contact: bool,
    },
    /// The account cannot send at all (credentials, credit, sender): stop the channel, keep messages.
    RejectChannel {
        /// Why.
        code: String,
    },
    /// The request may or may not have been acted on.
    InDoubt {
        /// Why.
        code: String,
    },
}

impl Outcome {
    /// The class as a metric label.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Retry { .. } => "retry",
            Self::RejectMessage { .. } => "reject-message",
            Self::RejectChannel { .. } => "reject-channel",
            Self::InDoubt { .. } => "in-doubt",
        }
    }
}

/// What asking a provider about an attempt in doubt gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The provider has it.
    Found {
        /// The provider's id of the message.
        reference: String,
    },
    /// The provider answered and does not have it.
    NotFound,
    /// The answer cannot be relied on (several candidates, an error, no such service).
    Inconclusive {
        /// Why.
        code: String,
    },
}

/// A delivery report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Our id, when the provider hands it back.
    pub notification: Option<NotificationId>,
    /// The provider's id.
    pub reference: Option<String>,
    /// What it says.
    pub status: ReceiptStatus,
    /// When it happened, if the provider says.
    pub at: Option<Timestamp>,
}

/// What a delivery report says. Ordered: a final one is never left for a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptStatus {
    /// On its way.
    Sent,
    /// Not delivered and will not be.
    Undelivered,
    /// Delivered to the handset or mailbox.
    Delivered,
}

/// Why an HTTP call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No byte of the request left: name not found, connection or TLS refused.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request, or part of it, left; what became of it is unknown.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// No byte of the request left, and none will until somebody acts: the account was not let in before
    /// it could be made (no token for these credentials).
    #[error("not let in: {0}")]
    NotLetIn(String),
}
