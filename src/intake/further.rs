//! Further lessons of a pupil's day: whether a recipient knows of another that is still true, and messages that were
//! kept back because of one that is not. Sends nothing; what leaves is asked again at the claim.

use jiff::{SignedDuration, Timestamp};

use super::accords;
use super::case::{CaseKey, due_row, enqueue, look_again};
use crate::directory::{FurtherLessons, School};
use crate::model::{
    Accord, LessonId, LessonState, Notification, Purpose, Reason, Recipient, Reports, State,
    accord, local_date,
};
use crate::store::ledger::Unit;
use crate::store::{StoreError, after_prefix, tables};

/// Lessons of a day that are looked at.
const LESSONS_A_DAY: usize = 60;
/// After what was told is put right, before what was kept back for it is news.
const AFTER_A_CORRECTION: SignedDuration = SignedDuration::from_secs(1);

/// Whether a recipient knows of another lesson of the day at which the pupil is missing still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// Of none.
    Nobody,
    /// A message about an earlier one is about to leave, at this time or a little later.
    Soon(Timestamp),
    /// Of one at least.
    Told,
}

/// Looks through the pupil's day. `with_kept`: one that is kept back is about to leave too.
///
/// # Errors
/// When the store fails.
pub async fn elsewhere(
    unit: &Unit<'_>,
    key: &CaseKey,
    recipient: &Recipient,
    start: Timestamp,
    with_kept: bool,
) -> Result<Elsewhere, StoreError> {
    let from = tables::day(&key.school, &key.pupil, key.date);
    let day: Vec<LessonState> = unit.peek_range(&from, &after_prefix(&from), LESSONS_A_DAY).await?;
    let mut soon = Elsewhere::Nobody;
    for other in day.iter().filter(|l| l.missing && l.lesson.id != key.lesson) {
        let mut all: Vec<Notification> = Vec::new();
        for id in &other.notifications {
            all.extend(unit.peek::<Notification>(&tables::notification(id)).await?);
        }
        let is_earlier = (other.lesson.start, &other.lesson.id) < (start, &key.lesson);
        for n in all.iter().filter(|n| n.purpose == Purpose::Absence && n.recipient == *recipient) {
            let corrects = |c: &&Notification| c.corrects.as_ref() == Some(&n.id);
            let corrected = all.iter().filter(corrects).any(Notification::may_have_arrived);
            if n.may_have_arrived() && !corrected {
                return Ok(Elsewhere::Told);
            }
            let leaves = n.state == State::Waiting && !stays(n);
            if is_earlier && (leaves || (with_kept && is_kept(n))) {
                soon = Elsewhere::Soon(n.due_at);
            }
        }
    }
    Ok(soon)
}

/// Whether a waiting message may wait for long.
fn stays(n: &Notification) -> bool {
    let waits = [Reason::EnoughToday, Reason::HeldForVolume, Reason::InWeekLine];
    is_kept(n) || n.state_reason.is_some_and(|reason| waits.contains(&reason))
}

/// Whether a message was kept back because its recipient knew of another lesson.
fn is_kept(n: &Notification) -> bool {
    match n.state {
        State::Waiting => {
            matches!(n.state_reason, Some(Reason::InDigest | Reason::LeftToTeam))
        }
        State::Cancelled => n.state_reason == Some(Reason::LeftToTeam) && n.attempts.is_empty(),
        _ => false,
    }
}

/// What a recipient is told of further lessons: as agreed, or else as the school does.
pub fn rule(
    school: &School,
    accords: &[Accord],
    recipient: &Recipient,
    now: Timestamp,
) -> FurtherLessons {
    match accord::reports(accords, recipient, local_date(now, &school.zone)) {
        Some(Reports::EveryLesson) => FurtherLessons::Each,
        Some(Reports::LineADay) => FurtherLessons::EndOfDay,
        // To whoever is phoned nothing leaves, or not that day.
        Some(Reports::LineAWeek | Reports::PhoneFirst) | None => school.fatigue.further,
    }
}

/// Whether anything may be kept back. An agreement that is over since may have kept something back.
fn keeps_back(school: &School, accords: &[Accord]) -> bool {
    let by_agreement = |accord: &Accord| {
        matches!(accord.about, crate::model::AccordAbout::Reports { how: Reports::LineADay, .. })
    };
    matches!(school.fatigue.further, FurtherLessons::EndOfDay | FurtherLessons::Team)
        || accords.iter().any(by_agreement)
}

/// Has the other lessons of a day looked at, when what was told of one is so no longer, or did not arrive: somebody's
/// first news may be among them.
pub fn look_at<'l>(
    unit: &mut Unit<'_>,
    (school, accords): (&School, &[Accord]),
    key: &CaseKey,
    missing: impl Iterator<Item = &'l LessonId>,
    now: Timestamp,
) {
    if !keeps_back(school, accords) {
        return;
    }
    let at = now.saturating_add(school.correction_settle).unwrap_or(now);
    let at = at.saturating_add(AFTER_A_CORRECTION).unwrap_or(at);
    for lesson in missing.filter(|lesson| **lesson != key.lesson) {
        look_again(unit, &CaseKey { lesson: lesson.clone(), ..key.clone() }, at);
    }
}

/// Lets go what was kept back of a lesson where its recipient knows of no other any more: the earliest of them is first
/// news again.
///
/// # Errors
/// When the store fails.
pub async fn let_go(
    unit: &mut Unit<'_>,
    school: &School,
    key: &CaseKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let accords = accords::of_pupil(unit, (&key.school, &key.pupil)).await?;
    if !keeps_back(school, &accords) {
        return Ok(());
    }
    let row = tables::lesson(&key.school, &key.pupil, key.date, &key.lesson);
    let Some(lesson) = unit.peek::<LessonState>(&row).await?.filter(|l| l.missing) else {
        return Ok(());
    };
    for id in &lesson.notifications {
        let known: Option<Notification> = unit.read(&tables::notification(id)).await?;
        let Some(mut n) = known.filter(|n| is_kept(n) && n.revision == lesson.revision) else {
            continue;
        };
        let start = lesson.lesson.start;
        let elsewhere = elsewhere(unit, key, &n.recipient, start, true).await?;
        if elsewhere != Elsewhere::Nobody || n.deadline <= now {
            continue;
        }
        unit.delete(due_row(&n));
        n.state = State::Waiting;
        n.state_reason = None;
        n.due_at = now;
        enqueue(unit, &n);
    }
    Ok(())
}
