//! Made-up lessons and ladders for the tests of this room.

use jiff::civil::{Date, Time, date};

use super::{Attended, Day, History, Seen, Unmarked};
use crate::calendar::{Calendar, Days};

/// When lessons begin; each lasts an hour.
const STARTS: [Time; 5] = [
    Time::constant(8, 20, 0, 0),
    Time::constant(9, 30, 0, 0),
    Time::constant(10, 40, 0, 0),
    Time::constant(12, 20, 0, 0),
    Time::constant(13, 30, 0, 0),
];

/// Autumn 2026 with a break, and spring 2027.
pub fn calendar() -> Calendar {
    let days = |from, to| Days::new(from, to).expect("days");
    Calendar {
        terms: vec![
            days(date(2026, 8, 17), date(2026, 12, 18)),
            days(date(2027, 1, 7), date(2027, 6, 11)),
        ],
        closed: vec![days(date(2026, 10, 26), date(2026, 10, 30))],
        ..Calendar::default()
    }
}

/// One line a day: `2026-09-14 E U P L -`, one letter a lesson: excused, unexcused, present, late, left early (`X`),
/// untaken. Today is the last day, and over.
pub fn history(text: &str) -> History {
    let mut history = History {
        days: std::collections::BTreeMap::new(),
        since: date(2026, 7, 1),
        unmarked: Unmarked::All,
        today: date(2026, 7, 1),
        today_is_over: true,
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let day: Date = words.next().and_then(|word| word.parse().ok()).expect("a date");
        let lessons = words.zip(STARTS).map(|(word, start)| {
            let attended = match word {
                "E" => Attended::Excused,
                "U" => Attended::Unexcused,
                "L" => Attended::Late,
                "X" => Attended::LeftEarly,
                "-" => Attended::Untaken,
                _ => Attended::Present,
            };
            let missed = if attended.is_away() { 60 } else { 0 };
            Seen { start, minutes: 60, attended, missed }
        });
        history.days.insert(day, Day { lessons: lessons.collect() });
        history.today = day;
    }
    history
}
