//! What words on cases do to duties to reach the home: the last word about a day counts, and a duty that was done by one which
//! counts no more is open again. What was said of the duty itself is not touched. Pure.

use crate::model::{CaseWhat, CaseWord, Duty, DutyAct, DutyState, NotificationId, case_word};

use super::duty::Say;

/// What follows of a word for a duty about its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Nothing.
    Nothing,
    /// The same as if it had been said of the duty.
    Said(Say),
    /// It is open again, where [`is_untrue`].
    Reopened,
}

/// What follows of the word that counts.
pub fn follows(duty: &Duty, word: CaseWhat) -> Follows {
    let open = duty.state.is_open();
    match word {
        CaseWhat::Reached | CaseWhat::Explained if open => Follows::Said(Say::Done),
        CaseWhat::NoAnswer if open => Follows::Said(Say::NoAnswer),
        CaseWhat::NoAnswer if done_by(duty).is_some() => Follows::Reopened,
        // What was wrongly marked is no absence, and its steps are taken back.
        _ => Follows::Nothing,
    }
}

/// The word that a duty was done by; none: it is not done, or was done otherwise.
pub fn done_by(duty: &Duty) -> Option<&NotificationId> {
    if duty.state != DutyState::Done {
        return None;
    }
    let done = duty.history.iter().rev().find(|event| event.what == DutyAct::Done);
    done?.word.as_ref()
}

/// Whether the word that a duty was done by counts no more. `cases`: all words about each day of its step.
pub fn is_untrue(duty: &Duty, cases: &[Vec<CaseWord>]) -> bool {
    let Some(by) = done_by(duty) else { return false };
    let last = |words: &Vec<CaseWord>| case_word::last_outcome(words).map(|word| word.what);
    let unsaid = |words: &Vec<CaseWord>| {
        last(words) == Some(CaseWhat::NoAnswer) && words.iter().any(|word| word.id == *by)
    };
    let known = |words: &Vec<CaseWord>| last(words).is_some_and(CaseWhat::home_knows);
    cases.iter().any(unsaid) && !cases.iter().any(known)
}

#[cfg(test)]
#[path = "called_tests.rs"]
mod tests;
