//! Days as an operator writes them, and the calendar that they make.

use std::fmt;

use jiff::civil::Date;

/// Most days of one entry: what is longer has a wrong year in it, and would keep a whole school year silent.
const LONGEST: i32 = 366;

/// Days from one to another, both of them included. Written `2026-10-26..2026-10-30`, or `2026-11-23` for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days {
    from: Date,
    to: Date,
}

impl Days {
    /// Days from `from` to `to`; none where they end before they begin, or are more than a year.
    pub fn new(from: Date, to: Date) -> Option<Self> {
        let length = (to - from).get_days();
        (0..=LONGEST).contains(&length).then_some(Self { from, to })
    }

    /// Reads what an operator has written.
    ///
    /// # Errors
    /// With what to write instead, where that can be told.
    pub fn parse(text: &str) -> Result<Self, Option<String>> {
        let date = |text: &str| text.trim().parse::<Date>().map_err(|_| None);
        let plain = text.replace(['–', '—'], "..").replace(" - ", "..").replace('/', "..");
        let (from, to) = plain.split_once("..").unwrap_or((&plain, &plain));
        let (from, to) = (date(from)?, date(to)?);
        let Some(days) = Self::new(from, to) else {
            return Err(Self::new(to, from).map(|days| days.to_string()));
        };
        let right = days.to_string();
        if right == text { Ok(days) } else { Err(Some(right)) }
    }

    /// Whether a day is one of them.
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && day <= self.to
    }

    /// The first of them.
    pub fn first(&self) -> Date {
        self.from
    }

    /// The last of them.
    pub fn last(&self) -> Date {
        self.to
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.from)?;
        if self.to == self.from { Ok(()) } else { write!(f, "..{}", self.to) }
    }
}

/// The school days of one or more schools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Terms; between two of them there is no school. Of days before the first and after the last nothing is known.
    pub terms: Vec<Days>,
    /// On which there is none: breaks, study days, holidays.
    pub closed: Vec<Days>,
    /// The same, of calendar files.
    pub from_files: Vec<FromFile>,
    /// What the operator calls it.
    pub name: String,
}

/// Closed days of a calendar file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromFile {
    /// The days.
    pub days: Days,
    /// The file's name, as in configuration.
    pub file: String,
    /// Line of the event in it, from 1.
    pub line: usize,
}

/// What makes a day no school day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSchool<'a> {
    /// The operator has written it.
    Closed(Days),
    /// An event of a calendar file.
    Event(&'a FromFile),
    /// It is between two terms.
    BetweenTerms,
}

impl Calendar {
    /// Whether a day may be a school day. One of which nothing is known may be: a calendar that nobody has brought up
    /// to date for the new school year must not keep all of it silent.
    pub fn is_school_day(&self, day: Date) -> bool {
        self.no_school(day).is_none()
    }

    /// What makes a day no school day; none: it may be one.
    pub fn no_school(&self, day: Date) -> Option<NoSchool<'_>> {
        let event = || self.from_files.iter().find(|one| one.days.contains(day));
        let written = self.closed.iter().find(|days| days.contains(day));
        written
            .map(|days| NoSchool::Closed(*days))
            .or_else(|| event().map(NoSchool::Event))
            .or_else(|| self.is_between(day).then_some(NoSchool::BetweenTerms))
    }

    /// The days between its terms, in order.
    pub fn between_terms(&self) -> Vec<Days> {
        let mut terms = self.terms.clone();
        terms.sort();
        let mut found = Vec::new();
        let mut last: Option<Date> = None;
        for term in terms {
            if let Some(Ok(from)) = last.map(Date::tomorrow)
                && let Ok(to) = term.first().yesterday()
                && from <= to
            {
                found.extend(Days::new(from, to));
            }
            last = last.max(Some(term.last()));
        }
        found
    }

    fn is_between(&self, day: Date) -> bool {
        let first = self.terms.iter().map(Days::first).min();
        let last = self.terms.iter().map(Days::last).max();
        let known = first.is_some_and(|first| first <= day) && last.is_some_and(|last| day <= last);
        known && !self.terms.iter().any(|days| days.contains(day))
    }
}

