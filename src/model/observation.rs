//! One normalised fact from a source: what every decoder produces and the core consumes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EventId, Lesson, Mark, Minutes, Planned, PupilId, SchoolId, SourceId};

/// One fact, with who said it and the id that makes a repetition recognisable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Who said it.
    pub source: SourceId,
    /// The sender's id of the event; the same id again is the same event.
    pub event: EventId,
    /// Which school it concerns.
    pub school: SchoolId,
    /// What was said.
    pub fact: Fact,
}

/// What a source can tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// `attendance.marked`: a mark was set or changed.
    Marked {
        /// Whose.
        pupil: PupilId,
        /// At which lesson.
        lesson: Lesson,
        /// The mark.
        mark: Mark,
        /// Minutes, where the source counts them.
        minutes: Option<Minutes>,
        /// Whether the register was closed when the mark was made.
        register_closed: Option<bool>,
        /// When the mark was made, by the source's clock: the later mark wins.
        recorded_at: Timestamp,
        /// Opaque id of the teacher.
        recorded_by: Option<String>,
    },
    /// `absence.notified`: an advance notice or granted leave, which suppresses.
    Notified {
        /// Whose.
        pupil: PupilId,
        /// The notice.
        notice: AdvanceNotice,
        /// Taken back.
        withdrawn: bool,
        /// When it was given or taken back, by the source's clock, where the source says so.
        recorded_at: Option<Timestamp>,
    },
    /// `lesson.report`: the teacher says at the lesson's end that the pupil never came.
    LessonReported {
        /// Whose.
        pupil: PupilId,
        /// At which lesson.
        lesson: Lesson,
        /// Who says so and what they add.
        report: LessonReport,
    },
    /// `register.closed`: the register of a lesson is complete.
    RegisterClosed {
        /// Which lesson.
        lesson: Lesson,
        /// When, by the source's clock.
        closed_at: Timestamp,
        /// Opaque id of the teacher.
        closed_by: Option<String>,
    },
    /// Somebody works on the register of a lesson, though no mark of it may be told yet. Only sources that are asked
    /// say so.
    RegisterBegun {
        /// Which lesson.
        lesson: Lesson,
    },
    /// A schedule plans a lesson, or plans it otherwise. Only sources that are asked, and files, say so.
    LessonPlanned {
        /// Which.
        lesson: Lesson,
        /// How.
        planned: Planned,
    },
}

impl Fact {
    /// The pupil concerned; none for a whole register.
    pub fn pupil(&self) -> Option<&PupilId> {
        match self {
            Self::Marked { pupil, .. }
            | Self::Notified { pupil, .. }
            | Self::LessonReported { pupil, .. } => Some(pupil),
            Self::RegisterClosed { .. }
            | Self::RegisterBegun { .. }
            | Self::LessonPlanned { .. } => None,
        }
    }
}

/// An advance notice (frånvaroanmälan) or granted leave (ledighet) over a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvanceNotice {
    /// Start, inclusive.
    pub from: Timestamp,
    /// End, exclusive; later than `from`.
    pub to: Timestamp,
    /// Which of the two.
    pub kind: NoticeKind,
}

impl AdvanceNotice {
    /// Whether it explains that a pupil is not at a lesson at an instant: where it covers at least half
    /// of the lesson, always; where it covers less but the start, until the lesson ends. A notice that
    /// only touches the lesson's last minutes says nothing of its start, and one that was over soon
    /// after the start says nothing of its end.
    pub fn covers(&self, lesson: &Lesson, now: Timestamp) -> bool {
        let from = self.from.max(lesson.start);
        let overlap = self.to.min(lesson.end).duration_since(from);
        let half = lesson.end.duration_since(lesson.start) / 2;
        let at_start = self.from <= lesson.start && lesson.start < self.to;
        self.touches(lesson) && (overlap >= half || (at_start && now < lesson.end))
    }

    /// Whether it has any part of the lesson.
    pub fn touches(&self, lesson: &Lesson) -> bool {
        self.from < lesson.end && lesson.start < self.to
    }
}

/// The kinds of advance notice. Which one it is never reaches a guardian.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Reported by the guardian or the pupil.
    Notified,
    /// Granted by the school.
    Leave,
}

/// The teacher's word at lesson end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonReport {
    /// Opaque id or signature of the teacher.
    pub reported_by: String,
    /// At most 500 characters; shown to the attendance team and to nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
