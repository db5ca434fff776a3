//! The number of a case that people say aloud: a hash, the same each time, and nothing of the pupil in it.

use jiff::civil::Date;

use super::id::{DIGITS, SPOKEN};
use super::{NotificationId, PupilId, SchoolId};

/// The number of a case: one pupil at one school on one day.
pub fn case_number(school: &SchoolId, pupil: &PupilId, date: Date) -> String {
    NotificationId::of(&["case", school.as_str(), pupil.as_str(), &date.to_string()]).spoken()
}

/// A number as somebody typed it, with the letters that are no digits read as those that they look like; none: it is no
/// number of a case.
pub fn read_case_number(text: &str) -> Option<String> {
    let digit = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let number: String = text.trim().chars().map(digit).collect();
    let good = number.len() == SPOKEN && number.bytes().all(|b| DIGITS.contains(&b));
    good.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_is_written_or_looks() {
        let (school, pupil) = (SchoolId::new("s").expect("id"), PupilId::new("p").expect("id"));
        let number = case_number(&school, &pupil, Date::constant(2026, 11, 23));
        assert_eq!(read_case_number(&number), Some(number.clone()));
        assert_eq!(read_case_number(&format!(" {} ", number.to_lowercase())), Some(number));
        assert_eq!(read_case_number("koil0ab"), Some("K0110AB".into()));
        for none in ["", "K7QM2X", "K7QM2XPP", "K7QM2XU", "p-17", "åäöåäöå"] {
            assert_eq!(read_case_number(none), None, "{none}");
        }
    }
}
