//! The kinds of files and the columns each may have, under our own names. Values only.

use crate::directory::rows::{self, Columns as Names};

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Pupils.
    Pupils,
    /// Guardians.
    Guardians,
    /// Staff.
    Staff,
    /// `OneRoster`'s people.
    Users,
    /// `OneRoster`'s schools.
    Orgs,
    /// `OneRoster`'s groups.
    Classes,
    /// `OneRoster`'s members of groups.
    Enrollments,
    /// `OneRoster`'s dates of birth.
    Demographics,
    /// Lessons. Before what refers to them.
    Schedule,
    /// Advance notices. Before the marks that they explain.
    Absences,
    /// Marks.
    Attendance,
}

/// Columns of `attendance`.
pub const ATTENDANCE: Names = Names {
    required: &["pupil"],
    optional: &[
        "school",
        "lesson",
        "group",
        "date",
        "start",
        "end",
        "length",
        "label",
        "mark",
        "present-minutes",
        "excused-minutes",
        "unexcused-minutes",
        "other-minutes",
        "reported",
        "register-closed",
        "recorded-at",
        "recorded-by",
    ],
};

/// Columns of `schedule`.
pub const SCHEDULE: Names = Names {
    required: &["start"],
    optional: &[
        "school",
        "lesson",
        "groups",
        "date",
        "end",
        "length",
        "label",
        "teachers",
        "cancelled",
        "registered",
        "modified-at",
    ],
};

/// Columns of `absences`.
pub const ABSENCES: Names = Names {
    required: &["pupil"],
    optional: &["school", "date", "from", "to", "kind", "withdrawn", "recorded-at"],
};

/// Columns of `pupils`: those of the directory; what registers and their reminders ask; and one that only finds the
/// guardians.
pub const PUPILS: Names = Names {
    required: rows::PUPILS.required,
    optional: &[
        "class",
        "family-name",
        "birth-date",
        "protection",
        "mentor",
        "phone",
        "email",
        "channel",
        "language",
        "groups",
        "year",
        "flagged",
        "home-municipality",
        "civic-number",
    ],
};

/// Skola24's columns of guardians, in their order.
pub const SKOLA24_GUARDIANS: Names = Names {
    required: &["pupil-civic-number", "civic-number"],
    optional: &["first-name", "last-name", "email", "phone"],
};

const USERS: Names = Names {
    required: &["sourcedId", "orgSourcedIds", "role", "givenName", "familyName"],
    optional: &["status", "email", "sms", "phone", "agentSourcedIds", "grades", "protection"],
};
const ORGS: Names =
    Names { required: &["sourcedId", "name", "type"], optional: &["status", "identifier"] };
const CLASSES: Names = Names {
    required: &["sourcedId", "title", "schoolSourcedId"],
    optional: &["status", "classType", "classCode"],
};
const ENROLLMENTS: Names = Names {
    required: &["classSourcedId", "userSourcedId", "role"],
    optional: &["status", "schoolSourcedId", "beginDate", "endDate"],
};
const DEMOGRAPHICS: Names = Names { required: &["sourcedId"], optional: &["status", "birthDate"] };

impl Kind {
    /// Every kind, in the order in which files are taken that lie there together.
    pub const ALL: [Self; 11] = [
        Self::Pupils,
        Self::Guardians,
        Self::Staff,
        Self::Users,
        Self::Orgs,
        Self::Classes,
        Self::Enrollments,
        Self::Demographics,
        Self::Schedule,
        Self::Absences,
        Self::Attendance,
    ];

    /// Its name, as files have it unless told otherwise.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pupils => "pupils",
            Self::Guardians => "guardians",
            Self::Staff => "staff",
            Self::Users => "users",
            Self::Orgs => "orgs",
            Self::Classes => "classes",
            Self::Enrollments => "enrollments",
            Self::Demographics => "demographics",
            Self::Schedule => "schedule",
            Self::Absences => "absences",
            Self::Attendance => "attendance",
        }
    }

    /// The columns that it may have.
    pub fn columns(self) -> Names {
        match self {
            Self::Pupils => PUPILS,
            Self::Guardians => rows::GUARDIANS,
            Self::Staff => rows::STAFF,
            Self::Users => USERS,
            Self::Orgs => ORGS,
            Self::Classes => CLASSES,
            Self::Enrollments => ENROLLMENTS,
            Self::Demographics => DEMOGRAPHICS,
            Self::Schedule => SCHEDULE,
            Self::Absences => ABSENCES,
            Self::Attendance => ATTENDANCE,
        }
    }

    /// Whether it is a part of the directory, which is taken as a whole.
    pub fn is_directory(self) -> bool {
        self < Self::Schedule
    }

    /// Whether columns that nobody knows are passed over: `OneRoster` has many that say nothing here.
    pub fn is_wide(self) -> bool {
        (Self::Users..=Self::Demographics).contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pupils_have_the_columns_of_the_directory() {
        let ours: Vec<_> = PUPILS.all().collect();
        assert!(rows::PUPILS.all().all(|column| ours.contains(&column)));
        assert!(Kind::ALL.is_sorted());
    }
}
