//! How the daemon is at the moment of a scrape. Made anew each time, so that what is gone is not shown.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{OfSource, Shown};
use super::{Number, seconds_since_1970};
use crate::model::{ProviderId, SchoolId, SourceId};

/// How it is. What could not be learned is left out.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// Whether events are taken.
    pub ready: bool,
    /// What waits.
    pub queue: Option<QueueNow>,
    /// Each account that messages go by.
    pub accounts: Vec<AccountNow>,
    /// Each source.
    pub sources: Vec<SourceNow>,
    /// The directory in force.
    pub directory: DirectoryNow,
    /// Each school.
    pub schools: Vec<SchoolNow>,
    /// The store.
    pub store: StoreNow,
}

/// What waits.
#[derive(Debug, Clone, Default)]
pub struct QueueNow {
    /// Each line of messages and timers.
    pub lanes: Vec<LaneNow>,
    /// Messages held for a person.
    pub held: u64,
    /// Messages whose last attempt has no known outcome yet.
    pub in_doubt: u64,
}

/// One line.
#[derive(Debug, Clone)]
pub struct LaneNow {
    /// Its name.
    pub lane: &'static str,
    /// Rows that are due.
    pub due: u64,
    /// Rows that are due later.
    pub later: u64,
    /// How long the oldest has been due, in seconds; none: 0.
    pub oldest: f64,
}

/// One account.
#[derive(Debug, Clone)]
pub struct AccountNow {
    /// Which.
    pub account: ProviderId,
    /// Seconds until it may be used again; 0: open.
    pub shut: f64,
    /// `provider-away` or `channel-stopped`; none: well.
    pub trouble: Option<String>,
    /// Messages on its wire.
    pub busy: u64,
}

/// One source.
#[derive(Debug, Clone)]
pub struct SourceNow {
    /// Which.
    pub source: SourceId,
    /// Seconds since it last answered or sent something; since the start where it never did.
    pub age: f64,
    /// Seconds since something new came of that; since the start where nothing did.
    pub data_age: f64,
    /// How far its clock is ahead of ours, in seconds; none: it does not say what time it is.
    pub ahead: Option<i64>,
    /// What is wrong with it, by kind.
    pub troubles: Vec<String>,
}

/// The directory.
#[derive(Debug, Clone, Default)]
pub struct DirectoryNow {
    /// Pupils in it.
    pub pupils: u64,
    /// Seconds since it was loaded.
    pub age: Option<f64>,
}

/// One school.
#[derive(Debug, Clone)]
pub struct SchoolNow {
    /// Which.
    pub school: SchoolId,
    /// What it lets out.
    pub mode: &'static str,
    /// Open holds, and the messages that they keep waiting; none: not known.
    pub holds: Option<(u64, u64)>,
}

