//! The tables by which it is noticed that far too many pupils are missing.

use jiff::{Timestamp, civil::Date};

use super::{key, time};
use crate::model::{HoldId, LessonId, PupilId, SchoolId};

/// That a pupil is missing at a lesson, by the lesson's start. Value: `MissingAt`. A row of its own for each, so that
/// no two commits meet on one.
pub fn missing(
    school: &SchoolId,
    date: Date,
    start: Timestamp,
    pupil: &PupilId,
    lesson: &LessonId,
) -> Vec<u8> {
    let mut key = missing_from(school, date, start);
    for part in [pupil.as_str(), lesson.as_str()] {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key
}

/// Where those who are missing at lessons that begin at or after an instant begin.
pub fn missing_from(school: &SchoolId, date: Date, start: Timestamp) -> Vec<u8> {
    let mut key = missing_on(school, date);
    key.extend_from_slice(&time(start));
    key
}

/// Those who are missing on a day.
pub fn missing_on(school: &SchoolId, date: Date) -> Vec<u8> {
    key("ma/", &[school.as_str(), &date.to_string()])
}

/// The lesson's start, the pupil and the lesson, from a key.
pub fn missing_parts(key: &[u8]) -> Option<(Timestamp, PupilId, LessonId)> {
    let (_, rest) = super::parts::<2>(key)?;
    let start = super::time_of(rest)?;
    let mut texts = rest.get(8..)?.split(|byte| *byte == 0);
    let mut text = || std::str::from_utf8(texts.next()?).ok();
    Some((start, PupilId::new(text()?).ok()?, LessonId::new(text()?).ok()?))
}

/// All who are missing.
pub const MISSING: &[u8] = b"ma/";

/// A hold. Value: `Hold`.
pub fn hold(school: &SchoolId, date: Date, id: &HoldId) -> Vec<u8> {
    key("ho/", &[school.as_str(), &date.to_string(), id.as_str()])
}

/// The holds of a school's day.
pub fn holds_on(school: &SchoolId, date: Date) -> Vec<u8> {
    key("ho/", &[school.as_str(), &date.to_string()])
}

/// Every hold.
pub const HOLDS: &[u8] = b"ho/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_what_it_was_made_of_and_sorts_by_start() {
        let school = SchoolId::new("s").expect("id");
        let (pupil, lesson) = (PupilId::new("p").expect("id"), LessonId::new("l 1").expect("id"));
        let day = jiff::civil::date(2026, 11, 23);
        // A start of which a byte is zero, and one after it.
        let at = |micros| Timestamp::from_microsecond(micros).expect("time");
        let (early, late) = (at(1_795_420_800_000_000), at(1_795_420_800_000_001));
        let row = missing(&school, day, early, &pupil, &lesson);
        assert_eq!(missing_parts(&row), Some((early, pupil.clone(), lesson.clone())));
        assert!(row < missing(&school, day, late, &pupil, &lesson));
        assert!(row.starts_with(&missing_on(&school, day)));
        assert!(row < missing_from(&school, day, late) && row > missing_from(&school, day, early));
    }
}
