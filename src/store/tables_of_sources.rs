//! The tables of sources that are asked: how far each has been read, and what it last said.

use jiff::Timestamp;

use super::{key, time};
use crate::model::{GroupId, LessonId, PupilId, SchoolId, SourceId};

/// What a source last said of a pupil at a lesson. Value: [`super::rows::LastSaid`].
pub fn last_said(
    school: &SchoolId,
    pupil: &PupilId,
    lesson: &LessonId,
    source: &SourceId,
) -> Vec<u8> {
    key("ls/", &[school.as_str(), pupil.as_str(), lesson.as_str(), source.as_str()])
}

/// All that sources last said.
pub const LAST_SAID: &[u8] = b"ls/";

/// That a source says that a pupil is missing from a lesson. Value: [`super::rows::Missed`].
pub fn missed(school: &SchoolId, pupil: &PupilId, lesson: &LessonId, source: &SourceId) -> Vec<u8> {
    key("mm/", &[school.as_str(), pupil.as_str(), lesson.as_str(), source.as_str()])
}

/// All that is missed.
pub const MISSED: &[u8] = b"mm/";

/// A mark that waits for its pupil to be known. Value: [`super::rows::KeptMark`].
pub fn kept_mark(
    school: &SchoolId,
    pupil: &PupilId,
    lesson: &LessonId,
    source: &SourceId,
) -> Vec<u8> {
    key("mk/", &[school.as_str(), pupil.as_str(), lesson.as_str(), source.as_str()])
}

/// All marks that wait.
pub const KEPT_MARKS: &[u8] = b"mk/";

/// An advance notice as a source last said it. Value: [`super::rows::NoticeSaid`].
pub fn notice_said(school: &SchoolId, pupil: &PupilId, source: &SourceId, row: &str) -> Vec<u8> {
    let mut key = key("ns/", &[school.as_str(), pupil.as_str(), source.as_str()]);
    key.extend_from_slice(row.as_bytes());
    key
}

/// All advance notices as sources last said them.
pub const NOTICES_SAID: &[u8] = b"ns/";

/// The subscription at a source. Value: [`super::rows::Subscription`].
pub fn subscription(source: &SourceId) -> Vec<u8> {
    key("sb/", &[source.as_str()])
}

/// How far one part of a source has been read. Value: [`super::rows::Cursor`].
pub fn cursor(source: &SourceId, part: &str) -> Vec<u8> {
    key("cu/", &[source.as_str(), part])
}

/// Every cursor.
pub const CURSORS: &[u8] = b"cu/";

/// What is known of a source; of a source at a school, where one is named. Value: [`super::rows::Heard`].
pub fn heard(source: &SourceId, school: Option<&SchoolId>) -> Vec<u8> {
    key("so/", &[source.as_str(), school.map_or("", SchoolId::as_str)])
}

/// What is known of every source.
pub const HEARD: &[u8] = b"so/";

/// A file that was taken, by what it held. Value: [`super::rows::TakenFile`].
pub fn taken_file(source: &SourceId, digest: &str) -> Vec<u8> {
    key("fi/", &[source.as_str(), digest])
}

/// Every file that was taken.
pub const TAKEN_FILES: &[u8] = b"fi/";

/// The lesson that a group has at a time, as a schedule without ids of its own in other lists has it. Value: the
/// lesson's id.
pub fn group_lesson(school: &SchoolId, group: &GroupId, start: Timestamp) -> Vec<u8> {
    let mut key = key("gs/", &[school.as_str(), group.as_str()]);
    key.extend_from_slice(&time(start));
    key
}

/// Under which id a lesson is kept that a schedule calls otherwise. Value: [`super::rows::Alias`].
pub fn alias(school: &SchoolId, id: &LessonId) -> Vec<u8> {
    key("la/", &[school.as_str(), id.as_str()])
}

/// Every other id.
pub const ALIASES: &[u8] = b"la/";

/// Every lesson by its group.
pub const GROUP_LESSONS: &[u8] = b"gs/";

/// What a source makes ids unreadable with. Value: its bytes.
pub fn source_key(source: &SourceId) -> Vec<u8> {
    key("sk/", &[source.as_str()])
}

/// Every source's key.
pub const SOURCE_KEYS: &[u8] = b"sk/";
