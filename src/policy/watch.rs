//! When people are told that nothing comes of a source, and when that it is over. Pure.
//!
//! Only what says that something is missing counts: lessons of the schedule that began and ended without one mark,
//! or, where there is no schedule, hours at which marks came in the weeks before. A school at which a source has
//! never reported is not missed.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::model::{Quiet, Watch, local_date};

/// After a lesson's end: some teachers register then, and it must be asked for.
pub const SETTLE: SignedDuration = SignedDuration::from_mins(15);
/// What a source reported last so long ago is not missed any more.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(120 * 24);
/// Before an all-clear, things must have been well for so long; after each relapse of the last day twice as long.
const CALM: SignedDuration = SignedDuration::from_mins(5);
const LONGEST_CALM: SignedDuration = SignedDuration::from_hours(2);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Days that are remembered.
const DAYS: i64 = 21;

/// What counts as silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A source that is asked and has not answered for so long.
    pub unreachable_after: SignedDuration,
    /// So many lessons of the schedule without a mark; none: never.
    pub lessons: Option<u32>,
    /// Without a schedule: so long without a mark; none: never.
    pub silent_after: Option<SignedDuration>,
    /// Hours, by the school's clock, in which that is counted.
    pub hours: (Time, Time),
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            unreachable_after: SignedDuration::from_mins(5),
            lessons: Some(5),
            silent_after: None,
            hours: (Time::constant(8, 0, 0, 0), Time::constant(16, 0, 0, 0)),
        }
    }
}

/// One source at one school.
#[derive(Debug, Clone, Copy)]
pub struct AtSchool<'a> {
    /// Now.
    pub now: Timestamp,
    /// The school's zone.
    pub zone: &'a TimeZone,
    /// When a mark last came; none: never.
    pub last: Option<Timestamp>,
    /// Lessons of the schedule that began after that, today, and had ended when a mark of them was due; none: there
    /// is no schedule.
    pub lessons: Option<u32>,
    /// Days on which marks came.
    pub days: &'a BTreeSet<Date>,
    /// Whether there may be school today.
    pub is_school_day: bool,
}

/// Whether a source is silent at a school.
pub fn silent(at: &AtSchool<'_>, rules: &Rules) -> Option<Quiet> {
    let known = |last: &Timestamp| at.now.duration_since(*last) < FORGOTTEN;
    let last = at.last.filter(|last| at.is_school_day && known(last))?;
    if let Some(count) = at.lessons {
        let is_silent = rules.lessons.is_some_and(|least| count >= least);
        return is_silent.then_some(Quiet::Lessons { count });
    }
    let after = rules.silent_after?;
    let today = local_date(at.now, at.zone);
    let came = |weeks: i64| at.days.contains(&today.saturating_sub((7 * weeks).days()));
    if !(came(1) || came(2)) {
        return None;
    }
    let hour =
        |time: Time| at.zone.to_ambiguous_timestamp(today.to_datetime(time)).compatible().ok();
    let (opens, closes) = (hour(rules.hours.0)?, hour(rules.hours.1)?);
    let silence = at.now.min(closes).duration_since(last.max(opens));
    let minutes = u32::try_from(silence.as_mins()).unwrap_or(0);
    (silence >= after).then_some(Quiet::Marks { minutes })
}

/// Whether those who work with pupils are told now that a source does not answer; at night it is IT's alone.
pub fn is_in_hours(now: Timestamp, zone: &TimeZone, rules: &Rules) -> bool {
    let time = zone.to_datetime(now).time();
    rules.hours.0 <= time && time < rules.hours.1
}

/// Whether a source that is asked every so often does not answer; `since`: when it last did, or when it was first
/// asked.
pub fn unreachable(
    now: Timestamp,
    since: Timestamp,
    every: SignedDuration,
    rules: &Rules,
) -> Option<Quiet> {
    // Two questions at least must have come to nothing.
    let longest = rules.unreachable_after.max(every.saturating_mul(2));
    (now.duration_since(since) > longest).then_some(Quiet::Unreachable)
}

/// What people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something is wrong.
    Alert,
    /// It is over.
    Clear,
}

/// What was known, how it is, and what follows. `is_wrong`: it is so now; `is_well`: what was told is not so any
/// more. Neither: nothing is known that changes it.
pub fn step(watch: &Watch, is_wrong: bool, is_well: bool, now: Timestamp) -> (Watch, Option<Step>) {
    let mut next = watch.clone();
    next.lately.retain(|told| now.duration_since(*told) < DAY);
    match watch.told_at {
        None if is_wrong => {
            next.told_at = Some(now);
            next.well_since = None;
            next.lately.push(now);
            (next, Some(Step::Alert))
        }
        None => (next, None),
        Some(_) if is_wrong || !is_well => {
            next.well_since = None;
            (next, None)
        }
        Some(_) => {
            let since = *next.well_since.get_or_insert(now);
            let relapses = u32::try_from(next.lately.len().saturating_sub(1)).unwrap_or(0).min(8);
            let calm = CALM.saturating_mul(1 << relapses).min(LONGEST_CALM);
            if now.duration_since(since) < calm {
                return (next, None);
            }
            (next.told_at, next.well_since) = (None, None);
            (next, Some(Step::Clear))
        }
    }
}

/// Remembers a day on which something came, and forgets those of long ago.
pub fn came(watch: &mut Watch, day: Date, today: Date) {
    let oldest = today.saturating_sub(DAYS.days());
    watch.days.insert(day);
    watch.days.retain(|day| *day >= oldest);
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
