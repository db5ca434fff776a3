//! A lesson and what was registered on it for one pupil.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LessonId;

/// One lesson occurrence. Times are UTC inside; the school's zone is applied for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The sender's id of the occurrence.
    pub id: LessonId,
    /// Planned start.
    pub start: Timestamp,
    /// Planned end, later than `start`.
    pub end: Timestamp,
    /// A name for staff ("Ma 7B"); never sent to guardians: a subject can reveal adapted teaching.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What the register says of one pupil at one lesson.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// There.
    Present,
    /// Missing without a valid reason (ogiltig frånvaro).
    Unexcused,
    /// Missing with a valid reason (giltig frånvaro).
    Excused,
    /// Came after the start.
    Late,
    /// Left before the end.
    LeftEarly,
    /// At another school activity instead.
    OtherActivity,
    /// Not registered, or a code nobody has mapped. Never treated as absent.
    Unknown,
}

/// Minutes as the source counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Minutes {
    /// Minutes missed.
    #[schemars(range(max = 1440))]
    pub absent: u32,
    /// Minutes planned.
    #[schemars(range(max = 1440))]
    pub scheduled: u32,
}
