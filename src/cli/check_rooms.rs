//! The part of `upprop check` that `config` cannot do, as it may not know the rooms: what the daemon
//! builds from settings is built on trial, and every text is made.

use super::{
    check_calendars, check_drop, check_ladders, check_languages, check_places, check_programmes,
    check_texts,
};
use crate::app;
use crate::config::{Problem, Report, Severity};
use crate::env::Clock as _;
use crate::env::clock::SystemClock;

/// As [`problems`], and what an operator who asks wants to know besides; `all`: of every language.
pub fn asked(report: &Report, all: bool) -> Vec<Problem> {
    let mut problems = problems(report);
    problems.extend(
        report.readable().map(|c| check_languages::problems(report, c, all)).unwrap_or_default(),
    );
    problems.extend(without_pages(report));
    problems
        .extend(report.readable().map(|c| check_ladders::followed(report, c)).unwrap_or_default());
    let now = SystemClock::new().now();
    problems.extend(
        report.readable().map(|c| check_calendars::problems(report, c, now)).unwrap_or_default(),
    );
    problems.extend(
        report.readable().map(|c| check_programmes::problems(report, c, now)).unwrap_or_default(),
    );
    problems
}

/// That the mails of cases and duties have no link, where there are such mails.
fn without_pages(report: &Report) -> Option<Problem> {
    let config = report.readable()?;
    if config.pages.is_some() || config.mail.is_none() || report.is_faulty("pages") {
        return None;
    }
    let what = "no [pages]: mails to the attendance team have no link to their case, nor mails of duties to theirs, and `/case/…` and `/duty/…` answer 404";
    let remedy = "add [pages] with `url` and `secret-file`, or record what came of a case with `upprop case record`, and tick duties with `upprop duty`";
    Some(report.places.problem(Severity::Note, &["mail"], "", what, remedy))
}

/// What rooms find wrong with a configuration, also with one that has errors already: nothing is
/// said twice, and nothing of a table whose errors may be the cause.
pub fn problems(report: &Report) -> Vec<Problem> {
    let Some(config) = report.readable() else { return Vec::new() };
    let mut problems = check_texts::problems(report, config);
    problems.extend(check_places::problems(report, config));
    problems.extend(check_ladders::problems(config));
    for pace in app::paces(config) {
        let table = format!("ss12000.{}", pace.source);
        if !report.is_faulty(&table) {
            let tables = [table.as_str()];
            let at = &report.places;
            problems.push(at.problem(pace.severity, &tables, pace.key, pace.message, pace.remedy));
        }
    }
    for school in app::unattended(config) {
        let table = format!("schools.{school}");
        problems.push(report.places.problem(
            Severity::Warning,
            &[&table],
            "name",
            format!("no source tells of attendance at {school}: nobody is told of anything there"),
            "name it in `schools` of a source that `gives` attendance, or remove it",
        ));
    }
    for (school, source, every) in app::hasty(config) {
        let table = format!("schools.{school}");
        problems.push(report.places.problem(
            Severity::Warning,
            &[&table],
            "register-after",
            format!(
                "teachers of {school} are asked for a register after `register-after`, and {source} is asked for marks \
                 every {} minutes only",
                every.as_mins()
            ),
            "write a longer `register-after`, or have the source asked more often",
        ));
    }
    problems.extend(check_drop::problems(report, config));
    for refusal in app::refusals(config) {
        let key = format!("{}.{}", refusal.table, refusal.key);
        // Accounts and sources are read as a whole, other tables key by key.
        let read_whole = refusal.table.contains('.');
        if report.is_faulty(if read_whole { &refusal.table } else { &key }) {
            continue;
        }
        problems.push(report.places.problem(
            Severity::Error,
            &[&refusal.table],
            refusal.key,
            format!("`{}`: {}", refusal.key, refusal.message),
            refusal.remedy,
        ));
    }
    problems
}
