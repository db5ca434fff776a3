//! A term by its name: its first and its last day, and the days on which Swedish schools are closed in it. Pure.
//!
//! The days are those that most municipalities have; each sets its own within skolförordningen 3 kap. 3 §
//! (178 school days at least in two terms). A school's own calendar, where configuration has one, closes more.

use jiff::ToSpan as _;
use jiff::civil::{Date, ISOWeekDate, Weekday};

use crate::calendar::Days;

/// A term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What people call it.
    pub name: String,
    /// Its first day and its last.
    pub days: Days,
    /// Breaks and holidays in it.
    pub closed: Vec<Days>,
}

/// How a term is written.
const EXPECTED: &str =
    "write 2026-autumn, 2027-spring, or its first and last day as 2026-08-17..2026-12-18";

impl Term {
    /// Reads `2026-autumn`, `2027-spring` or `2026-08-17..2026-12-18`; the last has no breaks of its own.
    ///
    /// # Errors
    /// With what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let no = || format!("{text:?} is no term; {EXPECTED}");
        match Days::parse(text) {
            Ok(days) => return Ok(Self { name: text.to_owned(), days, closed: Vec::new() }),
            Err(Some(right)) => return Err(format!("{text:?} is no term; write {right}")),
            Err(None) => {}
        }
        let (year, season) = text.split_once('-').ok_or_else(no)?;
        let year: i16 = year.parse().ok().filter(|y| (2000..=2100).contains(y)).ok_or_else(no)?;
        let term = match season {
            "autumn" => autumn(year),
            "spring" => spring(year),
            _ => None,
        };
        let (days, closed) = term.ok_or_else(no)?;
        Ok(Self { name: text.to_owned(), days, closed })
    }

    /// The term that a day is in, by the year's halves.
    pub fn of(day: Date) -> Option<Self> {
        let season = if day.month() >= 7 { "autumn" } else { "spring" };
        Self::parse(&format!("{}-{season}", day.year())).ok()
    }

    /// Its days from Monday to Friday that are not closed.
    pub fn school_days(&self) -> Vec<Date> {
        let days = self.days.first().series(1.day()).take_while(|day| *day <= self.days.last());
        let is_open = |day: &Date| {
            !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
                && !self.closed.iter().any(|closed| closed.contains(*day))
        };
        days.filter(is_open).collect()
    }
}

fn week(year: i16, week: i8, day: Weekday) -> Option<Date> {
    Some(ISOWeekDate::new(year, week, day).ok()?.date())
}

fn whole_week(year: i16, number: i8) -> Option<Days> {
    Days::new(week(year, number, Weekday::Monday)?, week(year, number, Weekday::Friday)?)
}

/// From week 34 to week 51, with a break in week 44.
fn autumn(year: i16) -> Option<(Days, Vec<Days>)> {
    let days = Days::new(week(year, 34, Weekday::Monday)?, week(year, 51, Weekday::Friday)?)?;
    Some((days, vec![whole_week(year, 44)?]))
}

/// From the day after Epiphany to week 23, with a break in week 9, one in the week of Good Friday, and the holidays.
fn spring(year: i16) -> Option<(Days, Vec<Days>)> {
    let days = Days::new(Date::new(year, 1, 7).ok()?, week(year, 23, Weekday::Friday)?)?;
    let easter = easter(year)?;
    let from_easter = |from: i32, to: i32| {
        let day = |n: i32| easter.checked_add(n.days()).ok();
        Days::new(day(from)?, day(to)?)
    };
    let one = |month, day| Date::new(year, month, day).ok().and_then(|day| Days::new(day, day));
    let closed = vec![
        whole_week(year, 9)?,
        from_easter(-6, 1)?,
        one(5, 1)?,
        from_easter(39, 40)?,
        one(6, 6)?,
    ];
    Some((days, closed))
}

/// Easter Sunday, by Gauss' rule as Meeus and Jones have it.
#[allow(clippy::many_single_char_names, reason = "as the rule is written")]
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn terms_are_those_that_schools_have() {
        let autumn = Term::parse("2026-autumn").expect("term");
        assert_eq!(autumn.days.to_string(), "2026-08-17..2026-12-18");
        assert_eq!(autumn.closed, [Days::parse("2026-10-26..2026-10-30").expect("days")]);
        assert_eq!(autumn.school_days().len(), 85);
        let spring = Term::parse("2027-spring").expect("term");
        assert_eq!(spring.days.to_string(), "2027-01-07..2027-06-11");
        let open = spring.school_days();
        for (day, is_open) in [
            (date(2027, 1, 7), true),
            (date(2027, 1, 9), false),
            (date(2027, 3, 3), false),
            (date(2027, 3, 19), true),
            // Good Friday and Easter Monday.
            (date(2027, 3, 26), false),
            (date(2027, 3, 29), false),
            (date(2027, 3, 30), true),
            // Ascension.
            (date(2027, 5, 6), false),
            (date(2027, 6, 11), true),
        ] {
            assert_eq!(open.contains(&day), is_open, "{day}");
        }
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        for (year, month, day) in [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28)] {
            assert_eq!(easter(year), Some(date(year, month, day)));
        }
    }

    #[test]
    fn what_is_no_term_is_told_how_to_be_one() {
        for text in ["", "autumn", "2026", "2026-summer", "26-autumn", "2026-13-01..2026-14-01"] {
            let told = Term::parse(text).expect_err(text);
            assert!(told.contains("2026-autumn"), "{told}");
        }
        let told = Term::parse("2026-12-18..2026-08-17").expect_err("backwards");
        assert!(told.ends_with("write 2026-08-17..2026-12-18"), "{told}");
        let day = Term::parse("2026-08-24").expect("one day");
        assert_eq!(day.school_days(), [date(2026, 8, 24)]);
        assert_eq!(Term::of(date(2026, 11, 3)).map(|t| t.name).as_deref(), Some("2026-autumn"));
    }
}
