//! What a person has to do by when (åtgärd), and how far that has come. Values only; what may follow what is
//! `ladder::duty`'s.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{NotificationId, PupilId, SchoolId, StaffRole};

/// One duty about one pupil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Deterministic: of the step reached and the rule's name.
    pub id: NotificationId,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The step that was reached.
    pub firing: NotificationId,
    /// The ladder.
    pub ladder: String,
    /// Its version.
    pub version: Date,
    /// The step.
    pub step: String,
    /// The rule's name within the step.
    pub rule: String,
    /// Who has it now.
    pub owner: StaffRole,
    /// Who has taken it on, as they call themselves; none: nobody yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// By when it is to be done.
    pub due_at: Timestamp,
    /// How far it has come.
    pub state: DutyState,
    /// What it leaves in writing is there, since; none: not said, or it leaves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documented_at: Option<Timestamp>,
    /// When its owner was last reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
    /// When it is next looked at; none: nothing more comes of it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// What has happened to it, oldest first.
    pub history: Vec<DutyEvent>,
    /// What was told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<NotificationId>,
}

/// How far a duty has come.
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
#[serde(rename_all = "kebab-case")]
pub enum DutyState {
    /// Nobody has begun.
    Open,
    /// Somebody has taken it on.
    Taken,
    /// It was due and is not done.
    Overdue,
    /// Done.
    Done,
    /// Need not be done: the step was taken back, the pupil has left, or a person has said so.
    NotNeeded,
}

impl DutyState {
    /// The stable kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Overdue => "overdue",
            Self::Done => "done",
            Self::NotNeeded => "not-needed",
        }
    }

    /// Whether somebody still has to do it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Taken | Self::Overdue)
    }
}

/// Something that happened to a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: DutyAct,
    /// By whom: a login name, or the mailbox of a link; none: by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their words, for staff only; goes with contacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The word on a case that it follows from; none: from none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<NotificationId>,
}

/// What can happen to a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DutyAct {
    /// Made, with its step.
    Made,
    /// Taken on.
    Taken,
    /// The owner was reminded.
    Reminded,
    /// Not done in time.
    Overdue,
    /// Handed over to another role.
    HandedOver {
        /// To whom.
        to: StaffRole,
    },
    /// The home was phoned and did not answer: it stays open.
    NoAnswer,
    /// Done.
    Done,
    /// What it leaves in writing is there.
    Documented,
    /// A person said that it need not be done.
    NotNeeded,
    /// Its step was taken back.
    Retracted,
    /// Its step was reached after all.
    Restored,
    /// What it was done by was put right: it is to be done after all.
    Reopened,
    /// The pupil is not at the school any more.
    PupilLeft,
    /// The store was put back from a backup: it may have been done since that was taken.
    PutBack,
}

impl DutyAct {
    /// The stable kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Taken => "taken",
            Self::Reminded => "reminded",
            Self::Overdue => "overdue",
            Self::HandedOver { .. } => "handed-over",
            Self::NoAnswer => "no-answer",
            Self::Done => "done",
            Self::Documented => "documented",
            Self::NotNeeded => "not-needed",
            Self::Retracted => "retracted",
            Self::Restored => "restored",
            Self::Reopened => "reopened",
            Self::PupilLeft => "pupil-left",
            Self::PutBack => "put-back",
        }
    }

    /// In words, for staff.
    pub fn in_words(self) -> String {
        match self {
            Self::Made => "made".into(),
            Self::Taken => "taken on".into(),
            Self::Reminded => "the owner was reminded".into(),
            Self::Overdue => "not done in time".into(),
            Self::HandedOver { to } => format!("handed over to {}", to.as_str()),
            Self::NoAnswer => "the home did not answer".into(),
            Self::Done => "done".into(),
            Self::Documented => "documented".into(),
            Self::NotNeeded => "said not to be needed".into(),
            Self::Retracted => "its step was taken back".into(),
            Self::Restored => "its step was reached after all".into(),
            Self::Reopened => "open again: what was recorded of the case was put right".into(),
            Self::PupilLeft => "the pupil has left the school".into(),
            Self::PutBack => "put back from a backup: it may have been done since".into(),
        }
    }
}

impl Duty {
    /// The id of a duty of a step that was reached.
    pub fn id_of(firing: &NotificationId, rule: &str) -> NotificationId {
        NotificationId::of(&["duty", firing.as_str(), rule])
    }

    /// What people call it by.
    pub fn number(&self) -> String {
        self.id.spoken()
    }

    /// Whether something has happened to it.
    pub fn has(&self, what: DutyAct) -> bool {
        self.history.iter().any(|event| event.what == what)
    }
}