/// The store.
#[derive(Debug, Clone, Default)]
pub struct StoreNow {
    /// Whether it takes commits.
    pub writable: bool,
    /// Free bytes on its disk.
    pub free_bytes: Option<u64>,
    /// Bytes of the database's files.
    pub database_bytes: Option<u64>,
    /// Bytes of the journal's files.
    pub journal_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLane {
    lane: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InLane {
    lane: &'static str,
    when: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAccount {
    account: Shown<ProviderId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Trouble {
    account: Shown<ProviderId>,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTrouble {
    source: Shown<SourceId>,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSchool {
    school: Shown<SchoolId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InMode {
    school: Shown<SchoolId>,
    mode: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Moment {
    pub(super) fn registry(&self, started: Timestamp) -> Registry {
        let mut registry = Registry::default();
        one(
            &mut registry,
            "process_start_time_seconds",
            "When the daemon started, in seconds since 1970",
            seconds_since_1970(started),
        );
        let r = registry.sub_registry_with_prefix("upprop");
        let build: Family<Build, Gauge> = Family::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        r.register("build_info", "The program that runs", build);
        one(r, "ready", "Whether events are taken, as /readyz says", number(u64::from(self.ready)));
        if let Some(queue) = &self.queue {
            queue.show(r);
        }
        show_accounts(&self.accounts, r);
        show_sources(&self.sources, r);
        let modes: Family<InMode, Gauge> = Family::default();
        let holds: Family<OfSchool, Number> = Family::default();
        let held: Family<OfSchool, Number> = Family::default();
        for SchoolNow { school, mode, holds: of_school } in &self.schools {
            modes.get_or_create(&InMode { school: Shown(school.clone()), mode }).set(1);
            if let Some((open, messages)) = of_school {
                let label = || OfSchool { school: Shown(school.clone()) };
                holds.get_or_create(&label()).set(number(*open));
                held.get_or_create(&label()).set(number(*messages));
            }
        }
        r.register(
            "volume_holds",
            "Holds that wait for a person, because far too many pupils of a school are missing",
            holds,
        );
        r.register("volume_held_messages", "Messages that such holds keep waiting", held);
        r.register("school_mode", "What a school lets out: 1 for its mode", modes);
        self.directory.show(r);
        self.store.show(r);
        registry
    }
}

impl QueueNow {
    fn show(&self, r: &mut Registry) {
        let depth: Family<InLane, Number> = Family::default();
        let oldest: Family<OfLane, Number> = Family::default();
        for lane in &self.lanes {
            let row = |when| InLane { lane: lane.lane, when };
            depth.get_or_create(&row("due")).set(number(lane.due));
            depth.get_or_create(&row("later")).set(number(lane.later));
            oldest.get_or_create(&OfLane { lane: lane.lane }).set(lane.oldest);
        }
        r.register("queue_rows", "Rows that wait, by line; due already, or later", depth);
        r.register(
            "queue_oldest_due_age_seconds",
            "How long the oldest row that is due has been so; 0: none is",
            oldest,
        );
        let messages: Family<InState, Number> = Family::default();
        for (state, count) in [("held", self.held), ("in-doubt", self.in_doubt)] {
            messages.get_or_create(&InState { state }).set(number(count));
        }
        r.register(
            "messages",
            "Messages without a known outcome: looked into, or held for a person",
            messages,
        );
    }
}

fn show_sources(sources: &[SourceNow], r: &mut Registry) {
    let ages: Family<OfSource, Number> = Family::default();
    let data: Family<OfSource, Number> = Family::default();
    let ahead: Family<OfSource, Gauge> = Family::default();
    let troubles: Family<OfTrouble, Gauge> = Family::default();
    for found in sources {
        let label = || OfSource { source: Shown(found.source.clone()) };
        ages.get_or_create(&label()).set(found.age);
        data.get_or_create(&label()).set(found.data_age);
        ahead.get_or_create(&label()).set(found.ahead.unwrap_or(0));
        // At zero, so that the first is seen to come.
        troubles
            .get_or_create(&OfTrouble { source: label().source, kind: "any".into() })
            .set((!found.troubles.is_empty()).into());
        for kind in &found.troubles {
            let label = OfTrouble { source: label().source, kind: kind.clone() };
            troubles.get_or_create(&label).set(1);
        }
    }
    r.register(
        "source_age_seconds",
        "Since a source last answered, or sent something; since the start where it never did",
        ages,
    );
    r.register(
        "source_data_age_seconds",
        "Since something new came of a source; since the start where nothing did",
        data,
    );
    r.register(
        "source_clock_ahead_seconds",
        "How far the clock of a source is ahead of ours; 0 where it does not say what time it is",
        ahead,
    );
    r.register(
        "source_trouble",
        "Whether something is wrong with a source, by kind; upprop status says what, and what to do",
        troubles,
    );
}

fn show_accounts(accounts: &[AccountNow], r: &mut Registry) {
    let shut: Family<OfAccount, Number> = Family::default();
    let busy: Family<OfAccount, Number> = Family::default();
    let trouble: Family<Trouble, Gauge> = Family::default();
    for found in accounts {
        let account = || Shown(found.account.clone());
        shut.get_or_create(&OfAccount { account: account() }).set(found.shut);
        busy.get_or_create(&OfAccount { account: account() }).set(number(found.busy));
        for reason in ["provider-away", "channel-stopped"] {
            let is = found.trouble.as_deref() == Some(reason);
            trouble.get_or_create(&Trouble { account: account(), reason }).set(is.into());
        }
    }
    r.register(
        "account_shut_seconds",
        "Until an account may be used again, for trouble or its limit; 0: open",
        shut,
    );
    r.register("account_busy", "Messages on the wire of an account", busy);
    r.register("account_trouble", "Whether an account is away or refuses to send", trouble);
}

impl DirectoryNow {
    fn show(&self, r: &mut Registry) {
        let pupils = number(self.pupils);
        one(r, "directory_pupils", "Pupils in the directory in force", pupils);
        if let Some(age) = self.age {
            let help = "Since the directory in force was loaded or last offered unchanged";
            one(r, "directory_age_seconds", help, age);
        }
    }
}

impl StoreNow {
    fn show(&self, r: &mut Registry) {
        let writable = number(u64::from(self.writable));
        one(r, "store_writable", "Whether the store takes commits", writable);
        for (name, help, bytes) in [
            ("store_free_bytes", "Free on the disk of the store", self.free_bytes),
            ("store_database_bytes", "Size of the database", self.database_bytes),
            ("store_journal_bytes", "Size of the journal", self.journal_bytes),
        ] {
            if let Some(bytes) = bytes {
                one(r, name, help, number(bytes));
            }
        }
    }
}

fn one(r: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge: Gauge<f64, AtomicU64> = Gauge::default();
    gauge.set(value);
    r.register(name, help, gauge);
}

/// A count as a sample, which is a fraction of two's power: exact to 2^53.
#[allow(
    clippy::cast_precision_loss,
    reason = "no count here is that large, and nobody adds them up"
)]
fn number(count: u64) -> f64 {
    count as f64
}
