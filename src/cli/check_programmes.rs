//! The part of `upprop check` that is about preventive programmes: what will be run at which school and when, and what keeps
//! it from being run. Classes are in the directory, which is not looked at here.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::calendar::Term;
use crate::config::{Config, Problem, Report, Severity};
use crate::directory::School;
use crate::model::local_date;
use crate::programme::{self, Programme};

const RIGHT: &str = "see whether this is the plan; `upprop programme list` shows the classes";

/// What is to be said of each school.
pub fn problems(report: &Report, config: &Config, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (id, school) in &config.schools {
        let own = format!("schools.{id}");
        let today = local_date(now, &school.zone);
        for Told { severity, key, message, remedy } in told(school, today) {
            let tables = [own.as_str(), "defaults"];
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

fn told(school: &School, today: Date) -> Vec<Told> {
    let mut all = Vec::new();
    let runs = &school.programmes.runs;
    if runs.is_empty() {
        return all;
    }
    let mut tell = |severity, key, message, remedy| {
        all.push(Told { severity, key, message, remedy });
    };
    let id = &school.id;
    let terms = school.calendar.as_ref().map(|calendar| calendar.named_terms()).unwrap_or_default();
    let to_come: Vec<&Term> = terms.iter().filter(|term| term.days.last() >= today).collect();
    if to_come.is_empty() {
        let message = format!(
            "school {id} runs programmes, and no calendar of it says a term that is not over: nothing is planned"
        );
        let remedy = "write `terms` in its calendar, or programmes = false";
        tell(Severity::Warning, "calendar", message, remedy);
    }
    for term in to_come {
        let in_force = programme::in_force(runs, term);
        for programme in &in_force {
            let plan = programme.plan(term);
            let sessions: Vec<String> = plan
                .sessions
                .iter()
                .map(|one| {
                    format!("{} by {} (week {})", one.session, one.week.last, one.week.of_year())
                })
                .collect();
            let message = format!(
                "school {id} runs {} (version {}) in {} in classes of {}: {}",
                programme.name,
                programme.version,
                term.name,
                grades(programme),
                sessions.join(", ")
            );
            tell(Severity::Note, "programmes", message, RIGHT);
            if !plan.left_over.is_empty() {
                let left: Vec<String> = plan.left_over.iter().map(ToString::to_string).collect();
                let message = format!(
                    "{} has no school week in {} at {id} for session {}: the term has {}",
                    programme.name,
                    term.name,
                    left.join(", "),
                    term.weeks.len()
                );
                let remedy = "give them earlier weeks, or correct the term in the calendar";
                tell(Severity::Warning, "programmes", message, remedy);
            }
        }
        if in_force.is_empty() {
            let message = format!("no programme of school {id} is in force in {}", term.name);
            let remedy = "see the day of `effective` in its file";
            tell(Severity::Note, "programmes", message, remedy);
        }
    }
    if school.programmes.reminder_at.is_none() {
        let message = format!("school {id} runs programmes, and nobody is reminded of them");
        tell(
            Severity::Note,
            "programme-reminder-at",
            message,
            "write programme-reminder-at = \"07:45\"",
        );
    }
    all
}

fn grades(programme: &Programme) -> String {
    let all: Vec<String> = programme.grades.iter().map(ToString::to_string).collect();
    let word = if all.len() == 1 { "grade" } else { "grades" };
    format!("{word} {}", all.join(" and "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::directory::{ProgrammeRules, testing};
    use crate::programme::testing as made;
    use jiff::civil::date;

    fn said(school: &School, today: Date) -> Vec<(Severity, &'static str, String)> {
        told(school, today).into_iter().map(|t| (t.severity, t.key, t.message)).collect()
    }

    #[test]
    fn what_will_be_run_is_told_and_what_keeps_it_from_being_run() {
        let runs = vec![Arc::new(made::programme(&[4, 7], &[10, 11, 18]))];
        let school = School {
            calendar: Some(Arc::new(made::year())),
            programmes: ProgrammeRules { runs, reminder_at: None },
            ..testing::settings()
        };
        let all = said(&school, date(2026, 11, 24));
        let of = |term: &str, days: &str| {
            format!(
                "school s runs 7TJUGO (version 1) in {term} in classes of grades 4 and 7: {days}"
            )
        };
        let left = "7TJUGO has no school week in 2026-autumn at s for session 3: the term has 17";
        assert_eq!(
            all,
            [
                (
                    Severity::Note,
                    "programmes",
                    of("2026-autumn", "1 by 2026-10-23 (week 43), 2 by 2026-11-06 (week 45)")
                ),
                (Severity::Warning, "programmes", left.to_owned()),
                (
                    Severity::Note,
                    "programmes",
                    of(
                        "2027-spring",
                        "1 by 2027-03-26 (week 12), 2 by 2027-04-02 (week 13), 3 by 2027-05-21 (week 20)"
                    )
                ),
                (
                    Severity::Note,
                    "programme-reminder-at",
                    "school s runs programmes, and nobody is reminded of them".to_owned()
                ),
            ]
        );
        let [only] = &said(&school, date(2027, 6, 12))[..1] else { panic!("one") };
        assert!(only.0 == Severity::Warning && only.2.contains("nothing is planned"), "{only:?}");
        let none = School { calendar: None, ..school.clone() };
        assert_eq!(said(&none, date(2026, 11, 24))[0].1, "calendar");
        let quiet = School { programmes: ProgrammeRules::default(), ..school };
        assert_eq!(said(&quiet, date(2026, 11, 24)), []);
    }
}
