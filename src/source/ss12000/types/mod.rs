//! The rows of SS 12000:2020, versions 2.0.0 and 2.1.0, as far as they are used here. Everything but `id` may be
//! missing or null; words of a closed list are known or another; fields that nobody asks for are passed over.
//! Pure. What a value means is decided elsewhere.

mod lenient;
mod lessons;
mod people;
mod school;
mod subscription;
mod words;

pub use lessons::{
    Absence, Activity, ActivityTeacher, Attendance, CalendarEvent, StudentException,
    TeacherException,
};
pub use people::{CivicNo, Email, Enrolment, Person, PhoneNumber, Responsible};
pub use school::{AssignmentRole, Duty, Group, Membership, Organisation};
pub use subscription::{Callback, Subscription};
pub use words::{
    AbsenceType, ActivityType, AssignmentRoleType, DutyRole, EmailType, GroupType,
    OrganisationType, PersonStatus, PhoneType, RelationType, SecurityMarking,
};

use compact_str::CompactString;
use jiff::Timestamp;
use serde::Deserialize;

/// When a row was made and last changed, by the source's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Meta {
    /// Made.
    #[serde(default, deserialize_with = "lenient::maybe_moment")]
    pub created: Option<Timestamp>,
    /// Last changed.
    #[serde(default, deserialize_with = "lenient::maybe_moment")]
    pub modified: Option<Timestamp>,
}

/// A reference to another row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// Its id.
    pub id: CompactString,
    /// What is said of a person's protection where the person is referred to.
    pub security_marking: Option<SecurityMarking>,
}
