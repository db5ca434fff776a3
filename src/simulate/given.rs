//! What a term is lived through with: the people of one school, and what is heard of them, when. Values only.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::directory::Roster;
use crate::model::{Observation, SchoolId};

/// Something that is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// When.
    pub at: Timestamp,
    /// What.
    pub observation: Observation,
}

/// One school's term.
#[derive(Debug, Clone)]
pub struct Given {
    /// Which school.
    pub school: SchoolId,
    /// Its people.
    pub roster: Arc<Roster>,
    /// What is heard, in the order of time.
    pub heard: Vec<Heard>,
    /// The first day and the last, of which something is heard.
    pub days: (Date, Date),
}
