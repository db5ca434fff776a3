//! Preventive programmes as data: series of sessions for whole classes, and in which week of a term each is due. Pure;
//! reads no file, knows no people, and decides nothing about anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use crate::calendar::{SchoolWeek, Term};
use crate::model::Locale;

/// A text for staff in the languages that staff's mails come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Swedish.
    pub sv: String,
    /// English.
    pub en: String,
}

impl Words {
    /// In a language; Swedish where there is none in it.
    pub fn in_language(&self, locale: &Locale) -> &str {
        if locale.as_str() == "en" { &self.en } else { &self.sv }
    }
}

/// One session of a programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The school week of the term in which it is to be held, from 1.
    pub week: u32,
    /// What it is about.
    pub title: Words,
    /// What those who hold it need to know.
    pub text: Words,
}

/// One edition of a programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programme {
    /// What records know it by, in every edition.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Which edition this is, for people.
    pub version: String,
    /// In force for terms that begin on this day or later.
    pub effective: Date,
    /// School years, 0 for förskoleklass, of the classes in which it is run.
    pub grades: BTreeSet<u8>,
    /// By their numbers, from 1.
    pub sessions: BTreeMap<u32, Session>,
}

/// A session in a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Its number.
    pub session: u32,
    /// The week in which it is to be held; it is due on the week's last school day.
    pub week: SchoolWeek,
}

/// A programme in a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Sessions with their weeks, in order.
    pub sessions: Vec<Planned>,
    /// Sessions for which the term has no week.
    pub left_over: Vec<u32>,
}

impl Programme {
    /// When its sessions are due in a term.
    pub fn plan(&self, term: &Term) -> Plan {
        let mut plan = Plan { sessions: Vec::new(), left_over: Vec::new() };
        for (number, session) in &self.sessions {
            match term.weeks.iter().find(|week| week.number == session.week) {
                Some(week) => plan.sessions.push(Planned { session: *number, week: *week }),
                None => plan.left_over.push(*number),
            }
        }
        plan
    }
}

/// The programmes in force in a term: of each the newest edition that was in force when the term began.
pub fn in_force<'a>(all: &'a [Arc<Programme>], term: &Term) -> Vec<&'a Arc<Programme>> {
    let mut newest: BTreeMap<&str, &Arc<Programme>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.effective <= term.days.first()) {
        let known = newest.entry(&one.id).or_insert(one);
        if known.effective < one.effective {
            *known = one;
        }
    }
    newest.into_values().collect()
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::{autumn, programme};
    use super::*;
    use jiff::civil::date;

    #[test]
    fn sessions_have_their_weeks_and_the_autumn_break_is_none() {
        let term = autumn();
        let plan = programme(&[4], &[9, 10, 11, 18]).plan(&term);
        let due: Vec<_> = plan.sessions.iter().map(|one| (one.session, one.week.last)).collect();
        assert_eq!(
            due,
            [(1, date(2026, 10, 16)), (2, date(2026, 10, 23)), (3, date(2026, 11, 6))],
            "week 44 has no school"
        );
        assert_eq!(plan.left_over, [4], "the term has 17 weeks");
    }

    #[test]
    fn each_term_has_the_edition_that_was_in_force_when_it_began() {
        let of = |day: Date, version: &str| {
            let one = programme(&[4], &[1]);
            Arc::new(Programme { effective: day, version: version.into(), ..one })
        };
        let begins = autumn().days.first();
        let before = begins.yesterday().expect("a day");
        let after = begins.tomorrow().expect("a day");
        for (all, versions) in [
            (vec![of(before, "a"), of(begins, "b"), of(after, "c")], vec!["b"]),
            (vec![of(begins, "b"), of(before, "a")], vec!["b"]),
            (vec![of(after, "c")], vec![]),
        ] {
            let found: Vec<_> =
                in_force(&all, &autumn()).iter().map(|one| one.version.as_str()).collect();
            assert_eq!(found, versions);
        }
    }

    #[test]
    fn words_of_another_language_are_swedish() {
        let words = Words { sv: "hej".into(), en: "hello".into() };
        for (tag, text) in [("sv", "hej"), ("en", "hello"), ("fi", "hej")] {
            assert_eq!(words.in_language(&Locale::new(tag).expect("a tag")), text);
        }
    }
}
