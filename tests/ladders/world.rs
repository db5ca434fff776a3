//! A made-up term of 300 pupils: the same each time, from a seed. Most are seldom away, some often, a few for weeks; some
//! absence is explained the day after.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, Time, Weekday, date};
use upprop::calendar::{Calendar, Days};
use upprop::ladder::{Attended, Day, Seen};

/// When lessons begin; each lasts an hour.
pub const STARTS: [(i8, i8); 5] = [(8, 20), (9, 30), (10, 40), (12, 20), (13, 30)];

/// The term.
pub const FIRST: Date = date(2026, 8, 17);
/// Its last day.
pub const LAST: Date = date(2026, 12, 18);

/// One letter a lesson: present, excused, unexcused, late.
pub type Marks = [char; 5];

/// A pupil's term.
pub struct Pupil {
    /// What the pupil is called in the table.
    pub name: String,
    /// How each lesson of each school day was marked on the day.
    pub marks: BTreeMap<Date, Marks>,
    /// Days whose unexcused lessons are explained on a later day.
    pub explained: BTreeMap<Date, Vec<Date>>,
}

/// The calendar of the school.
pub fn calendar() -> Calendar {
    let days = |from, to| Days::new(from, to).expect("days");
    Calendar {
        terms: vec![days(FIRST, LAST), days(date(2027, 1, 7), date(2027, 6, 11))],
        closed: vec![days(date(2026, 10, 26), date(2026, 10, 30))],
        ..Calendar::default()
    }
}

/// Whether there is school: written here again, so that it is not the program's own answer.
pub fn is_school_day(day: Date) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let autumn_break = (date(2026, 10, 26)..=date(2026, 10, 30)).contains(&day);
    (FIRST..=LAST).contains(&day) && !weekend && !autumn_break
}

/// All days from one to another.
pub fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    from.series(1.day()).take_while(move |day| *day <= to)
}

/// A day's lessons, up to so many.
pub fn lessons(marks: &Marks, count: usize) -> Day {
    let one = |(&mark, &(hour, minute)): (&char, &(i8, i8))| {
        let attended = match mark {
            'E' => Attended::Excused,
            'U' => Attended::Unexcused,
            'L' => Attended::Late,
            _ => Attended::Present,
        };
        let missed = match mark {
            'E' | 'U' => 60,
            'L' => 10,
            _ => 0,
        };
        Seen { start: Time::constant(hour, minute, 0, 0), minutes: 60, attended, missed }
    };
    Day { lessons: marks.iter().zip(&STARTS).take(count).map(one).collect() }
}

/// Marsaglia's xorshift (2003): small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: u64) -> u64 {
        self.roll() % most
    }

    /// So many times in a thousand.
    fn hits(&mut self, thousandths: u64) -> bool {
        self.below(1000) < thousandths
    }
}

/// How often a pupil is away.
struct Habit {
    /// Thousandths of days on which an absence of days begins.
    days: u64,
    /// Longest of them.
    longest: u64,
    /// Thousandths of lessons missed by themselves.
    lessons: u64,
    /// Thousandths of absence that is unexcused.
    unexcused: u64,
    /// Thousandths of unexcused days that are explained later.
    explained: u64,
}

fn habit(number: u64) -> Habit {
    match number % 20 {
        0 => Habit { days: 60, longest: 4, lessons: 50, unexcused: 500, explained: 200 },
        1 => Habit { days: 25, longest: 30, lessons: 5, unexcused: 100, explained: 300 },
        2 => Habit { days: 20, longest: 25, lessons: 20, unexcused: 950, explained: 0 },
        3 | 4 => Habit { days: 45, longest: 3, lessons: 8, unexcused: 60, explained: 500 },
        5 => Habit { days: 5, longest: 2, lessons: 40, unexcused: 700, explained: 0 },
        _ => Habit { days: 12, longest: 3, lessons: 2, unexcused: 60, explained: 400 },
    }
}

/// All of them.
pub fn pupils() -> Vec<Pupil> {
    (1..=300).map(pupil).collect()
}

fn pupil(number: u64) -> Pupil {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(number) | 1);
    for _ in 0..8 {
        dice.roll();
    }
    let habit = habit(number);
    let mut marks = BTreeMap::new();
    let mut explained: BTreeMap<Date, Vec<Date>> = BTreeMap::new();
    let mut away: Option<(u64, char)> = None;
    for day in days(FIRST, LAST).filter(|day| is_school_day(*day)) {
        let word = |dice: &mut Dice| if dice.hits(habit.unexcused) { 'U' } else { 'E' };
        if away.is_none() && dice.hits(habit.days) {
            let length = 1 + dice.below(habit.longest);
            away = Some((length, word(&mut dice)));
        }
        let mut own: Marks = ['P'; 5];
        if let Some((left, letter)) = away {
            own = [letter; 5];
            away = (left > 1).then_some((left - 1, letter));
        } else {
            for mark in &mut own {
                if dice.hits(habit.lessons) {
                    *mark = word(&mut dice);
                } else if dice.hits(15) {
                    *mark = 'L';
                }
            }
        }
        if own.contains(&'U') && dice.hits(habit.explained) {
            let later = day.checked_add((1 + dice.below(3)).cast_signed().days()).expect("a day");
            explained.entry(later).or_default().push(day);
        }
        marks.insert(day, own);
    }
    Pupil { name: format!("p{number:03}"), marks, explained }
}