impl NoSchool<'_> {
    /// In words, for who looks after the calendar. No summary: it may name somebody.
    pub fn in_words(&self) -> String {
        match self {
            Self::Closed(days) => format!("`closed` has {days}"),
            Self::Event(FromFile { days, file, line }) => format!("{file} line {line}, {days}"),
            Self::BetweenTerms => "it is between two of its `terms`".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn days_are_read_as_they_are_written() {
        for text in ["2026-10-26..2026-10-30", "2026-11-23", "2027-02-28..2027-03-01"] {
            assert_eq!(Days::parse(text).expect(text).to_string(), text);
        }
        let right = |text: &str| Some(text.to_owned());
        for (text, write) in [
            ("2026-10-30..2026-10-26", right("2026-10-26..2026-10-30")),
            ("2026-11-23..2026-11-23", right("2026-11-23")),
            ("2026-10-26 – 2026-10-30", right("2026-10-26..2026-10-30")),
            ("2026-10-26/2026-10-30", right("2026-10-26..2026-10-30")),
            ("2026-02-29", None),
            ("26 oktober", None),
            ("", None),
            // A year mistyped.
            ("2026-10-26..2028-10-30", None),
        ] {
            assert_eq!(Days::parse(text), Err(write), "{text}");
        }
    }

    #[test]
    fn a_calendar_knows_its_school_days() {
        let days = |text| Days::parse(text).expect("days");
        let year = Calendar {
            terms: vec![days("2026-08-17..2026-12-18"), days("2027-01-11..2027-06-11")],
            closed: vec![days("2026-10-26..2026-10-30")],
            from_files: vec![FromFile {
                days: days("2026-11-23"),
                file: "year.ics".into(),
                line: 7,
            }],
            name: "year".into(),
        };
        let told = |day| year.no_school(day).map(|why| why.in_words());
        assert_eq!(told(date(2026, 11, 23)).as_deref(), Some("year.ics line 7, 2026-11-23"));
        assert_eq!(
            told(date(2026, 10, 27)).as_deref(),
            Some("`closed` has 2026-10-26..2026-10-30")
        );
        assert_eq!(told(date(2026, 12, 24)).as_deref(), Some("it is between two of its `terms`"));
        assert_eq!(year.between_terms(), [days("2026-12-19..2027-01-10")]);
        for (day, is) in [
            (date(2026, 8, 16), true),
            (date(2026, 8, 17), true),
            (date(2026, 10, 25), true),
            (date(2026, 10, 26), false),
            (date(2026, 10, 30), false),
            (date(2026, 11, 23), false),
            (date(2026, 12, 18), true),
            (date(2026, 12, 24), false),
            // Nobody has written the next year yet.
            (date(2027, 6, 12), true),
            (date(2027, 8, 20), true),
        ] {
            assert_eq!(year.is_school_day(day), is, "{day}");
        }
        let any = Calendar { terms: Vec::new(), ..year };
        assert!(any.is_school_day(date(2026, 12, 24)) && !any.is_school_day(date(2026, 11, 23)));
        assert!(Calendar::default().is_school_day(date(2026, 7, 1)));
    }

    proptest! {
        #[test]
        fn one_more_closed_day_closes_that_day_and_no_other(day in 0_i32..400, closed in 0_i32..400) {
            let at = |n: i32| date(2026, 8, 1).checked_add(jiff::Span::new().days(n)).expect("day");
            let mut calendar = Calendar {
                terms: vec![Days::new(at(10), at(200)).expect("days")],
                closed: vec![Days::new(at(50), at(60)).expect("days")],
                ..Calendar::default()
            };
            let before = calendar.is_school_day(at(day));
            calendar.closed.push(Days::new(at(closed), at(closed)).expect("days"));
            prop_assert_eq!(calendar.is_school_day(at(day)), before && day != closed);
        }
    }
}
