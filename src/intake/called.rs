//! What the team found out by phoning, and the duties to phone: a word on a case does them, or opens them again, in the commit of
//! the word. What follows of what is asked of `ladder::called`.

use std::collections::BTreeSet;

use super::decide::Heard;
use super::history::Depth;
use super::{accords, case_words, duties, ladders, steps};
use crate::directory::{Directory, School};
use crate::ladder::called::{self, Follows};
use crate::ladder::duty::{self, Said};
use crate::ladder::{DoneBy, DutyRule};
use crate::model::{CaseWord, Duty, Firing, NotificationId, Purpose, Reason, case_word};
use crate::store::ledger::Unit;
use crate::store::{StoreError, tables};

/// What follows of a word on a case: duties to reach the home about that day are done by it, noted to have got no answer, or
/// open again, and the ladders are asked with what was found out.
///
/// # Errors
/// When the store fails.
pub(super) async fn after_word(
    unit: &mut Unit<'_>,
    of: (&Directory, &School),
    word: &CaseWord,
) -> Result<(), StoreError> {
    if !ladders::has_any(of.1) || !word.what.is_outcome() {
        return Ok(());
    }
    // Two decisions about one pupil cannot both stand.
    accords::touch(unit, &word.school, &word.pupil).await?;
    let words = case_words::words_of(unit, &word.school, &word.pupil, word.date).await?;
    let last = case_word::last_outcome(&words).unwrap_or(word);
    let mut seen = BTreeSet::new();
    about_the_day(unit, of, last, &mut seen).await?;
    let heard = Heard::own("case");
    ladders::climb(unit, of, &word.pupil, Depth::Marks, &heard, word.at).await?;
    // Of a step that is reached by the word the duties are new.
    about_the_day(unit, of, last, &mut seen).await
}

/// Has every duty to reach the home about a word's day follow it, but for those that were seen.
async fn about_the_day(
    unit: &mut Unit<'_>,
    of: (&Directory, &School),
    word: &CaseWord,
    seen: &mut BTreeSet<NotificationId>,
) -> Result<(), StoreError> {
    let climbed = ladders::Climbed::read(unit, &word.school, &word.pupil).await?;
    let of_day = |firing: &&Firing| {
        firing.stands() && (firing.day == word.date || firing.because.contains(&word.date))
    };
    for firing in climbed.firings.iter().filter(of_day) {
        for row in climbed.duties.iter().filter(|row| row.firing == firing.id) {
            // What was said of the one before may have ended this one.
            let Some(mut row) = unit.read::<Duty>(&tables::duty(row)).await? else { continue };
            let rule = duties::rule_of(of.1, &row);
            if rule.is_none_or(|rule| rule.done != DoneBy::HomeReached)
                || !seen.insert(row.id.clone())
            {
                continue;
            }
            if called::follows(&row, word.what) == Follows::Reopened
                && is_untrue(unit, firing, &row).await?
            {
                reopen(unit, of, &mut row, rule, word).await?;
            }
            if let Follows::Said(say) = called::follows(&row, word.what) {
                let said = Said { at: word.at, by: &word.by, why: None };
                // It is open, so that this can follow.
                let _: Result<(), String> =
                    duties::write(unit, of, &mut row, (say, said), Some(word)).await?;
            }
        }
    }
    Ok(())
}

/// Whether the word that a duty was done by counts no more.
///
/// # Errors
/// When the store fails.
pub(super) async fn is_untrue(
    unit: &Unit<'_>,
    firing: &Firing,
    row: &Duty,
) -> Result<bool, StoreError> {
    if called::done_by(row).is_none() {
        return Ok(false);
    }
    let mut cases = Vec::new();
    for day in firing.because.iter().copied().chain([firing.day]).collect::<BTreeSet<_>>() {
        cases.push(case_words::words_of(unit, &row.school, &row.pupil, day).await?);
    }
    Ok(called::is_untrue(row, &cases))
}

/// Opens a duty again; who has it is told where it is overdue.
async fn reopen(
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    row: &mut Duty,
    rule: Option<&DutyRule>,
    word: &CaseWord,
) -> Result<(), StoreError> {
    let (former, now) = (row.look_at, word.at);
    let told = duty::reopen(row, rule, &duties::hours(school), now);
    let mut decisions = Vec::new();
    if told.is_some() {
        // Another than that of the day on which it was overdue first.
        let which = format!("reopened {}", word.id.as_str());
        let how = (Purpose::DutyOverdue, Reason::DutyOverdue, which.as_str());
        let roles = [row.owner];
        decisions = duties::tell_roles(unit, directory, school, row, &roles, how, now).await?;
    }
    duties::keep(unit, row, former);
    let heard = format!("duty {}, {} {}: open again", row.number(), row.step, row.rule);
    let of = (&row.school, &row.pupil);
    steps::line(unit, of, row.id.as_str(), &Heard::own(&heard), decisions, now);
    Ok(())
}
