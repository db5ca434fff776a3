//! What a school has recorded of one session of a preventive programme in one class. Says nothing of any pupil.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{SchoolId, TermName};

/// The record of one session in one class and term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SessionRecord {
    /// The school.
    pub school: SchoolId,
    /// The term.
    pub term: TermName,
    /// The programme, by its id.
    pub programme: String,
    /// The class, as the directory has it.
    pub class: String,
    /// Which session, from 1.
    pub session: u32,
    /// The day on which it was held, by the school's calendar; none: it was not, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Date>,
    /// The day that it was moved to; none: it is due when the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<Date>,
    /// When this was last recorded.
    pub at: Timestamp,
    /// By whom, as the system says: `uid 0`.
    pub by: String,
}
