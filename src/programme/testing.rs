//! Programmes and a school year for tests.

use jiff::civil::date;

use super::{Programme, Session, Words};
use crate::calendar::{Calendar, Days, Term};

/// A programme for these grades, with a session in each of these weeks.
pub fn programme(grades: &[u8], weeks: &[u32]) -> Programme {
    let words = |text: String| Words { sv: text.clone(), en: text };
    let session = |(number, week): (u32, &u32)| {
        let title = words(format!("Pass {number}"));
        (number, Session { week: *week, title, text: words("Prata.".into()) })
    };
    Programme {
        id: "7tjugo".into(),
        name: "7TJUGO".into(),
        version: "1".into(),
        effective: date(2026, 7, 1),
        grades: grades.iter().copied().collect(),
        sessions: (1..).zip(weeks).map(session).collect(),
    }
}

/// A school year with an autumn break in week 44 and a break in week 9.
pub fn year() -> Calendar {
    let days = |text| Days::parse(text).expect("days");
    Calendar {
        terms: vec![days("2026-08-17..2026-12-18"), days("2027-01-11..2027-06-11")],
        closed: vec![days("2026-10-26..2026-10-30"), days("2027-03-01..2027-03-05")],
        ..Calendar::default()
    }
}

/// The autumn term of [`year`].
pub fn autumn() -> Term {
    year().named_terms().remove(0)
}
