//! Lessons merged to what plans count: half days, days, occasions. Pure.

use jiff::civil::{Date, Time};

use super::school_days::SchoolDays;
use super::{Absent, Attended, History, Seen, Unit};

/// School days of which nothing is known that an occasion or a run may go on over, where presence is told: a whole
/// week without registers says nothing of anybody.
const UNKNOWN_DAYS: usize = 5;
/// Noon divides mornings from afternoons.
const NOON: Time = Time::constant(12, 0, 0, 0);

/// One of what is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct One {
    /// The start of its first lesson.
    pub first: (Date, Time),
    /// Its days, in order.
    pub days: Vec<Date>,
}

impl One {
    /// What tells it from others: the start of its first lesson.
    pub fn key(&self) -> String {
        let (date, time) = self.first;
        format!("{date}T{:02}{:02}", time.hour(), time.minute())
    }
}

/// Whether a lesson is of a kind of absence.
pub fn is_of(of: Absent, seen: &Seen) -> bool {
    match of {
        Absent::Excused => seen.attended == Attended::Excused,
        Absent::Unexcused => seen.attended == Attended::Unexcused,
        Absent::Any => seen.attended.is_away(),
        Absent::Late => seen.attended == Attended::Late,
        Absent::LeftEarly => seen.attended == Attended::LeftEarly,
    }
}

/// Whether what is said between two days, neither included, says that the pupil was not away all along: school days of
/// which nothing is known do, where it is not told who is there, and so do too many of them.
pub fn is_broken_between(
    history: &History,
    days: SchoolDays<'_>,
    tells_presence: bool,
    from: Date,
    to: Date,
) -> bool {
    let most = if tells_presence { UNKNOWN_DAYS } else { 0 };
    // Days of whose lessons no register was taken are known to be unknown.
    let inner = history.days.range(from..to).filter(|(day, _)| **day != from && days.has(**day));
    let untaken = inner.filter(|(_, seen)| !seen.lessons.is_empty()).count();
    days.between(from, to, most + untaken + 1) > most + untaken
}

/// All of what is counted, in the order of their first lessons.
pub fn units(history: &History, days: SchoolDays<'_>, of: Absent, unit: Unit) -> Vec<One> {
    match unit {
        Unit::Occasion if matches!(of, Absent::Late | Absent::LeftEarly) => {
            each(history, of, |one, other| one == other)
        }
        Unit::Occasion => occasions(history, days, of),
        Unit::Lesson => each(history, of, |one, other| one == other),
        Unit::Day => each(history, of, |one, other| one.0 == other.0),
        Unit::HalfDay => {
            each(history, of, |one, other| one.0 == other.0 && (one.1 < NOON) == (other.1 < NOON))
        }
    }
}

/// Lessons of a kind, those that are the same put together.
fn each(
    history: &History,
    of: Absent,
    same: impl Fn((Date, Time), (Date, Time)) -> bool,
) -> Vec<One> {
    let mut found: Vec<One> = Vec::new();
    for (day, seen) in &history.days {
        for lesson in seen.lessons.iter().filter(|lesson| is_of(of, lesson)) {
            let at = (*day, lesson.start);
            if !found.last().is_some_and(|one| same(one.first, at)) {
                found.push(One { first: at, days: vec![*day] });
            }
        }
    }
    found
}

/// Lessons without one attended between them, that have one of the kind among them.
fn occasions(history: &History, days: SchoolDays<'_>, of: Absent) -> Vec<One> {
    let tells_presence = history.tells_presence();
    let mut found: Vec<One> = Vec::new();
    // The occasion that goes on: its last day, and whether it is among those found.
    let mut open: Option<(Date, bool)> = None;
    for (day, seen) in &history.days {
        for lesson in &seen.lessons {
            if lesson.attended == Attended::Untaken {
                continue;
            }
            if !lesson.attended.is_away() {
                open = None;
                continue;
            }
            let goes_on = open
                .filter(|(last, _)| !is_broken_between(history, days, tells_presence, *last, *day));
            let mut counted = goes_on.is_some_and(|(_, counted)| counted);
            if is_of(of, lesson) {
                match found.last_mut().filter(|_| counted) {
                    Some(one) => {
                        if one.days.last() != Some(day) {
                            one.days.push(*day);
                        }
                    }
                    None => found.push(One { first: (*day, lesson.start), days: vec![*day] }),
                }
                counted = true;
            }
            open = Some((*day, counted));
        }
    }
    found
}

#[cfg(test)]
#[path = "occasions_tests.rs"]
mod tests;
