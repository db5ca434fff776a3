//! How the gateway is: what each school's mode lets out and how much went today, how the accounts are, what
//! waits, when each source was last heard.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::queue::{self, Queue};
use super::{FORMAT, OperateError, VERSION};
use crate::delivery::accounts::Account;
use crate::delivery::suspension::{Suspension, Suspensions};
use crate::directory::School;
use crate::model::{
    Notification, ProviderId, Purpose, Reason, SchoolId, SourceId, State, local_date,
};
use crate::store::rows::{Counted, Seen};
use crate::store::{Health, Kv, ledger, tables};

/// How the gateway is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// [`FORMAT`].
    pub format: u32,
    /// The program that answers.
    pub version: String,
    /// When the daemon started; none: it does not run, and this is what its store says.
    pub running_since: Option<Timestamp>,
    /// Whether the store takes work.
    pub writable: bool,
    /// In words, when it does not.
    pub why_not: Option<String>,
    /// Free bytes on its disk.
    pub free_bytes: Option<u64>,
    /// Pupils in the directory in force; none: not known without the daemon.
    pub pupils: Option<usize>,
    /// Why the directory that came last is not in force, one line each.
    #[serde(default)]
    pub directory_held_back: Vec<String>,
    /// Each school.
    pub schools: Vec<AtSchool>,
    /// Each account that messages go by.
    pub accounts: Vec<AtAccount>,
    /// What operators have suspended, and not resumed.
    pub suspensions: Vec<Suspension>,
    /// When each source was last heard; none: not within the weeks for which events are remembered.
    pub sources: BTreeMap<SourceId, Option<Timestamp>>,
    /// What waits.
    pub queue: Queue,
}

/// One school today, in its own zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtSchool {
    /// Which.
    pub school: SchoolId,
    /// The mode in force.
    pub mode: String,
    /// What configuration says.
    pub configured: String,
    /// Since when it is live by an operator's word, over what configuration says.
    pub live_since: Option<Timestamp>,
    /// By whose.
    pub live_by: Option<String>,
    /// How many addresses are let out in guests mode.
    #[serde(default)]
    pub guests: usize,
    /// Messages of today that have left.
    pub gone: u64,
    /// Messages of today that wait or are on their way.
    pub under_way: u64,
    /// Messages of today that the mode alone kept back.
    pub kept_by_mode: u64,
    /// Messages of today that failed for good.
    pub failed: u64,
    /// Registers of today's lessons that have ended, by how they stood then: `in-time`, `late`, `untaken`.
    #[serde(default)]
    pub registers: BTreeMap<String, u64>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtAccount {
    /// Which.
    pub account: ProviderId,
    /// `well`, `away` or `stopped`.
    pub state: String,
    /// Since when it is not well.
    pub since: Option<Timestamp>,
    /// When it is tried again.
    pub next_try: Option<Timestamp>,
    /// The provider's word.
    pub code: Option<String>,
    /// When it last took a message, of those that are still kept.
    pub last_accepted: Option<Timestamp>,
}

/// What only whoever asks knows.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// When the daemon started.
    pub running_since: Option<Timestamp>,
    /// Pupils in force.
    pub pupils: Option<usize>,
    /// When each source was last heard, as far as the process knows.
    pub sources: BTreeMap<SourceId, Option<Timestamp>>,
    /// Why the directory that came last is not in force.
    pub directory_held_back: Vec<String>,
}

