//! Why something was sent, held or not sent. Every decision carries one; it is stored, counted as a
//! metric label and printed by `why`.

use serde::{Deserialize, Serialize};

/// The closed list of reasons. The kebab-case name is stable: it is stored and documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Unexcused and nothing speaks against telling.
    UnexcusedAbsence,
    /// Still not there when the lesson ended.
    NotArrivedByLessonEnd,
    /// The teacher reported it at lesson end.
    ReportedByTeacher,
    /// What was told is no longer true.
    ToldOtherwise,
    /// An operator wanted to see whether messages arrive.
    Test,
    /// Staff must look at something that could not be told automatically.
    StaffMustAct,
    /// The register of a lesson that goes on is not taken.
    RegisterNotTaken,
    /// A lesson is over and its register was never taken.
    RegisterUntaken,
    /// The register of the lesson is taken.
    RegisterTaken,
    /// The register of the lesson was begun, and nobody has said that it is complete.
    RegisterBegun,
    /// The lesson is not held.
    LessonCancelled,
    /// Nobody is registered at the lesson: a break, or a meeting.
    NotRegistered,
    /// No pupil is to come to the lesson.
    NobodyToCome,
    /// It can wait for the digest.
    InDigest,
    /// A source says nothing though it should.
    SourceSilent,
    /// The source speaks again.
    SourceHeard,
    /// Nobody is known to have been reached although the pupil is missing.
    NobodyReached,
    /// Something in the directory keeps people from being told.
    RosterToMend,
    /// A pupil's absence has reached a step of a ladder.
    StepReached,
    /// The absence that had made a step was put right: the step is not reached.
    StepNotReached,
    /// The step that this one follows on was taken back.
    EarlierStepNotReached,
    /// There is nobody left to be listed.
    NothingToList,
    /// An advance notice or leave covers the lesson.
    AdvanceNotice,
    /// The pupil is at another school activity.
    OtherActivity,
    /// The mark is unknown: untaken or unmapped, not absent.
    UnknownMark,
    /// The mark says present.
    Present,
    /// The mark says late.
    Late,
    /// The mark says left early.
    LeftEarly,
    /// The mark says excused.
    Excused,
    /// Protected personal data: nothing automatic leaves.
    Protected,
    /// Protection status is not known: treated as protected.
    ProtectionUnknown,
    /// The pupil's age is not known, so neither guardian nor pupil can be chosen.
    AgeUnknown,
    /// 18 or older at send time: guardians are not told, the pupil is.
    Adult,
    /// The pupil is not in the directory.
    UnknownPupil,
    /// No guardian may receive.
    NoEntitledGuardian,
    /// This guardian may not receive, or is denied.
    NotEntitled,
    /// The recipient has no usable address on any channel.
    NoContact,
    /// The address was marked bad by an earlier rejection.
    BadContact,
    /// It was so already when its source was first asked.
    TakenAsKnown,
    /// Too old to be news.
    Stale,
    /// The message's deadline has passed.
    Expired,
    /// The school is in shadow mode: recorded, not sent.
    ShadowMode,
    /// Its school is not configured at the moment.
    UnknownSchool,
    /// The school is in guests mode and the recipient is not on the list.
    NotAGuest,
    /// This recipient already has it.
    AlreadyTold,
    /// An older mark than the one in force.
    OutOfOrder,
    /// The mark changed before the message left.
    MarkChanged,
    /// Nobody was told, so there is nothing to correct.
    NothingToCorrect,
    /// Waiting for the school's grace period.
    Grace,
    /// Waiting a moment, as the mark may change again.
    Settling,
    /// Waiting, as a notice of absence that comes later takes a step back.
    StepSettling,
    /// Waiting for the lesson to begin.
    NotBegun,
    /// Waiting for quiet hours to end.
    QuietHours,
    /// Waiting for a rate limit.
    RateLimited,
    /// Waiting before another try.
    RetryLater,
    /// The provider account is stopped (credentials, credit or sender).
    ChannelStopped,
    /// The provider is away; all its messages wait.
    ProviderAway,
    /// An attempt has no known outcome; being resolved.
    InDoubt,
    /// In doubt and could not be resolved: a person must decide.
    HeldInDoubt,
    /// The provider rejected the message.
    Rejected,
    /// All tries were used.
    TriesUsed,
    /// The text could not be made from the template.
    TemplateFailed,
    /// Another message to the same person replaced it.
    Replaced,
    /// An operator has suspended sending.
    Suspended,
    /// An operator had it called back.
    OperatorCancelled,
    /// An operator had it sent again.
    OperatorRetried,
    /// Either of the two, in rows from before they were told apart.
    Operator,
    /// The school's calendar says that there is no school that day.
    NoSchoolDay,
    /// The school has asked for silence about the lesson: a trip, an agreed absence.
    Silenced,
    /// This guardian is the teacher who made the mark, and knows.
    MadeTheMark,
    /// So many would be told that a person must look first.
    HeldForVolume,
    /// Somebody looked, and let go what was held.
    ReleasedByStaff,
    /// Somebody looked, and discarded what was held.
    DiscardedByStaff,
    /// Nobody looked in time, and the school has chosen that it is let go then.
    ReleasedAtTimeOut,
    /// Nobody looked in time, and the school has chosen that it is discarded then.
    DiscardedAtTimeOut,
    /// A further lesson of a day of which this recipient knows: the team is told of it.
    LeftToTeam,
    /// Waiting for messages about siblings.
    Siblings,
    /// This recipient has as many messages that day as the school wants: it waits for the next digest.
    EnoughToday,
    /// Another message to the same recipient tells it too.
    ToldAlong,
    /// Quiet hours have ended, and the school wants nothing sent of what waited for that.
    QuietHoursOver,
    /// Nobody was told on the day itself.
    NotToldSameDay,
    /// The home and the school have agreed on it.
    Agreed,
    /// Another of the same home is told for both.
    HomeTold,
    /// Another of the same home could not be reached.
    HomeNotReached,
    /// A session of a preventive programme is to be held, or is overdue.
    SessionDue,
    /// Pupils were missing today without a valid reason.
    AbsencesToday,
    /// A term is over.
    TermOver,
    /// A duty is due soon, or still to be done.
    DutyOpen,
    /// A duty was not done in time.
    DutyOverdue,
    /// Duties are overdue, or done and not documented.
    DutiesLeft,
    /// A week with a ladder is over.
    WeekOver,
    /// A duty is over, so nobody need be reminded of it.
    DutyOver,
    /// What a duty leaves in writing is there.
    DutyDocumented,
    /// The pupil is not at the school any more.
    PupilLeft,
    /// The attendance team has recorded what came of a case.
    CaseRecorded,
    /// It was agreed with the home that the team phones first.
    PhoneFirst,
    /// It was agreed with the home that it is told with all of the week, when that is over.
    InWeekLine,
}

