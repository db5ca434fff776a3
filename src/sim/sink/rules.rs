//! One thing that goes wrong, with one HTTP request or at one point of a mail session. Plain values
//! that travel as JSON.

use serde::{Deserialize, Serialize};

use super::faults::When;

/// What goes wrong with one HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFault {
    /// 429, with `Retry-After` as the rule says.
    TooManyRequests,
    /// 500.
    ServerError,
    /// 503, with `Retry-After` as the rule says.
    Unavailable,
    /// 403 and "Not enough credits" as plain text.
    NoCredit,
    /// 401.
    Unauthorized,
    /// 200 and a web page, as from a proxy with a log-in.
    HtmlPage,
    /// 200 and JSON that tells of a failure, as Vonage does.
    InnerError,
    /// The message is taken and the connection closed without an answer.
    DropAfterStoring,
    /// The connection is closed without an answer and the message is not taken.
    DropBeforeStoring,
    /// The message is taken and answered after `delay-ms`, beyond a client's patience.
    Late,
    /// The message is taken and half of the JSON comes back.
    Truncated,
    /// All is well, but the answer's `Date` cannot be read.
    OddDate,
}

/// Which requests an [`HttpRule`] looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// Sending a text, through `/a1/sms` or `/generic/…`.
    #[default]
    Submit,
    /// Asking for the history or for one text.
    Lookup,
}

/// How a 429 or 503 says when to come back (RFC 9110 §10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// As a number of seconds.
    Seconds(u32),
    /// As an HTTP date this many seconds from now.
    Date(u32),
}

/// One thing that goes wrong over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpRule {
    /// What.
    pub fault: HttpFault,
    /// To which requests.
    #[serde(default)]
    pub on: On,
    /// To which of them.
    #[serde(default)]
    pub when: When,
    /// For [`HttpFault::TooManyRequests`] and [`HttpFault::Unavailable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// For [`HttpFault::Late`], in milliseconds.
    #[serde(default = "beyond_patience")]
    pub delay_ms: u64,
    /// Whether the message is taken all the same; each fault has its own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<bool>,
}

fn beyond_patience() -> u64 {
    40_000
}

impl HttpRule {
    /// A rule that hits every submission.
    pub fn new(fault: HttpFault) -> Self {
        Self {
            fault,
            on: On::Submit,
            when: When::default(),
            retry_after: None,
            delay_ms: beyond_patience(),
            stored: None,
        }
    }

    /// The same for the next `n` requests only.
    #[must_use]
    pub fn next(mut self, n: u64) -> Self {
        self.when.remaining = Some(n);
        self
    }

    /// Whether the message is taken although the answer says otherwise, or says nothing.
    pub fn is_stored(&self) -> bool {
        use HttpFault::{DropAfterStoring, Late, OddDate, Truncated};
        self.stored.unwrap_or(matches!(self.fault, DropAfterStoring | Late | Truncated | OddDate))
    }
}

/// The point of an SMTP session at which an [`SmtpRule`] applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// When the connection is accepted.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, before the message.
    Data,
    /// The final dot.
    EndOfData,
}

/// What goes wrong in an SMTP session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpFault {
    /// This is answered; 421 closes the connection too.
    Reply(SmtpReply),
    /// The connection is closed without an answer.
    Drop,
    /// Nothing is answered.
    Stall,
}

/// A refusal: a code from 400 to 599 and a text, on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SmtpReply(String);

impl SmtpReply {
    /// Takes a whole line, as `450 4.2.1 Mailbox busy`.
    ///
    /// # Errors
    /// When it is no refusal.
    pub fn new(line: impl Into<String>) -> Result<Self, String> {
        let line = line.into();
        let (code, text) = line.split_once(' ').unwrap_or((&line, ""));
        let refusal = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()) && {
            code.starts_with(['4', '5'])
        };
        if refusal && !text.is_empty() && !line.contains(char::is_control) && line.is_ascii() {
            Ok(Self(line))
        } else {
            Err(format!(
                "{line:?} is no refusal; give a code and a text, as 450 4.2.1 Mailbox busy"
            ))
        }
    }

    /// The line without its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SmtpReply {
    type Error = String;
    fn try_from(line: String) -> Result<Self, String> {
        Self::new(line)
    }
}

impl From<SmtpReply> for String {
    fn from(reply: SmtpReply) -> String {
        reply.0
    }
}

/// One thing that goes wrong over SMTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SmtpRule {
    /// Where.
    pub at: At,
    /// What.
    pub fault: SmtpFault,
    /// How often; `to` is known from RCPT on.
    #[serde(default)]
    pub when: When,
    /// At [`At::EndOfData`]: whether the mail is taken all the same. Yes for a drop or a stall
    /// (RFC 1047's case), no for a refusal, unless said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<bool>,
}

impl SmtpRule {
    /// A rule that hits every time.
    pub fn new(at: At, fault: SmtpFault) -> Self {
        Self { at, fault, when: When::default(), stored: None }
    }

    /// The same for the next `n` times only.
    #[must_use]
    pub fn next(mut self, n: u64) -> Self {
        self.when.remaining = Some(n);
        self
    }

    /// Whether a mail hit at its final dot is taken.
    pub fn is_stored(&self) -> bool {
        self.stored.unwrap_or(!matches!(self.fault, SmtpFault::Reply(_)))
    }
}
