//! The register of a lesson as it is heard of: planned, begun, closed. When it is looked at is written with the
//! plan; what was told of it that is not so any more is called back or put right.

use jiff::{SignedDuration, Timestamp};

use super::case::{CaseKey, cancel, enqueue, look_again};
use super::decide::Heard;
use super::registers;
use crate::directory::School;
use crate::model::{
    Lesson, LessonId, LessonState, Mark, Notification, NotificationId, Planned, PupilId, Reason,
    Register, SchoolId, State, Stood, local_date,
};
use crate::policy;
use crate::store::ledger::Unit;
use crate::store::rows::{Decision, Due};
use crate::store::tables::Lane;
use crate::store::{MAX_BATCH_BYTES, StoreError, tables};

/// Before pupils of a lesson that had no room in one commit are looked for again: those before them are decided then.
const NEXT: SignedDuration = SignedDuration::from_secs(1);

/// The one closed last stands, in whatever order they come.
pub(super) async fn closed(
    unit: &mut Unit<'_>,
    school: &School,
    lesson: &Lesson,
    closed_at: Timestamp,
    closed_by: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = tables::register(&school.id, &lesson.id);
    let known: Option<Register> = unit.read(&row).await?;
    let mut register = known.unwrap_or_else(|| Register::new(lesson.clone()));
    if (register.closed_at, &register.closed_by) < (Some(closed_at), &closed_by) {
        (register.closed_at, register.closed_by) = (Some(closed_at), closed_by);
        if register.planned.is_none() {
            register.lesson = lesson.clone();
        }
        came(unit, school, &register, now).await?;
        unit.write(row, &register);
    }
    Ok(())
}

/// The plan changed last stands; where it does not say when, the one that came last. Returns whether the lesson
/// is cancelled now and was not, or the other way round.
pub(super) async fn planned(
    unit: &mut Unit<'_>,
    school: &School,
    lesson: &Lesson,
    planned: &Planned,
    heard: &Heard,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = tables::register(&school.id, &lesson.id);
    let known: Option<Register> = unit.read(&row).await?;
    let mut register = known.unwrap_or_else(|| Register::new(lesson.clone()));
    let former = register.planned.as_ref();
    let is_late = former.is_some_and(|former| {
        former.modified_at.zip(planned.modified_at).is_some_and(|(former, new)| new < former)
    });
    if is_late || (former == Some(planned) && register.lesson == *lesson) {
        return Ok(false);
    }
    let was_planned = former.is_some();
    // A source may touch a lesson with each mark, and change nothing of its plan.
    let is_changed = former.is_some_and(|former| {
        let same = Planned { modified_at: planned.modified_at, ..former.clone() } == *planned;
        !same || register.lesson != *lesson
    });
    let day = |lesson: &Lesson| local_date(lesson.start, &school.zone);
    if was_planned && day(&register.lesson) != day(lesson) {
        unit.delete(tables::planned_on(&school.id, day(&register.lesson), &lesson.id));
    }
    let was_cancelled = former.is_some_and(|former| former.cancelled);
    let (before, stood) = (day(&register.lesson), register.stood);
    let moved = register.lesson.start != lesson.start;
    register.lesson = lesson.clone();
    register.planned = Some(planned.clone());
    // It is to be taken anew, or not at all; what was decided of it before is history.
    if moved || policy::register::not_awaited(&register).is_some() {
        (register.stood, register.digest_at) = (None, None);
    }
    registers::count(unit, &school.id, before, stood, register.stood).await?;
    unit.write(tables::planned_on(&school.id, day(lesson), &lesson.id), &lesson.id);
    // One whose end is about to be looked at is looked at all the same, though its plan changes after the end.
    let is_pending = register.look_at.is_some();
    let mut look_at = policy::register::first_look(&register, school, now, is_pending);
    if let (false, Some(before)) = (moved, register.look_at) {
        // Or one that changes all the time would never be looked at.
        look_at = look_at.map(|at| at.min(before));
    }
    registers::look_again(unit, &school.id, &mut register, look_at);
    unit.write(row, &register);
    if is_changed {
        registers::trail(unit, &school.id, &lesson.id, heard, Vec::new(), now);
    }
    Ok(was_cancelled != planned.cancelled)
}

