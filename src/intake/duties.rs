//! Duties as rows: made with their step, looked at when their time comes, ended and ticked, each in one unit of work
//! with the due rows and notices that follow. What may follow what is asked of `ladder::duty`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::decide::Heard;
use super::history::Depth;
use super::{accords, called, ladders, steps};
use crate::directory::{Directory, School, entitled};
use crate::ladder::duty::{self, Hours, Said, Say, Tell};
use crate::ladder::{DoneBy, DutyRule, calls};
use crate::model::{
    CaseWord, Duty, DutyAct, Firing, NotificationId, PupilId, Purpose, Reason, Recipient, SchoolId,
    StaffRole, local_date,
};
use crate::store::ledger::Unit;
use crate::store::rows::Due;
use crate::store::{StoreError, after_prefix, tables};

/// Before a duty is looked at again whose school is not configured at the moment.
const LATER: SignedDuration = SignedDuration::from_hours(1);

/// What tells a school's days.
pub fn hours(school: &School) -> Hours<'_> {
    Hours {
        zone: &school.zone,
        calendar: school.calendar.as_deref(),
        day_ends: school.ladders.day_ends,
    }
}

/// The rule a duty was made by; none: no ladder in configuration has it any more.
pub fn rule_of<'a>(school: &'a School, duty: &Duty) -> Option<&'a DutyRule> {
    let ladder = school.ladders.version(&duty.ladder, duty.version)?;
    ladder.step(&duty.step)?.duties.iter().find(|rule| rule.id == duty.rule)
}

/// Writes a new duty and its due row; a call gets its hour.
///
/// # Errors
/// When the store fails.
pub(super) async fn make(
    unit: &mut Unit<'_>,
    school: &School,
    firing: &Firing,
    rule: &DutyRule,
    former: Option<&Duty>,
    now: Timestamp,
) -> Result<Duty, StoreError> {
    let hours = hours(school);
    let undone = match former {
        Some(former) if called::is_untrue(unit, firing, former).await? => {
            let mut former = former.clone();
            duty::undo(&mut former, now);
            Some(former)
        }
        _ => None,
    };
    let mut new = duty::make(firing, rule, undone.as_ref().or(former), &hours, now);
    if rule.done == DoneBy::HomeReached && new.state.is_open() {
        let slots = calls::slots(new.due_at, &hours, now);
        let mut counts: BTreeMap<Timestamp, u32> = BTreeMap::new();
        let cap = school.ladders.calls_per_hour;
        let mut chosen = None;
        for slot in &slots {
            let key = tables::calls(&school.id, slot.hour);
            let count = unit.read::<u32>(&key).await?.unwrap_or_default();
            counts.insert(slot.hour, count);
            // The hours after it need not be read, so that others may change them meanwhile.
            if count < cap {
                chosen = calls::choose(&slots, |hour| counts.get(&hour).map_or(cap, |c| *c), cap);
                break;
            }
        }
        let slot = chosen.or(slots.first().copied());
        if let Some(slot) = slot {
            let count = counts.get(&slot.hour).copied().unwrap_or_default();
            unit.write(tables::calls(&school.id, slot.hour), &(count + 1));
            new.due_at = slot.due_at;
            new.look_at = duty::next_look(&new, Some(rule), &hours);
        }
    }
    keep(unit, &new, None);
    Ok(new)
}

/// Writes a duty, and moves its due row from where it was.
pub(super) fn keep(unit: &mut Unit<'_>, row: &Duty, former: Option<Timestamp>) {
    let was = Duty { look_at: former, ..row.clone() };
    if let Some(former) = tables::duty_due(&was) {
        unit.delete(former);
    }
    if let Some(due) = tables::duty_due(row) {
        let (school, pupil, id) = (row.school.clone(), row.pupil.clone(), row.id.clone());
        unit.write(due, &Due::Duty { school, pupil, id });
    }
    unit.write(tables::duty(row), row);
}

/// Ends a duty that is open still.
///
/// # Errors
/// When the store fails.
pub(super) async fn end(
    unit: &mut Unit<'_>,
    school: &School,
    row: &mut Duty,
    what: DutyAct,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (former, due_at, open) = (row.look_at, row.due_at, row.state.is_open());
    if !duty::end(row, what, now) {
        return Ok(false);
    }
    let is_call = rule_of(school, row).is_some_and(|rule| rule.done == DoneBy::HomeReached);
    if open && is_call && now < due_at {
        // Somebody else may phone in that hour.
        let key = tables::calls(&school.id, calls::hour_of(due_at));
        if let Some(count) = unit.read::<u32>(&key).await? {
            unit.write(key, &count.saturating_sub(1));
        }
    }
    keep(unit, row, former);
    Ok(open)
}

