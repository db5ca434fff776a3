//! The volume hold at the moment of sending: whether a guardian's message must wait for a person because far too many
//! pupils are missing at once. What counts as far too many is `policy`'s, and what becomes of a hold `hold_life`'s.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};

use super::shared::Shared;
use crate::directory::{Directory, School};
use crate::intake::case::enqueue;
use crate::model::{
    Channel, Hold, HoldDecision, HoldId, LessonId, LessonState, Missing, MissingAt, Notification,
    NotificationId, Purpose, Reason, Recipient, SchoolId, StaffRole, Stand, State, Usual, stand,
};
use crate::policy::notice::Notice;
use crate::policy::volume::{self, Excess, Sizes};
use crate::store::ledger::{self, Unit};
use crate::store::rows::Due;
use crate::store::tables::{self, Lane};
use crate::store::{Kv, StoreError, after_prefix};

/// Most holds of a school's day.
const HOLDS_A_DAY: usize = 500;
/// Weeks by which it is told what is usual.
const WEEKS: i64 = 8;
/// For so long it counts that nothing was unusual: a school's messages of one lesson are claimed within moments, and
/// each would count them all.
const NORMAL_FOR: SignedDuration = SignedDuration::from_millis(500);
/// Between two looks at an open hold.
const LOOK: i64 = 60;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gate {
    /// No hold keeps it.
    Free,
    /// It waits for a person; looked at again then.
    Held(Timestamp, HoldId),
    /// It was let go, for this reason.
    Released(HoldId, Reason),
    /// It was taken away, for this reason.
    Discarded(HoldId, Reason),
}

/// Asks whether a message to a guardian, or an adult pupil, that a pupil is missing may leave. Makes a hold where far
/// too many would be told.
///
/// # Errors
/// When the store fails.
pub(super) async fn gate(
    shared: &Shared,
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    n: &Notification,
    start: Timestamp,
    now: Timestamp,
) -> Result<Gate, StoreError> {
    let key = tables::missing(&school.id, n.date, start, &n.pupil, &n.lesson);
    // None: the message is of before there were such rows.
    let Some(row) = unit.peek::<MissingAt>(&key).await? else { return Ok(Gate::Free) };
    let own = Missing {
        pupil: n.pupil.clone(),
        lesson: n.lesson.clone(),
        start,
        class: row.class,
        source: row.source,
        since: row.since,
    };
    let mut holds = of_day(unit, &school.id, n.date).await?;
    let former = holds.len();
    let rules = &school.volume;
    let sizes = Sizes::of(&directory.roster, &school.id);
    // Whoever is marked after the register was mended is not one of those whom a person is to look at.
    let joins = |hold: &Hold| hold.stand(&own) == Stand::Held && hold.made_at < own.since;
    if holds.iter().any(joins) {
        let missing = missing_on(shared.kv.as_ref(), &school.id, n.date).await?;
        holds.retain(|hold| !joins(hold) || volume::is_above_still(hold, &missing, &sizes, rules));
    }
    if let Some(gate) = stands(&own, &holds, n, now) {
        return Ok(gate);
    }
    let is_normal = shared.under_way.is_normal(&school.id, start, now);
    if !rules.any() || is_normal {
        return Ok(Gate::Free);
    }
    let mut missing = missing_on(shared.kv.as_ref(), &school.id, n.date).await?;
    // Whom somebody has decided about does not count again, and neither does who is held already.
    missing.retain(|one| stand(one, &holds) == Stand::Free);
    let classes =
        holds.iter().filter(|hold| hold.over_at.is_none()).flat_map(|hold| hold.classes(start));
    let classes: BTreeSet<String> = classes.cloned().collect();
    let mut usual = None;
    if volume::asks_what_is_usual(&missing, start, rules) {
        usual = usual_at(shared.kv.as_ref(), school, n.date, start).await?;
    }
    let Some(excess) = volume::judge((&missing, &classes), start, &sizes, usual, rules, now) else {
        let normal_for = NORMAL_FOR.min(rules.gathering());
        let until = now.saturating_add(normal_for).unwrap_or(now);
        shared.under_way.note_normal(&school.id, start, until, now);
        return Ok(Gate::Free);
    };
    let hold = make(unit, school, (n.date, start), excess, (usual, former), now).await?;
    holds.push(hold);
    Ok(stands(&own, &holds, n, now).unwrap_or(Gate::Free))
}

