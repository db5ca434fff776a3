//! How the sessions of preventive programmes stand in a school's classes, and whom staff are reminded of in which week.
//! Pure; says nothing to anybody, and knows nothing of any pupil.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::calendar::{SchoolWeek, Term};
use crate::directory::School;
use crate::directory::classes::Class;
use crate::model::SessionRecord;
use crate::programme::{self, Programme, Session};

/// How long after its day a session is overdue, in days.
const PATIENCE: i64 = 7;

/// One session in one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPlan {
    /// Of which programme.
    pub programme: Arc<Programme>,
    /// Its number in it.
    pub number: u32,
    /// The week that the plan has it in.
    pub week: SchoolWeek,
    /// What is recorded of it.
    pub record: Option<SessionRecord>,
}

impl SessionPlan {
    /// What it is about; none: the edition in force has no such session.
    pub fn session(&self) -> Option<&Session> {
        self.programme.sessions.get(&self.number)
    }

    /// The day on which it was held.
    pub fn held(&self) -> Option<Date> {
        self.record.as_ref().and_then(|record| record.held)
    }

    /// The day that it was moved to.
    pub fn moved_to(&self) -> Option<Date> {
        self.record.as_ref().and_then(|record| record.moved_to)
    }

    /// By which day it is to be held.
    pub fn due(&self) -> Date {
        self.moved_to().unwrap_or(self.week.last)
    }

    /// In which week of its term staff are reminded of it: the one before, or the first of the term where there is none.
    fn reminded_in(&self, term: &Term) -> Option<u32> {
        let week = term.week_of(self.due())?;
        Some(week.number.saturating_sub(1).max(1))
    }

    /// From which day it is overdue. The last list of a term is the last at which anybody can be told.
    fn overdue_from(&self, term: &Term) -> Option<Date> {
        let last_list = term.weeks.last()?.first;
        let due = self.due();
        let usual = due.saturating_add(PATIENCE.days());
        (due < last_list).then(|| usual.min(last_list))
    }

    /// Whether it is overdue on a day: not held, as far as is recorded.
    pub fn is_overdue(&self, term: &Term, on: Date) -> bool {
        self.held().is_none() && self.overdue_from(term).is_some_and(|from| from <= on)
    }
}

/// The programmes of one class in one term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassPlan {
    /// The class.
    pub class: Class,
    /// The sessions, by programme and number.
    pub sessions: Vec<SessionPlan>,
}

/// How all sessions of a term stand, by class. `records` are those of the school and term. A class that the directory does
/// not have any more is there as long as something is recorded of it.
pub fn plans(
    school: &School,
    classes: &BTreeMap<String, Class>,
    records: &[SessionRecord],
    term: &Term,
) -> Vec<ClassPlan> {
    let mut all: BTreeMap<&str, ClassPlan> = BTreeMap::new();
    let gone = |name: &str| Class {
        name: name.to_owned(),
        years: BTreeSet::new(),
        mentors: BTreeSet::new(),
    };
    let names = classes.keys().chain(records.iter().map(|record| &record.class));
    let names: BTreeSet<&String> = names.collect();
    for programme in programme::in_force(&school.programmes.runs, term) {
        let plan = programme.plan(term);
        for name in &names {
            let class = classes.get(*name);
            let runs = class.is_some_and(|class| !class.years.is_disjoint(&programme.grades));
            for planned in &plan.sessions {
                let is_its = |record: &&SessionRecord| {
                    record.class == **name
                        && record.programme == programme.id
                        && record.session == planned.session
                };
                let record = records.iter().find(is_its);
                if !runs && record.is_none() {
                    continue;
                }
                let known = || class.cloned().unwrap_or_else(|| gone(name));
                let row = all
                    .entry(name)
                    .or_insert_with(|| ClassPlan { class: known(), sessions: Vec::new() });
                row.sessions.push(SessionPlan {
                    programme: programme.clone(),
                    number: planned.session,
                    week: planned.week,
                    record: record.cloned(),
                });
            }
        }
    }
    all.into_values().collect()
}

/// What the staff of one class are reminded of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder<'a> {
    /// To be held next week, or in the first week of a term in that.
    pub coming: Vec<&'a SessionPlan>,
    /// Should have been held, and nothing says that they were.
    pub overdue: Vec<&'a SessionPlan>,
}

/// What the staff of a class are reminded of by the list of a day, which is the first school day of its week. None: there is
/// nothing that they have not been reminded of before.
pub fn reminder<'a>(of: &'a ClassPlan, term: &Term, on: Date) -> Option<Reminder<'a>> {
    let week = term.week_of(on)?;
    let open = || of.sessions.iter().filter(|one| one.held().is_none());
    let coming: Vec<_> = open().filter(|one| one.reminded_in(term) == Some(week.number)).collect();
    let overdue: Vec<_> = open().filter(|one| one.is_overdue(term, on)).collect();
    let before = term.weeks.iter().rev().find(|other| other.number < week.number);
    let is_new = |one: &&&SessionPlan| before.is_none_or(|week| !one.is_overdue(term, week.first));
    let any = !coming.is_empty() || overdue.iter().any(|one| is_new(&one));
    any.then_some(Reminder { coming, overdue })
}

/// The term that a day is in; none: it is in none that the school's calendar says.
pub fn term_of(school: &School, day: Date) -> Option<Term> {
    let terms = school.calendar.as_ref()?.named_terms();
    terms.into_iter().find(|term| term.days.contains(day))
}

/// The term that a day is in, or the next one to come.
pub fn term_from(school: &School, day: Date) -> Option<Term> {
    let terms = school.calendar.as_ref()?.named_terms();
    terms.into_iter().find(|term| term.days.last() >= day)
}

#[cfg(test)]
#[path = "programme_tests.rs"]
mod tests;
