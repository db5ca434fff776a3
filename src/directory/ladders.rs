//! Which ladders a school follows, and what they are asked with. Values only; what a ladder says is `ladder`'s.

use std::sync::Arc;

use jiff::SignedDuration;
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
    /// What mails about steps and duties say of whom they are about.
    pub mail: LadderMail,
    /// Most calls home that fall due in one hour, as far as the day allows; 1 or more.
    pub calls_per_hour: u32,
    /// When, by the school's clock, each who has duties that are overdue or not documented gets the list of them; none:
    /// never.
    pub duty_list: Option<Time>,
    /// When the team and the principal get the report of the week, on its first school day after; none: never.
    pub report: Option<Time>,
    /// How long mails about a step that was reached wait at most, as it may be taken back; zero or more.
    pub settle: SignedDuration,
}

/// What mails about steps and duties say of whom they are about (open e-mail: law.md §6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LadderMail {
    /// Only the case number.
    #[default]
    Pointer,
    /// Initials and class.
    Initials,
    /// Name and class.
    Name,
}

/// One version of a ladder, and the day from which a later one is in force.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// The version.
    pub ladder: &'a Arc<Ladder>,
    /// From when another one is; none: it is the last.
    pub until: Option<Date>,
}

impl Default for LadderRules {
    fn default() -> Self {
        Self {
            versions: Vec::new(),
            since: None,
            form: String::new(),
            day_ends: Time::constant(16, 0, 0, 0),
            mail: LadderMail::default(),
            calls_per_hour: 10,
            // Before the first lesson.
            duty_list: Some(Time::constant(8, 0, 0, 0)),
            report: Some(Time::constant(7, 30, 0, 0)),
            settle: SignedDuration::from_mins(45),
        }
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

    /// Every version that has begun by a day, the oldest of each first.
    pub fn begun(&self, day: Date) -> Vec<Version<'_>> {
        let begun = self.versions.iter().filter(|ladder| ladder.from <= day);
        let mut all: Vec<Version<'_>> =
            begun.map(|ladder| Version { ladder, until: self.until(ladder) }).collect();
        all.sort_by(|a, b| (&a.ladder.name, a.ladder.from).cmp(&(&b.ladder.name, b.ladder.from)));
        all
    }

    /// The version by which something was done; another of the same name where configuration has that no more.
    pub fn version(&self, name: &str, from: Date) -> Option<&Arc<Ladder>> {
        let named = || self.versions.iter().filter(|ladder| ladder.name == name);
        named().find(|ladder| ladder.from == from).or_else(|| named().max_by_key(|l| l.from))
    }
}