/// Whether more calls than the school wants fall due in the hour in which a duty does.
///
/// # Errors
/// When the store fails.
pub async fn is_full(unit: &Unit<'_>, school: &School, row: &Duty) -> Result<bool, StoreError> {
    if rule_of(school, row).is_none_or(|rule| rule.done != DoneBy::HomeReached) {
        return Ok(false);
    }
    let key = tables::calls(&school.id, calls::hour_of(row.due_at));
    let count: Option<u32> = unit.peek(&key).await?;
    Ok(count.is_some_and(|count| count > school.ladders.calls_per_hour))
}

/// Has a duty looked at now that nothing makes due: [`tend`] ends what is open of a pupil who has left the school.
///
/// # Errors
/// When the store fails.
pub async fn look_now(unit: &mut Unit<'_>, row: &Duty, now: Timestamp) -> Result<(), StoreError> {
    let Some(mut row) = unit.read::<Duty>(&tables::duty(row)).await? else { return Ok(()) };
    let former = row.look_at;
    if row.state.is_open() && former.is_none_or(|at| at > now) {
        row.look_at = Some(now);
        keep(unit, &row, former);
    }
    Ok(())
}

/// Serves a due row of a duty: reminds, hands over, and makes it due again.
///
/// # Errors
/// When the store fails.
pub async fn tend(
    unit: &mut Unit<'_>,
    directory: &Directory,
    (school, pupil, id): (&SchoolId, &PupilId, &NotificationId),
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = tables::duty_of(school, pupil, id);
    let Some(mut row) = unit.read::<Duty>(&key).await? else { return Ok(()) };
    // It is due at another time by now.
    let Some(former) = row.look_at.filter(|at| *at <= now) else { return Ok(()) };
    // Two decisions about one pupil cannot both stand.
    accords::touch(unit, school, pupil).await?;
    let Some(school) = directory.schools.get(school) else {
        row.look_at = now.checked_add(LATER).ok();
        keep(unit, &row, Some(former));
        return Ok(());
    };
    if directory.roster.pupil(&school.id, pupil).is_none() {
        // A directory that is not loaded yet has nobody.
        if directory.roster.pupil_count() == 0 {
            row.look_at = now.checked_add(LATER).ok();
            keep(unit, &row, Some(former));
            return Ok(());
        }
        let from = tables::duties(&school.id, pupil);
        let all: Vec<Duty> = unit.peek_range(&from, &after_prefix(&from), usize::MAX).await?;
        return pupil_left(unit, directory, school, pupil, &all, now).await;
    }
    let rule = rule_of(school, &row);
    let told = duty::look(&mut row, rule, &hours(school), now);
    let mut decisions = Vec::new();
    if let Some(tell) = told {
        let (purpose, reason) = match tell {
            Tell::Overdue | Tell::HandedOver => (Purpose::DutyOverdue, Reason::DutyOverdue),
            Tell::DueSoon => (Purpose::DutyReminder, Reason::DutyOpen),
        };
        let which = local_date(now, &school.zone).to_string();
        let roles = [row.owner];
        tell_roles(unit, directory, school, &mut row, &roles, (purpose, reason, &which), now)
            .await?
            .into_iter()
            .for_each(|one| decisions.push(one));
    }
    keep(unit, &row, Some(former));
    if !decisions.is_empty() {
        let heard = Heard::own(&format!("duty {}, {} {}", row.number(), row.step, row.rule));
        steps::line(unit, (&school.id, pupil), row.id.as_str(), &heard, decisions, now);
    }
    Ok(())
}

/// Tells those in some roles something of a duty, each once.
pub(super) async fn tell_roles(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    row: &mut Duty,
    roles: &[StaffRole],
    (purpose, reason, which): (Purpose, Reason, &str),
    now: Timestamp,
) -> Result<Vec<crate::store::rows::Decision>, StoreError> {
    let mut decisions = Vec::new();
    let known = directory.roster.pupil(&row.school, &row.pupil);
    let hidden = ladders::is_hidden(unit, school, known, &row.pupil, now).await?;
    let Some(firing) = firing_of(unit, row).await? else { return Ok(decisions) };
    let mut whom: Vec<Recipient> = Vec::new();
    for role in roles {
        let found = entitled::in_role(school, known, &directory.roster, hidden, *role);
        whom.extend(found.map(|found| found.recipient));
    }
    whom.sort();
    whom.dedup();
    for recipient in whom {
        let new = steps::notice(school, &firing, purpose, reason, recipient, which, now);
        steps::make(unit, new, None, &mut row.notifications, &mut decisions).await?;
    }
    // A row has room for some; the rest is known by its step.
    let spare = row.notifications.len().saturating_sub(steps::REMEMBERED);
    row.notifications.drain(..spare);
    Ok(decisions)
}

