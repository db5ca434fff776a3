//! What is kept of a pupil of whom protection has appeared loses what could lead to a home: addresses of messages that are
//! over, labels of lessons, what teachers wrote. States, times and providers' references stay: a report that comes late
//! still finds its message. Sends nothing and decides nothing.

use jiff::{SignedDuration, Timestamp};

use super::{Shared, aside};
use crate::intake::redaction;
use crate::model::{CaseWord, Duty, LessonState, Notification, PupilId, SchoolId, State};
use crate::store::ledger::Unit;
use crate::store::{Commit, Kv, StoreError, after_prefix, tables};

/// Lessons read at a time.
const PAGE: usize = 100;
/// Most duties of one pupil.
const DUTIES: usize = 2_000;
/// How long after its attempt a message is left alone of which nobody knows whether it arrives: where it went is needed
/// for what follows from a report.
const REPORTS: SignedDuration = SignedDuration::from_hours(48);
/// Before what was under way is looked at again.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// How often a lesson is tried against somebody who changes it.
const TRIES: usize = 8;

/// Serves a row that asks for it; one that meets a row which cannot be read is put aside.
///
/// # Errors
/// When the store fails.
pub(super) async fn tend(
    shared: &Shared,
    row: &[u8],
    of: (&SchoolId, &PupilId),
    now: Timestamp,
) -> Result<(), StoreError> {
    match run(shared.kv.as_ref(), row, of, now).await {
        Err(StoreError::Damaged(why)) => aside::put(shared, row, &why).await,
        other => other,
    }
}

/// Redacts, and has the rest looked at again later where something was under way.
///
/// # Errors
/// When the store fails; what was done stays done, and the row asks for the rest.
async fn run(
    kv: &dyn Kv,
    row: &[u8],
    (school, pupil): (&SchoolId, &PupilId),
    now: Timestamp,
) -> Result<(), StoreError> {
    let prefix = tables::lessons(school, pupil);
    let (mut from, end) = (prefix.clone(), after_prefix(&prefix));
    let (mut lessons, mut open) = (0_u64, false);
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        from = [last.as_slice(), &[0]].concat();
        for (key, _) in &page {
            lessons += 1;
            open |= !lesson(kv, key, now).await?;
        }
    }
    notes(kv, school, pupil).await?;
    duties(kv, school, pupil).await?;
    let mut unit = Unit::new(kv);
    unit.delete(row.to_vec());
    if open {
        redaction::ask(&mut unit, (school, pupil), now.saturating_add(AGAIN).unwrap_or(now));
    }
    let _: Commit = unit.commit().await?;
    tracing::info!(%school, lessons, open, "what was kept of a pupil who is protected now was redacted");
    Ok(())
}

/// Takes out what was written beside words on cases. Nobody else ever changes such a row.
async fn notes(kv: &dyn Kv, school: &SchoolId, pupil: &PupilId) -> Result<(), StoreError> {
    let prefix = tables::of_pupil(tables::CASE_WORDS, school, pupil);
    let (mut from, end) = (prefix.clone(), after_prefix(&prefix));
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        from = [last.as_slice(), &[0]].concat();
        let mut unit = Unit::new(kv);
        for (key, _) in &page {
            let Some(mut word) = unit.read::<CaseWord>(key).await? else { continue };
            if word.note.take().is_some() {
                unit.write(key.clone(), &word);
            }
        }
        // One that is gone meanwhile has no note any more.
        let _: Commit = unit.commit().await?;
    }
}

/// Takes out what staff wrote about the pupil's duties.
async fn duties(kv: &dyn Kv, school: &SchoolId, pupil: &PupilId) -> Result<(), StoreError> {
    let from = tables::duties(school, pupil);
    for (key, _) in kv.scan(&from, &after_prefix(&from), DUTIES).await? {
        for _ in 0..TRIES {
            let mut unit = Unit::new(kv);
            let Some(mut row) = unit.read::<Duty>(&key).await? else { break };
            let was = row.clone();
            row.history.iter_mut().for_each(|event| event.why = None);
            if row == was {
                break;
            }
            unit.write(key.clone(), &row);
            if unit.commit().await? == Commit::Done {
                break;
            }
        }
    }
    Ok(())
}

/// Redacts one lesson and its messages in one commit. False: something of it is under way, or was changed meanwhile.
async fn lesson(kv: &dyn Kv, key: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let Some(mut row) = unit.read::<LessonState>(key).await? else { return Ok(true) };
        let (mut over, mut changed) = (true, false);
        for id in &row.notifications {
            let key = tables::notification(id);
            let Some(mut n) = unit.read::<Notification>(&key).await? else { continue };
            if !is_over(&n, now) {
                over = false;
            } else if redact(&mut n) {
                changed = true;
                unit.write(key, &n);
            }
        }
        let was = row.clone();
        (row.lesson.label, row.recorded_by) = (None, None);
        if let Some(report) = &mut row.report {
            report.note = None;
            report.reported_by.clear();
        }
        if row != was {
            changed = true;
            unit.write(key.to_vec(), &row);
        }
        if !changed || unit.commit().await? == Commit::Done {
            return Ok(over);
        }
    }
    Ok(false)
}

/// Whether nothing more follows from where a message went.
fn is_over(n: &Notification, now: Timestamp) -> bool {
    let last = n.attempts.iter().map(|a| a.result.as_ref().map_or(a.started_at, |r| r.at)).max();
    match n.state {
        State::Waiting | State::Sending | State::InDoubt => false,
        State::Accepted | State::Held => last.is_none_or(|at| now.duration_since(at) >= REPORTS),
        _ => true,
    }
}

/// Takes out where it went and what could tell its text; false: nothing of that was there.
fn redact(n: &mut Notification) -> bool {
    let was = n.clone();
    n.address = None;
    for attempt in &mut n.attempts {
        attempt.text_sha256 = None;
        attempt.languages = Vec::new();
    }
    *n != was
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