/// Tells how the gateway is. Goes through all messages once, a page at a time; of sources that the process has
/// not heard, through the events that are remembered.
///
/// # Errors
/// When the store fails.
pub async fn status<'a>(
    kv: &dyn Kv,
    schools: impl Iterator<Item = &'a School>,
    accounts: impl Iterator<Item = &'a ProviderId>,
    around: Around,
    now: Timestamp,
) -> Result<Status, OperateError> {
    let mut of_school: BTreeMap<SchoolId, (&School, AtSchool)> =
        schools.map(|s| (s.id.clone(), (s, AtSchool::new(s)))).collect();
    let mut last: BTreeMap<ProviderId, Timestamp> = BTreeMap::new();
    let (mut held, mut in_doubt) = (Vec::new(), 0);
    ledger::each(kv, tables::NOTIFICATIONS, |_, value| {
        let Ok(n) = ledger::decode::<Notification>(value) else { return };
        match n.state {
            State::Held => held.push(n.id.clone()),
            State::InDoubt => in_doubt += 1,
            _ => {}
        }
        if let Some((school, found)) = of_school.get_mut(&n.school)
            && n.date == local_date(now, &school.zone)
            && n.purpose != Purpose::Test
        {
            found.count(&n);
        }
        for attempt in &n.attempts {
            let taken = attempt.result.as_ref().filter(|r| r.outcome.class() == "accepted");
            if let Some(result) = taken {
                let at = last.entry(attempt.account.clone()).or_insert(result.at);
                *at = result.at.max(*at);
            }
        }
    })
    .await?;
    for (id, (school, found)) in &mut of_school {
        let key = tables::counters(id, local_date(now, &school.zone));
        // Numbers that cannot be read are told of by `store check`.
        if let Ok(Some(row)) = ledger::read::<Counted>(kv, &key).await {
            found.registers = row.registers;
        }
    }
    let mut found = Vec::new();
    for id in accounts {
        let trouble = ledger::read::<Account>(kv, &tables::account(id)).await?;
        found.push(AtAccount {
            account: id.clone(),
            state: match trouble.as_ref().map(|t| t.reason) {
                None => "well",
                Some(Reason::ChannelStopped) => "stopped",
                Some(_) => "away",
            }
            .into(),
            since: trouble.as_ref().map(|t| t.since),
            next_try: trouble.as_ref().map(|t| t.until),
            code: trouble.map(|t| t.code),
            last_accepted: last.get(id).copied(),
        });
    }
    let mut sources = around.sources;
    for (id, at) in &mut sources {
        if at.is_none() {
            *at = last_event(kv, id).await?;
        }
    }
    let Health { writable, why, free_bytes } = kv.health();
    Ok(Status {
        format: FORMAT,
        version: VERSION.into(),
        running_since: around.running_since,
        writable,
        why_not: why,
        free_bytes,
        pupils: around.pupils,
        directory_held_back: around.directory_held_back,
        schools: of_school.into_values().map(|(_, found)| found).collect(),
        accounts: found,
        suspensions: Suspensions::load(kv, now).await?.all().to_vec(),
        sources,
        queue: Queue { format: FORMAT, lanes: queue::lanes(kv, now).await?, held, in_doubt },
    })
}

/// When the newest event of a source that is remembered came.
pub(super) async fn last_event(
    kv: &dyn Kv,
    source: &SourceId,
) -> Result<Option<Timestamp>, OperateError> {
    let mut newest = None;
    ledger::each(kv, &tables::seen_from(source), |_, value| {
        newest = newest.max(ledger::decode::<Seen>(value).ok().map(|seen| seen.at));
    })
    .await?;
    Ok(newest)
}

impl AtSchool {
    fn new(school: &School) -> Self {
        Self {
            school: school.id.clone(),
            mode: school.mode.as_str().into(),
            configured: school.configured_mode().as_str().into(),
            live_since: school.gone_live.as_ref().map(|row| row.at),
            live_by: school.gone_live.as_ref().map(|row| row.by.clone()),
            guests: school.guests.len(),
            gone: 0,
            under_way: 0,
            kept_by_mode: 0,
            failed: 0,
            registers: BTreeMap::new(),
        }
    }

    fn count(&mut self, n: &Notification) {
        let by_mode = matches!(n.state_reason, Some(Reason::ShadowMode | Reason::NotAGuest));
        match n.state {
            State::Accepted | State::Delivered => self.gone += 1,
            _ if by_mode => self.kept_by_mode += 1,
            State::Waiting | State::Sending | State::InDoubt | State::Held => self.under_way += 1,
            State::Undelivered | State::Rejected | State::Expired => self.failed += 1,
            State::Cancelled => {}
        }
    }
}
