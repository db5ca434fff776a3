//! A source from which nothing comes of a school: written down, and told to those who must know, in one commit.
//! Decides nothing; whoever watches sources does.

use jiff::Timestamp;

use super::case::{cancel, enqueue};
use crate::directory::School;
use crate::model::{Notification, Purpose, Reason, SchoolId, Silence, SourceId, StaffRole, State};
use crate::policy::notice;
use crate::store::ledger::Unit;
use crate::store::{Commit, Kv, StoreError, after_prefix, tables};

const CONFLICT_TRIES: u32 = 100;
/// Sources of a school that are looked at.
const SOURCES: usize = 100;

/// What was noticed.
#[derive(Debug, Clone, Copy)]
pub struct Noticed<'a> {
    /// When the last mark came, or when it last answered; none: that is not known.
    pub since: Option<Timestamp>,
    /// Lessons that have ended after that; 0: not counted.
    pub lessons: u32,
    /// It does not answer at all.
    pub unreachable: bool,
    /// Marks are to come of it.
    pub marks: bool,
    /// Who is to be told now.
    pub told: &'a [StaffRole],
}

/// A source is silent about a school. Those who must know are told, once; durable on return. False: it was known.
///
/// # Errors
/// When the store fails.
pub async fn begun(
    kv: &dyn Kv,
    school: &School,
    source: &SourceId,
    noticed: Noticed<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let key = tables::silence(&school.id, source);
    for _ in 0..CONFLICT_TRIES {
        let mut unit = Unit::new(kv);
        let known: Option<Silence> = unit.read(&key).await?;
        if known.is_some_and(|row| row.over_at.is_none()) {
            return Ok(false);
        }
        let Noticed { since, lessons, unreachable, marks, told } = noticed;
        let row = Silence { noticed_at: now, since, lessons, marks, unreachable, over_at: None };
        for n in notice::of_silence(school, source, &row, Purpose::SourceAlert, told, now) {
            unit.decided("notify", n.reason);
            enqueue(&mut unit, &n);
        }
        unit.write(key.clone(), &row);
        if unit.commit().await? == Commit::Done {
            return Ok(true);
        }
    }
    Err(StoreError::Busy("a silence could not be written: its row keeps changing".into()))
}

/// A source that was silent about a school speaks again, and has since `since`. Who was told of it hears that too,
/// once; durable on return. False: it was not silent.
///
/// # Errors
/// When the store fails.
pub async fn over(
    kv: &dyn Kv,
    school: &School,
    source: &SourceId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let key = tables::silence(&school.id, source);
    for _ in 0..CONFLICT_TRIES {
        let mut unit = Unit::new(kv);
        let known: Option<Silence> = unit.read(&key).await?;
        let Some(mut row) = known.filter(|row| row.over_at.is_none()) else { return Ok(false) };
        row.over_at = Some(since);
        for n in notice::of_silence(school, source, &row, Purpose::SourceClear, &notice::TOLD, now)
        {
            let alert = tables::notification(&notice::alert_of(school, &n, &row));
            match unit.read::<Notification>(&alert).await? {
                Some(mut alert) if alert.state == State::Waiting && alert.attempts.is_empty() => {
                    cancel(&mut unit, &mut alert, State::Cancelled, Reason::SourceHeard);
                    unit.decided("cancel", Reason::SourceHeard);
                }
                Some(alert) if alert.state == State::Waiting || alert.may_have_arrived() => {
                    unit.decided("notify", n.reason);
                    enqueue(&mut unit, &n);
                }
                _ => {}
            }
        }
        unit.write(key.clone(), &row);
        if unit.commit().await? == Commit::Done {
            return Ok(true);
        }
    }
    Err(StoreError::Busy("a silence could not be written: its row keeps changing".into()))
}

/// Whether any source of marks is known to be silent about a school.
///
/// # Errors
/// When the store fails.
pub async fn is_any(unit: &Unit<'_>, school: &SchoolId) -> Result<bool, StoreError> {
    let from = tables::silences(school);
    let all: Vec<Silence> = unit.peek_range(&from, &after_prefix(&from), SOURCES).await?;
    Ok(all.iter().any(|row| row.marks && row.over_at.is_none()))
}

/// Has those of `roles` told of an open silence who have not been. False: it is over, or they have.
///
/// # Errors
/// When the store fails.
pub async fn tell(
    kv: &dyn Kv,
    school: &School,
    source: &SourceId,
    roles: &[StaffRole],
    now: Timestamp,
) -> Result<bool, StoreError> {
    for _ in 0..CONFLICT_TRIES {
        let mut unit = Unit::new(kv);
        let known: Option<Silence> = unit.read(&tables::silence(&school.id, source)).await?;
        let Some(row) = known.filter(|row| row.over_at.is_none()) else { return Ok(false) };
        let mut any = false;
        for n in notice::of_silence(school, source, &row, Purpose::SourceAlert, roles, now) {
            if unit.read_raw(&tables::notification(&n.id)).await?.is_none() {
                unit.decided("notify", n.reason);
                enqueue(&mut unit, &n);
                any = true;
            }
        }
        if !any {
            return Ok(false);
        }
        if unit.commit().await? == Commit::Done {
            return Ok(true);
        }
    }
    Err(StoreError::Busy("a silence could not be told: its row keeps changing".into()))
}

/// Whether IT was told of an open silence.
///
/// # Errors
/// When the store fails.
pub async fn is_told_to_it(
    unit: &Unit<'_>,
    school: &School,
    source: &SourceId,
) -> Result<bool, StoreError> {
    let known: Option<Silence> = unit.peek(&tables::silence(&school.id, source)).await?;
    let Some(row) = known.filter(|row| row.over_at.is_none()) else { return Ok(false) };
    let (alert, it) = (Purpose::SourceAlert, [StaffRole::Operations]);
    for n in notice::of_silence(school, source, &row, alert, &it, row.noticed_at) {
        let known: Option<Notification> = unit.peek(&tables::notification(&n.id)).await?;
        // One that never leaves, as at a school that is only watched, tells nobody.
        let leaves = |n: &Notification| !n.state.is_final() || n.may_have_arrived();
        if known.is_some_and(|n| leaves(&n)) {
            return Ok(true);
        }
    }
    Ok(false)
}
