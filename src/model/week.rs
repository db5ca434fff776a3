//! Weeks by their names, as schools in Sweden count them (ISO 8601). Values only.

use std::fmt;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use serde::{Deserialize, Serialize};

/// A week, Monday to Sunday. Written `2026-W48`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WeekName(Date);

impl WeekName {
    /// The week that a day is in.
    pub fn of(day: Date) -> Self {
        let since = i64::from(day.weekday().to_monday_zero_offset());
        Self(day.saturating_sub(jiff::Span::new().days(since)))
    }

    /// Its first day.
    pub fn monday(self) -> Date {
        self.0
    }

    /// Its last day.
    pub fn sunday(self) -> Date {
        self.0.saturating_add(jiff::Span::new().days(6))
    }
}

impl fmt::Display for WeekName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.0.iso_week_date();
        write!(f, "{:04}-W{:02}", week.year(), week.week())
    }
}

/// It is no name of a week.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no week; write 2026-W48")]
pub struct NoWeek;

impl TryFrom<String> for WeekName {
    type Error = NoWeek;
    fn try_from(text: String) -> Result<Self, NoWeek> {
        let (year, week) = text.split_once("-W").ok_or(NoWeek)?;
        let digits = |text: &str, count| {
            text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(year, 4) || !digits(week, 2) {
            return Err(NoWeek);
        }
        let (year, week) = (year.parse().map_err(|_| NoWeek)?, week.parse().map_err(|_| NoWeek)?);
        let monday = ISOWeekDate::new(year, week, Weekday::Monday).map_err(|_| NoWeek)?;
        Ok(Self(monday.date()))
    }
}

impl From<WeekName> for String {
    fn from(name: WeekName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_week_is_known_by_its_name_over_the_turn_of_the_year_too() {
        for (day, name, monday) in [
            (date(2026, 11, 29), "2026-W48", date(2026, 11, 23)),
            (date(2026, 11, 30), "2026-W49", date(2026, 11, 30)),
            (date(2027, 1, 3), "2026-W53", date(2026, 12, 28)),
            (date(2024, 12, 30), "2025-W01", date(2024, 12, 30)),
        ] {
            let week = WeekName::of(day);
            assert_eq!((week.to_string().as_str(), week.monday()), (name, monday));
            assert_eq!(WeekName::try_from(name.to_owned()), Ok(week));
            assert!(week.monday() <= day && day <= week.sunday());
        }
        for bad in ["", "2026", "2026-48", "2026-W4", "2026-W54", "2027-W53", "2026-W00", "v48"] {
            assert_eq!(WeekName::try_from(bad.to_owned()), Err(NoWeek), "{bad}");
        }
    }
}
