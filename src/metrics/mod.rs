//! What has happened since the daemon started, in numbers for Prometheus, and how it is at the moment of a
//! scrape. The registry is the app's; nothing here is global. Services say what happened, in words of
//! theirs; the rooms that decide know nothing of it. Reads no clock and no rows: whoever asks brings both.
//!
//! Labels are ids from configuration and words from closed lists: their number is bounded, and none says
//! anything about a person.

mod labels;
mod moment;
mod source;
mod text;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::model::{
    Channel, Outcome, ProviderId, Reason, ReceiptStatus, SchoolId, SourceId, Stood,
};

use labels::{
    Attempts, Decided, Events, OfChannel, OfSource, Receipts, Registers, Shown, WithOutcome,
};

pub use moment::{
    AccountNow, DirectoryNow, LaneNow, Moment, QueueNow, SchoolNow, SourceNow, StoreNow,
};
pub use source::SourceMeter;
pub use text::{OPEN_METRICS, PLAIN};

/// A number with a fraction that can be set.
type Number = Gauge<f64, AtomicU64>;
/// Histograms by a label.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// How a commit ended.
const COMMITS: [&str; 4] = ["done", "conflict", "busy", "failed"];
/// What became of a delivery report.
const RECEIPTS: [&str; 4] = ["new", "known", "unknown", "too-early"];
/// What became of a directory that was offered.
const OFFERS: [&str; 5] = ["taken", "unchanged", "refused", "unusable", "failed"];

/// The numbers of one daemon.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started: Timestamp,
    events: Family<Events, Counter>,
    strangers: Counter,
    source_delay: Histograms<OfSource>,
    source_ahead: Family<OfSource, Counter>,
    decisions: Family<Decided, Counter>,
    registers: Family<Registers, Counter>,
    attempts: Family<Attempts, Counter>,
    our_delay: Histograms<OfChannel>,
    receipts: Family<Receipts, Counter>,
    commits: Histograms<WithOutcome>,
    offers: Family<WithOutcome, Counter>,
    /// When a directory was last offered that is in force, in seconds since 1970.
    confirmed: AtomicI64,
    reloads: Family<WithOutcome, Counter>,
    last_reload_ok: Gauge,
    last_reload: Number,
}

