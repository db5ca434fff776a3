//! Which duties stand in the list of the day that their owner gets, and on which days that comes. Pure.

use jiff::Timestamp;
use jiff::civil::Date;

use super::Hours;
use crate::ladder::{DutyRule, SchoolDays};
use crate::model::{Duty, DutyAct, DutyState};

/// So many school days somebody hears each morning of what they owe; when all of it is older, on the first school day of
/// each week.
const DAILY: usize = 10;

/// What is left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// It was not done in time.
    Overdue,
    /// It is done, and what it leaves in writing is not there.
    Undocumented,
    /// Nothing any more.
    Over,
}

/// A duty that stands in its owner's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// What is left.
    pub left: Left,
    /// Since when it is so, whoever had it then.
    pub since: Timestamp,
    /// Since when it is so with the owner that it has now.
    pub owed: Timestamp,
}

/// Whether a duty stands in the list: it is overdue, or it was done before the last school day and is not documented.
/// One that was handed over stands there when the time of its new owner is over too. `rule` is none where no ladder in
/// configuration has it.
pub fn listed(
    duty: &Duty,
    rule: Option<&DutyRule>,
    hours: &Hours<'_>,
    now: Timestamp,
) -> Option<Listed> {
    let last = |what| duty.history.iter().rev().find(|event| event.what == what);
    match duty.state {
        DutyState::Overdue if duty.due_at <= now => {
            let since = last(DutyAct::Overdue).map_or(duty.due_at, |event| event.at);
            Some(Listed { left: Left::Overdue, since, owed: duty.due_at })
        }
        DutyState::Done if duty.documented_at.is_none() => {
            rule.filter(|rule| rule.documents.is_some())?;
            let since = last(DutyAct::Done)?.at;
            let day_after = hours.school_days_after(hours.day_of(since), 1);
            let is_late = day_after < hours.day_of(now);
            is_late.then_some(Listed { left: Left::Undocumented, since, owed: since })
        }
        _ => None,
    }
}

/// Most duties that are to be done, or documented, on one page.
const ON_A_PAGE: usize = 100;
/// Most of those beside them that are over since the list was made, so that whoever has said so sees it, and a form that is
/// sent twice is known again.
const OVER_BESIDE: usize = 20;

/// Whether something is to be done or documented, overdue or not.
fn is_left(duty: &Duty, rule: Option<&DutyRule>) -> bool {
    let documents = rule.is_some_and(|rule| rule.documents.is_some());
    let undocumented = duty.state == DutyState::Done && duty.documented_at.is_none() && documents;
    duty.state.is_open() || undocumented
}

/// Whether a duty has a place on the page of a list that was made at an instant: it is left, or something has happened to it
/// since.
pub fn on_page(duty: &Duty, rule: Option<&DutyRule>, made_at: Timestamp) -> Option<Listed> {
    let (since, owed) = (duty.due_at, duty.due_at);
    let left = if is_left(duty, rule) { Left::Overdue } else { Left::Over };
    let has_moved = duty.history.last().is_some_and(|event| event.at >= made_at);
    (left == Left::Overdue || has_moved).then_some(Listed { left, since, owed })
}

/// What of all that has a place on a page stands on it: what is left, the first due first, and then what was over last. And
/// how many more are left.
pub fn page(all: Vec<(Duty, Left)>) -> (Vec<Duty>, usize) {
    let (over, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, left)| *left == Left::Over);
    let mut left: Vec<Duty> = left.into_iter().map(|(duty, _)| duty).collect();
    left.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
    let more = left.len().saturating_sub(ON_A_PAGE);
    left.truncate(ON_A_PAGE);
    let mut over: Vec<Duty> = over.into_iter().map(|(duty, _)| duty).collect();
    let moved = |duty: &Duty| duty.history.last().map(|event| event.at);
    over.sort_by(|a, b| (moved(b), &b.id).cmp(&(moved(a), &a.id)));
    over.truncate(OVER_BESIDE);
    left.extend(over);
    (left, more)
}

/// Whether somebody gets their list on a school day. `owed`: the days since which they have owed what stands in it.
pub fn is_told_on(
    day: Date,
    is_first_of_week: bool,
    days: SchoolDays<'_>,
    owed: impl IntoIterator<Item = Date>,
) -> bool {
    let mut owed = owed.into_iter().peekable();
    let any = owed.peek().is_some();
    any && (is_first_of_week || owed.any(|since| days.between(since, day, DAILY) < DAILY))
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
