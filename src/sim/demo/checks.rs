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
    /// Whether it came out right.
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
    rows: Vec<Row>,
}

/// One line of the table at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    what: String,
    least: usize,
    most: usize,
    found: usize,
}

impl Row {
    fn is_right(&self) -> bool {
        (self.least..=self.most).contains(&self.found)
    }

    fn wanted(&self) -> String {
        if self.least == self.most {
            self.least.to_string()
        } else {
            format!("{}–{}", self.least, self.most)
        }
    }
}

/// What a whole day should come to.
pub(super) struct Wanted {
    /// How often what happens.
    pub counts: Counts,
    /// Pupils nobody may be told about, by name and guardian's address.
    pub silent: &'static [(&'static str, &'static str)],
    /// Reasons that the trail must hold, at least and at most so often; and no others.
    pub not_told: &'static [(&'static str, usize, usize)],
}

impl Report {
    /// Counts what came, and notes all that should not have.
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
                if message.to == *address
                    || [subject, &message.text].iter().any(|t| t.contains(name))
                {
                    self.problems.push(format!("a message tells of {name}"));
                }
            }
        }
    }

    /// Compares with what was wanted. `not_told`: reasons in the daemon's trail, how often each.
    pub(super) fn compare(&mut self, wanted: &Wanted, not_told: BTreeMap<String, usize>) {
        let (due, found) = (&wanted.counts, &self.counts);
        let mut rows: Vec<Row> = [
            ("texts to guardians", due.texts, found.texts),
            ("  of which corrections", due.corrections, found.corrections),
            ("  of which reported delivered", due.delivered, found.delivered),
            ("mails to guardians and the team", due.mails, found.mails),
            ("events sent again and ignored", due.duplicates, found.duplicates),
            ("kills of the daemon", due.kills, found.kills),
            ("told twice", due.told_twice, found.told_twice),
            ("told by mistake", due.unexpected, found.unexpected),
        ]
        .into_iter()
        .map(|(what, due, found)| Row { what: what.into(), least: due, most: due, found })
        .collect();
        let known = wanted.not_told.iter().map(|(reason, ..)| *reason);
        let reasons: BTreeSet<&str> = known.chain(not_told.keys().map(String::as_str)).collect();
        for reason in reasons {
            let due = wanted.not_told.iter().find(|(known, ..)| *known == reason);
            let (least, most) = due.map_or((0, 0), |(_, least, most)| (*least, *most));
            let found = not_told.get(reason).copied().unwrap_or(0);
            rows.push(Row { what: format!("not told, reason {reason}"), least, most, found });
        }
        for row in rows.iter().filter(|row| !row.is_right()) {
            let (what, wanted) = (row.what.trim(), row.wanted());
            self.problems.push(format!("{what}: {} instead of {wanted}", row.found));
        }
        self.rows = rows;
        self.not_told = not_told;
        self.ok = self.problems.is_empty();
    }

    /// The table at the end, for a terminal.
    pub fn table(&self) -> String {
        let mut text = format!("{:<44}{:>9}{:>9}\n", "", "expected", "came");
        for row in &self.rows {
            let mark = if row.is_right() { "" } else { "  ← wrong" };
            let (what, wanted, found) = (&row.what, row.wanted(), row.found);
            let _ = writeln!(text, "{what:<44}{wanted:>9}{found:>9}{mark}");
        }
        text
    }
}

/// Milliseconds between two instants.
pub(super) fn ms(from: Timestamp, to: Timestamp) -> i64 {
    i64::try_from(to.duration_since(from).as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALVA: Expected =
        Expected { class: Class::Absence, kind: Kind::Sms, to: "+46701740605", says: "Alva" };

    fn received(id: &str, to: &str, text: &str) -> Arc<Received> {
        Arc::new(Received {
            kind: Kind::Sms,
            id: id.into(),
            from: "Bjorkskolan".into(),
            to: to.into(),
            subject: None,
            text: text.into(),
            parts: Some(1),
            received_at: Timestamp::UNIX_EPOCH,
            headers: BTreeMap::new(),
            attachments: Vec::new(),
            path: None,
            status: None,
            receipt: ReceiptState::Done,
            receipts_posted: 1,
            raw: bytes::Bytes::new(),
        })
    }

    fn told(message: &str) -> Told {
        let (class, kind) = (Class::Absence, Kind::Sms);
        Told { about: "Alva", class, kind, ms: 1, message: message.into() }
    }

    #[test]
    fn no_message_is_found_twice() {
        let all = [received("1", "+46701740605", "Alva?"), received("2", "+46701740605", "Alva!")];
        let ids = |taken: &[&str], n: usize| -> Vec<Option<String>> {
            let taken = taken.iter().map(ToString::to_string).collect();
            find(&all, &taken, &vec![ALVA; n])
                .iter()
                .map(|m| Some(m.as_ref()?.id.clone()))
                .collect()
        };
        assert_eq!(ids(&[], 2), [Some("1".into()), Some("2".into())]);
        assert_eq!(ids(&["1"], 2), [Some("2".into()), None]);
        let other = Expected { to: "+46701740606", ..ALVA };
        assert_eq!(find(&all, &BTreeSet::new(), &[other]), [None]);
    }

    #[test]
    fn every_way_to_go_wrong_is_noticed() {
        const SILENT: &[(&str, &str)] = &[("Maja", "+46701740608")];
        const NOT_TOLD: &[(&str, usize, usize)] = &[("protected", 1, 1), ("present", 0, 1)];
        let one = Counts { texts: 1, delivered: 1, ..Counts::default() };
        let good = received("1", "+46701740605", "Alva?");
        let judge = |all: &[Arc<Received>], not_told: &[(&str, usize)]| {
            let mut report = Report { messages: vec![told("1")], ..Report::default() };
            report.count(all, SILENT);
            let not_told = not_told.iter().map(|(r, n)| ((*r).to_owned(), *n)).collect();
            let wanted = Wanted { counts: one.clone(), silent: SILENT, not_told: NOT_TOLD };
            report.compare(&wanted, not_told);
            assert_eq!(report.table().contains("wrong"), !report.ok);
            report.ok
        };
        let fine = [("protected", 1)];
        assert!(judge(std::slice::from_ref(&good), &fine));
        assert!(judge(std::slice::from_ref(&good), &[("protected", 1), ("present", 1)]));
        assert!(!judge(&[], &fine), "nothing came");
        assert!(!judge(std::slice::from_ref(&good), &[]), "the reason is missing");
        assert!(!judge(std::slice::from_ref(&good), &[("protected", 1), ("no-contact", 1)]));
        assert!(!judge(&[good.clone(), received("2", "+46701740605", "Alva?")], &fine), "twice");
        assert!(!judge(&[good.clone(), received("2", "+46701740606", "Ida?")], &fine), "mistaken");
        assert!(!judge(&[good, received("2", "+46701740608", "?")], &fine), "protected");
    }
}
