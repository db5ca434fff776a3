//! One message as the sink took it. Plain values; knows nothing of sockets or faults.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A text, over HTTP.
    Sms,
    /// A mail, over SMTP.
    Email,
}

/// One message. Serialises as an item of `GET /messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Received {
    /// How it came.
    pub kind: Kind,
    /// The provider's id: `s` for a text or `m` for a mail, and 32 hexadecimal digits.
    pub id: String,
    /// Sender of a text; envelope sender of a mail.
    pub from: String,
    /// Recipient of a text; envelope recipients of a mail, `, ` between them.
    pub to: String,
    /// Subject of a mail, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text; for a mail its `text/plain` part with line feeds, or nothing.
    pub text: String,
    /// Parts of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// When it was taken, to the microsecond and never twice the same.
    pub received_at: Timestamp,
    /// Header fields of a mail, unfolded; other fields of the form for a text.
    pub headers: BTreeMap<String, String>,
    /// Attachments of a mail.
    pub attachments: Vec<Attachment>,
    /// Path of the request that brought a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the provider says of a text when asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// How reporting on a text stands.
    pub receipt: ReceiptState,
    /// How many reports were acknowledged.
    pub receipts_posted: u32,
    /// The bytes: the mail after dot-unstuffing, or the body of the request.
    #[serde(skip)]
    pub raw: Bytes,
}

/// State of a text at 46elks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Taken.
    Created,
    /// Passed on.
    Sent,
    /// On the handset.
    Delivered,
    /// Given up.
    Failed,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// How reporting on a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptState {
    /// Nobody asked, or the plan is to say nothing.
    None,
    /// Reports are still to come.
    Pending,
    /// All were acknowledged.
    Done,
    /// One was given up after the last attempt.
    Unanswered,
    /// The address is none the sink calls: it must be `http://` on this machine.
    Refused,
}

/// A part of a mail that is not its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attachment {
    /// File name.
    pub name: String,
    /// Media type.
    pub content_type: String,
    /// Length after decoding, in bytes.
    pub bytes: usize,
    /// The contents, where they are UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a reader of the list wants to see. Empty means everything.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Filter {
    /// `sms` or `email`.
    pub kind: Option<String>,
    /// The recipient, whole.
    pub to: Option<String>,
    /// Found in the text or the subject.
    pub contains: Option<String>,
}

impl Filter {
    /// Whether a message is wanted.
    pub fn admits(&self, message: &Received) -> bool {
        let kind = match message.kind {
            Kind::Sms => "sms",
            Kind::Email => "email",
        };
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.to.as_deref().is_none_or(|wanted| {
                message.to.split(", ").any(|to| to.eq_ignore_ascii_case(wanted))
            })
            && self.contains.as_deref().is_none_or(|wanted| {
                message.text.contains(wanted)
                    || message.subject.as_deref().is_some_and(|subject| subject.contains(wanted))
            })
    }
}
