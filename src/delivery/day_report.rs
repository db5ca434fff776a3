//! The dispatcher's part that reports a school day to the team and to the principal: who was missing without a valid reason,
//! and how those at home were told. Rows are read here; it is looked up again when the mail leaves.

use jiff::{Timestamp, civil::Date};

use super::daily::{self, NAMED};
use super::reports::{self, Report};
use crate::directory::{Directory, School};
use crate::message::day_report::{DayReportFacts, MissedLesson, Missing, Phoned, ToldHome};
use crate::model::{CaseWord, Clock24, Lesson, Purpose, Reason, case_word};
use crate::policy::day_report::{self, Absence, ToldBy};
use crate::store::StoreError;
use crate::store::ledger::Unit;

/// Makes the report of a day.
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
    if facts(unit, directory, school, date, now).await?.is_nothing() {
        unit.decided("suppress", Reason::NothingToList);
        return Ok(());
    }
    let about = &reports::about(Purpose::DayReport);
    let report = Report { purpose: Purpose::DayReport, reason: Reason::AbsencesToday, about, date };
    reports::mail_both(unit, directory, school, report, now).await
}

/// What is to be reported of a day.
///
/// # Errors
/// When the store fails.
pub(super) async fn facts(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<DayReportFacts, StoreError> {
    let (mut people, mut open, mut unnamed) = (Vec::new(), Vec::new(), 0);
    for of in daily::day_of(unit, directory, school, date).await? {
        let Some(absence) = day_report::absence(&of.pupil.id, &of.lessons, &of.told) else {
            continue;
        };
        if daily::is_hidden(unit, school, of.pupil, now).await? {
            unnamed += 1;
            continue;
        }
        let named = (daily::name(of.pupil), of.pupil.class.as_deref());
        people.push(missing(school, named, &absence, &of.words));
        open.push(absence);
    }
    let totals = day_report::totals(&open);
    people.sort_by(|a, b| (&a.class, &a.name).cmp(&(&b.class, &b.name)));
    let more = people.len().saturating_sub(NAMED);
    people.truncate(NAMED);
    Ok(DayReportFacts {
        school: school.name.clone(),
        date: date.to_string(),
        people,
        more,
        unnamed,
        pupils: totals.pupils,
        lessons: totals.lessons,
        reached: totals.reached,
        unconfirmed: totals.unconfirmed,
        not_reached: totals.not_reached,
    })
}

fn missing(
    school: &School,
    (name, class): (String, Option<&str>),
    absence: &Absence,
    words: &[CaseWord],
) -> Missing {
    let clock = |at: Timestamp| Clock24::of(at, &school.zone).to_string();
    let lesson = |lesson: &Lesson| MissedLesson {
        start: clock(lesson.start),
        end: clock(lesson.end),
        label: lesson.label.clone().unwrap_or_default(),
    };
    let told = |one: &ToldBy| ToldHome {
        channel: one.channel.as_str().into(),
        at: one.at.map(clock).unwrap_or_default(),
        told: one.told.as_str().into(),
    };
    Missing {
        name,
        class: class.unwrap_or_default().to_owned(),
        lessons: absence.lessons.iter().map(lesson).collect(),
        told: absence.told.iter().map(told).collect(),
        phoned: case_word::last_outcome(words)
            .map(|word| Phoned { at: clock(word.at), what: word.what.as_str().into() }),
    }
}
