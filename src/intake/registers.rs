//! What is read and written around the register of a lesson: who is to be in it today, the notices about it, and
//! the trail of what was decided.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};

use super::decide::Heard;
use super::exclusions;
use crate::directory::{Roster, School};
use crate::model::{
    AdvanceNotice, Channel, EventId, Lesson, LessonId, NotificationId, Planned, PupilId, Purpose,
    Reason, Recipient, Register, SchoolId, SourceId, StaffId, StaffRole, Stood, local_date,
};
use crate::policy::notice::{NO_PUPIL, Notice};
use crate::policy::register::{self, Members};
use crate::store::ledger::{ROW_VERSION, Unit};
use crate::store::rows::{self, Audit, Counted, Decision, Due};
use crate::store::tables::{self, Lane};
use crate::store::{MAX_VALUE_BYTES, StoreError, after_prefix, codec};

/// Notices of one pupil that are looked at.
const NOTICES: usize = 100;
/// How long after its time a digest is made, so that lessons that end at that minute are in it.
const GATHER: SignedDuration = SignedDuration::from_mins(1);
/// Days that a digest looks back on: one that a long stop has kept waiting is told of all the same.
const DAYS: i64 = 8;
/// Lessons of a day by which it is told whether schedule and directory call groups the same.
const SOME_LESSONS: usize = 40;
const ENOUGH_LESSONS: usize = 3;
/// Lessons of a school and day that are looked at.
const LESSONS_A_DAY: usize = 20_000;

/// Those for whom a register waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Awaited<'a> {
    /// Without those on leave.
    pub members: Members<'a>,
    /// How many are on leave, were reported before, or are silenced: on a trip.
    pub away: usize,
}

/// Those who are planned to come, without those who have leave, were reported before or are silenced.
///
/// # Errors
/// When the store fails.
pub async fn awaited<'a>(
    unit: &Unit<'_>,
    roster: &'a Roster,
    school: &School,
    register: &Register,
) -> Result<Awaited<'a>, StoreError> {
    let mut members = register::members_of(roster, &school.id, register);
    if members.is_empty() && are_called_otherwise(unit, roster, school, register).await? {
        members.unknown = true;
    }
    let lesson = &register.lesson;
    let pupils = members.pupils.iter().copied();
    let mut away = exclusions::silenced_at(unit, school, pupils, lesson).await?;
    for pupil in &members.pupils {
        if is_away(unit, &school.id, &pupil.id, lesson).await? {
            away.insert(pupil.id.clone());
        }
    }
    members.without(&away);
    Ok(Awaited { members, away: away.len() })
}

/// Whether groups of the schedule are called otherwise in the directory, which has nobody for any lesson of the day:
/// that must not make each of them an empty one.
async fn are_called_otherwise(
    unit: &Unit<'_>,
    roster: &Roster,
    school: &School,
    register: &Register,
) -> Result<bool, StoreError> {
    let somebody = |planned: &Planned| register::names_somebody(roster, &school.id, planned);
    if register.planned.as_ref().is_none_or(somebody) {
        return Ok(false);
    }
    let from = tables::plan_of(&school.id, local_date(register.lesson.start, &school.zone));
    let ids: Vec<LessonId> = unit.peek_range(&from, &after_prefix(&from), SOME_LESSONS).await?;
    // One empty group among few lessons says nothing.
    if ids.len() < ENOUGH_LESSONS {
        return Ok(false);
    }
    for id in ids {
        let other: Option<Register> = unit.peek(&tables::register(&school.id, &id)).await?;
        if other.and_then(|other| other.planned).as_ref().is_some_and(somebody) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_away(
    unit: &Unit<'_>,
    school: &SchoolId,
    pupil: &PupilId,
    lesson: &Lesson,
) -> Result<bool, StoreError> {
    let from = tables::notices_ending_after(school, pupil, lesson.start);
    let to = after_prefix(&tables::notices(school, pupil));
    let all: Vec<rows::Notice> = unit.peek_range(&from, &to, NOTICES).await?;
    let covers = |notice: &AdvanceNotice| notice.covers(lesson, lesson.start);
    Ok(all.iter().any(|row| !row.withdrawn && covers(&row.notice)))
}

/// The notice to the team that a register was not taken.
///
/// One of a lesson that was moved is another.
pub fn alert(lesson: &Lesson, date: Date) -> Notice<'_> {
    Notice {
        purpose: Purpose::RegisterUntaken,
        reason: Reason::RegisterUntaken,
        recipient: Recipient::Staff(StaffRole::AttendanceTeam),
        channel: Channel::Email,
        about: &lesson.id,
        date,
        which: lesson.start.to_string(),
    }
}

/// The notice to the team that a register, of which it was told that it was not taken, is taken.
pub fn taken(lesson: &Lesson, date: Date) -> Notice<'_> {
    let (purpose, reason) = (Purpose::RegisterTaken, Reason::RegisterTaken);
    Notice { purpose, reason, ..alert(lesson, date) }
}

/// The notice to one teacher that a register is waited for.
pub fn nudge(lesson: &LessonId, date: Date, teacher: StaffId, channel: Channel) -> Notice<'_> {
    Notice {
        purpose: Purpose::RegisterNudge,
        reason: Reason::RegisterNotTaken,
        recipient: Recipient::Member(teacher),
        channel,
        about: lesson,
        date,
        which: String::new(),
    }
}

