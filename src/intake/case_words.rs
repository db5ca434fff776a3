//! Words on a case, written: the word, the mentor's message and the line of the trail in one commit. Whoever else must hear of
//! a word (a ladder, a duty) is written to in [`write`], so that it is in the same commit. Sends nothing.

use jiff::{Timestamp, civil::Date};

use super::called;
use super::case::{self, Case, CaseKey};
use crate::directory::{Directory, School};
use crate::model::{
    CaseWhat, CaseWord, MentorTold, Notification, NotificationId, PupilId, Reason, Recipient,
    SchoolId, StaffRole, State, case_word,
};
pub use crate::policy::case_word::hidden;
use crate::policy::case_word::{Feedback, feedback, message_of};
use crate::store::ledger::Unit;
use crate::store::rows::{Audit, Decision};
use crate::store::{Commit, Kv, StoreError, after_prefix, tables};

/// Most words of one case; more is nobody's work.
pub const MOST: usize = 100;
/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 500;
/// How often it is tried against somebody who writes about the same day.
const TRIES: usize = 20;

/// What is to be recorded.
#[derive(Debug, Clone)]
pub struct NewWord {
    /// The same each time that this very word is recorded.
    pub id: NotificationId,
    /// As in [`CaseWord::by`].
    pub by: String,
    /// As in [`CaseWord::link`].
    pub link: Option<NotificationId>,
    /// What.
    pub what: CaseWhat,
    /// For staff; at most [`LONGEST_NOTE`] characters.
    pub note: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is written.
    Done(CaseWord),
    /// It was there before, and nothing is changed.
    Known(CaseWord),
    /// Nothing is recorded of this pupil here, and why.
    Hidden(Reason),
    /// Nothing is known of the day.
    NoCase,
    /// There are [`MOST`] words.
    Full,
}

/// What was recorded of a case, the first first.
///
/// # Errors
/// When the store fails.
pub async fn words_of(
    unit: &Unit<'_>,
    school: &SchoolId,
    pupil: &PupilId,
    date: Date,
) -> Result<Vec<CaseWord>, StoreError> {
    let prefix = tables::case_words(school, pupil, date);
    let mut words: Vec<CaseWord> =
        unit.peek_range(&prefix, &after_prefix(&prefix), MOST + 1).await?;
    words.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    Ok(words)
}

/// Writes a word and what follows of it. Nothing is committed yet; the commit fails if the day has changed meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn write(
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    key: &CaseKey,
    new: &NewWord,
    now: Timestamp,
) -> Result<Written, StoreError> {
    let roster = &directory.roster;
    let Some(case) = Case::load(unit, roster, key).await? else { return Ok(Written::NoCase) };
    let before = words_of(unit, &key.school, &key.pupil, key.date).await?;
    if let Some(known) = before.iter().find(|word| word.id == new.id) {
        return Ok(Written::Known(known.clone()));
    }
    let pupil = roster.pupil(&key.school, &key.pupil);
    if let Some(reason) = hidden(pupil, case.is_protected(now)) {
        return Ok(Written::Hidden(reason));
    }
    let Some(pupil) = pupil else { return Ok(Written::Hidden(Reason::UnknownPupil)) };
    if before.len() >= MOST {
        return Ok(Written::Full);
    }
    let at = (key.date, &key.lesson);
    let told = feedback((school, roster, pupil), at, &before, (&new.id, new.what), now);
    let (mentor, decision, message) = match told {
        Feedback::Tell(n) => {
            let decision = decided("notify", Reason::CaseRecorded, Some(n.id.clone()));
            (MentorTold::By(n.id.clone()), Some(decision), Some(*n))
        }
        Feedback::NoMentor => {
            (MentorTold::NoMentor, Some(decided("suppress", Reason::NoContact, None)), None)
        }
        Feedback::NoNews if new.what.is_outcome() => {
            (MentorTold::NoNews, Some(decided("keep", Reason::AlreadyTold, None)), None)
        }
        Feedback::NoNews => (MentorTold::NoNews, None, None),
    };
    let word = CaseWord {
        id: new.id.clone(),
        school: key.school.clone(),
        pupil: key.pupil.clone(),
        date: key.date,
        at: now,
        by: new.by.clone(),
        link: new.link.clone(),
        what: new.what,
        note: new.note.clone(),
        mentor,
    };
    if message.is_some() {
        call_back(unit, &before).await?;
    }
    if let Some(decision) = &decision {
        let act = if message.is_some() { "notify" } else { "suppress" };
        unit.decided(act, decision.reason);
    }
    unit.write(tables::case_word(&word), &word);
    trail(unit, key, &word, decision, now);
    case.record(unit, message.as_ref());
    called::after_word(unit, (directory, school), &word).await?;
    Ok(Written::Done(word))
}

/// Writes a word and commits; again where somebody else writes about the same day.
///
/// # Errors
/// When the store fails, or something else is written about the day all the time.
pub async fn record(
    kv: &dyn Kv,
    (directory, school): (&Directory, &School),
    key: &CaseKey,
    new: &NewWord,
    now: Timestamp,
) -> Result<Written, StoreError> {
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let written = write(&mut unit, (directory, school), key, new, now).await?;
        let Written::Done(word) = &written else { return Ok(written) };
        if unit.commit().await? == Commit::Done {
            let (what, by) = (word.what.as_str(), word.by.as_str());
            tracing::info!(school = %word.school, word = %word.id, what, by, "recorded of a case");
            return Ok(written);
        }
    }
    Err(StoreError::Busy("something else is written about the day; try again".into()))
}

/// What the mentor has not been sent yet is no longer the last word.
async fn call_back(unit: &mut Unit<'_>, before: &[CaseWord]) -> Result<(), StoreError> {
    let Some(last) = case_word::last_outcome(before) else { return Ok(()) };
    let row = tables::notification(&message_of(&last.id));
    let known: Option<Notification> = unit.read(&row).await?;
    if let Some(mut n) = known.filter(|n| n.state == State::Waiting) {
        case::cancel(unit, &mut n, State::Cancelled, Reason::Replaced);
        unit.decided("cancel", Reason::Replaced);
    }
    Ok(())
}

fn decided(act: &str, reason: Reason, notification: Option<NotificationId>) -> Decision {
    let recipient = Recipient::Staff(StaffRole::Mentor).key();
    Decision { act: act.into(), recipient, reason, notification }
}

fn trail(
    unit: &mut Unit<'_>,
    key: &CaseKey,
    word: &CaseWord,
    decision: Option<Decision>,
    now: Timestamp,
) {
    let line = Audit {
        at: now,
        source: None,
        event: None,
        heard: format!("case {} by {}", word.what.as_str(), word.by),
        lesson: Some(key.lesson.clone()),
        decisions: decision.into_iter().collect(),
        silences: Vec::new(),
    };
    unit.write(tables::audit(&key.school, &key.pupil, now, word.id.as_str()), &line);
}

#[cfg(test)]
#[path = "case_words_tests.rs"]
mod tests;
