//! What somebody says of a duty on a page that shows it: written once, however often and however many at a time send it,
//! and only by somebody who has seen the duty as it is. What follows of it is `duties`'. Sends nothing.

use jiff::Timestamp;

use super::{accords, duties, ladders};
use crate::directory::{Directory, School};
use crate::ladder::DoneBy;
use crate::ladder::duty::{Said, Say};
use crate::model::{Duty, DutyAct, DutyEvent, DutyState, NotificationId};
use crate::store::ledger::Unit;
use crate::store::{Commit, Kv, StoreError, tables};

/// Longest words about a duty, in characters.
pub const LONGEST_WHY: usize = 200;
/// How often it is tried against somebody who changes the same pupil's rows.
const TRIES: usize = 20;

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSaying {
    /// What.
    pub say: Say,
    /// By which link: the key of the recipient whom it was mailed to.
    pub by: String,
    /// Why, for staff; at most [`LONGEST_WHY`] characters in one line.
    pub why: Option<String>,
    /// [`state`] of the duty as it was seen.
    pub seen: String,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Done,
    /// The very same was written before, and nothing is changed.
    Known,
    /// Something else has happened to the duty since it was seen.
    Stale,
    /// It cannot follow what has happened.
    Refused,
    /// Nothing is recorded of this pupil here.
    Hidden,
    /// The duty is gone.
    Gone,
}

/// Changes with all that happens to a duty.
pub fn state(row: &Duty) -> String {
    state_after(&row.id, &row.history)
}

fn state_after(id: &NotificationId, history: &[DutyEvent]) -> String {
    let event = |event: &DutyEvent| {
        let by = event.by.as_deref().unwrap_or_default();
        format!("{} {} {by}", event.at, event.what.in_words())
    };
    let events: Vec<String> = history.iter().map(event).collect();
    let parts = ["duty-state", id.as_str()].into_iter().chain(events.iter().map(String::as_str));
    NotificationId::of(&parts.collect::<Vec<_>>()).as_str()[..16].to_owned()
}

/// What can be said of a duty at present by the holder of a link, in the order in which it is offered. `stands`: whether
/// its step does.
pub fn offered(school: &School, row: &Duty, stands: bool, by: &str) -> Vec<Say> {
    let rule = duties::rule_of(school, row);
    let open = row.state.is_open();
    let is_call = rule.is_some_and(|rule| rule.done == DoneBy::HomeReached);
    let documents = rule.is_some_and(|rule| rule.documents.is_some())
        && row.documented_at.is_none()
        && stands
        && row.state != DutyState::NotNeeded;
    let is_theirs = row.taken_by.as_deref() == Some(by);
    let all = [
        (Say::Take, open && !is_theirs),
        (Say::Done, open),
        (Say::NoAnswer, open && is_call),
        (Say::Documented, documents),
        (Say::NotNeeded, open),
    ];
    all.into_iter().filter_map(|(say, may)| may.then_some(say)).collect()
}

/// Writes it and commits; again where somebody else writes about the same pupil.
///
/// # Errors
/// When the store fails, or something else is written about the pupil all the time.
pub async fn record(
    kv: &dyn Kv,
    (directory, school): (&Directory, &School),
    known: &Duty,
    new: &NewSaying,
    now: Timestamp,
) -> Result<Written, StoreError> {
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let Some(mut row) = unit.read::<Duty>(&tables::duty(known)).await? else {
            return Ok(Written::Gone);
        };
        // Two decisions about one pupil cannot both stand.
        accords::touch(&mut unit, &row.school, &row.pupil).await?;
        let pupil = directory.roster.pupil(&row.school, &row.pupil);
        if ladders::is_hidden(&unit, school, pupil, &row.pupil, now).await? {
            return Ok(Written::Hidden);
        }
        if is_written(&row, new) {
            return Ok(Written::Known);
        }
        if state(&row) != new.seen {
            return Ok(Written::Stale);
        }
        let said = Said { at: now, by: &new.by, why: new.why.as_deref() };
        // In words for whoever types it; a page says it in its own language.
        if duties::record(&mut unit, directory, school, &mut row, new.say, said).await?.is_err() {
            return Ok(Written::Refused);
        }
        if unit.commit().await? == Commit::Done {
            let (number, state) = (row.number(), row.state.as_str());
            tracing::info!(school = %row.school, duty = number, state, "a duty was ticked");
            return Ok(Written::Done);
        }
    }
    Err(StoreError::Busy("the pupil's rows are being changed by too many at once".into()))
}

/// Whether what is to be written came right after what was seen.
fn is_written(row: &Duty, new: &NewSaying) -> bool {
    let same = |event: &DutyEvent| {
        event.what == act_of(new.say)
            && event.by.as_ref() == Some(&new.by)
            && event.why.as_deref().unwrap_or_default() == new.why.as_deref().unwrap_or_default()
    };
    row.history.iter().enumerate().any(|(index, event)| {
        same(event) && state_after(&row.id, &row.history[..index]) == new.seen
    })
}

fn act_of(say: Say) -> DutyAct {
    match say {
        Say::Take => DutyAct::Taken,
        Say::NoAnswer => DutyAct::NoAnswer,
        Say::Done => DutyAct::Done,
        Say::Documented => DutyAct::Documented,
        Say::NotNeeded => DutyAct::NotNeeded,
    }
}
