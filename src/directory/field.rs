//! One cell at a time: from the text of a cell to a value of the model, or words on why not. Knows
//! nothing of rows; the words never repeat the text of the cell.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use unicode_normalization::UnicodeNormalization as _;

use super::Protection;
use crate::model::unseen::is_unseen;
use crate::model::{Channel, StaffRole};

/// Longest name, in characters.
pub const MAX_NAME: usize = 100;

/// What had to be done to a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Control, bidirectional or invisible characters were taken out.
    pub stripped: bool,
    /// It was cut at [`MAX_NAME`].
    pub cut: bool,
}

/// A name in one line, composed (Unicode NFC), without characters that could turn the text around
/// it: those of Unicode TR 36 §3.3 (bidirectional) and controls. The joiners U+200C and U+200D stay:
/// Persian and Indic names are written with them.
pub fn name(raw: &str) -> (String, Cleaned) {
    let mut cleaned = Cleaned::default();
    let mut text = String::with_capacity(raw.len());
    for c in raw.trim().nfc() {
        if matches!(c, '\r' | '\n' | '\t' | '\u{2028}' | '\u{2029}') {
            cleaned.stripped = true;
            text.push(' ');
        } else if c.is_control() || is_unseen(c) {
            cleaned.stripped = true;
        } else {
            text.push(c);
        }
    }
    let text = words(&text);
    let Some((end, _)) = text.char_indices().nth(MAX_NAME) else { return (text, cleaned) };
    cleaned.cut = true;
    (text[..end].trim_end().to_owned(), cleaned)
}

/// White space made single spaces.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(raw: &str) -> String {
    words(&raw.nfkc().collect::<String>()).to_lowercase()
}

/// A word for protection; `None`: a word that is not one of them.
pub fn protection(raw: &str) -> Option<Protection> {
    match plain(raw).as_str() {
        "none" | "ingen" => Some(Protection::None),
        "protected" | "sekretessmarkering" | "skyddad folkbokföring" => {
            Some(Protection::Protected)
        }
        "unknown" | "" => Some(Protection::Unknown),
        _ => None,
    }
}

/// A word for yes or no.
pub fn truth(raw: &str) -> Option<bool> {
    match plain(raw).as_str() {
        "yes" | "ja" | "true" => Some(true),
        "no" | "nej" | "false" => Some(false),
        _ => None,
    }
}

/// A word for a channel.
pub fn channel(raw: &str) -> Option<Channel> {
    let raw = plain(raw);
    [Channel::Sms, Channel::Email].into_iter().find(|c| c.as_str() == raw)
}

/// A word for a role.
pub fn role(raw: &str) -> Option<StaffRole> {
    match plain(raw).as_str() {
        "mentor" => Some(StaffRole::Mentor),
        "attendance-team" => Some(StaffRole::AttendanceTeam),
        "student-health-team" => Some(StaffRole::StudentHealthTeam),
        "principal" => Some(StaffRole::Principal),
        "head-of-education" => Some(StaffRole::HeadOfEducation),
        "home-municipality" => Some(StaffRole::HomeMunicipality),
        "teacher" => Some(StaffRole::Teacher),
        "office" => Some(StaffRole::Office),
        _ => None,
    }
}

/// A date of birth, `2013-05-04` or `20130504`, of somebody who may go to school.
///
/// # Errors
/// With words: not a date, or not one a pupil of today was born on.
pub fn birth_date(raw: &str, now: Timestamp) -> Result<Date, &'static str> {
    let date = day(raw)?;
    // The clock is UTC, the school's day may already be the next.
    let tomorrow = TimeZone::UTC.to_datetime(now).date().saturating_add(1.day());
    if date > tomorrow {
        return Err("lies in the future");
    }
    if date < tomorrow.saturating_sub(120.years()) {
        return Err("lies more than 120 years back");
    }
    Ok(date)
}

