//! The tense of messages through quiet hours, and through both nights on which clocks change.

use jiff::SignedDuration;
use jiff::civil::time;

use super::*;
use crate::delivery::testing;
use crate::directory::TimeRules;
use crate::model::{Lesson, LessonId};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn school(quiet_end: QuietEnd) -> School {
    let quiet = QuietHours { from: time(21, 0, 0, 0), to: time(7, 0, 0, 0) };
    School {
        quiet_hours: Some(quiet),
        time: TimeRules { quiet_end, ..TimeRules::default() },
        ..testing::school()
    }
}

/// Whether a message about a lesson, known at a moment, is in the past tense when it leaves.
fn over(school: &School, (start, end): (&str, &str), known: &str, now: &str) -> bool {
    let id = LessonId::new("l").expect("an id");
    let lesson = Lesson { id, start: at(start), end: at(end), label: None };
    let state = LessonState::new(lesson, at(known));
    let mut n = testing::notification("g");
    n.date = local_date(at(start), &school.zone);
    n.created_at = at(known);
    is_over(school, &state, &n, at(now))
}

#[test]
fn what_waited_for_the_morning_is_over_or_as_it_stands_by_the_schools_choice() {
    let early = ("2026-11-23T06:40:00+01:00", "2026-11-23T07:40:00+01:00");
    let tell = |end, known, now| over(&school(end), early, known, now);
    for (end, at_seven, at_the_end) in
        [(QuietEnd::Past, true, true), (QuietEnd::Drop, true, true), (QuietEnd::Send, false, true)]
    {
        let known = "2026-11-23T06:45:00+01:00";
        assert_eq!(tell(end, known, "2026-11-23T07:00:00+01:00"), at_seven, "{end:?}");
        assert_eq!(tell(end, known, "2026-11-23T07:40:00+01:00"), at_the_end, "{end:?}");
        // It did not wait for anything.
        assert!(!tell(end, "2026-11-23T07:00:00+01:00", "2026-11-23T07:20:00+01:00"), "{end:?}");
        assert!(tell(end, "2026-11-23T07:41:00+01:00", "2026-11-23T07:42:00+01:00"), "{end:?}");
        assert!(tell(end, known, "2026-11-24T07:00:00+01:00"), "another day: {end:?}");
    }
    // Known in the night, and about a lesson after it: nothing waited.
    let day = ("2026-11-23T08:20:00+01:00", "2026-11-23T09:20:00+01:00");
    let known = "2026-11-23T06:00:00+01:00";
    assert!(!over(&school(QuietEnd::Past), day, known, "2026-11-23T08:20:00+01:00"));
}

#[test]
fn so_long_after_the_lesson_as_the_school_has_chosen_it_is_over() {
    let day = ("2026-11-23T08:20:00+01:00", "2026-11-23T09:20:00+01:00");
    let known = "2026-11-23T08:24:00+01:00";
    let mut school = school(QuietEnd::Past);
    assert!(!over(&school, day, known, "2026-11-23T12:00:00+01:00"), "never for this alone");
    for (after, now, is) in [
        (0, "2026-11-23T09:19:59+01:00", false),
        (0, "2026-11-23T09:20:00+01:00", true),
        (30, "2026-11-23T09:49:59+01:00", false),
        (30, "2026-11-23T09:50:00+01:00", true),
    ] {
        school.time.past_after = Some(SignedDuration::from_mins(after));
        assert_eq!(over(&school, day, known, now), is, "{after} {now}");
    }
}

#[test]
fn quiet_hours_end_by_the_clock_of_the_day_on_which_clocks_change() {
    for (night, known, before, after) in [
        (
            ("2026-10-25T00:30:00+02:00", "2026-10-25T08:00:00+01:00"),
            "2026-10-25T02:40:00+01:00",
            "2026-10-25T06:59:59+01:00",
            "2026-10-25T07:00:00+01:00",
        ),
        (
            ("2027-03-28T00:30:00+01:00", "2027-03-28T08:00:00+02:00"),
            "2027-03-28T03:10:00+02:00",
            "2027-03-28T06:59:59+02:00",
            "2027-03-28T07:00:00+02:00",
        ),
    ] {
        let school = school(QuietEnd::Past);
        assert!(!over(&school, night, known, before), "{known}");
        assert!(over(&school, night, known, after), "{known}");
        let quiet = school.quiet_hours.expect("quiet hours");
        assert_eq!(quiet_until(quiet, &school, at(known)), Some(at(after)), "{known}");
    }
}

#[test]
fn the_hour_that_there_is_twice_is_quiet_both_times() {
    let school = school(QuietEnd::Past);
    let quiet = QuietHours { from: time(22, 0, 0, 0), to: time(2, 30, 0, 0) };
    for (now, end) in [
        ("2026-10-25T02:10:00+02:00", Some("2026-10-25T02:30:00+02:00")),
        ("2026-10-25T02:40:00+02:00", None),
        ("2026-10-25T02:10:00+01:00", Some("2026-10-25T02:30:00+01:00")),
        ("2026-10-25T02:30:00+01:00", None),
        // There is no half past two.
        ("2027-03-28T01:50:00+01:00", Some("2027-03-28T03:30:00+02:00")),
        ("2027-03-28T03:00:00+02:00", None),
    ] {
        assert_eq!(quiet_until(quiet, &school, at(now)), end.map(at), "{now}");
    }
}
