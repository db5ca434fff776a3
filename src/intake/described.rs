//! What a source is, as configuration has it, for whoever keeps watch over it or tells how it is.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::model::SchoolId;

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// `webhook`, `edlevo`, …
    pub kind: &'static str,
    /// What it gives: `directory`, `schedule`, `attendance`.
    pub gives: Vec<&'static str>,
    /// How often it is asked, or looked for; none: it comes by itself.
    pub every: Option<SignedDuration>,
    /// For which schools; none: all.
    pub schools: Option<BTreeSet<SchoolId>>,
}

impl Described {
    /// Whether it is asked for the marks of a school, and answers also where there are none.
    pub fn answers_for(&self, school: &SchoolId) -> bool {
        self.attends(school) && matches!(self.kind, "ss12000" | "edlevo")
    }

    /// Whether marks of a school come from it.
    pub fn attends(&self, school: &SchoolId) -> bool {
        let gives = self.gives.contains(&"attendance");
        gives && self.schools.as_ref().is_none_or(|schools| schools.contains(school))
    }
}