/// What holds say of a message; none: nothing.
fn stands(own: &Missing, holds: &[Hold], n: &Notification, now: Timestamp) -> Option<Gate> {
    let found = stand(own, holds);
    let hold = holds.iter().find(|hold| hold.stand(own) == found)?;
    let reason = |or| hold.decision(own).map_or(or, HoldDecision::reason);
    match found {
        Stand::Free => None,
        Stand::Released => Some(Gate::Released(hold.id.clone(), reason(Reason::ReleasedByStaff))),
        Stand::Discarded => {
            Some(Gate::Discarded(hold.id.clone(), reason(Reason::DiscardedByStaff)))
        }
        Stand::Held => {
            // Past its time-out it is kept, or its timer is about to say what becomes of it.
            let again = if hold.until > now { hold.until } else { n.deadline };
            Some(Gate::Held(again.min(n.deadline), hold.id.clone()))
        }
    }
}

/// The holds of a school's day, oldest first; the commit requires that they are still so.
async fn of_day(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    date: Date,
) -> Result<Vec<Hold>, StoreError> {
    let rows = unit.read_all::<Hold>(&tables::holds_on(school, date), HOLDS_A_DAY).await?;
    let mut holds: Vec<Hold> = rows.into_iter().map(|(_, hold)| hold).collect();
    holds.sort_by_key(|hold| hold.made_at);
    Ok(holds)
}

/// Writes a hold, its time-out, and the mail to the team.
async fn make(
    unit: &mut Unit<'_>,
    school: &School,
    (date, start): (Date, Timestamp),
    excess: Excess,
    (usual, former): (Option<Usual>, usize),
    now: Timestamp,
) -> Result<Hold, StoreError> {
    let Excess { scope, counted, of, why } = excess;
    let what = serde_json::to_string(&scope).unwrap_or_default();
    let (date_text, start_text, former) = (date.to_string(), start.to_string(), former.to_string());
    let digest = NotificationId::of(&[
        "volume-hold",
        school.id.as_str(),
        &date_text,
        &start_text,
        &what,
        &former,
    ]);
    let id = HoldId::of_digest(digest.as_str());
    let until = now.saturating_add(school.volume.timeout).unwrap_or(Timestamp::MAX);
    let hold = Hold {
        id,
        school: school.id.clone(),
        date,
        start,
        scope,
        counted,
        of,
        why,
        usual,
        made_at: now,
        until,
        then: school.volume.then,
        decisions: Vec::new(),
        over_at: None,
        below: None,
    };
    let key = tables::hold(&school.id, date, &hold.id);
    // Somebody else may make the same this moment.
    if let Some(known) = unit.read::<Hold>(&key).await? {
        return Ok(known);
    }
    unit.write(key, &hold);
    look_at(unit, &hold, next_look(&hold, now));
    let mail = mail(school, &hold, "", now);
    unit.decided("notify", mail.reason);
    enqueue(unit, &mail);
    tracing::warn!(
        school = %school.id, hold = %hold.id, counted, of,
        "held: far too many pupils are missing at once; look with `upprop holds show`, then release or discard"
    );
    Ok(hold)
}

/// A mail to the team that a hold waits for it; one for each `which`.
pub(super) fn mail(school: &School, hold: &Hold, which: &str, now: Timestamp) -> Notification {
    let about = LessonId::new(hold.id.as_str()).expect("eight digits are a good id");
    let notice = Notice {
        purpose: Purpose::VolumeHold,
        reason: Reason::HeldForVolume,
        recipient: Recipient::Staff(StaffRole::AttendanceTeam),
        channel: Channel::Email,
        about: &about,
        date: hold.date,
        which: which.into(),
    };
    notice.row(school, now)
}

/// When an open hold is looked at next: at whole minutes of its life, so that looks that were asked for twice are one.
pub(super) fn next_look(hold: &Hold, now: Timestamp) -> Timestamp {
    let lived = now.duration_since(hold.made_at).as_secs().max(0);
    let minute = SignedDuration::from_secs((lived / LOOK + 1) * LOOK);
    let minute = hold.made_at.saturating_add(minute).unwrap_or(Timestamp::MAX);
    if hold.until > now { minute.min(hold.until) } else { minute }
}

/// Has a hold looked at at an instant.
pub fn look_at(unit: &mut Unit<'_>, hold: &Hold, at: Timestamp) {
    let date = hold.date.to_string();
    let unique = NotificationId::of(&["hold", hold.school.as_str(), &date, hold.id.as_str()]);
    let due = Due::Hold { school: hold.school.clone(), date: hold.date, id: hold.id.clone() };
    unit.write(tables::due(Lane::Timer, at, unique.as_str()), &due);
}

