//! The lists of the day as templates see them: of pupils of whom nobody was reached, and of what in the directory is
//! to be mended. Protected pupils are counted here and have no name.

use serde::Serialize;

/// A pupil on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Given and family name.
    pub name: String,
    /// Class; empty: not known.
    pub class: String,
    /// When the first lesson began that the pupil is missing from, `08.20`, the school's zone; empty: no lesson is meant.
    pub start: String,
    /// How far the telling has come, in the words of the event format; empty: not meant.
    pub told: String,
    /// Whether the pupil was not on the list before.
    pub new: bool,
}

/// The facts of the list of those of whom nobody was reached, and of that of whom nobody was told on the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotReachedFacts {
    /// The school's name.
    pub school: String,
    /// The day, `2026-11-20`.
    pub date: String,
    /// Whether that is today.
    pub today: bool,
    /// In the order in which they went missing.
    pub people: Vec<Person>,
    /// How many more there are than are named.
    pub more: usize,
    /// How many there are of whom a mail may say nothing.
    pub unnamed: usize,
}

/// The facts of the audit of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterFacts {
    /// The school's name.
    pub school: String,
    /// The day, `2026-11-20`.
    pub date: String,
    /// What is wrong, the worst first; each part has somebody in it.
    pub parts: Vec<RosterPart>,
    /// How many pupils are on no list any more who were on the last one.
    pub mended: usize,
    /// How many pupils the school has.
    pub pupils: usize,
    /// How many it had when it was last looked at; none: it never was.
    pub pupils_before: Option<usize>,
}

impl RosterFacts {
    /// Whether there is nothing to be said: nothing is wrong, and nothing was.
    pub fn is_nothing(&self) -> bool {
        self.parts.is_empty() && self.mended == 0
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterPart {
    /// What, by its name.
    pub fault: String,
    /// Whom it is about.
    pub people: Vec<Person>,
    /// How many more of whom a mail may say nothing.
    pub unnamed: usize,
}

fn person(name: &str, new: bool) -> Person {
    Person { name: name.into(), class: "7B".into(), start: String::new(), told: String::new(), new }
}

/// Lists of those who were not reached, as templates are tried on them.
pub(super) fn not_reached_samples() -> Vec<NotReachedFacts> {
    let words = ["not-told", "undelivered", "waiting", "in-doubt", "accepted"];
    let people = words.map(|told| Person {
        start: "08.20".into(),
        told: told.into(),
        ..person("Alva Ek", false)
    });
    let full = NotReachedFacts {
        school: "Björkskolan".into(),
        date: "2026-11-20".into(),
        today: true,
        people: people.into(),
        more: 3,
        unnamed: 2,
    };
    let one =
        NotReachedFacts { today: false, more: 0, unnamed: 1, people: Vec::new(), ..full.clone() };
    vec![full, one]
}

/// Audits, as templates are tried on them.
pub(super) fn roster_samples() -> Vec<RosterFacts> {
    let part = |fault: &str| RosterPart {
        fault: fault.into(),
        people: vec![
            person("Alva Ek", true),
            Person { class: String::new(), ..person("Bo Ek", false) },
        ],
        unnamed: 1,
    };
    let faults = ["protection-unknown", "birth-date-missing", "unreachable", "bad-contact"];
    let full = RosterFacts {
        school: "Björkskolan".into(),
        date: "2026-11-20".into(),
        parts: faults.map(part).into(),
        mended: 1,
        pupils: 412,
        pupils_before: Some(410),
    };
    let mended =
        RosterFacts { parts: Vec::new(), mended: 4, pupils_before: Some(412), ..full.clone() };
    let hidden = RosterPart { people: Vec::new(), ..part("unreachable") };
    let hidden = RosterFacts { parts: vec![hidden], mended: 0, ..full.clone() };
    let first = RosterFacts { mended: 0, pupils_before: None, ..full.clone() };
    vec![full, mended, hidden, first]
}

#[cfg(test)]
mod tests {
    use super::super::Templates;
    use super::super::notice::NoticeFacts;
    use super::*;
    use crate::model::{Locale, Purpose};

    #[test]
    fn the_first_audit_speaks_of_none_before_it_and_a_blank_line_comes_before_the_end() {
        let templates = Templates::builtin();
        let samples = roster_samples();
        for (facts, before) in [(&samples[0], true), (&samples[3], false)] {
            for (tag, words, end) in [
                ("sv", "förra genomgången: 410", "\n\nSkickat automatiskt"),
                ("en", "last looked at: 410", "\n\nSent automatically"),
            ] {
                let locale = Locale::new(tag).expect("a tag");
                let facts = NoticeFacts::Roster(facts.clone());
                let mail = templates.render_notice_mail(&locale, Purpose::RosterAudit, &facts);
                let mail = mail.expect("a mail");
                assert_eq!(mail.text.contains(words), before, "{}", mail.text);
                assert_eq!(mail.html.contains(words), before, "{}", mail.html);
                let plain = mail.text.replace("\r\n", "\n");
                assert!(plain.contains(end) && !plain.contains("none"), "{plain}");
                assert!(!plain.contains("\n\n\n"), "{plain}");
            }
        }
    }
}
