//! From texts to the bytes of a mail (RFC 5322). Typed all the way: no header is made by putting
//! strings together, and the same parts make the same bytes, whenever and however often.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use lettre::Address;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0,
};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};

use super::MailText;
use super::clean::{self, MAIL_NAME, MAIL_SUBJECT};
use crate::model::{EmailAddress, Locale, NotificationId};

/// All that one mail is made of.
#[derive(Debug, Clone)]
pub struct MailParts {
    /// The name and address in `From`.
    pub from: Sender,
    /// Where answers go: an inbox that people read. None: to `from`.
    pub reply_to: Option<EmailAddress>,
    /// The one recipient.
    pub to: EmailAddress,
    /// Subject and bodies.
    pub text: MailText,
    /// Their language.
    pub locale: Locale,
    /// See `thread::message_id`.
    pub message_id: String,
    /// See `thread::thread_id`; none: a mail by itself.
    pub thread: Option<String>,
    /// When the mail was made: never read from a clock here.
    pub date: Timestamp,
    /// File name and content: JSON, or HTML where the name says so.
    pub attachment: Option<(String, Vec<u8>)>,
}

/// Who a mail is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Shown to the reader; may be empty.
    pub name: String,
    /// The address.
    pub address: EmailAddress,
}

/// Why a mail could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// An address that passed our checks and not those of SMTP.
    #[error("{0} is not an address that mail can be sent with; correct it where it comes from")]
    Address(EmailAddress),
    /// Not `<something@domain>`.
    #[error("a Message-ID is not of the form <id@domain>; check the sender's address")]
    MessageId,
    /// Not a plain ASCII name.
    #[error("the name of an attachment holds other than letters, digits, - _ and .")]
    FileName,
    /// Something else that the mail library refuses.
    #[error("the mail could not be put together: {0}")]
    Build(String),
}

/// Puts a mail together.
///
/// # Errors
/// See [`MailError`]; trying again with the same parts gives the same error.
pub fn build(parts: &MailParts) -> Result<Bytes, MailError> {
    let id = message_id(&parts.message_id)?;
    let name = clean::header(&parts.from.name, MAIL_NAME);
    let mut mail = Message::builder()
        .from(Mailbox::new((!name.is_empty()).then_some(name), address(&parts.from.address)?))
        .to(Mailbox::new(None, address(&parts.to)?))
        .subject(clean::header(&parts.text.subject, MAIL_SUBJECT))
        .date(date(parts.date))
        .message_id(Some(id.clone()))
        .header(MIME_VERSION_1_0)
        // RFC 3834 §5: no automatic answers to automatic mail; Exchange's own header for the same.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"))
        .raw_header(header("Content-Language", parts.locale.as_str()));
    if let Some(reply_to) = &parts.reply_to {
        mail = mail.reply_to(Mailbox::new(None, address(reply_to)?));
    }
    if let Some(thread) = &parts.thread {
        let thread = message_id(thread)?;
        mail = mail.in_reply_to(thread.clone()).references(thread);
    }
    let body = MultiPart::alternative()
        .boundary(boundary("alternative", &id))
        .singlepart(text(ContentType::TEXT_PLAIN, &parts.text.text))
        .singlepart(text(ContentType::TEXT_HTML, &parts.text.html));
    let body = match &parts.attachment {
        None => body,
        Some((name, content)) => MultiPart::mixed()
            .boundary(boundary("mixed", &id))
            .multipart(body)
            .singlepart(attachment(name, content)?),
    };
    let mail = mail.multipart(body).map_err(|error| MailError::Build(error.to_string()))?;
    Ok(Bytes::from(mail.formatted()))
}

/// Whole seconds, which is all the header holds. The library panics before 1970, where no mail is from.
fn date(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn address(address: &EmailAddress) -> Result<Address, MailError> {
    address.expose().parse().map_err(|_| MailError::Address(address.clone()))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Takes a Message-ID (RFC 5322 §3.6.4, without quoting or domain literals).
fn message_id(id: &str) -> Result<String, MailError> {
    let inner = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let good = inner.and_then(|inner| inner.split_once('@')).is_some_and(|(left, domain)| {
        let is_atom = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        !left.is_empty() && !domain.is_empty() && left.bytes().chain(domain.bytes()).all(is_atom)
    });
    // RFC 5322 §2.1.1: no line over 998 characters.
    if good && id.len() <= 500 { Ok(id.to_owned()) } else { Err(MailError::MessageId) }
}

/// The library draws lots for one, which this replaces; a hash is as unlikely to stand in a text and the same each time.
fn boundary(kind: &str, message_id: &str) -> String {
    format!("{kind}-{}", NotificationId::of(&["boundary", kind, message_id]))
}

/// Always base64 or quoted-printable, whatever the text: relays may not change it, nor split lines.
fn text(kind: ContentType, text: &str) -> SinglePart {
    SinglePart::builder()
        .header(kind)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(text.to_owned())
}

fn attachment(name: &str, content: &[u8]) -> Result<SinglePart, MailError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if name.is_empty() || name.len() > 60 || !name.bytes().all(is_plain) {
        return Err(MailError::FileName);
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let kind = if ending == Some("html") { "text/html; charset=utf-8" } else { "application/json" };
    let kind = ContentType::parse(kind).map_err(|error| MailError::Build(error.to_string()))?;
    let body =
        lettre::message::Body::new_with_encoding(content.to_vec(), ContentTransferEncoding::Base64)
            .map_err(|_| MailError::Build("the attachment cannot be encoded".into()))?;
    Ok(Attachment::new(name.to_owned()).body(body, kind))
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
