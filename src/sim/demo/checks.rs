//! What should have come and what did: one list of messages against another. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::sim::sink::{Kind, ReceiptState, Received};

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// To a guardian: missing.
    Absence,
    /// To a guardian who was told otherwise.
    Correction,
    /// To the team: something only a person can do.
    Task,
    /// To the team: missing when the lesson ended.
    Alert,
    /// To the team: the teacher adds something.
    Update,
}

/// A message that must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// What it is for.
    pub class: Class,
    /// How.
    pub kind: Kind,
    /// To whom.
    pub to: &'static str,
    /// Words in its text that do not depend on the wording: a name, a note.
    pub says: &'static str,
}

impl Expected {
    fn is(&self, message: &Received) -> bool {
        message.kind == self.kind && message.to == self.to && message.text.contains(self.says)
    }
}

/// For each expected message the first that is it and is not `taken`; none is used twice.
pub(super) fn find(
    messages: &[Arc<Received>],
    taken: &BTreeSet<String>,
    expected: &[Expected],
) -> Vec<Option<Arc<Received>>> {
    let mut taken = taken.clone();
    expected
        .iter()
        .map(|wanted| {
            let found = messages.iter().find(|m| wanted.is(m) && !taken.contains(&m.id))?;
            taken.insert(found.id.clone());
            Some(Arc::clone(found))
        })
        .collect()
}

/// A message that was expected and came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// About whom.
    pub about: &'static str,
    /// What for.
    pub class: Class,
    /// How.
    pub kind: Kind,
    /// From what made it necessary until it had come, in milliseconds.
    pub ms: i64,
    #[serde(skip)]
    pub(super) message: String,
}

/// How often what happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Texts that came.
    pub texts: usize,
    /// Mails that came.
    pub mails: usize,
    /// Of both: corrections.
    pub corrections: usize,
    /// Events that were sent again and ignored.
    pub duplicates: usize,
    /// Texts the daemon has heard to be delivered.
    pub delivered: usize,
    /// Messages that somebody got although they had the same already.
    pub told_twice: usize,
    /// Messages nobody should have got.
    pub unexpected: usize,
    /// Kills survived.
    pub kills: usize,
}

/// What came out.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Whether it came out right; set by [`Report::conclude`].
    pub ok: bool,
    /// The counts.
    pub counts: Counts,
    /// What was decided not to be told, by reason, from the daemon's own trail.
    pub not_told: BTreeMap<String, usize>,
    /// Every message that was expected and came, in order.
    pub messages: Vec<Told>,
    /// How long the story took, in milliseconds.
    pub ms: i64,
    /// All that went wrong.
    pub problems: Vec<String>,
    #[serde(skip)]
    wanted: Vec<(&'static str, usize, usize)>,
}

/// What a whole day should come to.
pub(super) struct Wanted {
    pub counts: Counts,
    /// Pupils nobody may be told about, by name and guardian's address.
    pub silent: &'static [(&'static str, &'static str)],
    /// Reasons that the trail must hold, so often.
    pub not_told: &'static [(&'static str, usize)],
}

impl Report {
    /// Counts what came and notes all that should not have.
    pub(super) fn count(&mut self, all: &[Arc<Received>], silent: &[(&str, &str)]) {
        let of = |kind| all.iter().filter(|m| m.kind == kind).count();
        self.counts.texts = of(Kind::Sms);
        self.counts.mails = of(Kind::Email);
        self.counts.delivered =
            all.iter().filter(|m| m.kind == Kind::Sms && m.receipt == ReceiptState::Done).count();
        self.counts.corrections =
            self.messages.iter().filter(|t| t.class == Class::Correction).count();
        let mut distinct = BTreeSet::new();
        self.counts.told_twice =
            all.iter().filter(|m| !distinct.insert((&m.to, &m.subject, &m.text))).count();
        for message in all {
            if !self.messages.iter().any(|told| told.message == message.id) {
                self.counts.unexpected += 1;
                self.problems.push(format!("nobody should have sent this to {}", message.to));
            }
            for (name, address) in silent {
                let subject = message.subject.as_deref().unwrap_or_default();
                if message.to == *address || [subject, &message.text].iter().any(|t| t.contains(name))
                {
                    self.problems.push(format!("a message tells of {name}"));
                }
            }
        }
    }

    /// Compares with what was wanted. `not_told`: reasons in the daemon's trail, how often each.
    pub fn conclude(&mut self, not_told: BTreeMap<String, usize>) {
        let Wanted { counts: wanted, not_told: reasons, .. } = super::story::WANTED;
        let found = &self.counts;
        let mut rows = vec![
            ("texts to guardians", wanted.texts, found.texts),
            ("  of which corrections", wanted.corrections, found.corrections),
            ("  of which reported delivered", wanted.delivered, found.delivered),
            ("mails to guardians and the team", wanted.mails, found.mails),
            ("events sent again and ignored", wanted.duplicates, found.duplicates),
            ("kills of the daemon", wanted.kills, found.kills),
            ("told twice", wanted.told_twice, found.told_twice),
            ("told by mistake", wanted.unexpected, found.unexpected),
        ];
        for (reason, times) in reasons {
            rows.push((reason, *times, not_told.get(*reason).copied().unwrap_or(0)));
        }
        for (what, wanted, found) in &rows {
            if wanted != found {
                self.problems.push(format!("{}: {found} instead of {wanted}", what.trim()));
            }
        }
        self.wanted = rows;
        self.not_told = not_told;
        self.ok = self.problems.is_empty();
    }

    /// The table at the end, for a terminal.
    pub fn table(&self) -> String {
        let mut text = format!("{:<44}{:>9}{:>9}\n", "", "expected", "came");
        let first = super::story::WANTED.not_told.first().map_or("", |(reason, _)| *reason);
        for (what, wanted, found) in &self.wanted {
            if *what == first {
                text.push_str("not told, by reason\n");
            }
            let indent = if super::story::WANTED.not_told.iter().any(|(r, _)| r == what) {
                "  "
            } else {
                ""
            };
            let mark = if wanted == found { "" } else { "  ← wrong" };
            let _ = writeln!(text, "{:<44}{wanted:>9}{found:>9}{mark}", format!("{indent}{what}"));
        }
        text
    }
}

/// Milliseconds between two instants.
pub(super) fn ms(from: Timestamp, to: Timestamp) -> i64 {
    i64::try_from(to.duration_since(from).as_millis()).unwrap_or(i64::MAX)
}
