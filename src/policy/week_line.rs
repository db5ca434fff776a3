//! A line a week, as agreed with a home: when it leaves. Pure; reads no clock.

use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::directory::School;
use crate::model::local_date;

/// Days ahead within which a week with school ends, whatever the holidays.
const HORIZON: i64 = 120;

/// When what is heard at an instant is told: on the last school day of the week, or of the next week with school where that is
/// over. By the school's clock; an hour that a day has twice, or not at all, is taken as RFC 5545 does.
pub fn next(school: &School, heard: Timestamp) -> Timestamp {
    let today = local_date(heard, &school.zone);
    let line = |ahead: i64| {
        let day =
            today.checked_add(ahead.days()).ok().filter(|day| school.is_last_of_week(*day))?;
        school.zone.to_timestamp(day.to_datetime(school.fatigue.week_line)).ok()
    };
    let found = (0..=HORIZON).filter_map(line).find(|at| *at >= heard);
    found.unwrap_or_else(|| {
        heard.saturating_add(SignedDuration::from_hours(7 * 24)).unwrap_or(Timestamp::MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::civil::{Weekday, date};
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::{Calendar, Days};
    use crate::delivery::testing::school;

    /// A term with an autumn break, and two days off at the end of week 47.
    fn with_days() -> School {
        let day = |d| Days::new(date(2026, 11, d), date(2026, 11, d));
        let calendar = Calendar {
            terms: Days::new(date(2026, 8, 17), date(2026, 12, 18)).into_iter().collect(),
            closed: [Days::new(date(2026, 10, 26), date(2026, 10, 30)), day(19), day(20)]
                .into_iter()
                .flatten()
                .collect(),
            ..Calendar::default()
        };
        School { calendar: Some(Arc::new(calendar)), ..school() }
    }

    #[test]
    fn the_week_is_told_on_its_last_school_day() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (plain, with_days) = (school(), with_days());
        for (school, heard, told, why) in [
            (&plain, "2026-11-23T08:24+01", "2026-11-27T15:30+01", "on Monday"),
            (&plain, "2026-11-27T15:30+01", "2026-11-27T15:30+01", "at the last moment"),
            (&plain, "2026-11-27T15:31+01", "2026-12-04T15:30+01", "when the week is told"),
            (&plain, "2026-11-28T10:00+01", "2026-12-04T15:30+01", "on Saturday"),
            (&with_days, "2026-11-16T08:24+01", "2026-11-18T15:30+01", "a short week"),
            (&with_days, "2026-11-18T15:45+01", "2026-11-27T15:30+01", "after its last day"),
            // Summer time ends on 25 October, and the week after it is a break.
            (&with_days, "2026-10-22T08:24+02", "2026-10-23T15:30+02", "summer time"),
            (&with_days, "2026-10-23T16:00+02", "2026-11-06T15:30+01", "over a break"),
        ] {
            assert_eq!(next(school, at(heard)), at(told), "{why}");
        }
    }

    proptest! {
        #[test]
        fn it_is_told_within_the_weeks_of_school_and_never_before_it_is_heard(
            heard in 1_787_000_000_i64..1_797_000_000,
        ) {
            let school = with_days();
            let heard = Timestamp::from_second(heard).expect("a time");
            let told = next(&school, heard);
            prop_assert!(told >= heard);
            let day = local_date(told, &school.zone);
            if day <= date(2026, 12, 18) {
                prop_assert!(school.is_school_day(day) && school.is_last_of_week(day));
                prop_assert!(!matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday));
                prop_assert!(told.duration_since(heard) < SignedDuration::from_hours(16 * 24));
            }
            // Everything that is heard until then is told with it.
            prop_assert_eq!(next(&school, told), told);
        }
    }
}
