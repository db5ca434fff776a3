//! Who is away when, of a made-up school: for each pupil and school day, why, and from which lessons.

use jiff::civil::Date;

use super::Shares;
use super::people::People;
use crate::sim::school::Chance;

/// Lessons of a day.
pub(super) const LESSONS: usize = 5;

/// A pupil's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Day {
    /// At every lesson, on time or late.
    #[default]
    There,
    /// Ill, and notified before the day.
    Ill,
    /// Ill, and notified so many minutes after the first lesson began.
    IllUnsaid(u8),
    /// Away without a word from these lessons, a bit each.
    Skips(u8),
}

/// By school day, then by pupil.
pub(super) type Away = Vec<Vec<Day>>;

/// How many halves of the usual share fall ill in a month, less one.
fn season(day: Date) -> usize {
    match day.month() {
        2 | 11 => 2,
        1 | 3 | 10 | 12 => 1,
        _ => 0,
    }
}

pub(super) fn away(
    seed: u64,
    number: usize,
    people: &People,
    count: usize,
    days: &[Date],
    shares: Shares,
) -> Away {
    let mut chance = Chance::new(seed, &format!("away {number}"));
    let mut away = vec![vec![Day::There; people.pupils.len()]; count];
    for (pupil, (_, year)) in people.pupils.iter().enumerate() {
        let often = chance.per_mille(shares.often_away);
        let skips = if *year >= 6 { shares.skips.1 } else { shares.skips.0 };
        let mut at = 0;
        while at < count {
            let ill = shares.falls_ill / 2 * (1 + season(days[at]));
            if often && chance.per_mille(120) {
                // Whole days, some of them excused, none of them told of beforehand by a plan.
                for day in away.iter_mut().skip(at).take(1 + chance.below(4)) {
                    day[pupil] = if chance.per_mille(500) { Day::Ill } else { Day::Skips(0x1f) };
                }
                at += 5;
            } else if chance.per_mille(ill) {
                let length = 1 + chance.below(3) + chance.below(3);
                let unsaid = chance.below(100) < shares.notified_late;
                for (n, day) in away.iter_mut().skip(at).take(length).enumerate() {
                    let minutes = u8::try_from(chance.between(15, 200)).unwrap_or(60);
                    day[pupil] = if n == 0 && unsaid { Day::IllUnsaid(minutes) } else { Day::Ill };
                }
                at += length;
            } else {
                if chance.below(10_000) < skips {
                    let first = chance.below(LESSONS);
                    let two = if chance.per_mille(300) { 0b11 } else { 1 };
                    let lessons = (two << first) & 0x1f;
                    away[at][pupil] = Day::Skips(u8::try_from(lessons).unwrap_or(1));
                }
                at += 1;
            }
        }
    }
    away
}
