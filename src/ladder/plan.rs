//! A ladder as the program means it, after its text was read and found good. Values only.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::model::{SchoolId, StaffRole};

/// A text that staff read, in Swedish and English.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Swedish.
    pub sv: String,
    /// English.
    pub en: String,
}

impl Text {
    /// In a language; Swedish where it is neither of the two.
    pub fn of(&self, locale: &str) -> &str {
        if locale == "en" { &self.en } else { &self.sv }
    }
}

/// One version of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// Its name in configuration: lower-case letters, digits and `-`.
    pub name: String,
    /// What people call it.
    pub title: Text,
    /// From which day it is in force; with the name, the version. Steps that were true before are not fired by it.
    pub from: Date,
    /// Where it is published, for people.
    pub source: String,
    /// The steps, in the order of the text; an `after` names a step before it.
    pub steps: Vec<Step>,
}

impl Ladder {
    /// A step by its name.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

/// One step: when it is reached, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name within the ladder: lower-case letters, digits and `-`.
    pub id: String,
    /// What people call it.
    pub title: Text,
    /// Of whom it is asked.
    pub filter: Filter,
    /// When it is reached.
    pub when: Condition,
    /// How often.
    pub latch: Latch,
    /// Who is told.
    pub notify: Vec<Notify>,
    /// Who has to do something.
    pub duties: Vec<DutyRule>,
}

/// Of whom a step is asked; an empty list does not narrow. What is not known of a pupil matches no filter that asks
/// for it, and `explain` says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Forms of school, as a school's `form` names them.
    pub forms: Vec<String>,
    /// School years, first and last.
    pub years: Option<(u8, u8)>,
    /// Age in whole years on the day, least and most.
    pub ages: Option<(u8, u8)>,
    /// Schools.
    pub schools: Vec<SchoolId>,
}

/// Which lessons a condition counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// Away with a valid reason.
    Excused,
    /// Away without one.
    Unexcused,
    /// Away, with or without one.
    Any,
    /// Came late.
    Late,
    /// Left early.
    LeftEarly,
}

/// What is counted (law.md §7: plans say "tillfälle" without saying of what).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Each lesson.
    Lesson,
    /// Mornings and afternoons with such a lesson; noon divides them.
    HalfDay,
    /// Days with such a lesson.
    Day,
    /// Lessons without one attended between them, also over days that follow on one another as school days do:
    /// single hours or days as well as a connected period.
    Occasion,
}

/// Over which days a condition looks, the day it is asked for included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Span {
    /// That day.
    Day,
    /// So many calendar days, 1 or more.
    Days(u16),
    /// The term that the day is in, by the school's calendar.
    Term,
    /// From 1 July.
    SchoolYear,
    /// From the day after that on which a step was reached, named by its id.
    Since(String),
}

/// When a step is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// So many.
    Count(Count),
    /// Each one anew: the step is reached once for each. A step's own condition only; inside another it never holds.
    Every {
        /// Which lessons.
        of: Absent,
        /// Of what.
        unit: Unit,
    },
    /// A share of the minutes.
    Share(Share),
    /// School days one after the other.
    Continuous(Run),
    /// A step was reached, and something holds some time later.
    After(Box<After>),
    /// Any of them.
    AnyOf(Vec<Condition>),
    /// All of them.
    AllOf(Vec<Condition>),
}

/// So many of a unit within some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Which lessons.
    pub of: Absent,
    /// What is counted.
    pub unit: Unit,
    /// So many or more; at least 1.
    pub at_least: u16,
    /// Within which days.
    pub within: Span,
}

/// A share of the minutes that were to be attended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which lessons.
    pub of: Absent,
    /// Thousandths, 1 to 1000: so much or more.
    pub at_least: u16,
    /// Whether exactly so much is not yet enough.
    pub more_than: bool,
    /// Within which days.
    pub within: Span,
    /// Minutes that must have been to be attended; with fewer it is silent.
    pub least_minutes: u32,
    /// Thousandths of the lessons whose register was taken; with fewer it is silent.
    pub least_taken: u16,
    /// Where lessons are known that nobody has marked: the schedule. Otherwise all marks come, also of those who
    /// are there.
    pub by_schedule: bool,
}

/// School days one after the other on which the pupil was away from every lesson whose register was taken. Weekends,
/// breaks, and days of which nothing is known, do not break it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which lessons; a day with another kind of absence does not break it, and is not counted.
    pub of: Absent,
    /// So many school days or more; at least 1.
    pub at_least: u16,
}

/// Something after a step, in the same school year. Where it is a step's own condition, and the step is latched until
/// that does not hold, the step is reached once for each time that the earlier one was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The step that was reached, by its id.
    pub step: String,
    /// Calendar days after it before this is asked; 0: from the next day on.
    pub wait: u16,
    /// Calendar days after it within which it is asked; none: for as long as that step stands.
    pub until: Option<u16>,
    /// What must hold.
    pub still: Still,
}

/// What must hold some time after a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Still {
    /// That step has a duty that nobody has done.
    Open,
    /// A condition, which may look at the days since the step.
    Holds(Condition),
}

/// How often a step is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    /// When it may be reached again.
    pub once: Once,
    /// Calendar days for which it is not reached again, whatever else is so.
    pub cool_down: u16,
}

/// When a step that was reached may be reached again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Once {
    /// In the next term.
    Term,
    /// In the next school year.
    SchoolYear,
    /// When its condition has not held on so many school days in a row; at least 1.
    UntilFalseFor(u16),
}

/// Who is told when a step is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// In which role, resolved for the pupil.
    pub role: StaffRole,
    /// What they are told, for people.
    pub text: Text,
}

/// What somebody has to do when a step is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyRule {
    /// Its name within the step.
    pub id: String,
    /// Who, resolved for the pupil.
    pub owner: StaffRole,
    /// What is to be done.
    pub text: Text,
    /// By when.
    pub due: Allowed,
    /// When the owner is reminded, before it is due; none: not before.
    pub remind: Option<Allowed>,
    /// What counts as done.
    pub done: DoneBy,
    /// Who is told that it is overdue, and has it from then on; none: its owner is told, and has it in a list.
    pub hand_over: Option<StaffRole>,
    /// What is documented, and where.
    pub documents: Option<Documents>,
}

/// A span of working time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allowed {
    /// The same school day: until the school's day is over.
    SameDay,
    /// Hours of the clock.
    Hours(u16),
    /// School days: until the end of the school's day so many school days later; 0 is the same day.
    SchoolDays(u16),
}

/// What counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoneBy {
    /// Somebody says so.
    Word,
    /// Somebody says that the home was reached, or how the absence is explained (the outcome of a call).
    HomeReached,
}

/// What a duty leaves in writing: where, never what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    /// Where: the school's own system, as people call it.
    pub place: Text,
    /// Who is told that it is there.
    pub tell: Vec<StaffRole>,
}
