//! The register of a lesson as it is heard of: planned, begun, closed. Decides nothing.

use jiff::Timestamp;

use super::case::{CaseKey, look_again};
use crate::directory::School;
use crate::model::{Lesson, LessonState, Mark, Planned, PupilId, local_date};
use crate::store::ledger::Unit;
use crate::store::rows::Register;
use crate::store::{MAX_BATCH_BYTES, StoreError, tables};

/// The one closed last stands, in whatever order they come.
pub(super) async fn closed(
    unit: &mut Unit<'_>,
    school: &School,
    lesson: &Lesson,
    closed_at: Timestamp,
    closed_by: Option<String>,
) -> Result<(), StoreError> {
    let row = tables::register(&school.id, &lesson.id);
    let known: Option<Register> = unit.read(&row).await?;
    let mut register = known.unwrap_or_else(|| Register::new(lesson.clone()));
    if (register.closed_at, &register.closed_by) < (Some(closed_at), &closed_by) {
        (register.closed_at, register.closed_by) = (Some(closed_at), closed_by);
        if register.planned.is_none() {
            register.lesson = lesson.clone();
        }
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
    let was_cancelled = former.is_some_and(|former| former.cancelled);
    register.lesson = lesson.clone();
    register.planned = Some(planned.clone());
    unit.write(row, &register);
    Ok(was_cancelled != planned.cancelled)
}

/// Has it decided again of all pupils about whom something is known at a lesson.
pub(super) async fn look_again_at(
    unit: &mut Unit<'_>,
    school: &School,
    lesson: &Lesson,
    pupils: impl Iterator<Item = &PupilId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let date = local_date(lesson.start, &school.zone);
    for pupil in pupils {
        let row = tables::lesson(&school.id, pupil, date, &lesson.id);
        if unit.peek::<LessonState>(&row).await?.is_none() {
            continue;
        }
        let (school, pupil) = (school.id.clone(), pupil.clone());
        let key = CaseKey { school, pupil, date, lesson: lesson.id.clone() };
        look_again(unit, &key, now);
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            // Hundreds of pupils at one lesson: the rest is decided when it is heard of next.
            break;
        }
    }
    Ok(())
}

/// A mark that says where a pupil is was made: somebody has begun. Written once, so that the marks of a whole
/// class do not wait for each other.
pub(super) async fn begun(
    unit: &mut Unit<'_>,
    school: &School,
    lesson: &Lesson,
    mark: Mark,
    now: Timestamp,
) -> Result<(), StoreError> {
    if mark == Mark::Unknown {
        return Ok(());
    }
    let row = tables::register(&school.id, &lesson.id);
    let is_begun = |known: Option<Register>| known.is_some_and(|r| r.begun_at.is_some());
    if is_begun(unit.peek(&row).await?) {
        return Ok(());
    }
    let known: Option<Register> = unit.read(&row).await?;
    let mut register = known.unwrap_or_else(|| Register::new(lesson.clone()));
    if register.begun_at.is_none() {
        register.begun_at = Some(now);
        unit.write(row, &register);
    }
    Ok(())
}
