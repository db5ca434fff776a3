//! Terms by their names, and the weeks of school in them: by these a plan says when something is to be done. Pure.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::{Calendar, Days};
use crate::model::TermName;

/// A week in which there is school, Monday to Friday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchoolWeek {
    /// Which of its term, from 1.
    pub number: u32,
    /// Its first school day.
    pub first: Date,
    /// Its last school day.
    pub last: Date,
}

impl SchoolWeek {
    /// Whether a day is in this week, Monday to Sunday.
    pub fn contains(&self, day: Date) -> bool {
        monday(day) == monday(self.first)
    }

    /// The week of the year (ISO 8601), as schools in Sweden count.
    pub fn of_year(&self) -> i8 {
        self.first.iso_week_date().week()
    }
}

/// A term with its weeks of school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Its name.
    pub name: TermName,
    /// From its first day to its last.
    pub days: Days,
    /// Its weeks, in order; those without a school day are not among them.
    pub weeks: Vec<SchoolWeek>,
}

impl Term {
    /// The week that a day is in; none: there is no school in it.
    pub fn week_of(&self, day: Date) -> Option<&SchoolWeek> {
        self.weeks.iter().find(|week| week.contains(day))
    }
}

impl Calendar {
    /// The terms that its `terms` say, in order. What lies in one half of a year is one term, though it is written in two
    /// parts, as before and after the autumn break.
    pub fn named_terms(&self) -> Vec<Term> {
        let mut written = self.terms.clone();
        written.sort();
        let mut joined: Vec<(TermName, Days)> = Vec::new();
        for days in written {
            let name = TermName::of(days.first());
            match joined.last_mut() {
                Some((last, all)) if *last == name => {
                    let to = all.last().max(days.last());
                    *all = Days::new(all.first(), to).unwrap_or(*all);
                }
                _ => joined.push((name, days)),
            }
        }
        let with_weeks = |(name, days)| Term { name, days, weeks: self.weeks(days) };
        joined.into_iter().map(with_weeks).collect()
    }

    fn weeks(&self, days: Days) -> Vec<SchoolWeek> {
        let mut weeks: Vec<SchoolWeek> = Vec::new();
        let all = std::iter::successors(Some(days.first()), |day| day.tomorrow().ok());
        for day in all.take_while(|day| *day <= days.last()) {
            if is_weekend(day) || !self.is_school_day(day) {
                continue;
            }
            let number = weeks.last().map_or(1, |week| week.number + 1);
            match weeks.last_mut() {
                Some(week) if week.contains(day) => week.last = day,
                _ => weeks.push(SchoolWeek { number, first: day, last: day }),
            }
        }
        weeks
    }
}

/// Whether a day is a Saturday or a Sunday.
pub fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The Monday of a day's week.
fn monday(day: Date) -> Date {
    let offset = i64::from(day.weekday().to_monday_zero_offset());
    day.saturating_sub(offset.days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn days(text: &str) -> Days {
        Days::parse(text).expect("days")
    }

    #[test]
    fn weeks_of_school_are_counted_and_breaks_are_not() {
        let year = Calendar {
            terms: vec![days("2027-01-11..2027-06-11"), days("2026-08-19..2026-12-18")],
            closed: vec![days("2026-10-26..2026-10-30"), days("2026-09-07"), days("2026-09-18")],
            ..Calendar::default()
        };
        let terms = year.named_terms();
        assert_eq!(terms.len(), 2);
        let autumn = &terms[0];
        assert_eq!(autumn.name.to_string(), "2026-autumn");
        let week = |number: usize| &autumn.weeks[number - 1];
        // The first has three days.
        assert_eq!((week(1).first, week(1).last), (date(2026, 8, 19), date(2026, 8, 21)));
        assert_eq!((week(4).first, week(4).last), (date(2026, 9, 8), date(2026, 9, 11)));
        assert_eq!((week(5).last, week(5).of_year()), (date(2026, 9, 17), 38));
        // The tenth is before the break of week 44, and the eleventh after it.
        assert_eq!((week(10).of_year(), week(11).of_year()), (43, 45));
        assert_eq!(autumn.weeks.last().map(SchoolWeek::of_year), Some(51));
        assert_eq!(autumn.week_of(date(2026, 10, 28)), None);
        assert_eq!(autumn.week_of(date(2026, 9, 13)), Some(week(4)), "a Sunday");
        assert_eq!(terms[1].weeks[0].number, 1);
        assert_eq!(Calendar::default().named_terms(), []);
    }

    #[test]
    fn a_term_in_two_parts_is_one_and_a_new_year_is_no_border_of_weeks() {
        let year = Calendar {
            terms: vec![days("2026-08-17..2026-10-23"), days("2026-11-02..2026-12-18")],
            ..Calendar::default()
        };
        let [autumn] = &year.named_terms()[..] else { panic!("one term") };
        assert_eq!(autumn.days, days("2026-08-17..2026-12-18"));
        assert_eq!(autumn.weeks.len(), 17);
        let long = Calendar { terms: vec![days("2026-12-28..2027-01-15")], ..Calendar::default() };
        let [term] = &long.named_terms()[..] else { panic!("one term") };
        let weeks: Vec<i8> = term.weeks.iter().map(SchoolWeek::of_year).collect();
        assert_eq!(weeks, [53, 1, 2]);
    }
}