impl Metrics {
    /// Nothing has happened yet; the configuration read at `started` counts as the last good one.
    pub fn new(started: Timestamp) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            started,
            events: Family::default(),
            strangers: Counter::default(),
            source_delay: Family::new_with_constructor(minutes),
            source_ahead: Family::default(),
            decisions: Family::default(),
            registers: Family::default(),
            attempts: Family::default(),
            our_delay: Family::new_with_constructor(milliseconds_to_an_hour),
            receipts: Family::default(),
            commits: Family::new_with_constructor(milliseconds),
            offers: Family::default(),
            confirmed: i64::MIN.into(),
            reloads: Family::default(),
            last_reload_ok: Gauge::default(),
            last_reload: Number::default(),
        };
        metrics.last_reload_ok.set(1);
        metrics.last_reload.set(seconds_since_1970(started));
        for channel in [Channel::Sms, Channel::Email] {
            drop(metrics.our_delay.get_or_create(&OfChannel { channel: channel.as_str() }));
        }
        for outcome in COMMITS {
            drop(metrics.commits.get_or_create(&WithOutcome { outcome }));
        }
        for outcome in OFFERS {
            drop(metrics.offers.get_or_create(&WithOutcome { outcome }));
        }
        for outcome in ["taken", "refused"] {
            drop(metrics.reloads.get_or_create(&WithOutcome { outcome }));
        }
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let r = self.registry.sub_registry_with_prefix("upprop");
        r.register(
            "events",
            "Events by source and what became of them; a request that was refused, put off or not \
             understood as a whole counts as one",
            self.events.clone(),
        );
        r.register(
            "unknown_source_requests",
            "Requests to a source that is not configured",
            self.strangers.clone(),
        );
        r.register(
            "source_delay_seconds",
            "From when a mark was recorded to when it was accepted: the part before us",
            self.source_delay.clone(),
        );
        r.register(
            "source_ahead",
            "Marks that were recorded, by their source's clock, after they came: its clock is ahead, \
             and its delay cannot be told from them",
            self.source_ahead.clone(),
        );
        r.register(
            "decisions",
            "Decisions that are durable, by what was done and why",
            self.decisions.clone(),
        );
        r.register(
            "registers",
            "Registers of lessons that have ended, by school and how they stood then: begun in time, late, or \
             not at all",
            self.registers.clone(),
        );
        r.register("attempts", "Attempts to send by account and outcome", self.attempts.clone());
        r.register(
            "our_delay_seconds",
            "From when a message might leave to when a provider took it: our part. Grace, quiet \
             hours and a lesson that has not begun do not count",
            self.our_delay.clone(),
        );
        r.register(
            "receipts",
            "Delivery reports by account, what they say and what became of them",
            self.receipts.clone(),
        );
        r.register(
            "store_commit_seconds",
            "From when a commit was handed to the store to when it was durable, or refused",
            self.commits.clone(),
        );
        r.register(
            "directory_offers",
            "Directories that were offered, by what became of them",
            self.offers.clone(),
        );
        r.register("reloads", "Reloads of the configuration by outcome", self.reloads.clone());
        r.register(
            "last_reload_ok",
            "Whether the configuration that was read last is in force",
            self.last_reload_ok.clone(),
        );
        r.register(
            "last_reload_timestamp_seconds",
            "When the configuration was last read, by the clock of the day",
            self.last_reload.clone(),
        );
        self
    }

    /// When the daemon started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// What a source's door counts with. The same source has the same numbers.
    pub fn source(&self, source: &SourceId) -> SourceMeter {
        let label = || Shown(source.clone());
        SourceMeter::new(
            |outcome| self.events.get_or_create_owned(&Events { source: label(), outcome }),
            self.source_delay.get_or_create_owned(&OfSource { source: label() }),
            self.source_ahead.get_or_create_owned(&OfSource { source: label() }),
        )
    }

    /// Begins an account's numbers at zero, so that the first of a kind is seen to come.
    pub fn has_account(&self, account: &ProviderId, channel: Channel) {
        for outcome in ["accepted", "retry", "reject-message", "reject-channel", "in-doubt"] {
            let label = Attempts { account: Shown(account.clone()), outcome };
            drop(self.attempts.get_or_create(&label));
        }
        if channel != Channel::Sms {
            return;
        }
        for status in [ReceiptStatus::Sent, ReceiptStatus::Delivered, ReceiptStatus::Undelivered] {
            for outcome in RECEIPTS {
                drop(self.receipts.get_or_create(&receipt(account, status, outcome)));
            }
        }
    }

    /// Somebody asked for a source that nobody has configured.
    pub fn stranger_refused(&self) {
        self.strangers.inc();
    }

    /// A school is configured: its registers are shown from the first scrape on.
    pub fn school(&self, school: &SchoolId) {
        for stood in [Stood::InTime, Stood::Late, Stood::Untaken] {
            let (school, outcome) = (Shown(school.clone()), stood.as_str());
            drop(self.registers.get_or_create(&Registers { school, outcome }));
        }
    }

    /// A lesson has ended, and its register stood like that.
    pub fn register(&self, school: &SchoolId, stood: Stood) {
        let (school, outcome) = (Shown(school.clone()), stood.as_str());
        self.registers.get_or_create(&Registers { school, outcome }).inc();
    }

    /// A decision is durable.
    pub fn decided(&self, act: &'static str, reason: Reason) {
        self.decisions.get_or_create(&Decided { act, reason: Shown(reason) }).inc();
    }

    /// An attempt has an outcome, which is durable.
    pub fn attempted(&self, account: &ProviderId, outcome: &Outcome) {
        let label = Attempts { account: Shown(account.clone()), outcome: outcome.class() };
        self.attempts.get_or_create(&label).inc();
    }

    /// A provider took a message that might have left so long ago.
    pub fn left(&self, channel: Channel, after: SignedDuration) {
        let label = OfChannel { channel: channel.as_str() };
        self.our_delay.get_or_create(&label).observe(seconds(after));
    }

    /// A delivery report came; `outcome` is `new`, `known`, `unknown` or `too-early`.
    pub fn reported(&self, account: &ProviderId, status: ReceiptStatus, outcome: &'static str) {
        self.receipts.get_or_create(&receipt(account, status, outcome)).inc();
    }

    /// A commit ended after so long; `outcome` is `done`, `conflict`, `busy` or `failed`.
    pub fn committed(&self, outcome: &'static str, after: SignedDuration) {
        self.commits.get_or_create(&WithOutcome { outcome }).observe(seconds(after));
    }

    /// A directory was offered; `outcome` is `taken`, `unchanged`, `refused`, `unusable` or `failed`.
    pub fn directory_offered(&self, outcome: &'static str, at: Timestamp) {
        self.offers.get_or_create(&WithOutcome { outcome }).inc();
        if matches!(outcome, "taken" | "unchanged") {
            self.confirmed.store(at.as_second(), Ordering::Relaxed);
        }
    }

    /// When a directory was last offered that is in force; none: not since the start.
    pub fn directory_confirmed(&self) -> Option<Timestamp> {
        let second = self.confirmed.load(Ordering::Relaxed);
        Timestamp::from_second(second).ok().filter(|_| second > i64::MIN)
    }

    /// The configuration was read again at `at`; `ok`: it is in force.
    pub fn reloaded(&self, ok: bool, at: Timestamp) {
        let outcome = if ok { "taken" } else { "refused" };
        self.reloads.get_or_create(&WithOutcome { outcome }).inc();
        self.last_reload_ok.set(ok.into());
        self.last_reload.set(seconds_since_1970(at));
    }

    /// Everything as OpenMetrics text.
    pub fn open_metrics(&self, moment: &Moment) -> String {
        let mut out = String::with_capacity(16 * 1024);
        let now = moment.registry(self.started);
        // Writing to a text does not fail, and the labels are ours.
        let _ = encode_registry(&mut out, &self.registry)
            .and_then(|()| encode_registry(&mut out, &now))
            .and_then(|()| encode_eof(&mut out));
        out
    }

    /// Everything as Prometheus text of the older form.
    pub fn plain(&self, moment: &Moment) -> String {
        text::plain(&self.open_metrics(moment))
    }
}

