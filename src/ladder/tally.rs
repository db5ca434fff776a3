//! The numbers of a week of ladders, row by row: what was reached and taken back, what was made and done, and what is to be
//! done. Pure: knows no pupil by name, and reads no clock.

use jiff::Timestamp;
use jiff::civil::Date;

use super::Ladder;
use crate::model::{Duty, DutyAct, DutyState, Firing, LadderCounts, StepCounts};

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// From this instant on …
    pub from: Timestamp,
    /// … and before this one.
    pub to: Timestamp,
    /// From which day on pupils stand on the steps that they have reached: the first of the term.
    pub term: Date,
}

impl Counted {
    fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// A row for each step of these ladders, in a language.
pub fn steps<'a>(ladders: impl IntoIterator<Item = &'a Ladder>, locale: &str) -> Vec<StepCounts> {
    let of = |ladder: &'a Ladder| {
        ladder.steps.iter().map(|step| StepCounts {
            ladder: ladder.name.clone(),
            ladder_title: ladder.title.of(locale).to_owned(),
            step: step.id.clone(),
            title: step.title.of(locale).to_owned(),
            ..StepCounts::default()
        })
    };
    ladders.into_iter().flat_map(of).collect()
}

/// Counts the steps that one pupil has reached. One that no ladder in force has is in no number.
pub fn pupil(counts: &mut LadderCounts, firings: &[Firing], counted: &Counted) {
    let is = |row: &StepCounts, of: &Firing| row.ladder == of.ladder && row.step == of.step;
    let mut furthest: Vec<usize> = Vec::new();
    for firing in firings {
        let Some(at) = counts.steps.iter().position(|row| is(row, firing)) else { continue };
        if counted.has(firing.at) {
            counts.steps[at].reached += 1;
            counts.steps[at].taken_back += u64::from(!firing.stands());
        }
        if !firing.stands() || firing.day < counted.term {
            continue;
        }
        let same = |other: &&mut usize| counts.steps[**other].ladder == firing.ladder;
        match furthest.iter_mut().find(same) {
            Some(other) => *other = at.max(*other),
            None => furthest.push(at),
        }
    }
    for at in furthest {
        counts.steps[at].pupils += 1;
    }
}

/// Counts one duty. `is_call`: it is done by reaching the home.
pub fn duty(counts: &mut LadderCounts, row: &Duty, is_call: bool, counted: &Counted) {
    // What happened to the one before it, of a step that was taken back and reached again, was counted with that.
    let begins = |what| matches!(what, DutyAct::Made | DutyAct::Restored);
    let begin = row.history.iter().rposition(|event| begins(event.what)).unwrap_or_default();
    let own = &row.history[begin.min(row.history.len())..];
    let is_made = own.first().is_some_and(|event| begins(event.what) && counted.has(event.at));
    counts.made += u64::from(is_made);
    if row.state == DutyState::Done
        && let Some(done) = own.iter().rposition(|event| event.what == DutyAct::Done)
        && counted.has(own[done].at)
    {
        let late = own[..done].iter().any(|event| event.what == DutyAct::Overdue);
        counts.late += u64::from(late);
        counts.in_time += u64::from(!late);
    }
    if row.state.is_open() {
        let owner = counts.owners.entry(row.owner).or_default();
        owner.open += 1;
        owner.overdue += u64::from(row.state == DutyState::Overdue);
        counts.calls += u64::from(is_call);
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
