//! The events as they are written, field for field: the one description from which both the
//! reading and the published schema are made. Checks across fields are `decode`'s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::{self, Instant, Label, Minutes, Note};
use crate::model::{EventId, LessonId, Mark, NoticeKind, PupilId, SchoolId, StaffId};

/// Most events in one request.
pub const MAX_EVENTS: usize = 1000;

/// One event. Repeat an event with the same `id` and it counts once; send a change as a new event
/// with a new `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum Event {
    /// A mark was set or changed for one pupil at one lesson.
    #[serde(rename = "attendance.marked")]
    AttendanceMarked(AttendanceMarked),
    /// Absence was notified in advance or leave was granted, over a span of time; or it was withdrawn.
    #[serde(rename = "absence.notified")]
    AbsenceNotified(AbsenceNotified),
    /// The teacher's word at the lesson's end that the pupil never came.
    #[serde(rename = "lesson.report")]
    LessonReported(LessonReported),
    /// The register of a lesson is complete.
    #[serde(rename = "register.closed")]
    RegisterClosed(RegisterClosed),
}

/// The values of `type`.
pub const TYPES: [&str; 4] =
    ["attendance.marked", "absence.notified", "lesson.report", "register.closed"];

/// A lesson occurrence. Send the same values in every event about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Identifies the occurrence (not the timetable slot) within the school.
    pub id: LessonId,
    /// Planned start.
    pub start: Instant,
    /// Planned end: after `start`, at most 24 hours later.
    pub end: Instant,
    /// A name for staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
}

/// A mark was set or changed for one pupil at one lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendanceMarked {
    /// Identifies the event, uniquely for this sender.
    pub id: EventId,
    /// The school unit, as configured in the gateway.
    pub school: SchoolId,
    /// The pupil, as in the directory of the gateway.
    pub pupil: PupilId,
    /// The lesson.
    pub lesson: Lesson,
    /// What the register says now.
    #[serde(deserialize_with = "scalar::word")]
    pub mark: Mark,
    /// Minutes missed and planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
    /// Whether the register of the lesson was closed when the mark was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register_closed: Option<bool>,
    /// When the mark was made. Of two marks for the same pupil and lesson the later one counts. At
    /// most 10 minutes ahead of the gateway's clock.
    pub recorded_at: Instant,
    /// The teacher, as an opaque id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<StaffId>,
}

/// Absence was notified in advance or leave was granted, over a span of time; or it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsenceNotified {
    /// Identifies the event, uniquely for this sender.
    pub id: EventId,
    /// The school unit, as configured in the gateway.
    pub school: SchoolId,
    /// The pupil, as in the directory of the gateway.
    pub pupil: PupilId,
    /// Start of the span, inclusive.
    pub from: Instant,
    /// End of the span, exclusive: after `from`, at most 400 days later.
    pub to: Instant,
    /// Notified by the guardian or the pupil, or leave granted by the school.
    #[serde(deserialize_with = "scalar::word")]
    pub kind: NoticeKind,
    /// True when the notice over this span no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<bool>,
    /// When it was given or taken back. Of two events about the same span and kind the later one
    /// counts; without it, the one that arrives last. At most 10 minutes ahead of the gateway's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Instant>,
}

/// The teacher's word at the lesson's end that the pupil never came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LessonReported {
    /// Identifies the event, uniquely for this sender.
    pub id: EventId,
    /// The school unit, as configured in the gateway.
    pub school: SchoolId,
    /// The pupil, as in the directory of the gateway.
    pub pupil: PupilId,
    /// The lesson.
    pub lesson: Lesson,
    /// The teacher, as an opaque id or signature.
    pub reported_by: StaffId,
    /// What the teacher adds for the attendance team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// The register of a lesson is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterClosed {
    /// Identifies the event, uniquely for this sender.
    pub id: EventId,
    /// The school unit, as configured in the gateway.
    pub school: SchoolId,
    /// The lesson.
    pub lesson: Lesson,
    /// When it was closed. At most 10 minutes ahead of the gateway's clock.
    pub closed_at: Instant,
    /// The teacher, as an opaque id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<StaffId>,
}
