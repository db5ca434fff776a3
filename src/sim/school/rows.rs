//! What the school keeps: one type a resource of SS 12000, with what the standard says of it as words.
//! Pure; how it is written as JSON stands in `render`.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::id::Id;

/// The resources, by their names in the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Resource {
    /// A municipality, a school, a school unit.
    Organisation,
    /// A pupil, a guardian, a member of staff.
    Person,
    /// A class, a mentor's group, a teaching group.
    Group,
    /// An employment.
    Duty,
    /// A course of lessons.
    Activity,
    /// A lesson.
    CalendarEvent,
    /// A pupil's attendance at a lesson.
    Attendance,
    /// An advance notice of absence, or leave.
    #[serde(rename = "Absence")]
    Notice,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Organisation,
        Self::Person,
        Self::Group,
        Self::Duty,
        Self::Activity,
        Self::CalendarEvent,
        Self::Attendance,
        Self::Notice,
    ];

    /// The name in subscriptions, callbacks and the filter of deleted entities.
    pub fn name(self) -> &'static str {
        match self {
            Self::Organisation => "Organisation",
            Self::Person => "Person",
            Self::Group => "Group",
            Self::Duty => "Duty",
            Self::Activity => "Activity",
            Self::CalendarEvent => "CalendarEvent",
            Self::Attendance => "Attendance",
            Self::Notice => "Absence",
        }
    }

    /// The path of the list.
    pub fn path(self) -> &'static str {
        match self {
            Self::Organisation => "organisations",
            Self::Person => "persons",
            Self::Group => "groups",
            Self::Duty => "duties",
            Self::Activity => "activities",
            Self::CalendarEvent => "calendarEvents",
            Self::Attendance => "attendances",
            Self::Notice => "absences",
        }
    }

    /// The key among the deleted; one is misspelt in the standard.
    pub(super) fn deleted_key(self) -> &'static str {
        match self {
            Self::Activity => "activitites",
            other => other.path(),
        }
    }
}

/// Protection as the population register has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Marking {
    /// None.
    #[default]
    Ingen,
    /// Sekretessmarkering.
    Sekretessmarkering,
    /// Skyddad folkbokföring.
    #[serde(rename = "Skyddad folkbokföring")]
    Skyddad,
}

impl Marking {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ingen => "Ingen",
            Self::Sekretessmarkering => "Sekretessmarkering",
            Self::Skyddad => "Skyddad folkbokföring",
        }
    }
}

/// How somebody answers for a pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// The guardian in law.
    #[serde(rename = "Vårdnadshavare")]
    Guardian,
    /// Somebody else who answers.
    #[serde(rename = "Annan ansvarig")]
    Other,
    /// A court's trustee.
    #[serde(rename = "God man")]
    Trustee,
    /// Named by a guardian.
    #[serde(rename = "Utsedd behörig")]
    Named,
}

impl Relation {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Guardian => "Vårdnadshavare",
            Self::Other => "Annan ansvarig",
            Self::Trustee => "God man",
            Self::Named => "Utsedd behörig",
        }
    }
}

/// A number as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: String,
    pub(super) kind: &'static str,
    pub(super) mobile: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Organisation {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) parent: Option<Id>,
    pub(super) code: String,
    pub(super) unit_code: Option<String>,
    pub(super) types: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Pupil,
    Guardian,
    Staff,
}

#[derive(Debug, Clone)]
pub(super) struct Enrolment {
    pub(super) school: Id,
    pub(super) year: u8,
    pub(super) kind: &'static str,
    pub(super) start: Date,
}

#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) part: Part,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) birth: Option<Date>,
    pub(super) civic: Option<String>,
    pub(super) marking: Marking,
    /// Address and type.
    pub(super) emails: Vec<(String, &'static str)>,
    pub(super) phones: Vec<Number>,
    pub(super) responsibles: Vec<(Id, Relation)>,
    pub(super) enrolments: Vec<Enrolment>,
}

impl Person {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) school: Id,
    pub(super) school_type: Option<&'static str>,
    pub(super) members: Vec<Id>,
    /// Duties with the role of mentor.
    pub(super) mentors: Vec<Id>,
    pub(super) start: Date,
}

#[derive(Debug, Clone)]
pub(super) struct Duty {
    pub(super) person: Id,
    pub(super) school: Id,
    pub(super) role: &'static str,
    pub(super) signature: String,
    pub(super) start: Date,
}

#[derive(Debug, Clone)]
pub(super) struct Activity {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) groups: Vec<Id>,
    /// Duties.
    pub(super) teachers: Vec<Id>,
    pub(super) school: Id,
    pub(super) start: Date,
}

impl Activity {
    /// Whether a register is to be taken.
    pub(super) fn has_register(&self) -> bool {
        matches!(self.kind, "Undervisning" | "Elevaktivitet" | "Provaktivitet")
    }
}

/// One pupil's exception from a lesson.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exempt {
    pub(super) pupil: Id,
    pub(super) participates: bool,
    /// Minutes of it that are theirs, where not the whole.
    pub(super) minutes: Option<i32>,
}

#[derive(Debug, Clone)]
pub(super) struct Lesson {
    pub(super) activity: Id,
    pub(super) school: Id,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) minutes: i32,
    pub(super) cancelled: bool,
    pub(super) exempt: Vec<Exempt>,
    /// Duties, and whether each takes part.
    pub(super) substitutes: Vec<(Id, bool)>,
}

#[derive(Debug, Clone)]
pub(super) struct Attendance {
    pub(super) lesson: Id,
    pub(super) activity: Id,
    pub(super) pupil: Id,
    pub(super) school: Id,
    /// A person.
    pub(super) reporter: Option<Id>,
    pub(super) reported: bool,
    pub(super) minutes: Minutes,
    pub(super) reason: Option<String>,
    pub(super) reported_at: Option<Timestamp>,
}

/// A lesson's minutes, divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Minutes {
    /// There.
    pub present: Option<i32>,
    /// Away with a valid reason.
    pub valid: Option<i32>,
    /// Away without one.
    pub invalid: Option<i32>,
    /// At something else of the school's.
    pub other: Option<i32>,
}

impl Minutes {
    /// There for the whole of it.
    pub const fn present(length: i32) -> Self {
        Self { present: Some(length), valid: Some(0), invalid: Some(0), other: Some(0) }
    }

    /// Away from the whole of it, without a valid reason.
    pub const fn invalid(length: i32) -> Self {
        Self { present: Some(0), valid: Some(0), invalid: Some(length), other: Some(0) }
    }

    /// Away from the whole of it, with one.
    pub const fn valid(length: i32) -> Self {
        Self { present: Some(0), valid: Some(length), invalid: Some(0), other: Some(0) }
    }

    /// Came this much too late.
    pub const fn late(length: i32, late: i32) -> Self {
        let present = Some(length - late);
        Self { present, valid: Some(0), invalid: Some(late), other: Some(0) }
    }
}

/// An advance notice, or leave.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) pupil: Id,
    pub(super) school: Id,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) leave: bool,
    pub(super) by: Option<Id>,
}
