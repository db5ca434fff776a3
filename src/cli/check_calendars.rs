//! The part of `upprop check` that is about calendars: the days that each closes, with the line of the file that says so,
//! whether today is one of them, and what looks like a slip. No summary is repeated: it may name somebody.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::calendar::{Calendar, Days};
use crate::config::{Config, Problem, Report, Severity};
use crate::model::local_date;

/// Longest time without school that is nobody's slip, in days: summer is ten weeks.
const LONGEST: i32 = 80;

const RIGHT: &str = "see whether these are the days without school";

/// What is to be said of each calendar.
pub fn problems(report: &Report, config: &Config, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, days) in &config.calendars {
        let calendar = &days.calendar;
        let is_its = |own: &Arc<Calendar>| Arc::ptr_eq(own, calendar);
        let school =
            config.schools.values().find(|school| school.calendar.as_ref().is_some_and(is_its));
        let today = local_date(now, &school.map_or(TimeZone::UTC, |school| school.zone.clone()));
        let table = format!("calendars.{name}");
        for Told { severity, key, message, remedy } in told(name, calendar, today) {
            let tables = [table.as_str()];
            problems.push(report.places.problem(severity, &tables, key, message, remedy));
        }
    }
    problems
}

struct Told {
    severity: Severity,
    key: &'static str,
    message: String,
    remedy: &'static str,
}

fn told(name: &str, calendar: &Calendar, today: Date) -> Vec<Told> {
    let mut all = Vec::new();
    let mut tell = |severity, key, message, remedy| {
        all.push(Told { severity, key, message, remedy });
    };
    let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in &calendar.from_files {
        let day = format!("{} (line {})", one.days, one.line);
        by_file.entry(&one.file).or_default().push(day);
    }
    for (file, days) in by_file {
        let message = format!("calendar {name} is closed by {file} on {}", days.join(", "));
        tell(Severity::Note, "files", message, RIGHT);
    }
    if !calendar.closed.is_empty() {
        let message =
            format!("calendar {name} is closed by `closed` on {}", list(&calendar.closed));
        tell(Severity::Note, "closed", message, RIGHT);
    }
    let between = calendar.between_terms();
    if !between.is_empty() {
        let message = format!("calendar {name} is closed between its terms on {}", list(&between));
        tell(Severity::Note, "terms", message, RIGHT);
    }
    if let Some(why) = calendar.no_school(today) {
        let message =
            format!("there is no school today, {today}, by calendar {name}: {}", why.in_words());
        tell(
            Severity::Note,
            "closed",
            message,
            "nobody is told today; correct it if there is school",
        );
    }
    for days in joined(calendar, between) {
        let length = (days.1 - days.0).get_days() + 1;
        if length > LONGEST {
            let message = format!(
                "calendar {name} is closed without a break from {} to {}, {length} days: nobody is told in all that time",
                days.0, days.1
            );
            tell(
                Severity::Warning,
                "closed",
                message,
                "see whether a year or a day in it is wrong",
            );
        }
    }
    if let Some(last) = calendar.terms.iter().map(Days::last).max()
        && last < today
    {
        let message = format!(
            "the last of the terms of calendar {name} was over on {last}: every day after it may be a school day"
        );
        tell(Severity::Warning, "terms", message, "write the terms of the new school year");
    }
    all
}

fn list(days: &[Days]) -> String {
    days.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// All that is closed, where days follow each other as one.
fn joined(calendar: &Calendar, between: Vec<Days>) -> Vec<(Date, Date)> {
    let of_files = calendar.from_files.iter().map(|one| one.days);
    let mut all: Vec<Days> =
        calendar.closed.iter().copied().chain(of_files).chain(between).collect();
    all.sort();
    let mut joined: Vec<(Date, Date)> = Vec::new();
    for days in all {
        match joined.last_mut() {
            Some((_, last)) if days.first() <= last.saturating_add(1.day()) => {
                *last = days.last().max(*last);
            }
            _ => joined.push((days.first(), days.last())),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::FromFile;
    use jiff::civil::date;

    fn days(text: &str) -> Days {
        Days::parse(text).expect("days")
    }

    fn said(calendar: &Calendar, today: Date) -> Vec<(Severity, String)> {
        told("year", calendar, today).into_iter().map(|one| (one.severity, one.message)).collect()
    }

    #[test]
    fn each_closed_day_is_told_with_its_line_and_today_when_it_is_one() {
        let event = |text: &str, line| FromFile { days: days(text), file: "y.ics".into(), line };
        let calendar = Calendar {
            terms: vec![days("2027-01-11..2027-06-11"), days("2026-08-17..2026-12-18")],
            closed: vec![days("2026-11-23")],
            from_files: vec![
                event("2026-10-26..2026-10-30", 4),
                event("2027-02-22..2027-02-26", 9),
            ],
            name: "year".into(),
        };
        let notes = [
            "calendar year is closed by y.ics on 2026-10-26..2026-10-30 (line 4), 2027-02-22..2027-02-26 (line 9)",
            "calendar year is closed by `closed` on 2026-11-23",
            "calendar year is closed between its terms on 2026-12-19..2027-01-10",
        ];
        let notes = notes.map(|text| (Severity::Note, text.to_owned()));
        assert_eq!(said(&calendar, date(2026, 11, 24)), notes);
        let today = &said(&calendar, date(2026, 10, 27))[3];
        assert_eq!(
            today.1,
            "there is no school today, 2026-10-27, by calendar year: y.ics line 4, 2026-10-26..2026-10-30"
        );
        let over = said(&calendar, date(2027, 6, 12)).pop().expect("a warning");
        assert!(over.0 == Severity::Warning && over.1.contains("over on 2027-06-11"), "{over:?}");
        assert_eq!(said(&Calendar::default(), date(2026, 11, 24)), []);
    }

    #[test]
    fn a_break_that_is_too_long_is_warned_of_also_where_it_is_made_of_several() {
        let long = |text: &str, count: usize| {
            let closed = text.split(' ').map(days).collect();
            let calendar = Calendar { closed, ..Calendar::default() };
            let said = said(&calendar, date(2026, 1, 1));
            let warned = said.iter().filter(|one| one.0 == Severity::Warning).count();
            assert_eq!(warned, count, "{said:?}");
        };
        long("2026-06-13..2026-08-31", 0);
        long("2026-06-13..2026-09-01", 1);
        long("2026-07-10..2026-09-01 2026-06-13..2026-07-09", 1);
        long("2026-07-11..2026-09-01 2026-06-13..2026-07-09", 0);
    }
}
