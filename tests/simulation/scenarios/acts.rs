//! What can happen in a scenario.

use jiff::civil::{Date, DateTime};

/// What happens.
#[derive(Debug, Clone)]
pub enum Act {
    /// Pupils are marked at a lesson of a day, by a register of another time than now where that is said.
    Mark {
        pupils: Vec<String>,
        mark: &'static str,
        minutes: Option<u32>,
        lesson: String,
        on: Date,
        recorded: Option<DateTime>,
        by: Option<String>,
    },
    /// An advance notice or leave.
    Notice {
        pupil: String,
        kind: &'static str,
        from: DateTime,
        to: DateTime,
        withdrawn: bool,
    },
    /// A teacher says that somebody never came.
    Report {
        pupil: String,
        lesson: String,
        note: Option<String>,
    },
    /// The directory says something else of a pupil.
    Protection {
        pupil: String,
        is: &'static str,
    },
    Class {
        pupil: String,
        is: String,
    },
    /// A pupil changes schools.
    School {
        pupil: String,
        is: String,
    },
    Deny {
        guardian: String,
        pupil: String,
        is: bool,
    },
    /// The directory has another number of somebody.
    Number {
        whose: String,
        is: String,
    },
    /// A pupil leaves the school.
    Leaves {
        pupil: String,
    },
    /// The school asks for silence about a lesson's time: of a class, a pupil, or, with neither, of everybody.
    Silence {
        class: Option<String>,
        pupil: Option<String>,
        from: DateTime,
        to: DateTime,
    },
    /// A pupil consents that a guardian is told, or a number is agreed on.
    Agree {
        pupil: String,
        guardian: Option<String>,
        phone: Option<String>,
        to: Option<String>,
    },
    /// The team agrees with a home on how it is told.
    Reports {
        pupil: String,
        how: &'static str,
        guardian: Option<String>,
        to: String,
    },
    /// The team records what came of a pupil's day.
    Recorded {
        pupil: String,
        what: String,
    },
    /// The consents, or agreements, of a pupil are revoked.
    Revoke {
        pupil: String,
        kind: &'static str,
    },
    /// Somebody decides about all that is held.
    Decide {
        release: bool,
    },
    /// Staff record a session of a programme: `held` or `move`.
    Session {
        act: &'static str,
        class: String,
        session: u32,
        day: Date,
    },
    /// The daemon is killed and started again.
    Restart,
    /// A backup of the store is taken.
    Backup,
    /// The daemon is stopped, and started again on that backup.
    PutBack,
    /// The provider of texts is away, or back.
    Texts {
        work: bool,
    },
    /// A report of what became of the last text to somebody.
    Reported {
        to: String,
        delivered: bool,
    },
}
