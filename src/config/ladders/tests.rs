//! What a school must have for the ladder that it follows, and what is said when it has not.

use super::super::{Loader, Report, load_text};
use super::*;
use jiff::civil::{Time, date};

/// A ladder with a share of the schedule in 20 days, and a count in the term.
const OWN: &str = r#"name = "own"
title = "Egen"
from = 2026-08-01
source = "S"
[[step]]
id = "share"
title = "Andel"
when = { share = "any", more-than = "20 %", within = "20 days", least-scheduled = "10 h", least-taken = "80 %", of = "schedule" }
[[step.duty]]
id = "see"
owner = "mentor"
do = "Se efter."
due = "2 school days"
"#;

const TERMS: &str = "[calendars.year]\nterms = [\"2026-08-17..2026-12-18\"]\nclosed = [\"2026-10-26..2026-10-30\"]\n";

const SCHOOL: &str = "[schools.s]\nname = \"S\"\nphone = \"112\"\ncalendar = \"year\"\n";

const SCHEDULE: &str = "[drop.f]\nfolder = \"/x\"\ngives = [\"schedule\", \"attendance\"]\n";

fn load(own: &str, text: &str) -> Report {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("own.toml"), own).expect("a file");
    std::fs::write(folder.path().join("later.toml"), own.replace("2026-08-01", "2027-01-01"))
        .expect("a file");
    std::fs::write(folder.path().join("bad.toml"), "name = \"bad\"\nfrom = 1\n").expect("a file");
    let base_dir = folder.path().to_owned();
    let loader = Loader { credentials_dir: None, base_dir, secrets: Secrets::Checked };
    load_text("u.toml", text, &loader)
}

fn told(report: &Report, severity: Severity) -> Vec<String> {
    let found = report.problems.iter().filter(|problem| problem.severity == severity);
    found.map(ToString::to_string).collect()
}

fn errors(own: &str, text: &str) -> Vec<String> {
    told(&load(own, text), Severity::Error)
}

