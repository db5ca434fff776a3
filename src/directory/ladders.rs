//! Which ladders a school follows, and what they are asked with. Values only; what a ladder says is `ladder`'s.

use std::sync::Arc;

use jiff::civil::{Date, Time};

use crate::ladder::Ladder;

/// A school's ladders.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderRules {
    /// Every version of every ladder it follows.
    pub versions: Vec<Arc<Ladder>>,
    /// The day from which it follows them: what was reached before it makes no duty. None: from each ladder's own first
    /// day.
    pub since: Option<Date>,
    /// The form of school, for filters; empty: not said.
    pub form: String,
    /// By the school's clock, when its day counts as over: duties of the same day are due then, and whole days are
    /// looked at.
    pub day_ends: Time,
}

impl Default for LadderRules {
    fn default() -> Self {
        let day_ends = Time::constant(16, 0, 0, 0);
        Self { versions: Vec::new(), since: None, form: String::new(), day_ends }
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

    /// The day from which a later version of a ladder is in force; none: there is none.
    pub fn until(&self, ladder: &Ladder) -> Option<Date> {
        let later = self.versions.iter().filter(|other| other.name == ladder.name);
        later.map(|other| other.from).filter(|from| *from > ladder.from).min()
    }
}
