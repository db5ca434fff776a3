//! One message to one recipient on one channel, with its whole history.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    Address, Channel, GuardianId, LessonId, Locale, NotificationId, Outcome, ProviderId, PupilId,
    Reason, SchoolId, StaffId, StaffRole,
};

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To a guardian or adult pupil: not at the lesson.
    Absence,
    /// To exactly those told: it was not so, or is no longer.
    Correction,
    /// To the attendance team: still not there at lesson end.
    TeamAlert,
    /// To the attendance team, after an alert has left: the teacher added something.
    TeamUpdate,
    /// To the attendance team: something only a person can do.
    StaffTask,
    /// To a guest of the school: a test, about no pupil.
    Test,
    /// To a teacher: the register of a lesson that goes on is not taken.
    RegisterNudge,
    /// To the attendance team: a lesson is over, its register was not taken, and that cannot wait.
    RegisterUntaken,
    /// To the attendance team, after that: now it is taken.
    RegisterTaken,
    /// To the attendance team: the registers that were not taken.
    RegisterDigest,
    /// To IT and the attendance team: a source says nothing though it should.
    SourceAlert,
    /// To those who were told that: it does again.
    SourceClear,
    /// To the attendance team, before the day is over: pupils who are missing and of whom nobody is known to have
    /// been reached.
    NotReached,
    /// To the school's office, before the first lesson: what in the directory keeps people from being told.
    RosterAudit,
    /// To the attendance team: so many pupils are missing that guardians' messages are held.
    VolumeHold,
    /// To the attendance team, in the morning: pupils who were missing on the last day of school and of whom nobody was
    /// told on it, nor has any word yet.
    Missed,
    /// To the attendance team and the principal, after the school day: who was missing, and how home was told.
    DayReport,
    /// To the attendance team and the principal, when a term is over: its absences and how home was told, in numbers.
    TermReport,
    /// To the attendance team and the principal, every week: steps of the ladder that were reached, and what became of duties.
    LadderReport,
    /// To whoever has duties: those that are overdue, or done and not documented, once a school day.
    DutyList,
    /// To the attendance team and the mentors of a class: sessions of a preventive programme are to be held, or are overdue.
    ProgrammeReminder,
    /// To the one number that was agreed upon for a protected pupil: please ring. Says nothing of anybody.
    AskToRing,
    /// To staff: a pupil's absence has reached a step of the ladder, and they are only told.
    LadderStep,
    /// To staff: the same, and they have something to do.
    Duty,
    /// To whoever has a duty: it is due soon.
    DutyReminder,
    /// To whoever has a duty from now on: it was not done in time.
    DutyOverdue,
    /// To those concerned: what a duty leaves in writing is there.
    DutyDocumented,
    /// To exactly those who were told of a step: it is taken back.
    LadderRetracted,
    /// To the principal: duties ended because their pupil has left the school.
    PupilLeft,
    /// To the pupil's mentor: what the attendance team has recorded of a case.
    CaseFeedback,
}

