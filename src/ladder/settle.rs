//! How long mails about a step that was reached wait before they leave: many steps are taken back within the hour, as the
//! notice of absence comes after the mark. Pure: reads no clock.

use jiff::{SignedDuration, Timestamp};

use super::duty::Hours;

/// Before the end of the school's day a mail leaves in time for somebody to phone still.
const BEFORE_THE_END: SignedDuration = SignedDuration::from_mins(30);

/// How long mails about steps wait. Both are zero or more.
#[derive(Debug, Clone, Copy)]
pub struct Settle {
    /// At most, as far as there is time.
    pub most: SignedDuration,
    /// At least, whatever there is time for: the step may be taken back by what comes with the mark.
    pub least: SignedDuration,
}

/// When a mail about a step that is reached now leaves. `first`: when the first duty of whoever it goes to is due, or
/// reminded of; none: they have none.
pub fn until(
    settle: Settle,
    first: Option<Timestamp>,
    hours: &Hours<'_>,
    now: Timestamp,
) -> Timestamp {
    let after = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let mut at = after(settle.most);
    if let Some(first) = first {
        at = at.min(after(first.duration_since(now) / 2));
        let today = hours.day_of(now);
        if hours.day_of(first) == today {
            at = at.min(hours.ends(today).saturating_sub(BEFORE_THE_END).unwrap_or(now));
        }
    }
    at.max(after(settle.least))
}

#[cfg(test)]
mod tests {
    use jiff::civil::Time;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Europe/Stockholm").expect("zone")
    }

    fn hours(zone: &TimeZone) -> Hours<'_> {
        Hours { zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) }
    }

    fn mins(mins: i64) -> SignedDuration {
        SignedDuration::from_mins(mins)
    }

    #[test]
    fn a_mail_waits_as_long_as_there_is_time_for_what_it_asks() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let zone = zone();
        // Day, by the school's clock: made, due; minutes at most and at least; when it leaves.
        for (made, due, most, least, leaves, why) in [
            (
                "2026-11-23T08:24+01",
                "2026-11-23T16:00+01",
                45,
                0,
                "2026-11-23T09:09+01",
                "all of it",
            ),
            ("2026-11-23T08:24+01", "", 45, 0, "2026-11-23T09:09+01", "who has nothing to do"),
            ("2026-11-23T15:25+01", "", 45, 0, "2026-11-23T16:10+01", "and after the day"),
            ("2026-11-23T08:24+01", "2026-11-23T09:00+01", 45, 0, "2026-11-23T08:42+01", "half"),
            ("2026-11-23T15:00+01", "2026-11-23T16:00+01", 45, 0, "2026-11-23T15:30+01", "the end"),
            ("2026-11-23T15:40+01", "2026-11-23T16:00+01", 45, 0, "2026-11-23T15:40+01", "no time"),
            ("2026-11-23T15:40+01", "2026-11-23T16:00+01", 45, 5, "2026-11-23T15:45+01", "grace"),
            (
                "2026-11-23T15:40+01",
                "2026-11-24T16:00+01",
                45,
                5,
                "2026-11-23T16:25+01",
                "tomorrow",
            ),
            ("2026-11-23T08:24+01", "2026-11-23T08:20+01", 45, 0, "2026-11-23T08:24+01", "overdue"),
            ("2026-11-23T08:24+01", "2026-11-23T16:00+01", 0, 10, "2026-11-23T08:34+01", "off"),
            ("2026-11-23T08:24+01", "2026-11-23T16:00+01", 240, 0, "2026-11-23T12:12+01", "long"),
            // Summer time ends at three and begins at two: an hour is an hour, a day's end is by the clock.
            ("2026-10-25T02:30+02", "2026-10-25T16:00+01", 45, 0, "2026-10-25T02:15+01", "autumn"),
            ("2026-10-25T15:10+01", "2026-10-25T16:00+01", 45, 0, "2026-10-25T15:30+01", "autumn"),
            ("2026-03-29T01:50+01", "2026-03-29T16:00+02", 45, 0, "2026-03-29T03:35+02", "spring"),
            ("2026-03-29T15:10+02", "2026-03-29T16:00+02", 45, 0, "2026-03-29T15:30+02", "spring"),
        ] {
            let settle = Settle { most: mins(most), least: mins(least) };
            let first = (!due.is_empty()).then(|| at(due));
            assert_eq!(until(settle, first, &hours(&zone), at(made)), at(leaves), "{why} {made}");
        }
    }

    proptest! {
        #[test]
        fn a_mail_leaves_in_time_and_never_before_what_comes_with_the_mark(
            // Two weeks around the night in which summer time ends.
            now in 1_792_000_000_i64..1_793_300_000,
            due in proptest::option::of(-7_200_i64..400_000),
            most in 0_i64..240,
            least in 0_i64..60,
        ) {
            let zone = zone();
            let hours = hours(&zone);
            let now = Timestamp::from_second(now).expect("a time");
            let due = due.map(|due| now + SignedDuration::from_secs(due));
            let settle = Settle { most: mins(most), least: mins(least) };
            let at = until(settle, due, &hours, now);
            let least = now + settle.least;
            prop_assert!(at >= least);
            prop_assert!(at <= least.max(now + settle.most));
            let Some(due) = due else { return Ok(()) };
            // As much time is left as it has waited, but for what every mail waits.
            prop_assert!(at == least || at.duration_since(now) <= due.duration_since(at));
            let today = hours.day_of(now);
            if hours.day_of(due) == today {
                prop_assert!(at == least || at <= hours.ends(today) - mins(30));
            }
        }
    }
}
