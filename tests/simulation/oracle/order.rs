//! What is told was true when it left; what a reader is told differs from what the same reader was told before, and
//! the last word is true.

use std::collections::{BTreeMap, BTreeSet};

use upprop::model::{Channel, CorrectionKind, Notification, Purpose, Recipient, State};

use super::truth::Truth;
use super::{Key, Oracle, is_alarm};
use crate::outside::Arrived;

impl Oracle<'_> {
    /// What left was true when it left.
    pub fn timely(&mut self, m: &Arrived, n: &Notification) {
        let promise = match n.purpose {
            Purpose::Absence => ALARM_TRUE,
            Purpose::Correction if !n.recipient_is_staff() => CORRECTION_TRUE,
            _ => return,
        };
        let key = Self::key(n);
        let Some(case) = self.cases.get(&key) else { return };
        let truths = case.possible(m.asked.truth, m.asked.clock);
        let withdrawn = case.marks.iter().any(|s| s.body["mark"] != "unexcused");
        let kept = truths.contains(&said(n));
        if withdrawn && is_alarm(n) {
            self.world.tally.count(WITHDRAWN);
        }
        let words =
            || format!("{} about {key:?} left at {} when it was {truths:?}", n.id, m.asked.truth);
        self.check(promise, kept, words);
    }

    /// A correction leaves after what it corrects, to the same address.
    pub fn follows(&mut self, m: &Arrived, n: &Notification) {
        let Some(corrected) = n.corrects.as_ref().and_then(|id| self.known.get(id.as_str())) else {
            return;
        };
        let asked = self.world.outside.asked.lock().expect("asked");
        let left = asked.iter().any(|a| {
            let by = corrected.carried_by.as_ref().is_some_and(|id| id.as_str() == a.notification);
            let told = by || a.notification == corrected.id.as_str();
            told && a.truth < m.asked.truth && a.to == m.asked.to
        });
        drop(asked);
        let doubted = corrected.doubts() > 0;
        let words = || format!("{} corrects {:?}, at {}", n.id, n.corrects, m.asked.truth);
        self.check(FOLLOWS, left || doubted, words);
    }

    /// No text arrives twice; a mail does only after an attempt that nobody knows the outcome of.
    pub fn twice(&mut self) {
        let mut count: BTreeMap<String, Vec<bool>> = BTreeMap::new();
        for m in &self.arrived {
            count.entry(m.asked.notification.clone()).or_default().push(m.asked.is_text);
        }
        for (id, times) in count {
            let Some(n) = self.known.get(&id) else { continue };
            let family = !n.recipient_is_staff();
            let twice = times.len() > 1;
            let doubled = twice && !times[0] && n.doubts() > 0 && !(family && times.len() > 2);
            if doubled {
                self.world.tally.count(DOUBLED);
            }
            let words = format!("{id} ({:?}) arrived {} times", n.purpose, times.len());
            self.check(ONCE, !twice || doubled, || words);
        }
    }

    /// To one address an alarm about a lesson comes again only after a correction, whoever it is for.
    pub fn once_each_address(&mut self) {
        let mut words: BTreeMap<(Key, String), Vec<&Notification>> = BTreeMap::new();
        let posted = self.posted();
        let failed = |id: &str| posted.iter().any(|(n, status)| n == id && *status == "failed");
        for m in &self.arrived {
            let Some(n) = self.known.get(&m.asked.notification) else { continue };
            // A correction was made in good faith, also when it failed later.
            if !m.reached && is_alarm(n) {
                continue;
            }
            if matches!(n.purpose, Purpose::Absence | Purpose::Correction)
                && !n.recipient_is_staff()
            {
                words.entry((Self::key(n), m.asked.to.clone())).or_default().push(n);
            }
        }
        let mut found = Vec::new();
        for (where_to, told) in words {
            for pair in told.windows(2).filter(|pair| pair.iter().all(|n| is_alarm(n))) {
                // Listed as in doubt, or as failed by a provider that delivered it; or the correction
                // between them is.
                let reader = |n: &&Notification| {
                    Self::key(n) == where_to.0 && n.recipient == pair[0].recipient
                };
                let listed = pair.iter().copied().chain(self.known.values().filter(reader));
                let listed = listed.into_iter().any(|n| {
                    let id = n.id.as_str();
                    n.doubts() > 0 || failed(id)
                });
                if !listed {
                    let about: Vec<_> = self
                        .known
                        .values()
                        .filter(|n| Self::key(n) == where_to.0)
                        .map(|n| (n.purpose, n.revision, n.state, n.state_reason, &n.attempts))
                        .collect();
                    found.push(format!("{where_to:?} was told twice: {about:#?}"));
                }
            }
        }
        self.wrong.extend(found);
    }

    /// To each reader alarm and corrections come in turn, none says what the one before it did, and the last is true.
    pub fn in_turn(&mut self) {
        for key in self.cases.keys().cloned().collect::<Vec<_>>() {
            let roster = &self.world.plan.rosters[0].1;
            let pupil = &roster.pupils[&key.0];
            let school = &self.world.plan.schools[pupil.school];
            if pupil.protection != "none" || school.mode == "shadow" || !self.is_stable(&key.0) {
                continue;
            }
            let hear = roster.may_hear(&key.0, self.world.plan.days[0]);
            let about: Vec<Notification> = self
                .known
                .values()
                .filter(|n| Self::key(n) == key && !n.recipient_is_staff())
                .cloned()
                .collect();
            let readers: BTreeSet<Recipient> = about.iter().map(|n| n.recipient.clone()).collect();
            let last = self.cases[&key].last();
            if last == Truth::Missing && !hear.is_empty() {
                let nobody = readers.is_empty();
                self.check(SOMEBODY, !nobody, || format!("nobody was ever to be told of {key:?}"));
            }
            if last == Truth::Missing {
                let alert = self.known.values().any(|n| {
                    let stands = n.state != State::Cancelled || school.mode == "guests";
                    Self::key(n) == key && n.purpose == Purpose::TeamAlert && stands
                });
                self.check(TEAM, alert, || format!("the team was never to be told of {key:?}"));
            }
            for reader in readers {
                let who = hear.iter().find(|(who, _)| *who == reader.key());
                let reached = who.is_some_and(|(_, at)| {
                    school.mode == "live" || at.iter().all(|at| school.guests.contains(at))
                });
                if reached {
                    let of_reader: Vec<&Notification> =
                        about.iter().filter(|n| n.recipient == reader).collect();
                    self.told(&key, &reader, &of_reader, last);
                }
            }
        }
    }

    fn told(&mut self, key: &Key, reader: &Recipient, about: &[&Notification], last: Truth) {
        let words: Vec<_> = self
            .arrived
            .iter()
            .filter(|m| m.reached)
            .filter_map(|m| about.iter().find(|n| n.id.as_str() == m.asked.notification))
            .map(|n| said(n))
            .collect();
        let of = |state| about.iter().any(|n| n.state == state);
        // What failed, is held or came too late is staff's, who are told of it.
        let staffs = [State::Held, State::Expired, State::Rejected, State::Undelivered];
        let unanswered = self
            .arrived
            .iter()
            .any(|m| !m.reached && about.iter().any(|n| n.id.as_str() == m.asked.notification));
        let posted = self.posted();
        let failed = posted
            .iter()
            .any(|(id, status)| *status == "failed" && about.iter().any(|n| n.id.as_str() == id));
        if unanswered || failed || staffs.into_iter().any(of) {
            return;
        }
        let doubtful = about.iter().any(|n| n.channel == Channel::Email && n.doubts() > 0);
        let states: Vec<_> = about
            .iter()
            .map(|n| (n.purpose, n.state, n.state_reason, n.revision, n.doubts()))
            .collect();
        let say = || format!("{key:?} to {reader:?}: it is {last:?}, and {words:?}; {states:?}");
        if !doubtful {
            let begun = words.first().is_none_or(|word| *word == Truth::Missing);
            let in_turn = begun && words.windows(2).all(|two| two[0] != two[1]);
            self.check(IN_TURN, in_turn, say);
            if words.windows(2).any(|two| !two.contains(&Truth::Missing)) {
                self.world.tally.count(TURNED);
            }
        }
        let right = match last {
            Truth::Missing => words.last() == Some(&last),
            Truth::Away | Truth::There => words.last().is_none_or(|word| *word == last),
            Truth::Unknown => true,
        };
        self.check(LAST_WORD, right, say);
    }
}

/// What a message to those at home says.
fn said(n: &Notification) -> Truth {
    match n.correction {
        None => Truth::Missing,
        Some(CorrectionKind::Excused | CorrectionKind::ExcusedByMark) => Truth::Away,
        Some(_) => Truth::There,
    }
}

pub const ALARM_TRUE: &str = "an alarm was true when it left";
pub const WITHDRAWN: &str = "  of a lesson where something else was said before or after";
pub const CORRECTION_TRUE: &str = "a correction was true when it left";
pub const FOLLOWS: &str =
    "no correction without a first message: it follows what it corrects, to the same address";
pub const ONCE: &str = "a message arrives once";
pub const DOUBLED: &str = "mails that arrived twice, and are listed as in doubt";
pub const IN_TURN: &str =
    "nobody is told twice for one state: to one reader alarm and correction come in turn";
pub const TURNED: &str = "  with a correction that was put right by another";
pub const LAST_WORD: &str = "the last word to a reader is true";
pub const SOMEBODY: &str = "somebody is to be told of a pupil who is missing";
pub const TEAM: &str = "the team is to be told of a pupil who has not come by the lesson's end";
