//! The small rows that have no noun of their own in `model`: markers, counters and due rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::model::{
    AdvanceNotice, EventId, HoldId, Lesson, LessonId, Mark, Minutes, NotificationId, PupilId,
    Reason, RosterFault, SchoolId, SourceId, Watch,
};
pub use crate::model::{Register, Silence, Stood};

/// Something was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
}

/// The change counter of one pupil's day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Moves with every change.
    pub changes: u64,
    /// Lessons of the day at which the pupil is missing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub missing: BTreeSet<LessonId>,
    /// The lesson of the day that has the team's task about marks which came too late for a message home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<LessonId>,
    /// When a source last said with a mark or a notice that the pupil's personal data are protected; only on the row
    /// that belongs to the pupil, not to a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_at: Option<Timestamp>,
    /// When the pupil's ladders are next looked at though nothing may be heard; only on the row that belongs to the
    /// pupil.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladders_at: Option<Timestamp>,
    /// The message that asks somebody of a protected pupil's home to ring about the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<NotificationId>,
}

/// An advance notice, or that it was withdrawn: kept then too, so that the notice itself, should it
/// come later, is known to be over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The span and kind.
    pub notice: AdvanceNotice,
    /// Taken back.
    #[serde(default)]
    pub withdrawn: bool,
    /// When it was given or taken back, by the source's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Timestamp>,
}

/// What a source that is asked last said of a pupil at a lesson: what it says again is no news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSaid {
    /// Digest of what it said.
    pub digest: String,
    /// How often that has changed.
    pub changes: u64,
    /// When it was made, by the source's clock, or by ours where it has none: not before what was said earlier.
    pub recorded_at: Timestamp,
    /// What its row itself says of that, by the source's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<Timestamp>,
    /// When the file was written that says it, where a file does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Timestamp>,
    /// The source's own id of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// When it was said, by our clock.
    pub at: Timestamp,
    /// The mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// Minutes that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
}

/// A mark that says that a pupil is missing, while a source says so: it is taken back when its row is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// From which lesson.
    pub lesson: Lesson,
    /// The source's own id of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// When it was said, by our clock.
    pub at: Timestamp,
}

/// A mark about a pupil whom the directory does not know yet, or at a lesson that nobody knows: it is offered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMark {
    /// At which lesson.
    pub lesson: Lesson,
    /// The mark.
    pub mark: Mark,
    /// Minutes that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
    /// Whether the register is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register_closed: Option<bool>,
    /// When it was made, by the source's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Timestamp>,
    /// Opaque id of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<String>,
    /// When the file was written that says it, where a file does; `row` is its digest and its line then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Timestamp>,
    /// The source's own id of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// It was so before the source was first asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learn: bool,
    /// It says that the pupil's personal data are protected, or may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// What the source says, where nobody knows the lesson yet: of `lesson` only the id is known then, `mark` is
    /// unknown, and what else stands here stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// Since when it waits, by our clock.
    pub since: Timestamp,
}

/// An advance notice as a source that is asked last said it, by the source's own id of the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSaid {
    /// The span and kind.
    pub notice: AdvanceNotice,
    /// When the row was last changed, by the source's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
    /// The directory does not know the pupil yet: it is offered again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// The row says that the pupil's personal data are protected, or may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// What the row said before, and is still to be taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<AdvanceNotice>,
}

/// A subscription at a source that tells when something has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The source's id of it.
    pub id: String,
    /// Digest of the address that is told.
    pub target: String,
    /// When it was made or last renewed, by our clock.
    pub renewed_at: Timestamp,
    /// When it ends, by the source's clock; none: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// What is known of a source, or of a source at a school: what a restart must not forget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// When it last answered, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
    /// When something new last came of it, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<Timestamp>,
    /// The newest time at which something was recorded, by its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Timestamp>,
    /// Whether people were told that nothing comes.
    #[serde(default)]
    pub watch: Watch,
    /// Whether that was because it answered and said nothing, and not because it did not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
}

/// Another id of a lesson: marks came before the schedule, and it was made one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Under which it is kept.
    pub lesson: LessonId,
    /// When it begins.
    pub start: Timestamp,
}

/// A file of a drop folder, known by what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenFile {
    /// When it counts as written: not later than when it was first read, and after the file that was taken before it
    /// where that is to stand.
    pub written_at: Timestamp,
    /// When it was written as its folder says, whatever that counts as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_time: Option<Timestamp>,
    /// When all that it says was stored; none: that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// How many rows were good.
    #[serde(default)]
    pub rows: u64,
    /// How many were not.
    #[serde(default)]
    pub bad: u64,
}

/// How far a source has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When it was first asked: what it said then was taken as known.
    pub first_asked_at: Timestamp,
    /// The newest change that is stored, by the source's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    /// Whether all that it said at first contact has been taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}

/// An address a provider has rejected as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadContact {
    /// When.
    pub at: Timestamp,
    /// The provider's word.
    pub code: String,
}

/// How many texts to a number have failed since the last that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// How many in a row; 1 or more.
    pub failures: u32,
    /// When the last one failed.
    pub at: Timestamp,
}

/// One attempt to send to an address by an account: what a look-up must tell apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentTo {
    /// Whose attempt.
    pub id: NotificationId,
    /// The provider's reference, once known.
    pub reference: Option<String>,
}

