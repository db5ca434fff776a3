//! A load that was read whole and found usable: the people, and what was odd.

use super::problem::RosterProblem;
use super::{Roster, snapshot};

/// A directory ready for the brake.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The people.
    pub roster: Roster,
    /// What is odd but not fatal, sorted by place.
    pub warnings: Vec<RosterProblem>,
    /// Whether the source spoke of protection at all.
    pub had_protection_column: bool,
    /// SHA-256 of the content in hexadecimal.
    pub digest: String,
}

impl Loaded {
    /// Takes the digest of a roster and keeps it beside it.
    pub fn new(
        roster: Roster,
        mut warnings: Vec<RosterProblem>,
        had_protection_column: bool,
    ) -> Self {
        warnings.sort_by_key(|w| w.place);
        let roster = roster.compact();
        let digest = snapshot::digest(&roster, had_protection_column);
        Self { roster, warnings, had_protection_column, digest }
    }
}