/// The step that a duty comes of.
async fn firing_of(unit: &Unit<'_>, row: &Duty) -> Result<Option<Firing>, StoreError> {
    let from = tables::firings(&row.school, &row.pupil);
    let all: Vec<Firing> = unit.peek_range(&from, &after_prefix(&from), usize::MAX).await?;
    Ok(all.into_iter().find(|firing| firing.id == row.firing))
}

/// What a person says of a duty, written down with all that follows.
///
/// # Errors
/// The store's, outside; inside, in words, where it cannot follow.
pub async fn record(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    row: &mut Duty,
    say: Say,
    said: Said<'_>,
) -> Result<Result<(), String>, StoreError> {
    write(unit, (directory, school), row, (say, said), None).await
}

/// The same; `word`: the word on a case that it follows from, if any.
pub(super) async fn write(
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    row: &mut Duty,
    (say, said): (Say, Said<'_>),
    word: Option<&CaseWord>,
) -> Result<Result<(), String>, StoreError> {
    let (former, now) = (row.look_at, said.at);
    let rule = rule_of(school, row);
    if let Err(words) = duty::say(row, say, said, rule, &hours(school)) {
        return Ok(Err(words));
    }
    if let Some(event) = row.history.last_mut() {
        event.word = word.map(|word| word.id.clone());
    }
    accords::touch(unit, &row.school, &row.pupil).await?;
    let mut decisions = Vec::new();
    let documents = rule.and_then(|rule| rule.documents.as_ref());
    if let (Say::Documented, Some(documents)) = (say, documents) {
        let owner = row.owner;
        let roles: Vec<StaffRole> =
            documents.tell.iter().copied().filter(|role| *role != owner).collect();
        let how = (Purpose::DutyDocumented, Reason::DutyDocumented, row.rule.clone());
        let how = (how.0, how.1, how.2.as_str());
        decisions = tell_roles(unit, directory, school, row, &roles, how, now).await?;
    }
    keep(unit, row, former);
    let (school, pupil) = (row.school.clone(), row.pupil.clone());
    let words = row.history.last().map(|event| event.what.in_words()).unwrap_or_default();
    // Who it was stands in the duty, and goes with it.
    let heard = format!("duty {}, {} {}: {words}", row.number(), row.step, row.rule);
    let heard = Heard::own(&heard);
    steps::line(unit, (&school, &pupil), row.id.as_str(), &heard, decisions, now);
    // A ladder may ask whether a duty of its step is still open.
    if !row.state.is_open()
        && let Some(school) = directory.schools.get(&school)
    {
        let (of, heard) = ((directory, school), Heard::own("duty"));
        ladders::climb(unit, of, &pupil, Depth::Marks, &heard, now).await?;
    }
    Ok(Ok(()))
}

/// Ends what is open of a pupil who is not at the school any more, and tells the principal how much that was.
///
/// # Errors
/// When the store fails.
pub(super) async fn pupil_left(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    pupil: &PupilId,
    all: &[Duty],
    now: Timestamp,
) -> Result<(), StoreError> {
    if directory.roster.pupil_count() == 0 {
        return Ok(());
    }
    let mut last: Option<Duty> = None;
    for row in all {
        let mut row = row.clone();
        if end(unit, school, &mut row, DutyAct::PupilLeft, now).await? {
            last = Some(row);
        }
    }
    let Some(mut row) = last else { return Ok(()) };
    // By the step of one of them; the mail says how many there were.
    let roles = [StaffRole::Principal];
    let which = local_date(now, &school.zone).to_string();
    let how = (Purpose::PupilLeft, Reason::PupilLeft, which.as_str());
    let decisions = tell_roles(unit, directory, school, &mut row, &roles, how, now).await?;
    unit.write(tables::duty(&row), &row);
    steps::line(unit, (&school.id, pupil), "left", &Heard::own("pupil left"), decisions, now);
    Ok(())
}
