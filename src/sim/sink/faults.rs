//! What the sink is told to do wrong, as values that travel as JSON. Which request is hit follows
//! from counting alone, never from chance, so that a run can be repeated. Pure.

use std::{collections::BTreeMap, num::NonZeroU64};

use serde::{Deserialize, Serialize};

use super::magic;

/// All switches. The default is a provider in good health that delivers everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Faults {
    /// Refuse everything in words: HTTP 503, SMTP 421.
    pub outage: bool,
    /// Refuse everything without a word: mail connections end when they are accepted, HTTP
    /// connections when the request has come. The control paths still answer, so that it can end.
    pub outage_hard: bool,
    /// The only user and password that may send texts; without it any will do.
    pub credentials: Option<Credentials>,
    /// How long every HTTP answer of the provider takes.
    pub latency: Latency,
    /// What goes wrong over HTTP; the first rule that applies decides.
    pub http: Vec<HttpRule>,
    /// What goes wrong over SMTP; the first rule that applies decides.
    pub smtp: Vec<SmtpRule>,
    /// What is reported about the texts that were taken.
    pub receipts: Receipts,
}

/// A name and a password for HTTP Basic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Credentials {
    /// The API user.
    pub user: String,
    /// The API password.
    pub password: String,
}

/// Slowness that is not a fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Latency {
    /// Milliseconds.
    pub ms: u64,
    /// On which side of taking the message.
    pub when: LatencyWhen,
}

/// On which side of taking the message a delay lies. It decides whether a client that gave up has
/// sent its message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatencyWhen {
    /// The message is taken after the delay.
    #[default]
    BeforeStoring,
    /// The message is taken at once; only the answer is late.
    AfterStoring,
}

/// Which of the matching requests a rule hits. All conditions given must hold; none given means
/// every request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct When {
    /// The nth, the 2nth, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<NonZeroU64>,
    /// This share, spread evenly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Only this recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many more times the rule hits; counts down and reads so in `GET /faults`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
}

/// A share between 0 and 1, kept in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(u32);

const WHOLE: u32 = 1_000_000;

impl TryFrom<f64> for Share {
    type Error = String;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is between 0 and a million"
    )]
    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self((share * f64::from(WHOLE)).round() as u32))
        } else {
            Err(format!("a share lies between 0 and 1, as 0.02; found {share}"))
        }
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> f64 {
        f64::from(share.0) / f64::from(WHOLE)
    }
}

impl When {
    /// Whether the `seen`th request is hit, and one less remains if so.
    pub(super) fn take(&mut self, seen: u64) -> bool {
        let every = self.every.is_none_or(|n| seen.is_multiple_of(n.get()));
        let share = self.share.is_none_or(|Share(share)| {
            let due = |n: u64| u128::from(n) * u128::from(share) / u128::from(WHOLE);
            due(seen) > due(seen.saturating_sub(1))
        });
        if !(every && share) || self.remaining == Some(0) {
            return false;
        }
        self.remaining = self.remaining.map(|n| n - 1);
        true
    }
}

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
        use HttpFault::{DropAfterStoring, Late, Truncated};
        self.stored.unwrap_or(matches!(self.fault, DropAfterStoring | Late | Truncated))
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

/// What is reported about texts, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Receipts {
    /// For every text without a plan of its own.
    pub plan: Plan,
    /// For one number; wins over the magic numbers.
    pub by_number: BTreeMap<String, Plan>,
    /// Milliseconds before each report.
    pub delay_ms: u64,
    /// Milliseconds before the first repetition of a report that was not acknowledged; doubles.
    pub retry_ms: u64,
}

impl Default for Receipts {
    fn default() -> Self {
        Self { plan: Plan::default(), by_number: BTreeMap::new(), delay_ms: 0, retry_ms: 1_000 }
    }
}

impl Receipts {
    /// What becomes of a text to this number.
    pub fn plan_for(&self, to: &str) -> Plan {
        self.by_number.get(to).copied().or_else(|| magic::plan(to)).unwrap_or(self.plan)
    }
}

/// The reports that follow one text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// None, ever.
    None,
    /// Delivered.
    #[default]
    Delivered,
    /// Sent, then delivered.
    SentThenDelivered,
    /// Failed.
    Failed,
    /// Delivered, and the same again.
    Twice,
    /// Delivered, then a late sent.
    LateSent,
    /// Delivered, before the submission is answered.
    BeforeAnswer,
    /// Delivered for an id that nobody knows, then for the right one.
    UnknownId,
}
