//! What came of a case, for ladders: how lessons count of which the home or the team has said otherwise, and which duties
//! are done by it. Reads and writes in the unit of work in which the word is recorded.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::decide::Heard;
use super::duties;
use super::ladders::{self, Climbed};
use crate::directory::{Directory, School};
use crate::ladder::duty::{Said, Say};
use crate::ladder::{Attended, DoneBy};
use crate::model::{CaseWhat, CaseWord, LessonState, PupilId, SchoolId, case_word};
use crate::store::ledger::Unit;
use crate::store::{StoreError, after_prefix, tables};

/// Most words of one pupil that are read: more than anybody records in a school year.
const WORDS: usize = 4_000;

/// What was last said of each of a pupil's days.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    of_day: BTreeMap<Date, CaseWord>,
}

impl Outcomes {
    /// Reads what was said of a pupil's days from one on. Whoever decides by it has read the guard of the pupil's
    /// notices, which every word moves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(
        unit: &Unit<'_>,
        school: &SchoolId,
        pupil: &PupilId,
        from: Date,
    ) -> Result<Self, StoreError> {
        let first = tables::case_words(school, pupil, from);
        let last = after_prefix(&tables::of_pupil(tables::CASE_WORDS, school, pupil));
        let words: Vec<CaseWord> = unit.peek_range(&first, &last, WORDS).await?;
        let mut all: BTreeMap<Date, Vec<CaseWord>> = BTreeMap::new();
        for word in words {
            all.entry(word.date).or_default().push(word);
        }
        let last = |(day, words): (Date, Vec<CaseWord>)| {
            case_word::last_outcome(&words).cloned().map(|word| (day, word))
        };
        Ok(Self { of_day: all.into_iter().filter_map(last).collect() })
    }

    /// How a lesson counts: what the home has explained is absence with a valid reason, and where the mark was wrong
    /// the pupil was there. A mark that came after the word says more than it; the day that was explained is all of it.
    pub fn attended(&self, day: Date, lesson: &LessonState, attended: Attended) -> Attended {
        let Some(word) = self.of_day.get(&day) else { return attended };
        match (word.what, attended) {
            (CaseWhat::Explained, Attended::Unexcused) => Attended::Excused,
            (CaseWhat::WrongMark, Attended::Unexcused | Attended::Excused)
                if lesson.received_at <= word.at =>
            {
                Attended::Present
            }
            _ => attended,
        }
    }
}

/// Does what follows of a word on a case: the calls that it is the outcome of are done, or were tried, and the ladders
/// are asked anew.
///
/// # Errors
/// When the store fails.
pub(super) async fn follow(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    word: &CaseWord,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !ladders::has_any(school) || !word.what.is_outcome() {
        return Ok(());
    }
    let say = match word.what {
        CaseWhat::Reached | CaseWhat::Explained => Some(Say::Done),
        CaseWhat::NoAnswer => Some(Say::NoAnswer),
        CaseWhat::WrongMark | CaseWhat::Note => None,
    };
    if let Some(say) = say {
        let climbed = Climbed::read(unit, &word.school, &word.pupil).await?;
        let about = |id| {
            let firing = climbed.firings.iter().find(|firing| firing.id == id);
            firing.is_some_and(|one| one.day == word.date || one.because.contains(&word.date))
        };
        for duty in &climbed.duties {
            let rule = duties::rule_of(school, duty);
            let is_call = rule.is_some_and(|rule| rule.done == DoneBy::HomeReached);
            if !duty.state.is_open() || !is_call || !about(duty.firing.clone()) {
                continue;
            }
            // As it is in this unit of work.
            let key = tables::duty(duty);
            let Some(mut row) = unit.read(&key).await? else { continue };
            let said = Said { at: now, by: &word.by, why: None };
            // What cannot follow was over, and is left so.
            let _ = duties::record(unit, directory, school, &mut row, say, said).await?;
        }
    }
    let heard = Heard::own(&format!("case {}", word.what.as_str()));
    ladders::climb(unit, directory, school, &word.pupil, &heard, now).await
}

#[cfg(test)]
#[path = "outcomes_tests.rs"]
mod tests;
