//! Terms by their names. May not know a calendar: which days a term has is said there.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The half of a year that a term is in. Written `2026-autumn`; it stays the same when somebody corrects the term's days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TermName {
    year: i16,
    autumn: bool,
}

impl TermName {
    /// The half of a year that a day is in: spring to the end of June, autumn from July.
    pub fn of(day: Date) -> Self {
        Self { year: day.year(), autumn: day.month() >= 7 }
    }

    /// When it is over at the latest.
    pub fn end(self) -> Date {
        let (month, day) = if self.autumn { (12, 31) } else { (6, 30) };
        Date::new(self.year, month, day).unwrap_or(Date::MAX)
    }
}

impl fmt::Display for TermName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.autumn { "autumn" } else { "spring" };
        write!(f, "{:04}-{half}", self.year)
    }
}

/// It is no name of a term.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no term; write 2026-autumn or 2027-spring")]
pub struct NoTerm;

impl TryFrom<String> for TermName {
    type Error = NoTerm;
    fn try_from(text: String) -> Result<Self, NoTerm> {
        let (year, half) = text.split_once('-').ok_or(NoTerm)?;
        let autumn = match half {
            "autumn" => true,
            "spring" => false,
            _ => return Err(NoTerm),
        };
        let good = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
        let year = year.parse().ok().filter(|_| good).ok_or(NoTerm)?;
        Ok(Self { year, autumn })
    }
}

impl From<TermName> for String {
    fn from(name: TermName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_term_is_known_by_its_name_whatever_its_days() {
        for (day, name) in [
            (date(2026, 8, 17), "2026-autumn"),
            (date(2026, 7, 1), "2026-autumn"),
            (date(2027, 1, 11), "2027-spring"),
            (date(2027, 6, 30), "2027-spring"),
        ] {
            assert_eq!(TermName::of(day).to_string(), name);
            assert_eq!(TermName::try_from(name.to_owned()), Ok(TermName::of(day)));
        }
        assert_eq!(TermName::of(date(2026, 8, 17)).end(), date(2026, 12, 31));
        for bad in
            ["", "2026", "2026-ht", "autumn-2026", "26-autumn", "2026-autumn-1", "+026-spring"]
        {
            assert_eq!(TermName::try_from(bad.to_owned()), Err(NoTerm), "{bad}");
        }
    }
}
