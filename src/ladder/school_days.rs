//! School days as ladders count them: weekends, breaks and holidays are none. Pure.

use jiff::civil::{Date, Weekday};

use crate::calendar::{Calendar, Days};

/// A school's days; without a calendar every day from Monday to Friday.
#[derive(Debug, Clone, Copy)]
pub struct SchoolDays<'a>(pub Option<&'a Calendar>);

impl SchoolDays<'_> {
    /// Whether there is school on a day.
    pub fn has(&self, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
            && self.0.is_none_or(|calendar| calendar.is_school_day(day))
    }

    /// The term that a day is in; none: it is in none, or no terms are known.
    pub fn term_of(&self, day: Date) -> Option<Days> {
        self.0?.terms.iter().copied().find(|term| term.contains(day))
    }

    /// How many school days lie between two days, neither of them included; stops at `most`.
    pub fn between(&self, from: Date, to: Date, most: usize) -> usize {
        let mut count = 0;
        let mut day = from;
        while count < most {
            let Ok(next) = day.tomorrow() else { break };
            if next >= to {
                break;
            }
            count += usize::from(self.has(next));
            day = next;
        }
        count
    }
}

/// The first day of the school year that a day is in: 1 July, which lies between any two of them (they begin in August
/// and end in June: skolförordningen 3 kap.).
pub fn school_year_of(day: Date) -> Date {
    let year = if day.month() >= 7 { day.year() } else { day.year() - 1 };
    Date::new(year, 7, 1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_school_year_begins_in_july() {
        for (day, first) in [
            (date(2026, 6, 30), date(2025, 7, 1)),
            (date(2026, 7, 1), date(2026, 7, 1)),
            (date(2027, 1, 1), date(2026, 7, 1)),
        ] {
            assert_eq!(school_year_of(day), first, "{day}");
        }
    }

    #[test]
    fn weekends_and_breaks_are_no_school_days() {
        let calendar = Calendar {
            terms: Days::new(date(2026, 8, 17), date(2026, 12, 18)).into_iter().collect(),
            closed: Days::new(date(2026, 10, 26), date(2026, 10, 30)).into_iter().collect(),
            ..Calendar::default()
        };
        let days = SchoolDays(Some(&calendar));
        assert_eq!(days.between(date(2026, 10, 23), date(2026, 11, 2), 9), 0);
        assert_eq!(SchoolDays(None).between(date(2026, 10, 23), date(2026, 11, 2), 9), 5);
        assert_eq!(days.between(date(2026, 11, 2), date(2026, 11, 2), 9), 0);
        assert_eq!(days.term_of(date(2026, 12, 19)), None);
        assert!(days.term_of(date(2026, 10, 26)).is_some());
    }
}
