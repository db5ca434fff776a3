//! The numbers of one school's term: absences, and how those at home were told. About no one pupil; small ones are hidden
//! by whoever shows them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The numbers of a term. Protected pupils, and those of whom it is not known, are in none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TermCounts {
    /// Lessons of a pupil missed with a valid reason, by the Monday of their week.
    pub excused_by_week: BTreeMap<Date, u64>,
    /// The same without one.
    pub unexcused_by_week: BTreeMap<Date, u64>,
    /// Lessons of a pupil missed with a valid reason, by the hour of their start, the school's clock.
    pub excused_by_hour: BTreeMap<u8, u64>,
    /// The same without one.
    pub unexcused_by_hour: BTreeMap<u8, u64>,
    /// Messages home of absence that left, by whole minutes since what they tell was heard.
    pub minutes: BTreeMap<u32, u64>,
    /// Those of them that arrived, by a report.
    pub received: u64,
    /// That were taken, and of which no report has come.
    pub unconfirmed: u64,
    /// That did not arrive.
    pub not_received: u64,
    /// That were put right later.
    pub corrected: u64,
}

impl TermCounts {
    /// Whether nothing is known of the term.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
