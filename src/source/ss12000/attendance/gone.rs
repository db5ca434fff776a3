//! What is said of a mark whose row is gone.

use crate::model::Mark;
use crate::source::marks::{Missing, Said};

/// A mark that is not there any more: nobody knows where the pupil is.
pub(super) fn withdrawn(missing: Missing) -> Said {
    Said {
        school: missing.school,
        pupil: missing.pupil,
        lesson: missing.lesson,
        mark: Mark::Unknown,
        minutes: None,
        register_closed: None,
        recorded_at: None,
        recorded_by: None,
        row: None,
        replaces: true,
        protected: false,
    }
}
