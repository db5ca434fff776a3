//! `[delivery]`: how often, how fast and how long sending is tried.

use jiff::SignedDuration;

use super::reader::{Cap, Reader};
use super::words;
use crate::model::Rate;

/// How sending is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Delays before the second, third, … try of a text.
    pub sms_retry: Vec<SignedDuration>,
    /// Delays before the second, third, … try of a mail.
    pub email_retry: Vec<SignedDuration>,
    /// How long after an attempt without an answer the provider is asked what became of it.
    pub settle: SignedDuration,
    /// Most sends under way at once.
    pub concurrency: u32,
    /// Most messages to one recipient; none: no cap.
    pub recipient_rate: Option<Rate>,
}

/// What a provider may need after our time-out until a look-up shows the message, with clock skew.
const MARGIN: SignedDuration = SignedDuration::from_secs(90);

/// A list of durations that we wrote ourselves.
fn own(list: &[&str]) -> Vec<SignedDuration> {
    list.iter().map(|text| words::duration(text).expect("written by us")).collect()
}

impl Delivery {
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let delivery = Self {
            sms_retry: reader
                .durations("sms-retry")
                .unwrap_or_else(|| own(&["30s", "2m", "5m", "15m"])),
            email_retry: reader
                .durations("email-retry")
                .unwrap_or_else(|| own(&["1m", "2m", "5m", "10m", "30m"])),
            settle: reader.duration("settle", "1s", "1h").unwrap_or(SignedDuration::from_mins(2)),
            concurrency: reader.integer("concurrency", 1..=1_024).unwrap_or(16),
            recipient_rate: reader
                .cap("recipient-rate", true)
                .map_or_else(|| words::rate("20/day").ok(), Cap::rate),
        };
        for (key, list) in
            [("sms-retry", &delivery.sms_retry), ("email-retry", &delivery.email_retry)]
        {
            if list.is_empty() {
                reader.warn(
                    key,
                    format!("`{key}` is empty: a send that fails once is given up"),
                    "write at least one delay",
                );
            }
            if list.iter().any(SignedDuration::is_zero) {
                reader.error(key, format!("`{key}` holds a delay of zero"), "write 1s or more");
            }
        }
        delivery
    }

    /// A send may still be accepted until its time-out; asking before that finds nothing, and then
    /// sends twice (reliability.md §4: 728 doubles in 4,000).
    pub(super) fn judge_settle(
        &self,
        own: &Reader<'_>,
        other: &Reader<'_>,
        timeout: SignedDuration,
    ) {
        if self.settle > timeout {
            return;
        }
        let (key, place) = if own.has("settle") { ("settle", own) } else { ("timeout", other) };
        place.error(
            key,
            format!(
                "the time-out {}, {}, is not shorter than `settle`, {}: a message could go twice",
                other.title(),
                words::duration_text(timeout),
                words::duration_text(self.settle),
            ),
            format!(
                "write settle = \"{}\" or more in [delivery]",
                words::duration_text(timeout + MARGIN)
            ),
        );
    }
}