/// That one error is told, with these words.
fn refuses(own: &str, text: &str, words: &[&str]) {
    let errors = errors(own, text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    for word in words {
        assert!(errors[0].contains(word), "{word:?} is not in {}", errors[0]);
    }
}

fn own() -> String {
    format!("[ladders]\nfiles = [\"own.toml\"]\n{TERMS}{SCHOOL}ladder = \"own\"\n")
}

#[test]
fn a_school_follows_what_it_names() {
    let text = format!(
        "[ladders]\nfiles = [\"own.toml\", \"later.toml\"]\n{TERMS}{SCHEDULE}{SCHOOL}ladder = [\"own\", \"plan\"]\n\
         ladder-since = \"2026-09-01\"\nform = \"grundskola\"\nday-ends = \"16:30\"\nladder-mail = \"name\"\ncalls-per-hour = 4\nduty-list-at = \"off\"\nladder-report-at = \"07:05\"\nladder-settle = \"0s\"\n[schools.t]\nname = \"T\"\nphone = \"112\"\n"
    );
    let report = load(OWN, &text);
    assert_eq!(told(&report, Severity::Error), [""; 0]);
    let config = report.config.expect("no errors");
    let school = |id: &str| &config.schools[&SchoolId::new(id).expect("an id")].ladders;
    let names: Vec<_> =
        school("s").versions.iter().map(|one| (one.name.as_str(), one.from)).collect();
    let (first, later) = (date(2026, 8, 1), date(2027, 1, 1));
    assert_eq!(names, [("own", first), ("own", later), ("plan", first)]);
    assert_eq!(school("s").since, Some(date(2026, 9, 1)));
    assert_eq!(
        (school("s").form.as_str(), school("s").day_ends),
        ("grundskola", Time::constant(16, 30, 0, 0))
    );
    assert_eq!((school("s").mail, school("s").calls_per_hour), (LadderMail::Name, 4));
    let report_at = Some(Time::constant(7, 5, 0, 0));
    assert_eq!((school("s").duty_list, school("s").report), (None, report_at));
    assert_eq!(school("s").settle, jiff::SignedDuration::ZERO);
    assert_eq!(school("t"), &LadderRules::default());
    // One that ships is followed without being listed; its text is kept to be tried.
    let files: Vec<&str> =
        config.ladders.files.iter().map(|file| file.ladder.name.as_str()).collect();
    assert_eq!(files, ["own", "own", "plan"]);
}

#[test]
fn a_file_is_told_with_its_line() {
    let errors = errors(
        OWN,
        "[ladders]\nfiles = [\"bad.toml\", \"none.toml\", \"paln\", \"own.toml\", \"own.toml\"]\n",
    );
    let all = errors.join("\n");
    for words in [
        "bad.toml:2:8: error: `from` in the ladder is 1, expected a date as 2026-08-01; write 2026-08-01",
        "bad.toml:1:1: error: no `source` in the ladder",
        "none.toml cannot be read",
        "`files` names \"paln\", which is no ladder that comes with upprop; did you mean \"plan\"?",
        "two ladders are called own and are in force from 2026-08-01",
    ] {
        assert!(all.contains(words), "{words} is not in\n{all}");
    }
}

#[test]
fn a_ladder_that_is_nowhere_is_told_at_the_school() {
    let text = own().replace("ladder = \"own\"", "ladder = \"plna\"");
    refuses(
        OWN,
        &text,
        &["u.toml:10:10", "school s follows the ladder \"plna\"", "did you mean \"plan\"?"],
    );
    // Where a file cannot be read, it may be the one.
    let text = text.replace("own.toml", "bad.toml");
    assert!(!errors(OWN, &text).join("\n").contains("plna"));
}

#[test]
fn a_window_longer_than_retention_is_refused() {
    let text = format!("{SCHEDULE}{}", own());
    assert_eq!(errors(OWN, &text), [""; 0]);
    let kept = format!("[retention]\ncontacts = \"14d\"\n{text}");
    refuses(
        OWN,
        &kept,
        &[
            "step share of ladder own looks 20 days back",
            "`contacts` keeps 14 days",
            "contacts = \"20d\"",
        ],
    );
    let year = OWN
        .replace("share = \"any\", more-than = \"20 %\", within = \"20 days\", least-scheduled = \"10 h\", least-taken = \"80 %\", of = \"schedule\"", "count = \"any\", unit = \"day\", at-least = 5, within = \"school-year\"");
    assert_eq!(errors(&year, &text), [""; 0]);
    let kept = format!("[retention]\nevidence = \"200d\"\n{text}");
    refuses(
        &year,
        &kept,
        &["looks 320 days back", "`evidence` keeps 200 days", "evidence = \"320d\""],
    );
    // The kinds are told apart: marks are kept longer than the schedule.
    let marks = OWN.replace("of = \"schedule\"", "of = \"marks\"").replace("20 days", "90 days");
    assert_eq!(errors(&marks, &own()), [""; 0]);
}

#[test]
fn a_share_of_a_schedule_that_nobody_gives_is_refused() {
    let words = ["share of the schedule", "no source gives the schedule of school s", "`gives`"];
    refuses(OWN, &own(), &words);
    // One that gives another school's is not enough.
    let other = format!(
        "{SCHEDULE}schools = [\"t\"]\n{}[schools.t]\nname = \"T\"\nphone = \"112\"\n",
        own()
    );
    refuses(OWN, &other, &words);
    let hub = "[ss12000.h]\nurl = \"https://h.example.se\"\nauth = \"none\"\ngives = [\"schedule\"]\nschools = { s = \"o\" }\n";
    let with_hub = errors(OWN, &format!("{hub}{}", own())).join("\n");
    assert!(!with_hub.contains("no source gives the schedule"), "{with_hub}");
    let marks = OWN.replace("of = \"schedule\"", "of = \"marks\"");
    assert_eq!(errors(&marks, &own()), [""; 0]);
}

#[test]
fn terms_are_asked_of_the_calendar() {
    let text = own().replace("ladder = \"own\"", "ladder = \"plan\"");
    assert_eq!(errors(OWN, &text), [""; 0]);
    let without = text.replace("terms = [\"2026-08-17..2026-12-18\"]\n", "");
    refuses(
        OWN,
        &without,
        &["step third-excused of ladder plan asks for the term", "no calendar with `terms`"],
    );
    let short = text.replace("2026-08-17..2026-12-18", "2026-08-17..2026-09-04");
    refuses(OWN, &short, &["20 school days in a row", "school s has 15", "can never be reached"]);
}

#[test]
fn filters_are_held_to_the_schools() {
    let of = |filter: &str| {
        let ladder = OWN
            .replace("title = \"Andel\"\n", &format!("title = \"Andel\"\nfor = {{ {filter} }}\n"));
        load(&ladder, &format!("{SCHEDULE}{}", own()))
    };
    let errors = told(&of("schools = [\"u\"]"), Severity::Error);
    assert!(errors[0].contains("is for school u, which is not in this file"), "{errors:#?}");
    let warnings = told(&of("forms = [\"grundskola\"]"), Severity::Warning).join("\n");
    assert!(warnings.contains("school s has no `form`: nobody reaches it"), "{warnings}");
}

#[test]
fn dates_and_times_are_read_as_they_are_written() {
    assert_eq!(since("2026-11-30"), Ok(date(2026, 11, 30)));
    assert_eq!(since("2026-11-31"), Err(None));
    assert_eq!(since("nästa vecka"), Err(None));
    let text = own().replace("ladder = \"own\"", "ladder-since = 5\nday-ends = \"kl 16\"\n");
    let all = errors(OWN, &text).join("\n");
    assert!(all.contains("`ladder-since` is 5, expected a date"), "{all}");
    assert!(all.contains("`day-ends` is \"kl 16\", expected a time"), "{all}");
}
