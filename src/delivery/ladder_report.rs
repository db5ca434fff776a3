//! The dispatcher's part that reports the ladders of a week to the team and to the principal, on the first school day after
//! it. Rows are read here; what is counted how is `ladder`'s.
//!
//! What it costs: a school's steps reached and its duties are read once, and of each pupil who has any one row more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::reports::{self, Report};
use super::term_report;
use crate::calendar::Days;
use crate::directory::{Directory, School};
use crate::intake::{duties, ladders};
use crate::ladder::duty::list::{self, Left};
use crate::ladder::tally::{self, Counted};
use crate::ladder::{DoneBy, Ladder, school_year_of};
use crate::message::ladder_report::LadderReportFacts;
use crate::message::thread;
use crate::model::{
    Duty, Firing, LadderCounts, OldestDuty, PupilId, Purpose, Reason, WeekName, local_date,
};
use crate::policy::daily;
use crate::store::ledger::{self, Unit};
use crate::store::{Kv, StoreError, tables};

/// Most overdue duties that are told one by one.
const OLDEST: usize = 20;

/// When a school's next report is made; none: never.
pub(super) fn next(school: &School, now: Timestamp) -> Option<Timestamp> {
    let time = school.ladders.report.filter(|_| ladders::has_any(school))?;
    Some(daily::next_of_week(time, school, now))
}

/// The days of a report: those of a week, or of what is reported in the week that a day is in.
pub fn days(school: &School, week: Option<WeekName>, today: Date) -> Days {
    let named = week.and_then(|week| Days::new(week.monday(), week.sunday()));
    named.unwrap_or_else(|| daily::weeks_before(today, school))
}

/// Has the report made of the week before a day.
///
/// # Errors
/// When the store fails.
pub(super) async fn report(
    kv: &dyn Kv,
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<(), StoreError> {
    let days = days(school, None, date);
    if counts(kv, directory, school, days, now).await?.is_nothing() {
        unit.decided("suppress", Reason::NothingToList);
        return Ok(());
    }
    let about = &reports::about(Purpose::LadderReport);
    let report = Report { purpose: Purpose::LadderReport, reason: Reason::WeekOver, about, date };
    reports::mail_both(unit, directory, school, report, now).await
}

/// What a report says that was made on a day.
pub(super) async fn facts(
    kv: &dyn Kv,
    directory: &Directory,
    school: &School,
    date: Date,
    now: Timestamp,
) -> Result<LadderReportFacts, StoreError> {
    let days = days(school, None, date);
    let counts = counts(kv, directory, school, days, now).await?;
    Ok(LadderReportFacts::new(&school.name, days.first(), days.last(), counts))
}

/// Midnight at which a day begins, or what comes next of it where clocks skip that.
fn begin(day: Date, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).unwrap_or(Timestamp::MAX)
}

/// The first day from which pupils stand on steps: of the term; of the school year where its calendar has none.
fn term(school: &School, day: Date) -> Date {
    term_report::term(school, None, day).map_or_else(|| school_year_of(day), |t| t.days.first())
}

/// The numbers of some days. What is to be done, and where pupils stand, is as it is now.
///
/// # Errors
/// When the store fails.
pub async fn counts(
    kv: &dyn Kv,
    directory: &Directory,
    school: &School,
    days: Days,
    now: Timestamp,
) -> Result<LadderCounts, StoreError> {
    let today = local_date(now, &school.zone);
    let counted = Counted {
        from: begin(days.first(), &school.zone),
        to: begin(days.last().saturating_add(1.day()), &school.zone),
        term: term(school, today),
    };
    // One row that cannot be read keeps nobody from hearing of the others; `store check` tells of it.
    let mut firings: BTreeMap<PupilId, Vec<Firing>> = BTreeMap::new();
    ledger::each(kv, &tables::firings_at(&school.id), |_, row| {
        if let Ok(firing) = ledger::decode::<Firing>(row) {
            firings.entry(firing.pupil.clone()).or_default().push(firing);
        }
    })
    .await?;
    let mut all: Vec<Duty> = Vec::new();
    ledger::each(kv, &tables::duties_at(&school.id), |_, row| {
        all.extend(ledger::decode::<Duty>(row).ok());
    })
    .await?;
    let unit = Unit::new(kv);
    let mut hidden: BTreeSet<PupilId> = BTreeSet::new();
    for id in firings.keys() {
        let pupil = directory.roster.pupil(&school.id, id);
        if ladders::is_hidden(&unit, school, pupil, id, now).await? {
            hidden.insert(id.clone());
        }
    }
    firings.retain(|id, _| !hidden.contains(id));
    // One whose steps are gone has none that is told of either.
    all.retain(|duty| firings.contains_key(&duty.pupil));
    let in_force = school.ladders.on(today);
    let steps =
        tally::steps(in_force.iter().map(|one| one.as_ref() as &Ladder), school.locale.as_str());
    let mut counts = LadderCounts { steps, ..LadderCounts::default() };
    for of in firings.values() {
        tally::pupil(&mut counts, of, &counted);
    }
    for duty in &all {
        let rule = duties::rule_of(school, duty);
        let is_call = rule.is_some_and(|rule| rule.done == DoneBy::HomeReached);
        tally::duty(&mut counts, duty, is_call, &counted);
    }
    counts.oldest = oldest(school, &all, &firings, now);
    Ok(counts)
}

fn oldest(
    school: &School,
    all: &[Duty],
    firings: &BTreeMap<PupilId, Vec<Firing>>,
    now: Timestamp,
) -> Vec<OldestDuty> {
    let hours = duties::hours(school);
    let overdue = |duty| {
        let listed = list::listed(duty, None, &hours, now)?;
        (listed.left == Left::Overdue).then_some((listed.since, duty))
    };
    let mut overdue: Vec<(Timestamp, &Duty)> = all.iter().filter_map(overdue).collect();
    overdue.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    let told = |(since, duty): (Timestamp, &Duty)| {
        let mut of = firings.get(&duty.pupil)?.iter();
        let firing = of.find(|firing| firing.id == duty.firing)?;
        let rule = duties::rule_of(school, duty);
        let what = rule.map_or(duty.rule.as_str(), |rule| rule.text.of(school.locale.as_str()));
        Some(OldestDuty {
            case: thread::case_number(&duty.school, &duty.pupil, firing.day),
            number: duty.number(),
            what: what.to_owned(),
            owner: duty.owner,
            since: local_date(since, &school.zone),
        })
    };
    overdue.into_iter().filter_map(told).take(OLDEST).collect()
}