/// The reasons of a message that an operator has called back.
const CALLED_BACK: [Reason; 4] = [
    Reason::OperatorCancelled,
    Reason::Operator,
    Reason::DiscardedByStaff,
    Reason::DiscardedAtTimeOut,
];

impl Reason {
    /// Whether, as the reason of a cancelled message, it says that an operator called it back.
    pub fn is_operators_cancel(self) -> bool {
        CALLED_BACK.contains(&self)
    }

    /// The rule in one sentence, for whoever asks why.
    #[allow(clippy::too_many_lines, reason = "one arm for each")]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::UnexcusedAbsence => {
                "missing without a valid reason, and nothing speaks against telling"
            }
            Self::NotArrivedByLessonEnd => "still not there when the lesson ended",
            Self::ReportedByTeacher => "the teacher reported it at the lesson's end",
            Self::ToldOtherwise => "what was told before is no longer true",
            Self::Test => "an operator wanted to see whether messages arrive",
            Self::StaffMustAct => "it could not be told automatically; staff must look at it",
            Self::RegisterNotTaken => "the lesson goes on and its register is not taken",
            Self::RegisterUntaken => "the lesson is over and its register was not taken",
            Self::RegisterTaken => "the register of the lesson is taken",
            Self::RegisterBegun => {
                "the register was begun and is not complete, which is not the same as not taken"
            }
            Self::LessonCancelled => "the schedule says that the lesson does not take place",
            Self::NotRegistered => "attendance is not registered at it: a break, or a meeting",
            Self::NobodyToCome => "no pupil is to come to the lesson",
            Self::InDigest => "it can wait for the digest",
            Self::SourceSilent => "a source says nothing though it should",
            Self::SourceHeard => "the source speaks again",
            Self::NobodyReached => {
                "the day is nearly over and nobody is known to have been reached"
            }
            Self::StepReached => "the pupil's absence has reached a step of the ladder",
            Self::StepNotReached => "the absence was put right, and the step is not reached",
            Self::EarlierStepNotReached => "the step that it follows on was taken back",
            Self::RosterToMend => "something in the directory keeps people from being told",
            Self::NothingToList => "there is nobody left to be listed",
            Self::AdvanceNotice => "an advance notice or leave covers the lesson",
            Self::OtherActivity => "the pupil is at another school activity",
            Self::UnknownMark => {
                "the mark is unknown: not registered or not mapped, and so not absent"
            }
            Self::Present => "marked present",
            Self::Late => "marked late",
            Self::LeftEarly => "marked as left early",
            Self::Excused => "marked as excused",
            Self::Protected => "protected personal data: nothing automatic leaves",
            Self::ProtectionUnknown => {
                "the protection status is not known, so it counts as protected"
            }
            Self::AgeUnknown => "the age is not known, so neither guardian nor pupil can be chosen",
            Self::Adult => "18 or older: guardians are not told, the pupil is",
            Self::UnknownPupil => "the pupil is not in the directory",
            Self::NoEntitledGuardian => "no guardian may receive",
            Self::NotEntitled => "this guardian may not receive, or is denied",
            Self::NoContact => "no usable address on any channel",
            Self::BadContact => "a provider rejected the address as such before",
            Self::TakenAsKnown => {
                "it was so already when its source was first asked; that is taken as known"
            }
            Self::Stale => "too old to be news",
            Self::Expired => "the message's deadline passed first",
            Self::ShadowMode => "the school is in shadow mode: recorded, not sent",
            Self::UnknownSchool => {
                "its school is not in the configuration; it waits until it is, or its deadline has passed"
            }
            Self::NotAGuest => {
                "the school is in guests mode, and this recipient is not on the list"
            }
            Self::AlreadyTold => "this recipient has it already, or it is on its way",
            Self::OutOfOrder => "an older mark than the one in force",
            Self::MarkChanged => "the mark changed before the message left",
            Self::NothingToCorrect => "nobody was told, so there is nothing to correct",
            Self::Settling => "waits a moment, as the mark may change again",
            Self::StepSettling => {
                "waits a while, as a notice of absence that comes later takes the step back (`ladder-settle`)"
            }
            Self::Grace => {
                "waits for the school's grace period, or for the marks that come with it"
            }
            Self::NotBegun => "waits for the lesson to begin",
            Self::QuietHours => "waits for quiet hours to end",
            Self::RateLimited => "waits for a rate limit",
            Self::RetryLater => "waits before another try",
            Self::ChannelStopped => "the account refuses to send: credentials, credit or sender",
            Self::ProviderAway => "the provider is away; all its messages wait",
            Self::InDoubt => "an attempt has no known outcome; it is being looked into",
            Self::HeldInDoubt => "in doubt, and it could not be cleared up: a person must decide",
            Self::Rejected => "the provider rejected the message",
            Self::TriesUsed => "all tries were used",
            Self::TemplateFailed => "the text could not be made from the template",
            Self::Replaced => "another message to the same person replaced it",
            Self::Suspended => "an operator has suspended sending; it waits until that ends",
            Self::OperatorCancelled => "an operator had it called back",
            Self::OperatorRetried => "an operator had it sent again",
            Self::Operator => "an operator had it called back, or sent again",
            Self::NoSchoolDay => "the school's calendar says that it is no school day",
            Self::Silenced => {
                "the school has asked for silence about the lesson (`upprop silence`)"
            }
            Self::MadeTheMark => "this guardian is the teacher who made the mark, and knows",
            Self::HeldForVolume => {
                "far more pupils than usual would be told of; held until a person has looked (`upprop holds list`)"
            }
            Self::ReleasedByStaff => "somebody looked at what was held and let it go",
            Self::DiscardedByStaff => "somebody looked at what was held and discarded it",
            Self::ReleasedAtTimeOut => {
                "nobody decided about what was held, and the school has chosen that it leaves then (`volume-then`)"
            }
            Self::DiscardedAtTimeOut => {
                "nobody decided about what was held, and the school has chosen that it is discarded then (`volume-then`)"
            }
            Self::LeftToTeam => {
                "a further lesson of a day of which this recipient knows; the team is told when it ends"
            }
            Self::Siblings => "waits a moment for messages about siblings, to be told with them",
            Self::EnoughToday => {
                "the recipient has had as many messages today as the school wants; it is told with others in a digest"
            }
            Self::ToldAlong => "another message to the same recipient tells it too",
            Self::QuietHoursOver => {
                "it waited for quiet hours to end, and the school wants nothing sent then (`quiet-hours-end`); the team is to phone"
            }
            Self::NotToldSameDay => "nobody at home was told on the day itself",
            Self::Agreed => "agreed with a protected pupil's home (`upprop agreement list`)",
            Self::HomeTold => {
                "another guardian of the same home is told, as the school wants homes told"
            }
            Self::HomeNotReached => {
                "the guardian of the same home who comes before could not be reached"
            }
            Self::TermOver => "the term is over",
            Self::AbsencesToday => "pupils were missing on the day without a valid reason",
            Self::SessionDue => {
                "a session of a preventive programme is to be held, or a week has passed with nothing recorded"
            }
            Self::DutyOpen => "a duty is due soon",
            Self::DutyOverdue => "a duty was not done in time",
            Self::DutiesLeft => "duties are overdue, or done and not documented",
            Self::WeekOver => "the week is over",
            Self::DutyOver => "the duty is done, or need not be done any more",
            Self::DutyDocumented => "what the duty leaves in writing is there",
            Self::PupilLeft => "the pupil is not at the school any more",
            Self::CaseRecorded => "the attendance team has recorded what came of the case",
            Self::InWeekLine => {
                "agreed with the home: told with all of the week on its last school day; the team phones the same day \
                 (`upprop agreement list`)"
            }
            Self::PhoneFirst => {
                "agreed with the home: the team phones at once, and no message leaves now (`upprop agreement list`)"
            }
        }
    }

    /// The stable kebab-case name.
    pub fn as_str(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_two_acts_have_names_of_their_own_and_the_former_name_is_still_read() {
        for (reason, name) in [
            (Reason::OperatorCancelled, "operator-cancelled"),
            (Reason::OperatorRetried, "operator-retried"),
            (Reason::Operator, "operator"),
        ] {
            assert_eq!(reason.as_str(), name);
            let read: Reason = serde_json::from_value(name.into()).expect("a stored name");
            assert_eq!(read, reason);
        }
        assert_ne!(Reason::OperatorCancelled.in_words(), Reason::OperatorRetried.in_words());
    }
}
