//! What is known of one pupil at one lesson, and which notifications came of it. The lessons of one
//! school day together are an occasion (frånvarotillfälle).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Lesson, LessonReport, Mark, Minutes, NotificationId};

/// What is known of one pupil at one lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is true or not by itself")]
pub struct LessonState {
    /// The lesson, as last described.
    pub lesson: Lesson,
    /// The mark in force; none while only a teacher's report is known.
    pub mark: Option<Mark>,
    /// When the mark in force was made, by the source's clock.
    pub recorded_at: Option<Timestamp>,
    /// Who made it (opaque).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<String>,
    /// Minutes that came with the mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
    /// Whether the register is closed.
    #[serde(default)]
    pub register_closed: bool,
    /// The teacher's report that the pupil never came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<LessonReport>,
    /// When upprop first heard of that report, or of its note; a mark made later supersedes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Timestamp>,
    /// When upprop first heard of the mark in force.
    pub received_at: Timestamp,
    /// What is in force was so already when its source was first asked: nobody is told of it. Ends with the next
    /// mark or report that says something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken_as_known: bool,
    /// The schedule says that it does not take place: nobody is missing from it, whatever the register says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// The lesson's start under which the pupil is counted among those who are missing ([`MissingAt`](super::MissingAt));
    /// none: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<Timestamp>,
    /// Whether the pupil counted as missing when this was last decided: mark unexcused and no
    /// advance notice.
    #[serde(default)]
    pub missing: bool,
    /// How many times the pupil has become missing at this lesson; part of notification ids, so
    /// that a renewed alarm after a correction is a new message and a repeated event is not.
    #[serde(default)]
    pub revision: u32,
    /// Every notification made for this lesson, oldest first.
    #[serde(default)]
    pub notifications: Vec<NotificationId>,
}

impl LessonState {
    /// A lesson nothing is known of yet.
    pub fn new(lesson: Lesson, received_at: Timestamp) -> Self {
        Self {
            lesson,
            mark: None,
            recorded_at: None,
            recorded_by: None,
            minutes: None,
            register_closed: false,
            report: None,
            reported_at: None,
            received_at,
            taken_as_known: false,
            cancelled: false,
            counted_at: None,
            missing: false,
            revision: 0,
            notifications: Vec::new(),
        }
    }

    /// Whether the teacher's report that the pupil never came still stands: there is one, and no
    /// mark made after it, nor one that says why the pupil is away.
    pub fn report_stands(&self) -> bool {
        let Some(reported_at) = self.reported_at else { return false };
        match (self.mark, self.recorded_at) {
            (None | Some(Mark::Unexcused | Mark::Unknown), _) => true,
            (Some(Mark::Present | Mark::LeftEarly), Some(recorded_at)) => recorded_at < reported_at,
            _ => false,
        }
    }
}