/// The notice to the team of all registers that were left for a digest.
pub fn digest<'a>(school: &School, about: &'a LessonId, at: Timestamp) -> Notice<'a> {
    Notice {
        purpose: Purpose::RegisterDigest,
        reason: Reason::RegisterUntaken,
        recipient: Recipient::Staff(StaffRole::AttendanceTeam),
        channel: Channel::Email,
        about,
        date: local_date(at, &school.zone),
        which: at.to_string(),
    }
}

/// Stands where a notice about no one lesson has one.
pub fn nothing_special() -> LessonId {
    LessonId::new(NO_PUPIL).expect("a good id")
}

/// Leaves a register for a digest, and makes that due: the first after the lesson that has not been made, or, after
/// a long stop, the next. None: the school has none.
///
/// # Errors
/// When the store fails.
pub async fn leave_for_digest(
    unit: &mut Unit<'_>,
    school: &School,
    row: &Register,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let about = nothing_special();
    let mut at = register::next_digest(school, row.lesson.end);
    if let Some(first) = at {
        let gone = first.saturating_add(GATHER).unwrap_or(Timestamp::MAX) < now;
        let made = tables::notification(&digest(school, &about, first).id(school));
        // Read also so that it is not made at the same time without this one.
        if unit.read_raw(&made).await?.is_some() || gone {
            at = register::next_digest(school, now);
        }
    }
    if let Some(at) = at {
        let due_at = at.saturating_add(GATHER).unwrap_or(Timestamp::MAX);
        make_digest(unit, &school.id, at, due_at);
    }
    Ok(at)
}

/// Has a digest made at an instant.
pub fn make_digest(unit: &mut Unit<'_>, school: &SchoolId, at: Timestamp, due_at: Timestamp) {
    let unique = NotificationId::of(&["register-digest", school.as_str(), &at.to_string()]);
    let due = Due::RegisterDigest { school: school.clone(), at };
    unit.write(tables::due(Lane::Timer, due_at, unique.as_str()), &due);
}

/// Has a register looked at at an instant, or not at all, instead of when it was to be.
pub fn look_again(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    row: &mut Register,
    at: Option<Timestamp>,
) {
    let unique = NotificationId::of(&["register", school.as_str(), row.lesson.id.as_str()]);
    let due = |at| tables::due(Lane::Timer, at, unique.as_str());
    if let Some(former) = row.look_at {
        unit.delete(due(former));
    }
    if let Some(at) = at {
        let lesson = row.lesson.id.clone();
        unit.write(due(at), &Due::Register { school: school.clone(), lesson });
    }
    row.look_at = at;
}

/// The registers that a digest is of: those of its day, and those of days before that were left for it.
///
/// # Errors
/// When the store fails.
pub async fn of_digest(
    unit: &Unit<'_>,
    school: &School,
    at: Timestamp,
) -> Result<Vec<Register>, StoreError> {
    let day = local_date(at, &school.zone);
    let mut all = Vec::new();
    for back in 0..DAYS {
        let Ok(date) = day.checked_sub(back.days()) else { break };
        let of_day = of_day(unit, &school.id, date).await?;
        all.extend(of_day.into_iter().filter(|row| back == 0 || row.digest_at == Some(at)));
    }
    Ok(all)
}

/// The registers of the lessons that are planned on a day.
///
/// # Errors
/// When the store fails.
pub async fn of_day(
    unit: &Unit<'_>,
    school: &SchoolId,
    date: Date,
) -> Result<Vec<Register>, StoreError> {
    let from = tables::plan_of(school, date);
    let ids: Vec<LessonId> = unit.peek_range(&from, &after_prefix(&from), LESSONS_A_DAY).await?;
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.extend(unit.peek::<Register>(&tables::register(school, &id)).await?);
    }
    Ok(all)
}

/// Writes one line of the trail of a register.
pub fn trail(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    lesson: &LessonId,
    heard: &Heard,
    decisions: Vec<Decision>,
    now: Timestamp,
) {
    let line = Audit {
        at: now,
        source: heard.source.clone(),
        event: heard.event.clone(),
        heard: heard.what.clone(),
        lesson: Some(lesson.clone()),
        decisions,
        silences: Vec::new(),
    };
    let unique = NotificationId::of(&[
        heard.source.as_ref().map_or("", SourceId::as_str),
        heard.event.as_ref().map_or("", EventId::as_str),
        &heard.what,
    ]);
    unit.write(tables::register_line(school, lesson, now, unique.as_str()), &line);
}

/// Counts how a register stood among the numbers of its day; `was` is taken back. Numbers that cannot be read, or
/// have no room, keep nothing from being decided.
///
/// # Errors
/// When the store fails.
pub async fn count(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    date: Date,
    was: Option<Stood>,
    is: Option<Stood>,
) -> Result<(), StoreError> {
    if was == is {
        return Ok(());
    }
    let key = tables::counters(school, date);
    let mut row: Counted = match unit.read(&key).await {
        Ok(row) => row.unwrap_or_default(),
        Err(StoreError::Damaged(_) | StoreError::Refused(_)) => {
            tracing::warn!(%school, %date, "a register is not counted: the day's numbers cannot be read");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if let Some(was) = was {
        let count = row.registers.entry(was.as_str().into()).or_default();
        *count = count.saturating_sub(1);
    }
    if let Some(is) = is {
        *row.registers.entry(is.as_str().into()).or_default() += 1;
    }
    row.registers.retain(|_, count| *count > 0);
    if codec::encode(ROW_VERSION, &row).len() <= MAX_VALUE_BYTES {
        unit.write(key, &row);
    }
    Ok(())
}