/// What happens when a due row is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// A waiting notification is looked at.
    Claim {
        /// Which.
        id: NotificationId,
        /// Whose: tells by which account it goes without reading it.
        school: SchoolId,
    },
    /// An attempt without an outcome is looked into.
    Resolve(NotificationId),
    /// Sources are looked at: does anything come of them?
    Watch,
    /// A lesson has ended: is the pupil still missing?
    LessonEnd {
        /// The school.
        school: SchoolId,
        /// The pupil.
        pupil: PupilId,
        /// The day.
        date: Date,
        /// The lesson.
        lesson: LessonId,
    },
    /// The register of a lesson is looked at: is it taken?
    Register {
        /// The school.
        school: SchoolId,
        /// The lesson.
        lesson: LessonId,
    },
    /// A lesson was cancelled, or is held after all: pupils of whom that is not decided yet are looked for.
    Replanned {
        /// The school.
        school: SchoolId,
        /// The lesson.
        lesson: LessonId,
    },
    /// A hold is looked at: it was decided about, or its time is out.
    Hold {
        /// The school.
        school: SchoolId,
        /// The day.
        date: Date,
        /// Which.
        id: HoldId,
    },
    /// The registers that were not taken are told of together.
    RegisterDigest {
        /// The school.
        school: SchoolId,
        /// Which digest: when it is due.
        at: Timestamp,
    },
    /// A school's list of the day is made, and the next one is due.
    Daily {
        /// The school.
        school: SchoolId,
        /// Which list.
        list: DailyList,
        /// When it was to be made.
        at: Timestamp,
    },
    /// Protection has appeared: what is kept of the pupil loses what could lead to a home.
    Redact {
        /// The school.
        school: SchoolId,
        /// The pupil.
        pupil: PupilId,
    },
    /// A pupil's ladders are looked at: has a step been reached by time alone?
    Ladder {
        /// The school.
        school: SchoolId,
        /// The pupil.
        pupil: PupilId,
    },
    /// A duty is looked at: is somebody to be reminded, or is it overdue?
    Duty {
        /// The school.
        school: SchoolId,
        /// The pupil.
        pupil: PupilId,
        /// Which.
        id: NotificationId,
    },
}

/// A list that a school gets every day, or every week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DailyList {
    /// Those of whom nobody was reached.
    NotReached,
    /// What in the directory is to be mended.
    RosterAudit,
    /// Those of whom nobody was told on the last day of school.
    Missed,
    /// Who was missing, and how home was told.
    DayReport,
    /// A term in numbers.
    TermReport,
    /// Of which sessions of programmes staff are reminded; of the week.
    Programmes,
    /// Duties that are overdue, or done and not documented, to each who has some.
    Duties,
    /// Steps of the ladder and duties; of the week.
    LadderReport,
}

/// What was found in a school's directory when its office was last told. Ids only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterLook {
    /// The day, in the school's zone.
    pub date: Date,
    /// Pupils, by what is wrong.
    pub now: BTreeMap<RosterFault, BTreeSet<PupilId>>,
    /// The same on the day before.
    pub before: BTreeMap<RosterFault, BTreeSet<PupilId>>,
    /// How many pupils there were.
    pub pupils: usize,
    /// How many there were on the day before; none: nobody had looked.
    pub pupils_before: Option<usize>,
}

/// An event that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// When.
    pub at: Timestamp,
    /// From whom.
    pub source: SourceId,
    /// Its id, where one could be read.
    pub event: Option<String>,
    /// Of which school, where that could be read: a pupil's id says who it is within a school only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
    /// About whom, where that could be read.
    pub pupil: Option<PupilId>,
    /// What was wrong with it, as the sender was told.
    pub why: String,
}

/// The store was put back from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When.
    pub at: Timestamp,
    /// When the backup was taken: what happened in between is not known.
    pub taken_at: Timestamp,
}

/// A pupil's rows were erased. Says nothing of who it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// When.
    pub at: Timestamp,
    /// By whom, as the system says.
    pub by: String,
    /// At which school.
    pub school: SchoolId,
    /// How many rows.
    pub rows: u64,
}

/// What became of messages whose rows are gone, in numbers: by purpose, channel, state and reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// How many, by what they were.
    pub messages: BTreeMap<String, u64>,
    /// Registers of lessons that have ended, by how they stood then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registers: BTreeMap<String, u64>,
}

/// What an operator did that concerns more than one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OperatorAct {
    /// When.
    pub at: Timestamp,
    /// Who, as the system says: `uid 0`.
    pub by: String,
    /// `suspend`, `resume`, `go-live`, `back-to-guests`, `go-live-withdrawn`, `hold-release`, `hold-discard`, `silence`,
    /// `silence-removed`, `programme-held`, `programme-moved`, `programme-undone`.
    pub act: String,
    /// What it concerns: `all`, `channel:sms`, `channel:email`, `school:ID`, `silence:ID`, or
    /// `programme:SCHOOL/TERM/PROGRAMME/CLASS/SESSION`.
    pub scope: String,
    /// Why, in the operator's words; empty where none are asked for.
    pub reason: String,
    /// Until when, where it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// One line of a pupil's trail: what was heard and what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// When.
    pub at: Timestamp,
    /// From whom; none for our own timers.
    pub source: Option<SourceId>,
    /// Which event.
    pub event: Option<EventId>,
    /// What was heard, as a stable word (`marked unexcused`, `lesson-end`, …).
    pub heard: String,
    /// About which lesson.
    pub lesson: Option<LessonId>,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
    /// The ids of the silences that some of it comes of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<String>,
}

/// One decision, for what was started and for what was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// `notify`, `suppress`, `cancel`, `correct`, `keep`.
    pub act: String,
    /// Whom it concerns, as `Recipient::key` writes it; empty: everybody.
    pub recipient: String,
    /// Why.
    pub reason: Reason,
    /// The notification made or changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<NotificationId>,
}