/// A day, `2026-11-23` or `20261123`.
///
/// # Errors
/// With words: not a date, or not one of the calendar.
pub fn day(raw: &str) -> Result<Date, &'static str> {
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = match raw.split('-').collect::<Vec<_>>()[..] {
        [y, m, d] if y.len() == 4 && m.len() == 2 && d.len() == 2 => vec![y, m, d],
        [all] if all.len() == 8 && all.is_ascii() => vec![&all[..4], &all[4..6], &all[6..]],
        _ => return Err("is not a date"),
    };
    if !parts.iter().all(|p| digits(p)) {
        return Err("is not a date");
    }
    let number = |at: usize| parts[at].parse::<i16>().map_err(|_| "is not a date");
    let small = |at: usize| parts[at].parse::<i8>().map_err(|_| "is not a date");
    Date::new(number(0)?, small(1)?, small(2)?).map_err(|_| "is not a day of the calendar")
}

/// School year: 0 to 10; `F` and `FSK` are förskoleklass.
pub fn year(raw: &str) -> Option<u8> {
    let word = raw.trim();
    if word.eq_ignore_ascii_case("f") || word.eq_ignore_ascii_case("fsk") {
        return Some(0);
    }
    word.parse().ok().filter(|year| *year <= 10)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn names_are_one_harmless_line() {
        for (raw, text, stripped, cut) in [
            ("Alva", "Alva", false, false),
            ("  Alva  Maria ", "Alva Maria", false, false),
            ("A\u{30a}sa", "Åsa", false, false),
            ("Al\u{202e}va\u{200f}", "Alva", true, false),
            ("Alva\r\nBcc: x", "Alva Bcc: x", true, false),
            ("Al\0va\u{7f}", "Alva", true, false),
            ("{{ 7 * 7 }}", "{{ 7 * 7 }}", false, false),
            ("<script>alert(1)</script>", "<script>alert(1)</script>", false, false),
            ("نیلو\u{200c}فر", "نیلو\u{200c}فر", false, false),
            ("\u{200b}", "", true, false),
        ] {
            assert_eq!(name(raw), (text.to_owned(), Cleaned { stripped, cut }), "{raw:?}");
        }
        let (text, cleaned) = name(&"å".repeat(300));
        assert_eq!((text.chars().count(), cleaned.cut), (100, true));
        let (text, cleaned) = name(&"å".repeat(100));
        assert_eq!((text.chars().count(), cleaned.cut), (100, false));
    }

    #[test]
    fn words_of_files() {
        for (raw, value) in [
            ("none", Some(Protection::None)),
            (" Ingen ", Some(Protection::None)),
            ("Sekretessmarkering", Some(Protection::Protected)),
            ("SKYDDAD  FOLKBOKFO\u{308}RING", Some(Protection::Protected)),
            ("protected", Some(Protection::Protected)),
            ("", Some(Protection::Unknown)),
            ("unknown", Some(Protection::Unknown)),
            ("nej", None),
            ("0", None),
        ] {
            assert_eq!(protection(raw), value, "{raw:?}");
        }
        assert_eq!(
            ["Ja", "true", "YES", "nej", "False", "no", "", "1"].map(truth),
            [Some(true), Some(true), Some(true), Some(false), Some(false), Some(false), None, None]
        );
        assert_eq!(channel(" SMS "), Some(Channel::Sms));
        assert_eq!(channel("fax"), None);
        assert_eq!(role("Attendance-Team"), Some(StaffRole::AttendanceTeam));
        for (text, is) in [("0", Some(0)), (" 3 ", Some(3)), ("f", Some(0)), ("10", Some(10))] {
            assert_eq!(year(text), is, "{text}");
        }
        for text in ["11", "-1", "3B", "Gy1", ""] {
            assert_eq!(year(text), None, "{text}");
        }
        assert_eq!(role("janitor"), None);
    }

    #[test]
    fn dates_of_birth() {
        let now: Timestamp = "2026-11-23T07:00:00Z".parse().expect("time");
        assert_eq!(birth_date("2013-05-04", now), Ok(date(2013, 5, 4)));
        assert_eq!(birth_date("20130504", now), Ok(date(2013, 5, 4)));
        assert_eq!(birth_date("2008-02-29", now), Ok(date(2008, 2, 29)));
        for raw in [
            "2013-5-4",
            "130504",
            "04/05/2013",
            "20130504-1234",
            "2013-02-30",
            "2009-02-29",
            "2027-01-01",
            "1899-01-01",
            "2013-05-0４",
            "+013-05-04",
            "igår",
        ] {
            assert!(birth_date(raw, now).is_err(), "{raw}");
        }
    }
}