impl Purpose {
    /// The name used in ids, templates and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absence => "absence",
            Self::Correction => "correction",
            Self::TeamAlert => "team-alert",
            Self::TeamUpdate => "team-update",
            Self::StaffTask => "staff-task",
            Self::Test => "test",
            Self::RegisterNudge => "register-nudge",
            Self::RegisterUntaken => "register-untaken",
            Self::RegisterTaken => "register-taken",
            Self::RegisterDigest => "register-digest",
            Self::SourceAlert => "source-alert",
            Self::SourceClear => "source-clear",
            Self::NotReached => "not-reached",
            Self::RosterAudit => "roster-audit",
            Self::VolumeHold => "volume-hold",
            Self::Missed => "missed",
            Self::DayReport => "day-report",
            Self::TermReport => "term-report",
            Self::LadderReport => "ladder-report",
            Self::DutyList => "duty-list",
            Self::ProgrammeReminder => "programme-reminder",
            Self::AskToRing => "ask-to-ring",
            Self::LadderStep => "ladder-step",
            Self::Duty => "duty",
            Self::DutyReminder => "duty-reminder",
            Self::DutyOverdue => "duty-overdue",
            Self::DutyDocumented => "duty-documented",
            Self::LadderRetracted => "ladder-retracted",
            Self::PupilLeft => "pupil-left",
            Self::CaseFeedback => "case-feedback",
        }
    }

    /// Whether it is of a ladder: about a pupil, but about no one lesson. Where other messages have a lesson it has the
    /// step that was reached.
    pub fn is_of_ladder(self) -> bool {
        matches!(
            self,
            Self::LadderStep
                | Self::Duty
                | Self::DutyReminder
                | Self::DutyOverdue
                | Self::DutyDocumented
                | Self::LadderRetracted
                | Self::PupilLeft
        )
    }

    /// Whether it is a notice to staff about no one lesson of a pupil; a test, which is about none either, is none of
    /// those.
    pub fn is_notice(self) -> bool {
        match self {
            Self::RegisterNudge
            | Self::RegisterUntaken
            | Self::RegisterTaken
            | Self::RegisterDigest
            | Self::SourceAlert
            | Self::SourceClear
            | Self::NotReached
            | Self::RosterAudit
            | Self::VolumeHold
            | Self::Missed
            | Self::DayReport
            | Self::TermReport
            | Self::LadderReport
            | Self::DutyList
            | Self::ProgrammeReminder
            | Self::LadderStep
            | Self::Duty
            | Self::DutyReminder
            | Self::DutyOverdue
            | Self::DutyDocumented
            | Self::LadderRetracted
            | Self::PupilLeft => true,
            Self::Absence
            | Self::Correction
            | Self::TeamAlert
            | Self::TeamUpdate
            | Self::StaffTask
            | Self::Test
            | Self::AskToRing
            | Self::CaseFeedback => false,
        }
    }

    /// Whether it says nothing of any one pupil.
    pub fn is_about_nobody(self) -> bool {
        (self.is_notice() && !self.is_of_ladder()) || self == Self::Test
    }
}

/// Why a correction was made; chooses its wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorrectionKind {
    /// Was at the lesson, or at another school activity.
    WasThere,
    /// Came late.
    Arrived,
    /// The absence was notified.
    Excused,
    /// The lesson does not take place.
    Cancelled,
    /// Was at the lesson, and left before its end.
    LeftEarly,
    /// The school registers the absence as excused, and nobody has notified it.
    #[serde(rename = "excused-by-school")]
    ExcusedByMark,
}

impl CorrectionKind {
    /// Whether the pupil was away with a valid reason; otherwise was there, or there was nothing to be away from.
    pub fn is_away(self) -> bool {
        matches!(self, Self::Excused | Self::ExcusedByMark)
    }
}

/// Why a member of staff must act; chooses the wording of a staff task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Protected or unknown protection: content-free.
    Protected,
    /// Nobody could be told: no entitled guardian, no contact, age unknown, or all channels failed.
    NobodyReached,
    /// The pupil is not in the directory: content-free, by id.
    UnknownPupil,
    /// A message is in doubt and was held.
    HeldInDoubt,
    /// Somebody was told what is not so, and the correction could not be delivered.
    NotPutRight,
    /// Texts to one number fail one after the other, and nobody says why.
    CheckNumber,
}

impl TaskKind {
    /// The name used in ids and templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::NobodyReached => "nobody-reached",
            Self::UnknownPupil => "unknown-pupil",
            Self::HeldInDoubt => "held-in-doubt",
            Self::NotPutRight => "not-put-right",
            Self::CheckNumber => "check-number",
        }
    }

    /// Whether its mail says nothing about the pupil, so that it may leave whatever the protection.
    pub fn is_content_free(self) -> bool {
        matches!(self, Self::Protected | Self::UnknownPupil)
    }
}

/// Who a message is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// One guardian.
    Guardian(GuardianId),
    /// The pupil, from 18.
    Pupil,
    /// Staff by role.
    Staff(StaffRole),
    /// One member of staff.
    Member(StaffId),
    /// A guest of the school, who is known by the address alone.
    Guest,
    /// The number that was agreed upon for a protected pupil; nobody is named.
    Agreed,
}

impl Recipient {
    /// A text that is unique among the recipients of one pupil.
    pub fn key(&self) -> String {
        match self {
            Self::Guardian(id) => format!("guardian:{id}"),
            Self::Pupil => "pupil".into(),
            Self::Staff(role) => format!("staff:{role:?}"),
            Self::Member(id) => format!("member:{id}"),
            Self::Guest => "guest".into(),
            Self::Agreed => "agreed".into(),
        }
    }
}

