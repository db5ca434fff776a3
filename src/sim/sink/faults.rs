//! What the sink is told to do wrong, as values that travel as JSON. Which request is hit follows
//! from counting alone, never from chance, so that a run can be repeated. Pure.

use std::{collections::BTreeMap, num::NonZeroU64};

use serde::{Deserialize, Serialize};

use super::magic;
use super::rules::{HttpRule, SmtpRule};

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
