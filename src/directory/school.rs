//! What is set per school: the values every rule and text about its pupils is made with.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, tz::TimeZone};

use super::fatigue::Fatigue;
use super::go_live::GoneLive;
use super::hours::TimeRules;
use super::ladders::LadderRules;
use super::languages::LanguageRules;
use super::volume::VolumeRules;
use crate::calendar::{Calendar, is_weekend};
use crate::model::{Address, EmailAddress, Locale, ProviderId, Rate, SchoolId};
use crate::programme::Programme;

/// How far a school has gone live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Decide and record everything, send nothing.
    Shadow,
    /// Send to the guest list only.
    Guests,
    /// Send.
    Live,
}

impl Mode {
    /// The word used in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Guests => "guests",
            Self::Live => "live",
        }
    }
}

/// How much a mail subject may say of who it is about (law.md: open e-mail).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectIdentity {
    /// Only an opaque case number.
    None,
    /// Initials and class.
    Initials,
    /// Name and class.
    Name,
}

/// Local times between which guardians' messages wait; may span midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// First quiet minute.
    pub from: Time,
    /// First minute that is not.
    pub to: Time,
}

/// How a teacher is asked for a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nudge {
    /// By text where there is a mobile, else by mail.
    Sms,
    /// By mail where there is an address, else by text.
    Email,
    /// Not at all.
    Off,
}

/// What follows where the register of a lesson is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterRules {
    /// How long after the lesson's start it is to be begun.
    pub after: SignedDuration,
    /// How the teacher is asked for it then.
    pub nudge: Nudge,
    /// School years whose team is told as soon as the lesson is over, both inclusive; none: those of flagged
    /// pupils alone.
    pub low_grades: Option<(u8, u8)>,
    /// When the team is told of all others, by the school's clock, in order; empty: never.
    pub digest: Vec<Time>,
}

impl Default for RegisterRules {
    /// Förskoleklass and lågstadiet, years 0 to 3, are the low grades: how soon somebody must be told goes by age
    /// and maturity (Skolverket on skollagen 7 kap. 17 §), and these children neither mend an untaken register
    /// themselves nor are able to say where they are.
    fn default() -> Self {
        Self {
            after: SignedDuration::from_mins(10),
            nudge: Nudge::Sms,
            low_grades: Some((0, 3)),
            digest: vec![Time::constant(15, 30, 0, 0)],
        }
    }
}

/// The lists that a school gets every school day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyLists {
    /// When the team is told of those who are missing and of whom nobody was reached, by the school's clock; none:
    /// never.
    pub not_reached: Option<Time>,
    /// When the team is told of those of whom nobody was told on the last day of school; none: never.
    pub missed: Option<Time>,
    /// When the office is told what in the directory is to be mended; none: never.
    pub roster_audit: Option<Time>,
    /// When the team and the principal are told who was missing today, and how home was told; none: never.
    pub day_report: Option<Time>,
    /// When the team and the principal get the report of the term, on its last day of school; none: never.
    pub term_report: Option<Time>,
    /// The office; staff rows of role `office` come before it, and the team where there is neither.
    pub office_email: Option<EmailAddress>,
}

impl Default for DailyLists {
    /// At half past three somebody is still there to phone, and what is mended by half past seven is right at the
    /// first lesson: guardians are to be told on the same day (skollagen 7 kap. 17 §).
    fn default() -> Self {
        Self {
            not_reached: Some(Time::constant(15, 30, 0, 0)),
            missed: Some(Time::constant(7, 40, 0, 0)),
            roster_audit: Some(Time::constant(7, 15, 0, 0)),
            day_report: Some(Time::constant(16, 0, 0, 0)),
            term_report: Some(Time::constant(16, 30, 0, 0)),
            office_email: None,
        }
    }
}

/// The preventive programmes that a school runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgrammeRules {
    /// Which, in all their editions; empty: none.
    pub runs: Vec<Arc<Programme>>,
    /// When staff are reminded, on the first school day of a week, by the school's clock; none: never.
    pub reminder_at: Option<Time>,
}

impl Default for ProgrammeRules {
    /// Before the first lesson of the week.
    fn default() -> Self {
        Self { runs: Vec::new(), reminder_at: Some(Time::constant(7, 45, 0, 0)) }
    }
}

