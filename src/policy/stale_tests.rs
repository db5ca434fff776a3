//! Until when home is told, and the last day of school.

use jiff::civil::date;

use super::*;
use crate::delivery::testing;
use crate::directory::TimeRules;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn school(when_stale: WhenStale) -> School {
    School {
        stale_after: SignedDuration::from_hours(4),
        time: TimeRules { when_stale, ..TimeRules::default() },
        ..testing::school()
    }
}

#[test]
fn home_is_told_for_hours_or_for_a_week_by_the_schools_choice() {
    let end = at("2026-11-23T09:20:00+01:00");
    for (now, duty, past) in [
        ("2026-11-23T13:20:00+01:00", false, false),
        ("2026-11-23T13:20:01+01:00", true, false),
        ("2026-11-30T09:20:00+01:00", true, false),
        ("2026-11-30T09:20:01+01:00", true, true),
    ] {
        assert_eq!(is_too_old(&school(WhenStale::Duty), end, at(now)), duty, "{now}");
        assert_eq!(is_too_old(&school(WhenStale::Past), end, at(now)), past, "{now}");
    }
    let longer =
        School { stale_after: SignedDuration::from_hours(8 * 24), ..school(WhenStale::Past) };
    assert!(!is_too_old(&longer, end, at("2026-12-01T09:20:00+01:00")), "never shorter");
}

#[test]
fn where_home_is_told_late_a_message_outlives_the_night() {
    let end = at("2026-11-23T09:20:00+01:00");
    let fresh = at("2026-11-23T13:20:00+01:00");
    for (now, late) in [
        ("2026-11-23T09:00:00+01:00", "2026-11-24T09:00:00+01:00"),
        ("2026-11-23T22:00:00+01:00", "2026-11-24T22:00:00+01:00"),
    ] {
        assert_eq!(deadline(&school(WhenStale::Duty), end, at(now)), fresh, "{now}");
        assert_eq!(deadline(&school(WhenStale::Past), end, at(now)), at(late), "{now}");
    }
}

#[test]
fn the_last_day_of_school_is_a_friday_on_a_monday() {
    let school = school(WhenStale::Duty);
    for (day, before) in [
        (date(2026, 11, 24), date(2026, 11, 23)),
        (date(2026, 11, 23), date(2026, 11, 20)),
        (date(2026, 11, 22), date(2026, 11, 20)),
    ] {
        assert_eq!(day_of_school_before(&school, day), Some(before), "{day}");
    }
}