fn receipt(account: &ProviderId, status: ReceiptStatus, outcome: &'static str) -> Receipts {
    let status = match status {
        ReceiptStatus::Sent => "sent",
        ReceiptStatus::Delivered => "delivered",
        ReceiptStatus::Undelivered => "undelivered",
    };
    Receipts { account: Shown(account.clone()), status, outcome }
}

/// A span in seconds; one that a clock made negative is none.
fn seconds(span: SignedDuration) -> f64 {
    span.as_secs_f64().max(0.0)
}

fn seconds_since_1970(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

fn milliseconds() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    ])
}

fn milliseconds_to_an_hour() -> Histogram {
    Histogram::new([
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
    ])
}

fn minutes() -> Histogram {
    Histogram::new([1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("time")
    }

    #[test]
    fn what_happened_is_what_is_shown() {
        let metrics = Metrics::new(at(0));
        let source = metrics.source(&SourceId::new("re\"g").expect("id"));
        let account = ProviderId::new("elks").expect("id");
        metrics.has_account(&account, Channel::Sms);
        source.accepted(Some(SignedDuration::from_secs(3)));
        source.accepted(None);
        source.accepted(Some(SignedDuration::from_secs(-7200)));
        source.duplicate();
        metrics.source(&SourceId::new("re\"g").expect("id")).rejected(4);
        metrics.decided("suppress", Reason::AdvanceNotice);
        metrics.attempted(&account, &Outcome::InDoubt { code: "x".into() });
        metrics.left(Channel::Sms, SignedDuration::from_secs(-1));
        metrics.reported(&account, ReceiptStatus::Undelivered, "new");
        metrics.committed("done", SignedDuration::from_millis(3));
        metrics.reloaded(false, at(7));
        let text = metrics.plain(&Moment::default());
        for line in [
            r#"upprop_events_total{source="re\"g",outcome="accepted"} 3"#,
            r#"upprop_events_total{source="re\"g",outcome="duplicate"} 1"#,
            r#"upprop_events_total{source="re\"g",outcome="rejected"} 4"#,
            r#"upprop_events_total{source="re\"g",outcome="put-off"} 0"#,
            r#"upprop_source_delay_seconds_count{source="re\"g"} 1"#,
            r#"upprop_source_ahead_total{source="re\"g"} 1"#,
            r#"upprop_decisions_total{act="suppress",reason="advance-notice"} 1"#,
            r#"upprop_attempts_total{account="elks",outcome="in-doubt"} 1"#,
            r#"upprop_attempts_total{account="elks",outcome="accepted"} 0"#,
            r#"upprop_our_delay_seconds_sum{channel="sms"} 0.0"#,
            r#"upprop_receipts_total{account="elks",status="undelivered",outcome="new"} 1"#,
            r#"upprop_store_commit_seconds_bucket{le="0.005",outcome="done"} 1"#,
            r#"upprop_reloads_total{outcome="refused"} 1"#,
            "upprop_last_reload_ok 0",
            "upprop_last_reload_timestamp_seconds 1800000007.0",
            "process_start_time_seconds 1800000000.0",
        ] {
            assert!(text.lines().any(|l| l == line), "no {line} in:\n{text}");
        }
        metrics.reloaded(true, at(8));
        assert!(metrics.plain(&Moment::default()).contains("upprop_last_reload_ok 1\n"));
        assert!(metrics.open_metrics(&Moment::default()).ends_with("\n# EOF\n"));
    }
}
