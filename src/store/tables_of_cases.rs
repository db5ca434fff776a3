//! The table of what was recorded of cases.

use jiff::civil::Date;

use super::key;
use crate::model::{CaseWord, PupilId, SchoolId};

/// A word on a case, by its pupil and day. Value: `CaseWord`.
pub fn case_word(row: &CaseWord) -> Vec<u8> {
    let mut key = case_words(&row.school, &row.pupil, row.date);
    key.extend_from_slice(row.id.as_str().as_bytes());
    key
}

/// All words on a case.
pub fn case_words(school: &SchoolId, pupil: &PupilId, date: Date) -> Vec<u8> {
    key("cw/", &[school.as_str(), pupil.as_str(), &date.to_string()])
}

/// Every word on every case.
pub const CASE_WORDS: &[u8] = b"cw/";