/// Those who are missing on a day.
///
/// # Errors
/// When the store fails.
pub async fn missing_on(
    kv: &dyn Kv,
    school: &SchoolId,
    date: Date,
) -> Result<Vec<Missing>, StoreError> {
    let mut found = Vec::new();
    let prefix = tables::missing_on(school, date);
    ledger::each(kv, &prefix, |key, value| found.extend(read(key, value))).await?;
    Ok(found)
}

/// One row; none: it cannot be read, and counts for nobody.
fn read(key: &[u8], value: &[u8]) -> Option<Missing> {
    let (start, pupil, lesson) = tables::missing_parts(key)?;
    let MissingAt { class, source, since } = ledger::decode(value).ok()?;
    Some(Missing { pupil, lesson, start, class, source, since })
}

/// What is usual at the hour and weekday of a lesson's start, from the weeks before. Weeks without school say nothing,
/// and neither do hours about which a hold was discarded or never decided.
async fn usual_at(
    kv: &dyn Kv,
    school: &School,
    date: Date,
    start: Timestamp,
) -> Result<Option<Usual>, StoreError> {
    let hour = start.to_zoned_datetime(school.zone.clone()).hour();
    let mut levels = Vec::new();
    for back in 1..=WEEKS {
        let Ok(day) = date.checked_sub((7 * back).days()) else { break };
        let on_day = tables::missing_on(&school.id, day);
        if kv.scan(&on_day, &after_prefix(&on_day), 1).await?.is_empty() {
            continue;
        }
        let local = school.zone.to_ambiguous_zoned_datetime(day.at(hour, 0, 0, 0));
        let Ok(from) = local.compatible().map(|local| local.timestamp()) else { continue };
        let to = from.saturating_add(SignedDuration::from_hours(1)).unwrap_or(from);
        let missing = missing_on(kv, &school.id, day).await?;
        let held = tables::holds_on(&school.id, day);
        let rows = kv.scan(&held, &after_prefix(&held), HOLDS_A_DAY).await?;
        let holds: Vec<Hold> =
            rows.iter().filter_map(|(_, value)| ledger::decode(value).ok()).collect();
        let in_hour = |one: &&Missing| (from..to).contains(&one.start);
        let is_wrong = |one: &Missing| matches!(stand(one, &holds), Stand::Held | Stand::Discarded);
        if !missing.iter().filter(in_hour).any(is_wrong) {
            levels.push(volume::level(&missing, from, to));
        }
    }
    Ok(volume::usual(&levels))
}

/// The messages about one pupil at a lesson that a hold keeps waiting.
///
/// # Errors
/// When the store fails.
pub async fn waiting(
    unit: &Unit<'_>,
    school: &SchoolId,
    date: Date,
    one: &Missing,
) -> Result<Vec<Notification>, StoreError> {
    let key = tables::lesson(school, &one.pupil, date, &one.lesson);
    let mut found = Vec::new();
    let Some(lesson) = unit.peek::<LessonState>(&key).await? else { return Ok(found) };
    for id in &lesson.notifications {
        let n: Option<Notification> = unit.peek(&tables::notification(id)).await?;
        found.extend(n.filter(is_kept));
    }
    Ok(found)
}

/// Whether a hold keeps a message waiting.
pub fn is_kept(n: &Notification) -> bool {
    n.state == State::Waiting && n.state_reason == Some(Reason::HeldForVolume)
}

/// Lessons' starts at which nothing was unusual, by school, each until when that counts. In memory alone.
#[derive(Debug, Default)]
pub(super) struct Normal(BTreeMap<(SchoolId, Timestamp), Timestamp>);

impl Normal {
    /// Whether that counts now. A clock that was set back asks again.
    pub(super) fn counts(&self, school: &SchoolId, start: Timestamp, now: Timestamp) -> bool {
        let until = self.0.get(&(school.clone(), start));
        until.is_some_and(|until| *until > now && until.duration_since(now) <= NORMAL_FOR)
    }

    /// Notes it, and forgets what no longer counts.
    pub(super) fn note(
        &mut self,
        school: &SchoolId,
        start: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) {
        self.0.retain(|_, until| *until > now);
        self.0.insert((school.clone(), start), until);
    }
}