/// To how many of one home a message goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Homes {
    /// To every guardian.
    #[default]
    Separate,
    /// To one guardian of each home; to the next where that one is not reached.
    Merged,
}

/// What a school has chosen about whom it tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleRules {
    /// To how many of one home a message goes.
    pub homes: Homes,
    /// Who texts to the homes of protected pupils come from; none: none are sent, whatever was agreed.
    pub neutral_sender_id: Option<String>,
}

/// One school's settings, defaults applied.
#[derive(Debug, Clone)]
pub struct School {
    /// Its id in configuration and events.
    pub id: SchoolId,
    /// The name guardians read.
    pub name: String,
    /// How far it has gone live.
    pub mode: Mode,
    /// That an operator has taken it live over configuration, which has it in [`Mode::Guests`].
    pub gone_live: Option<GoneLive>,
    /// The zone of every human rule.
    pub zone: TimeZone,
    /// Language when a recipient has none.
    pub locale: Locale,
    /// The attendance team's inbox; staff rows of role `attendance-team` come before it.
    pub team_email: Option<EmailAddress>,
    /// The number guardians are asked to ring, as it is to be shown.
    pub phone: String,
    /// SMS sender.
    pub sender_id: String,
    /// How long a mark may still be changed before anybody is told; zero or more.
    pub grace: SignedDuration,
    /// How long a mark must have stood before what was told is put right; zero or more.
    pub correction_settle: SignedDuration,
    /// Who may receive in `Mode::Guests`.
    pub guests: BTreeSet<Address>,
    /// When guardians' messages wait.
    pub quiet_hours: Option<QuietHours>,
    /// How long after a lesson's end guardians are still told of it.
    pub stale_after: SignedDuration,
    /// What becomes of guardians' messages that are late.
    pub time: TimeRules,
    /// Which provider account its texts go through.
    pub sms_provider: Option<ProviderId>,
    /// Its own limit on texts.
    pub sms_rate: Option<Rate>,
    /// Where those are told who run upprop and what it is connected to.
    pub operations_email: Option<EmailAddress>,
    /// What follows where a register is not taken.
    pub registers: RegisterRules,
    /// What it is told every day.
    pub daily: DailyLists,
    /// When so many are missing that a person must look first.
    pub volume: VolumeRules,
    /// How often one recipient is told on one day.
    pub fatigue: Fatigue,
    /// What mail subjects may say.
    pub subject_identity: SubjectIdentity,
    /// Most SMS parts one text may take.
    pub max_parts: u32,
    /// What it has chosen about translations.
    pub languages: LanguageRules,
    /// Its school days; none: every day may be one.
    pub calendar: Option<Arc<Calendar>>,
    /// A guardian who made the mark, as a teacher, is not told of it.
    pub mutes_marking_guardian: bool,
    /// Whom it tells.
    pub people: PeopleRules,
    /// Which ladders it follows.
    pub ladders: LadderRules,
    /// What it does before anybody is missing.
    pub programmes: ProgrammeRules,
}

impl School {
    /// Whether a day may be a school day.
    pub fn is_school_day(&self, day: Date) -> bool {
        self.calendar.as_ref().is_none_or(|calendar| calendar.is_school_day(day))
    }

    /// Whether a day is the first of its week on which there may be school.
    pub fn is_first_of_week(&self, day: Date) -> bool {
        let is_school = |day: Date| !is_weekend(day) && self.is_school_day(day);
        let before = std::iter::successors(day.yesterday().ok(), |day| day.yesterday().ok());
        let since_monday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        is_school(day) && !before.take(since_monday).any(is_school)
    }

    /// Whether a day is the last of its week on which there may be school.
    pub fn is_last_of_week(&self, day: Date) -> bool {
        let is_school = |day: Date| !is_weekend(day) && self.is_school_day(day);
        let after = std::iter::successors(day.tomorrow().ok(), |day| day.tomorrow().ok());
        let until_sunday = usize::from(day.weekday().to_sunday_zero_offset().unsigned_abs());
        is_school(day) && !after.take((7 - until_sunday) % 7).any(is_school)
    }

    /// How long after a mark came nobody is told of it: it may still change, and those that come with it are counted.
    pub fn settling(&self) -> SignedDuration {
        self.grace.max(self.volume.gathering())
    }
}
