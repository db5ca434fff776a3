//! How the gateway is: what each school's mode lets out and how much went today, how the accounts are, what
//! waits, when each source was last heard.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::queue::{self, Queue};
use super::volume_holds::{self, InShort};
use super::{FORMAT, OperateError, VERSION};
use crate::delivery::accounts::Account;
use crate::delivery::suspension::{Suspension, Suspensions};
use crate::directory::School;
use crate::intake::{Contact, Contacts, Described};
pub use crate::intake::{LastHour, Trouble};
use crate::model::{
    Notification, ProviderId, Purpose, Reason, SchoolId, SourceId, State, local_date,
};
use crate::store::rows::{Counted, Heard, Seen, Silence};
use crate::store::{Health, Kv, ledger, tables};

/// What delays are told of.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

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
    /// Messages that are held because far too many pupils are missing, newest first.
    #[serde(default)]
    pub holds: Vec<InShort>,
    /// When each source was last heard; none: not within the weeks for which events are remembered.
    pub sources: BTreeMap<SourceId, Option<Timestamp>>,
    /// How the contact with each source is.
    #[serde(default)]
    pub contacts: BTreeMap<SourceId, AtSource>,
    /// Our own part of the delay of messages that left in the last hour; none: none did.
    #[serde(default)]
    pub our_delay: Option<OurDelay>,
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
    /// Its calendar says that there is no school today.
    #[serde(default)]
    pub no_school_today: bool,
    /// Silences that hold today.
    #[serde(default)]
    pub silences: u64,
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

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtSource {
    /// `webhook`, `edlevo`, …
    pub kind: String,
    /// What it gives: `directory`, `schedule`, `attendance`.
    pub gives: Vec<String>,
    /// How often it is asked, in seconds; none: it comes by itself.
    pub asked_every_seconds: Option<i64>,
    /// When it last gave an answer, a file or an event that could be used.
    pub last_answer: Option<Timestamp>,
    /// When something new last came of that.
    pub last_news: Option<Timestamp>,
    /// The newest time at which something was recorded, by its clock.
    pub last_recorded: Option<Timestamp>,
    /// How far its clock is ahead of ours, in seconds; where it says what time it is.
    pub clock_ahead_seconds: Option<i64>,
    /// How long marks were on their way in the last hour, as far as the daemon has run.
    pub last_hour: Option<LastHour>,
    /// Schools about which it says nothing though it should, with the time at which people were told.
    pub silent_at: BTreeMap<SchoolId, Timestamp>,
    /// What is wrong with it, by kind, and what to do.
    pub troubles: BTreeMap<String, Trouble>,
}

/// From when upprop knew of what a message tells to when a provider took it, in the last hour: grace, quiet hours
/// and tries that failed are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OurDelay {
    /// Messages.
    pub messages: usize,
    /// Half of them took no longer, in seconds.
    pub median_seconds: i64,
    /// The longest, in seconds.
    pub worst_seconds: i64,
}

/// What only whoever asks knows.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// When the daemon started.
    pub running_since: Option<Timestamp>,
    /// Pupils in force.
    pub pupils: Option<usize>,
    /// The sources.
    pub sources: BTreeMap<SourceId, Described>,
    /// The contact with them, as far as the process knows; none: no daemon.
    pub contacts: Option<Contacts>,
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
    let mut ours = Vec::new();
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
                let is_late = now.duration_since(result.at) > HOUR;
                ours.extend((!is_late).then(|| result.at.duration_since(n.created_at).as_secs()));
                let at = last.entry(attempt.account.clone()).or_insert(result.at);
                *at = result.at.max(*at);
            }
        }
    })
    .await?;
    let silences = super::silences::kept(kv).await?;
    for silence in silences.into_iter().filter(|silence| silence.to > now) {
        if let Some((_, found)) = of_school.get_mut(&silence.school) {
            found.silences += u64::from(silence.from <= now);
        }
    }
    for (id, (school, found)) in &mut of_school {
        let today = local_date(now, &school.zone);
        found.no_school_today = !school.is_school_day(today);
        let key = tables::counters(id, today);
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
    let contacts = contacts(kv, &around, now).await?;
    let mut sources = BTreeMap::new();
    for (id, found) in &contacts {
        let last = match found.last_answer {
            None if found.asked_every_seconds.is_none() => last_event(kv, id).await?,
            last => last,
        };
        sources.insert(id.clone(), last);
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
        holds: volume_holds::list(kv, true).await?,
        sources,
        contacts,
        our_delay: our_delay(ours),
        queue: Queue { format: FORMAT, lanes: queue::lanes(kv, now).await?, held, in_doubt },
    })
}

/// How the contact with each source is: as the daemon knows it, and as it was last written down.
async fn contacts(
    kv: &dyn Kv,
    around: &Around,
    now: Timestamp,
) -> Result<BTreeMap<SourceId, AtSource>, OperateError> {
    let mut found = BTreeMap::new();
    let mut silent: BTreeMap<SourceId, BTreeMap<SchoolId, Timestamp>> = BTreeMap::new();
    ledger::each(kv, tables::SILENCES, |key, value| {
        let Some(([school, source], _)) = tables::parts::<2>(key) else { return };
        let Ok(row) = ledger::decode::<Silence>(value) else { return };
        let ids = SchoolId::new(school).ok().zip(SourceId::new(source).ok());
        if let Some((school, source)) = ids.filter(|_| row.over_at.is_none()) {
            silent.entry(source).or_default().insert(school, row.noticed_at);
        }
    })
    .await?;
    for (id, described) in &around.sources {
        let known = match &around.contacts {
            Some(contacts) => contacts.of(id),
            None => written(kv, id).await?,
        };
        let last_hour = around.contacts.as_ref().and_then(|contacts| contacts.last_hour(id, now));
        let source = AtSource {
            kind: described.kind.into(),
            gives: described.gives.iter().map(|word| (*word).to_owned()).collect(),
            asked_every_seconds: described.every.map(|every| every.as_secs()),
            last_answer: known.answered,
            last_news: known.news,
            last_recorded: known.recorded,
            clock_ahead_seconds: known.clock_ahead_seconds,
            last_hour,
            silent_at: silent.remove(id).unwrap_or_default(),
            troubles: known.troubles,
        };
        found.insert(id.clone(), source);
    }
    Ok(found)
}

/// What was written down of a source.
async fn written(kv: &dyn Kv, source: &SourceId) -> Result<Contact, OperateError> {
    let row = ledger::read::<Heard>(kv, &tables::heard(source, None)).await?.unwrap_or_default();
    let Heard { answered, news, recorded, .. } = row;
    Ok(Contact { answered, news, recorded, ..Contact::default() })
}

fn our_delay(mut seconds: Vec<i64>) -> Option<OurDelay> {
    seconds.sort_unstable();
    Some(OurDelay {
        messages: seconds.len(),
        median_seconds: (*seconds.get(seconds.len() / 2)?).max(0),
        worst_seconds: (*seconds.last()?).max(0),
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
            no_school_today: false,
            silences: 0,
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