/// Where a notification is in its life (design §6). Final: `delivered`, `undelivered`, `rejected`,
/// `expired`, `cancelled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not started, or to be tried again.
    Waiting,
    /// An attempt is written down and may be on the wire.
    Sending,
    /// The provider took it.
    Accepted,
    /// A report says it arrived.
    Delivered,
    /// A report says it did not.
    Undelivered,
    /// Certainly refused for good.
    Rejected,
    /// Its deadline passed first.
    Expired,
    /// Called back before it left, or never to be sent (mode, protection, …).
    Cancelled,
    /// An attempt has no known outcome; being looked up.
    InDoubt,
    /// In doubt for good; a person decides.
    Held,
}

impl State {
    /// Whether the recipient has, or may have, the message.
    pub fn may_have_arrived(self) -> bool {
        matches!(
            self,
            Self::Sending | Self::Accepted | Self::Delivered | Self::InDoubt | Self::Held
        )
    }

    /// Whether nothing more will happen by itself, reports aside.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Delivered | Self::Undelivered | Self::Rejected | Self::Expired | Self::Cancelled
        )
    }

    /// The stable kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::InDoubt => "in-doubt",
            Self::Held => "held",
        }
    }
}

/// One try on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it was written down, before the first byte left.
    pub started_at: Timestamp,
    /// By which account (`mail` for SMTP).
    pub account: ProviderId,
    /// SHA-256 of the text as sent, in hexadecimal: tells two messages to one number apart when a
    /// provider that keeps texts is asked about an attempt in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_sha256: Option<String>,
    /// The languages of a text that is read at home, one below the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Locale>,
    /// What came of it; none while it is under way or after a crash.
    pub result: Option<AttemptResult>,
}

impl Attempt {
    /// Whether nobody knows what came of it.
    pub fn is_doubtful(&self) -> bool {
        self.result.as_ref().is_none_or(|r| matches!(r.outcome, Outcome::InDoubt { .. }))
    }
}

/// The end of one try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// When it was known.
    pub at: Timestamp,
    /// What it was.
    pub outcome: Outcome,
}

/// One message to one recipient on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Deterministic id.
    pub id: NotificationId,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The day of the lesson, in the school's zone: with pupil, the case.
    pub date: Date,
    /// The lesson it is about.
    pub lesson: LessonId,
    /// What it is for.
    pub purpose: Purpose,
    /// Why it was made.
    pub reason: Reason,
    /// For corrections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<CorrectionKind>,
    /// For staff tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskKind>,
    /// For corrections: the message that is corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<NotificationId>,
    /// Which alarm on this lesson (see `LessonState::revision`).
    pub revision: u32,
    /// Today's first notice of this pupil to this recipient: goes before all else.
    #[serde(default)]
    pub urgent: bool,
    /// Who it is for.
    pub recipient: Recipient,
    /// How it travels.
    pub channel: Channel,
    /// Where it went or goes: fixed at the first attempt; corrections copy it from what they correct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Where it is in its life.
    pub state: State,
    /// Why it is in that state, or is still waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<Reason>,
    /// When upprop first knew of what it tells: the start of our part of the delay.
    pub created_at: Timestamp,
    /// When it is next looked at.
    pub due_at: Timestamp,
    /// When it stops being worth sending.
    pub deadline: Timestamp,
    /// Tries, oldest first (only the last few are kept; see `tries`).
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// How many tries count against the retry list.
    #[serde(default)]
    pub tries: u32,
    /// Empty answers in a row when asked about in doubt.
    #[serde(default)]
    pub empty_lookups: u32,
    /// Times the provider was asked about an attempt in doubt.
    #[serde(default)]
    pub lookups: u32,
    /// The provider's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The message that told this one's lesson too, or is to: of attempts that are under way, or over, it has the
    /// same as that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_by: Option<NotificationId>,
    /// Those whose lessons it told with its own at the last attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carries: Vec<NotificationId>,
}

impl Notification {
    /// Whether the recipient has, or may have, the message: by its state, or because an attempt has an
    /// outcome that never became known (a mail in doubt is sent again, or called back, all the same).
    pub fn may_have_arrived(&self) -> bool {
        // A report of failure is known of all of it.
        self.state.may_have_arrived() || (self.state != State::Undelivered && self.doubts() > 0)
    }

    /// How many attempts have an outcome that nobody knows.
    pub fn doubts(&self) -> usize {
        self.attempts.iter().filter(|a| a.is_doubtful()).count()
    }

    /// Whether it goes to staff.
    pub fn recipient_is_staff(&self) -> bool {
        matches!(self.recipient, Recipient::Staff(_) | Recipient::Member(_))
    }
}
