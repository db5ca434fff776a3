//! The dispatcher's part that reports a term to the team and to the principal, on its last day of school: its numbers, and
//! a page with plots. Rows are read here; what is counted how is `policy`'s.

use jiff::Timestamp;
use jiff::civil::Date;

use super::notice::About;
use super::reports::{self, Report};
use crate::calendar::Term;
use crate::directory::{Directory, Protection, School};
use crate::message::notice::NoticeFacts;
use crate::message::term_report::TermFacts;
use crate::model::{LessonState, Notification, Purpose, Reason, TermCounts, TermName};
use crate::policy::term_report;
use crate::store::ledger::Unit;
use crate::store::{Kv, StoreError, after_prefix, tables};

/// Lessons of a pupil in a term that are counted; none has so many.
const LESSONS: usize = 5_000;

/// The terms of a school's calendar.
fn terms(school: &School) -> Vec<Term> {
    school.calendar.as_ref().map_or_else(Vec::new, |calendar| calendar.named_terms())
}

/// The term that a day is in, or of this name; without either, the last that has begun.
pub fn term(school: &School, name: Option<TermName>, today: Date) -> Option<Term> {
    let mut all = terms(school).into_iter();
    if let Some(name) = name {
        return all.find(|term| term.name == name);
    }
    all.rfind(|term| term.days.first() <= today)
}

/// When a school's next report is made: on the last school day of a term.
pub(super) fn next(school: &School, now: Timestamp) -> Option<Timestamp> {
    let time = school.daily.term_report?;
    let last = |term: Term| {
        let day = term.weeks.last()?.last;
        school.zone.to_timestamp(day.to_datetime(time)).ok()
    };
    terms(school).into_iter().filter_map(last).find(|at| *at > now)
}

/// Has the report of the term made that a day is in.
///
/// # Errors
/// When the store fails.
pub(super) async fn report(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<(), StoreError> {
    let about = &reports::about(Purpose::TermReport);
    let report = Report { purpose: Purpose::TermReport, reason: Reason::TermOver, about, date };
    reports::mail_both(unit, directory, school, report, now).await
}

/// What is to be reported of the term that a day is in.
pub(super) async fn about<'a>(
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
) -> Result<About<'a>, StoreError> {
    let Some(term) = terms(school).into_iter().find(|term| term.days.contains(date)) else {
        return Ok(About::Gone);
    };
    let counts = counted(unit, directory, school, &term).await?;
    let days = (term.days.first(), term.days.last());
    let facts = TermFacts::new(&school.name, term.name, days, counts);
    let any = !facts.counts.is_nothing();
    Ok(About::List(Box::new(NoticeFacts::Term(Box::new(facts))), any))
}

/// The numbers of a term.
///
/// # Errors
/// When the store fails.
pub async fn counts(
    kv: &dyn Kv,
    directory: &Directory,
    school: &School,
    term: &Term,
) -> Result<TermCounts, StoreError> {
    counted(&Unit::new(kv), directory, school, term).await
}

async fn counted(
    unit: &Unit<'_>,
    directory: &Directory,
    school: &School,
    term: &Term,
) -> Result<TermCounts, StoreError> {
    let mut counts = TermCounts::default();
    let pupils = directory.roster.pupils.get(&school.id);
    for pupil in pupils.into_iter().flat_map(|pupils| pupils.values()) {
        // In none of its numbers is anybody of whom nothing may be said.
        if pupil.protection != Protection::None {
            continue;
        }
        let first = tables::day(&school.id, &pupil.id, term.days.first());
        let last = after_prefix(&tables::day(&school.id, &pupil.id, term.days.last()));
        let lessons: Vec<LessonState> = unit.peek_range(&first, &last, LESSONS).await?;
        for lesson in lessons {
            let mut told: Vec<Notification> = Vec::new();
            for id in &lesson.notifications {
                told.extend(unit.peek::<Notification>(&tables::notification(id)).await?);
            }
            term_report::count(&mut counts, &lesson, &told, &school.zone);
        }
        // Reads are answered at once: others get their turn here.
        tokio::task::yield_now().await;
    }
    Ok(counts)
}
