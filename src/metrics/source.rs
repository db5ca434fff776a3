//! What the door of one source counts with: its numbers are looked up once, so that an event costs an
//! addition.

use jiff::SignedDuration;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::seconds;
use crate::model::is_ahead;

/// The numbers of one source.
#[derive(Debug, Clone)]
pub struct SourceMeter {
    accepted: Counter,
    duplicate: Counter,
    rejected: Counter,
    put_off: Counter,
    refused: Counter,
    delay: Histogram,
    ahead: Counter,
}

impl SourceMeter {
    pub(super) fn new(
        count: impl Fn(&'static str) -> Counter,
        delay: Histogram,
        ahead: Counter,
    ) -> Self {
        Self {
            accepted: count("accepted"),
            duplicate: count("duplicate"),
            rejected: count("rejected"),
            put_off: count("put-off"),
            refused: count("refused"),
            delay,
            ahead,
        }
    }

    /// An event was taken for the first time; a mark so long after it was recorded. One that was recorded, by the
    /// source's clock, after it came, says nothing of a delay: it is counted apart.
    pub fn accepted(&self, after: Option<SignedDuration>) {
        self.accepted.inc();
        if after.is_some_and(is_ahead) {
            self.ahead.inc();
        } else if let Some(after) = after {
            self.delay.observe(seconds(after));
        }
    }

    /// An event was known.
    pub fn duplicate(&self) {
        self.duplicate.inc();
    }

    /// So many events, or a request that could not be understood, were the sender's fault.
    pub fn rejected(&self, events: u64) {
        self.rejected.inc_by(events);
    }

    /// A request was asked to come again.
    pub fn put_off(&self) {
        self.put_off.inc();
    }

    /// A request was not let in.
    pub fn refused(&self) {
        self.refused.inc();
    }
}
