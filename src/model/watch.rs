//! What is remembered of watching one source, or one source at one school: whether people were told that nothing
//! comes of it, and how often of late.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// Whether people were told, and not yet that it is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Watch {
    /// When they were told; none: all is well, as far as they know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// Since when what they were told is no longer so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub well_since: Option<Timestamp>,
    /// When they were told in the last day, oldest first; what flaps is told less often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lately: Vec<Timestamp>,
    /// Days on which something came, of the last weeks.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub days: BTreeSet<Date>,
}

/// How nothing comes of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// It does not answer.
    Unreachable,
    /// So many lessons began and ended without a mark.
    Lessons {
        /// How many.
        count: u32,
    },
    /// No mark for so long, on a day and at hours at which some come.
    Marks {
        /// Minutes.
        minutes: u32,
    },
}

/// Clocks of one house differ by so much.
const APART: SignedDuration = SignedDuration::from_secs(1);

/// Whether something was recorded, by its source's clock, after it came: the clock is ahead.
pub fn is_ahead(delay: SignedDuration) -> bool {
    delay < -APART
}
