//! What counts as one: tables.

use super::*;
use crate::calendar::{Calendar, Days};
use crate::ladder::testing::{calendar, history};

fn firsts(text: &str, of: Absent, unit: Unit) -> Vec<String> {
    let calendar: Calendar = calendar();
    let found = units(&history(text), SchoolDays(Some(&calendar)), of, unit);
    found.iter().map(|one| one.key().replace("2026-", "")).collect()
}

#[test]
fn lessons_half_days_and_days() {
    let day = "2026-09-14 E E P U L";
    assert_eq!(firsts(day, Absent::Any, Unit::Lesson).len(), 3);
    assert_eq!(firsts(day, Absent::Any, Unit::HalfDay), ["09-14T0820", "09-14T1220"]);
    assert_eq!(firsts(day, Absent::Excused, Unit::HalfDay), ["09-14T0820"]);
    assert_eq!(firsts(day, Absent::Any, Unit::Day), ["09-14T0820"]);
    assert_eq!(firsts(day, Absent::Late, Unit::Occasion), ["09-14T1330"]);
}

#[test]
fn an_occasion_is_single_hours_or_days_as_well_as_a_connected_period() {
    for (what, text, found) in [
        ("one lesson", "2026-09-14 P E P P P", vec!["09-14T0930"]),
        ("two with one between", "2026-09-14 E P E P P", vec!["09-14T0820", "09-14T1040"]),
        ("one without a register between", "2026-09-14 E - E P P", vec!["09-14T0820"]),
        ("over a night", "2026-09-14 P P P P E\n2026-09-15 E P P P P", vec!["09-14T1330"]),
        (
            "over a night, with an hour before",
            "2026-09-14 P P P P E\n2026-09-15 P E P P P",
            vec!["09-14T1330", "09-15T0930"],
        ),
        (
            "over a weekend",
            "2026-09-17 P P P P P\n2026-09-18 E E E E E\n2026-09-21 E E E E E\n2026-09-22 P P P P P",
            vec!["09-18T0820"],
        ),
        ("over the autumn break", "2026-10-23 P E E E E\n2026-11-02 E P P P P", vec!["10-23T0930"]),
        (
            "over a day of which nothing is known",
            "2026-09-14 P P P P E\n2026-09-16 E P P P P",
            vec!["09-14T1330"],
        ),
        (
            "over two weeks of which nothing is known",
            "2026-09-14 P P P P E\n2026-09-28 E P P P P",
            vec!["09-14T1330", "09-28T0820"],
        ),
        (
            "nobody says who is there: a day without absence",
            "2026-09-14 E E E E E\n2026-09-16 E E E E E",
            vec!["09-14T0820", "09-16T0820"],
        ),
        (
            "nobody says who is there, the next day",
            "2026-09-18 E E E E E\n2026-09-21 E E E E E",
            vec!["09-18T0820"],
        ),
    ] {
        assert_eq!(firsts(text, Absent::Excused, Unit::Occasion), found, "{what}");
    }
}

#[test]
fn a_connected_period_of_both_kinds_is_one_of_each() {
    let text = "2026-09-14 P P P U U\n2026-09-15 E E E E E\n2026-09-16 U U P P P";
    assert_eq!(firsts(text, Absent::Unexcused, Unit::Occasion), ["09-14T1220"]);
    assert_eq!(firsts(text, Absent::Excused, Unit::Occasion), ["09-15T0820"]);
    assert_eq!(firsts(text, Absent::Any, Unit::Occasion), ["09-14T1220"]);
}

#[test]
fn a_break_is_what_the_calendar_says() {
    let without = Calendar { closed: Vec::<Days>::new(), ..calendar() };
    let text = history("2026-10-23 E E E E E\n2026-11-02 E P P P P");
    let all = |calendar: &Calendar| {
        units(&text, SchoolDays(Some(calendar)), Absent::Any, Unit::Occasion).len()
    };
    assert_eq!((all(&calendar()), all(&without)), (1, 1), "five days are bridged");
    let text = history("2026-10-22 E E E E E\n2026-11-02 E P P P P");
    let all = |calendar: &Calendar| {
        units(&text, SchoolDays(Some(calendar)), Absent::Any, Unit::Occasion).len()
    };
    assert_eq!((all(&calendar()), all(&without)), (1, 2), "six are not");
}
