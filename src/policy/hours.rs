//! Quiet hours, and what tense a message about a lesson is in, all by the school's clock. Pure; decides of no message
//! whether it leaves.

use jiff::{Timestamp, ToSpan as _, civil::Date};

use super::stale;
use crate::directory::{QuietEnd, QuietHours, School};
use crate::model::{LessonState, Notification, local_date};

/// When quiet hours that hold now will end; none: they do not hold.
pub fn quiet_until(quiet: QuietHours, school: &School, now: Timestamp) -> Option<Timestamp> {
    let local = now.to_zoned_datetime(school.zone.clone());
    let time = local.time();
    let spans_midnight = quiet.from > quiet.to;
    let evening = spans_midnight && time >= quiet.from;
    let held = if spans_midnight {
        evening || time < quiet.to
    } else {
        quiet.from <= time && time < quiet.to
    };
    if !held {
        return None;
    }
    let day = if evening { local.date().tomorrow().ok()? } else { local.date() };
    // The hour that there is twice is quiet both times.
    let again = || school.zone.to_ambiguous_timestamp(day.to_datetime(quiet.to)).later().ok();
    let first = end_on(quiet, school, day).filter(|end| *end > now);
    first.or_else(again).filter(|end| *end > now)
}

/// When quiet hours end on a day.
fn end_on(quiet: QuietHours, school: &School, day: Date) -> Option<Timestamp> {
    school.zone.to_ambiguous_timestamp(day.to_datetime(quiet.to)).compatible().ok()
}

/// Whether quiet hours have ended between two moments.
fn has_ended(quiet: QuietHours, school: &School, since: Timestamp, now: Timestamp) -> bool {
    let today = local_date(now, &school.zone);
    let days = [Some(today), today.checked_sub(1.day()).ok()].into_iter().flatten();
    let mut ends = days.filter_map(|day| end_on(quiet, school, day));
    ends.any(|end| since < end && end <= now)
}

/// Whether a message about a lesson is in the past tense: on another day, where the mark came after the lesson, where
/// it is no news any more, where it waited for quiet hours to end, and so long after the lesson as the school has
/// chosen.
pub fn is_over(school: &School, lesson: &LessonState, n: &Notification, now: Timestamp) -> bool {
    let (start, end) = (lesson.lesson.start, lesson.lesson.end);
    let old = now > stale::fresh_until(school, end);
    if local_date(now, &school.zone) != n.date || lesson.received_at > end || old {
        return true;
    }
    let chosen = school.time.past_after.and_then(|after| end.checked_add(after).ok());
    if chosen.is_some_and(|from| now >= from) {
        return true;
    }
    // Before that nothing could have left, whatever the hour.
    let since = n.created_at.max(lesson.received_at).max(start);
    let waited = school.quiet_hours.is_some_and(|quiet| has_ended(quiet, school, since, now));
    waited && (school.time.quiet_end != QuietEnd::Send || now >= end)
}

#[cfg(test)]
#[path = "hours_tests.rs"]
mod tests;
