//! A made-up school and its term: pupils, those at home, and what teachers and guardians say, day by day. The same
//! seed makes the same, whatever else is made beside it. Shares are those of a Swedish compulsory school, rounded;
//! what they are is in [`Shares`], and none is a claim about any school.

mod away;
mod days;
mod people;

use std::sync::Arc;

use super::given::Given;
use super::term::Term;
use crate::directory::School;

/// Pupils of a school, at most.
pub const SCHOOL: usize = 500;
/// Pupils of a class.
pub const CLASS: usize = 25;

/// How often things happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Of a thousand pupils, on a school day of a usual month: how many begin to be ill. Half as many while it is warm,
    /// and half as many more in the season of colds.
    pub falls_ill: usize,
    /// Of a hundred such spells: how many nobody has notified when the first lesson begins.
    pub notified_late: usize,
    /// Of ten thousand pupils of years 0 to 5, and of years 6 to 9, on a school day: how many stay away from a lesson
    /// or two.
    pub skips: (usize, usize),
    /// Of a hundred of those lessons: how many are excused on the next school day.
    pub excused_later: usize,
    /// Of a thousand pupils: how many are away for a third of the term.
    pub often_away: usize,
    /// Of a thousand lessons of a pupil who is there: to how many the pupil comes late.
    pub late: usize,
    /// Of a thousand registers: how many are not taken.
    pub untaken: usize,
    /// Of a thousand registers: in how many a pupil who is there is marked as missing for 1 to 40 minutes.
    pub mistaken: usize,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            falls_ill: 12,
            notified_late: 12,
            skips: (20, 200),
            excused_later: 5,
            often_away: 20,
            late: 5,
            untaken: 30,
            mistaken: 15,
        }
    }
}

/// How many schools so many pupils make, and how many pupils each has.
pub fn schools(pupils: usize) -> Vec<usize> {
    let count = pupils.div_ceil(SCHOOL).max(1);
    // The first ones have one more, where it does not come out even.
    (0..count).map(|at| pupils / count + usize::from(at < pupils % count)).collect()
}

/// Makes one school's term. `school` is the school as it is configured; `number` tells it from others of the seed.
pub fn given(
    seed: u64,
    number: usize,
    pupils: usize,
    school: &School,
    term: &Term,
    shares: Shares,
) -> Given {
    let people = people::people(seed, number, pupils, school, term);
    let days: Vec<_> =
        term.school_days().into_iter().filter(|day| school.is_school_day(*day)).collect();
    let away = away::away(seed, number, &people, days.len(), &days, shares);
    let heard = days::heard(seed, number, &people, school, &days, &away, shares);
    Given {
        school: school.id.clone(),
        roster: Arc::new(people.roster),
        heard,
        days: (term.days.first(), term.days.last()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::settings;

    fn made(seed: u64, pupils: usize) -> Given {
        let config = settings::built_in().config.expect("good");
        let school = config.schools.values().next().expect("a school");
        let term = Term::parse("2026-08-17..2026-08-28").expect("term");
        given(seed, 0, pupils, school, &term, Shares::default())
    }

    #[test]
    fn the_same_seed_makes_the_same_term() {
        let (one, other) = (made(1, 100), made(1, 100));
        assert_eq!(one.heard, other.heard);
        assert_eq!(one.roster, other.roster);
        assert_ne!(one.heard, made(2, 100).heard);
    }

    #[test]
    fn what_is_heard_is_in_order_and_of_pupils_who_are_there() {
        let given = made(3, 300);
        assert!(given.heard.is_sorted_by_key(|heard| heard.at));
        for heard in &given.heard {
            if let Some(pupil) = heard.observation.fact.pupil() {
                assert!(given.roster.pupil(&given.school, pupil).is_some());
            }
        }
        let mut events: Vec<_> = given.heard.iter().map(|heard| &heard.observation.event).collect();
        let all = events.len();
        events.sort();
        events.dedup();
        assert_eq!(events.len(), all, "each event has its own id");
    }

    #[test]
    fn pupils_are_spread_over_schools() {
        assert_eq!(schools(10_000), vec![500; 20]);
        assert_eq!(schools(300), [300]);
        assert_eq!(schools(501), [251, 250]);
        assert_eq!(schools(1), [1]);
        assert_eq!(schools(1234).iter().sum::<usize>(), 1234);
    }
}
