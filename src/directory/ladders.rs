//! Which ladders a school follows, and what they are asked with. Values only; what a ladder says is `ladder`'s.

use std::sync::Arc;

use jiff::civil::{Date, Time};

use crate::ladder::Ladder;

/// A school's ladders.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderRules {
    /// Every version of every ladder it follows.
    pub versions: Vec<Arc<Ladder>>,
    /// The form of school, for filters; empty: not said.
    pub form: String,
    /// By the school's clock, when its day counts as over: duties of the same day are due then, and whole days are
    /// looked at.
    pub day_ends: Time,
}

impl Default for LadderRules {
    fn default() -> Self {
        Self { versions: Vec::new(), form: String::new(), day_ends: Time::constant(16, 0, 0, 0) }
    }
}

impl LadderRules {
    /// The version of each ladder that is in force on a day of the school's: the last that has begun.
    pub fn on(&self, day: Date) -> Vec<&Arc<Ladder>> {
        let mut found: Vec<&Arc<Ladder>> = Vec::new();
        for ladder in self.versions.iter().filter(|ladder| ladder.from <= day) {
            match found.iter_mut().find(|other| other.name == ladder.name) {
                Some(other) if other.from < ladder.from => *other = ladder,
                Some(_) => {}
                None => found.push(ladder),
            }
        }
        found
    }
}