/// Has it decided again of all pupils of whom something was decided while the lesson was planned otherwise: those who
/// were told that a pupil was not there are put right, or told after all. Those that have no room in this commit are
/// looked for again, until there are none.
///
/// # Errors
/// When the store fails.
pub async fn look_again_at(
    unit: &mut Unit<'_>,
    school: &School,
    register: &Register,
    pupils: impl Iterator<Item = &PupilId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let lesson = &register.lesson;
    let date = local_date(lesson.start, &school.zone);
    let cancelled = register.planned.as_ref().is_some_and(|planned| planned.cancelled);
    for pupil in pupils {
        let row = tables::lesson(&school.id, pupil, date, &lesson.id);
        let known = match unit.peek::<LessonState>(&row).await {
            Ok(known) => known,
            // It is shown when it is heard of; others must not wait for it.
            Err(StoreError::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        if known.is_none_or(|state| state.cancelled == cancelled) {
            continue;
        }
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            let again = now.saturating_add(NEXT).unwrap_or(Timestamp::MAX);
            replanned(unit, &school.id, &lesson.id, again);
            break;
        }
        let (school, pupil) = (school.id.clone(), pupil.clone());
        let key = CaseKey { school, pupil, date, lesson: lesson.id.clone() };
        look_again(unit, &key, now);
    }
    Ok(())
}

/// Has those looked for at an instant of whom it is not decided again yet.
pub fn replanned(unit: &mut Unit<'_>, school: &SchoolId, lesson: &LessonId, at: Timestamp) {
    let unique = NotificationId::of(&["replanned", school.as_str(), lesson.as_str()]);
    let due = Due::Replanned { school: school.clone(), lesson: lesson.clone() };
    unit.write(tables::due(Lane::Timer, at, unique.as_str()), &due);
}

/// Somebody has begun: a mark was made that says where a pupil is, and that somebody looked. An excuse may have come
/// from anybody, unless it came with the register closed. Written once for a lesson, so that the marks of a whole
/// class do not wait for each other.
pub(super) async fn begun(
    unit: &mut Unit<'_>,
    school: &School,
    lesson: &Lesson,
    says_so: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !says_so {
        return Ok(());
    }
    let row = tables::register(&school.id, &lesson.id);
    let is_begun = |known: &Register| {
        let start = known.lesson.start;
        known.begun_at.is_some_and(|at| {
            policy::register::is_of_lesson(at, start) || !policy::register::is_of_lesson(now, start)
        })
    };
    if unit.peek::<Register>(&row).await?.is_some_and(|known| is_begun(&known)) {
        return Ok(());
    }
    let known: Option<Register> = unit.read(&row).await?;
    let mut register = known.unwrap_or_else(|| Register::new(lesson.clone()));
    if !is_begun(&register) {
        register.begun_at = Some(now);
        came(unit, school, &register, now).await?;
        unit.write(row, &register);
    }
    Ok(())
}

/// Whether a mark says that somebody has begun the register.
pub(super) fn says_begun(mark: Mark, register_closed: Option<bool>) -> bool {
    match mark {
        Mark::Present | Mark::Unexcused | Mark::Late | Mark::LeftEarly | Mark::OtherActivity => {
            true
        }
        Mark::Excused | Mark::Unknown => register_closed == Some(true),
    }
}

/// A register came after all: what waits to be told of it is called back, and a team that was told hears it, once.
async fn came(
    unit: &mut Unit<'_>,
    school: &School,
    register: &Register,
    now: Timestamp,
) -> Result<(), StoreError> {
    let taken = policy::register::taken_at(register, school).is_some();
    if !taken || register.stood != Some(Stood::Untaken) {
        return Ok(());
    }
    let (lesson, date) = (&register.lesson, local_date(register.lesson.start, &school.zone));
    let alert = tables::notification(&registers::alert(lesson, date).id(school));
    let Some(mut alert) = unit.read::<Notification>(&alert).await? else { return Ok(()) };
    let reason = Reason::RegisterTaken;
    let decision = if alert.state == State::Waiting && !alert.may_have_arrived() {
        cancel(unit, &mut alert, State::Cancelled, reason);
        ("cancel", alert)
    } else if alert.may_have_arrived() && local_date(now, &school.zone) == date {
        let new = registers::taken(lesson, date).row(school, now);
        if unit.read::<Notification>(&tables::notification(&new.id)).await?.is_some() {
            return Ok(());
        }
        enqueue(unit, &new);
        ("notify", new)
    } else {
        return Ok(());
    };
    let (act, of) = decision;
    unit.decided(act, reason);
    let decision = Decision {
        act: act.into(),
        recipient: of.recipient.key(),
        reason,
        notification: Some(of.id),
    };
    let heard = Heard::own("register-taken");
    registers::trail(unit, &school.id, &lesson.id, &heard, vec![decision], now);
    Ok(())
}
