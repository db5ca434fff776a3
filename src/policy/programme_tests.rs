//! Which sessions staff are reminded of in which week, by tables.

use super::*;
use crate::directory::ProgrammeRules;
use crate::directory::testing;
use crate::model::{SchoolId, StaffId, TermName};
use crate::programme::testing::{programme, year};
use jiff::civil::date;

fn school(of: Vec<Programme>) -> School {
    let runs = of.into_iter().map(Arc::new).collect();
    School {
        calendar: Some(Arc::new(year())),
        programmes: ProgrammeRules { runs, ..ProgrammeRules::default() },
        ..testing::settings()
    }
}

fn class(name: &str, years: &[u8], mentors: &[&str]) -> (String, Class) {
    let mentors = mentors.iter().map(|id| StaffId::new(*id).expect("id")).collect();
    let years = years.iter().copied().collect();
    (name.to_owned(), Class { name: name.to_owned(), years, mentors })
}

fn record(class: &str, session: u32) -> SessionRecord {
    SessionRecord {
        school: SchoolId::new("s").expect("id"),
        term: TermName::of(date(2026, 9, 1)),
        programme: "7tjugo".into(),
        class: class.into(),
        session,
        held: None,
        moved_to: None,
        at: jiff::Timestamp::UNIX_EPOCH,
        by: "uid 0".into(),
    }
}

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

/// What a class is reminded of on the first school day of each week: `day: +coming -overdue`.
fn told(school: &School, records: &[SessionRecord]) -> Vec<String> {
    let classes = [class("4A", &[4], &[])].into();
    let mut told = Vec::new();
    for term in school.calendar.as_ref().expect("a calendar").named_terms() {
        let of_term: Vec<_> = records.iter().filter(|r| r.term == term.name).cloned().collect();
        let all = plans(school, &classes, &of_term, &term);
        for week in &term.weeks {
            for of in &all {
                let Some(found) = reminder(of, &term, week.first) else { continue };
                let list = |sign: char, of: &[&SessionPlan]| {
                    let all: Vec<_> =
                        of.iter().map(|one| format!(" {sign}{}", one.number)).collect();
                    all.concat()
                };
                let (coming, overdue) = (list('+', &found.coming), list('-', &found.overdue));
                told.push(format!("{}:{coming}{overdue}", week.first));
            }
        }
    }
    told
}

#[test]
fn staff_are_reminded_the_week_before_and_once_when_nothing_is_recorded_a_week_later() {
    let held = |session, on: &str| SessionRecord { held: Some(day(on)), ..record("4A", session) };
    let moved =
        |session, to: &str| SessionRecord { moved_to: Some(day(to)), ..record("4A", session) };
    let (one, two) = (held(1, "2026-08-20"), held(2, "2026-08-28"));
    let (three, four) = (held(3, "2026-10-23"), held(4, "2026-11-05"));
    let table: [(&[SessionRecord], &[&str]); 5] = [
        (
            &[],
            &[
                // The first is in the first week of the term: there is no week of school before it.
                "2026-08-17: +1 +2",
                "2026-08-31: -1",
                "2026-09-07: -1 -2",
                // Between the weeks 10 and 11 of the term there is a break.
                "2026-10-12: +3 -1 -2",
                "2026-10-19: +4 -1 -2",
                "2026-11-02: -1 -2 -3",
                "2026-11-16: -1 -2 -3 -4",
            ],
        ),
        (&[one.clone(), two.clone(), three.clone(), four.clone()], &[]),
        // Moved: reminded of in the week before its new day, and overdue by that.
        (
            &[one.clone(), two.clone(), moved(3, "2026-11-10"), four],
            &["2026-11-02: +3", "2026-11-23: -3"],
        ),
        // To the last week but one of the term: its last list tells of it, and no later one can.
        (
            &[one.clone(), two.clone(), three.clone(), moved(4, "2026-12-11")],
            &["2026-11-30: +4", "2026-12-14: -4"],
        ),
        (&[one, two, three, moved(4, "2026-12-18")], &["2026-12-07: +4"]),
    ];
    let school = school(vec![programme(&[4], &[1, 2, 10, 11])]);
    for (records, expected) in table {
        let found = told(&school, records);
        let autumn: Vec<_> = found.iter().filter(|line| line.starts_with("2026")).collect();
        assert_eq!(autumn, expected.iter().collect::<Vec<_>>(), "{records:?}");
        // The next term begins anew.
        let spring = found.iter().find(|line| line.starts_with("2027"));
        assert_eq!(spring.map(String::as_str), Some("2027-01-11: +1 +2"));
    }
}

#[test]
fn it_is_run_in_the_classes_of_its_grades_and_what_is_recorded_stays_to_be_seen() {
    let mut other = programme(&[7], &[5]);
    other.id = "other".into();
    let school = school(vec![programme(&[4, 7], &[4, 5]), other]);
    let classes = [
        class("4A", &[4], &["kim"]),
        class("3-4", &[3, 4], &[]),
        class("7B", &[7], &["lo", "mo"]),
        class("9A", &[9], &[]),
        class("X", &[], &[]),
    ];
    let term = term_of(&school, day("2026-09-10")).expect("a term");
    let of_gone = record("4Z", 2);
    let all = plans(&school, &classes.into(), &[of_gone], &term);
    let told: Vec<String> = all
        .iter()
        .map(|of| {
            let sessions = of.sessions.iter();
            let sessions: Vec<_> =
                sessions.map(|s| format!(" {}/{}", s.programme.id, s.number)).collect();
            format!("{}:{}", of.class.name, sessions.concat())
        })
        .collect();
    assert_eq!(
        told,
        [
            "3-4: 7tjugo/1 7tjugo/2",
            "4A: 7tjugo/1 7tjugo/2",
            "4Z: 7tjugo/2",
            "7B: 7tjugo/1 7tjugo/2 other/1"
        ]
    );
    assert_eq!(all[3].class.mentors.len(), 2);
}

#[test]
fn terms_are_those_that_the_calendar_says() {
    let school = school(vec![programme(&[4], &[1])]);
    let of = |text: &str| term_of(&school, day(text)).map(|term| term.name.to_string());
    let from = |text: &str| term_from(&school, day(text)).map(|term| term.name.to_string());
    for (on, of_day, from_day) in [
        ("2026-08-16", None, Some("2026-autumn")),
        ("2026-08-17", Some("2026-autumn"), Some("2026-autumn")),
        ("2026-12-18", Some("2026-autumn"), Some("2026-autumn")),
        ("2026-12-19", None, Some("2027-spring")),
        ("2027-06-12", None, None),
    ] {
        assert_eq!(of(on).as_deref(), of_day, "{on}");
        assert_eq!(from(on).as_deref(), from_day, "{on}");
    }
    let none = School { calendar: None, ..school.clone() };
    assert_eq!(
        (term_of(&none, day("2026-09-01")), term_from(&none, day("2026-09-01"))),
        (None, None)
    );
}
