//! The numbers of a term, lesson by lesson. Pure.

use jiff::ToSpan as _;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::daily::is_home;
use crate::model::{LessonState, Mark, Notification, Outcome, Purpose, State, TermCounts};

/// Longest pause between hearing and telling that is told apart, in minutes: a day.
const LONGEST: i64 = 24 * 60;

/// Counts one lesson of a pupil, and the messages about it.
pub fn count(
    counts: &mut TermCounts,
    lesson: &LessonState,
    told: &[Notification],
    zone: &TimeZone,
) {
    let start = lesson.lesson.start.to_zoned_datetime(zone.clone());
    let is_excused = match lesson.mark {
        Some(Mark::Excused) => !lesson.cancelled,
        // A notice explains it, or else it would count as missing.
        Some(Mark::Unexcused) => !lesson.missing && !lesson.cancelled,
        _ => false,
    };
    let (weeks, hours) = if lesson.missing {
        (Some(&mut counts.unexcused_by_week), Some(&mut counts.unexcused_by_hour))
    } else if is_excused {
        (Some(&mut counts.excused_by_week), Some(&mut counts.excused_by_hour))
    } else {
        (None, None)
    };
    let since = i64::from(start.date().weekday().since(Weekday::Monday));
    if let (Some(weeks), Ok(monday)) = (weeks, start.date().checked_sub(since.days())) {
        *weeks.entry(monday).or_default() += 1;
    }
    if let Some(hours) = hours {
        *hours.entry(u8::try_from(start.hour()).unwrap_or_default()).or_default() += 1;
    }
    for message in told.iter().filter(|n| is_home(n)) {
        alarm(counts, message, told);
    }
}

fn alarm(counts: &mut TermCounts, n: &Notification, told: &[Notification]) {
    let taken = |outcome: &Outcome| matches!(outcome, Outcome::Accepted { .. });
    let left = n.attempts.iter().find(|a| a.result.as_ref().is_some_and(|r| taken(&r.outcome)));
    match n.state {
        State::Delivered => counts.received += 1,
        State::Accepted | State::InDoubt | State::Held if left.is_some() => counts.unconfirmed += 1,
        State::Undelivered | State::Rejected => counts.not_received += 1,
        _ => {}
    }
    let Some(left) = left else { return };
    let minutes = left.started_at.duration_since(n.created_at).as_mins().clamp(0, LONGEST);
    *counts.minutes.entry(u32::try_from(minutes).unwrap_or_default()).or_default() += 1;
    let corrects = |other: &&Notification| {
        other.purpose == Purpose::Correction
            && other.corrects.as_ref() == Some(&n.id)
            && other.may_have_arrived()
    };
    counts.corrected += u64::from(told.iter().any(|other| corrects(&other)));
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::model::{Lesson, LessonId};

    #[test]
    fn a_lesson_is_counted_by_its_week_and_hour_in_the_schools_zone() {
        let zone = TimeZone::get("Europe/Stockholm").expect("zone");
        let mut counts = TermCounts::default();
        // The second is on the Sunday on which clocks go back: both of its twos are hour 2.
        for (start, mark, missing) in [
            ("2026-09-07T06:20:00Z", Mark::Unexcused, true),
            ("2026-10-25T01:30:00Z", Mark::Excused, false),
            ("2026-09-08T06:20:00Z", Mark::Unexcused, false),
            ("2026-09-08T06:20:00Z", Mark::Present, false),
            ("2026-09-08T06:20:00Z", Mark::Late, false),
        ] {
            let start: Timestamp = start.parse().expect("time");
            let id = LessonId::new("l").expect("id");
            let lesson = Lesson { id, start, end: start, label: None };
            let mut state = LessonState::new(lesson, start);
            (state.mark, state.missing) = (Some(mark), missing);
            count(&mut counts, &state, &[], &zone);
        }
        assert_eq!(counts.unexcused_by_week, [(date(2026, 9, 7), 1)].into());
        assert_eq!(counts.excused_by_week, [(date(2026, 9, 7), 1), (date(2026, 10, 19), 1)].into());
        assert_eq!(counts.unexcused_by_hour, [(8, 1)].into());
        assert_eq!(counts.excused_by_hour, [(2, 1), (8, 1)].into());
        assert!(!counts.is_nothing());
    }
}
