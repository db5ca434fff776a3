//! What is kept: every event that was acknowledged, a reason for every decision, an end for every
//! message, and what reports have said of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use upprop::model::{EventId, Purpose, SourceId, State};
use upprop::store::rows::{Audit, DailyList, Due};
use upprop::store::{ledger, tables};

use super::truth::Truth;
use super::{Oracle, is_alarm};

impl Oracle<'_> {
    /// What was acknowledged is known.
    pub fn accounted(&mut self, acknowledged: &BTreeMap<String, Timestamp>) {
        let keys: BTreeSet<Vec<u8>> = self.rows.iter().map(|(key, _)| key.clone()).collect();
        for event in &self.world.plan.events {
            let source = SourceId::new(event.source).expect("id");
            let key = tables::seen(&source, &EventId::new(event.id.as_str()).expect("id"));
            let kept = acknowledged.contains_key(&event.id) && keys.contains(&key);
            self.check(ACCOUNTED, kept, || event.id.clone());
        }
    }

    /// What was heard stands in the trail, with what was decided, and why.
    pub fn trail(&mut self) {
        let mut lines: BTreeMap<(String, String), Vec<Audit>> = BTreeMap::new();
        for (_, row) in self.rows.iter().filter(|(key, _)| key.starts_with(tables::AUDIT)) {
            let line = ledger::decode::<Audit>(row).expect("a row");
            if let (Some(source), Some(event)) = (&line.source, &line.event) {
                // What it comes to on a ladder has a line of its own.
                lines.entry((source.to_string(), event.to_string())).or_default().push(line);
            }
        }
        for event in &self.world.plan.events {
            let line = lines.get(&(event.source.to_owned(), event.id.clone()));
            let told = event.body["type"] == "absence.notified";
            let kept = line.is_some_and(|all| told || all.iter().any(|l| !l.decisions.is_empty()));
            self.check(REASONED, kept, || format!("{}: {line:?}", event.body));
        }
    }

    /// Every message has come to an end, and says why where it did not arrive.
    pub fn ended(&mut self) {
        for n in self.known.values().cloned().collect::<Vec<_>>() {
            let open = matches!(n.state, State::Waiting | State::Sending | State::InDoubt);
            let silent = matches!(n.state, State::Cancelled | State::Expired | State::Rejected)
                && n.state_reason.is_none();
            let words = || format!("{} {:?} {:?} {:?}", n.id, n.state, n.state_reason, n.purpose);
            self.check(ENDED, !open && !silent, words);
        }
        // Duties that nobody does are looked at for ever, and those of a school each morning.
        let is_open = |row: &[u8]| {
            let due = ledger::decode::<Due>(row).expect("a row");
            let list = matches!(due, Due::Daily { list: DailyList::Duties, .. });
            !list && !matches!(due, Due::Duty { .. } | Due::Ladder { .. })
        };
        let open = |(key, row): &(Vec<u8>, bytes::Bytes)| {
            key.starts_with(tables::ASIDE) || (key.starts_with(b"du/") && is_open(row))
        };
        if !self.world.deeds.lock().expect("deeds").is_empty() {
            self.wrong.push("somebody's word was never taken".into());
        }
        if self.rows.iter().any(open) {
            self.wrong.push("something is still due, or was put aside".into());
        }
    }

    /// What was reported stands: delivery for ever, failure until delivery.
    pub fn reports(&mut self) {
        let taken = self.world.outside.taken.lock().expect("taken").clone();
        let posted = self.world.outside.posted.lock().expect("posted").clone();
        // One whose answer was lost with the daemon may have been taken all the same.
        let maybe = |id: &str| posted.iter().any(|(n, status)| n == id && *status == "delivered");
        let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (id, reference, status) in &taken {
            let current = self.known.get(id).and_then(|n| n.reference.as_ref()) == Some(reference);
            if current || *status == "delivered" {
                said.entry(id).or_default().insert(status);
            }
        }
        for (id, statuses) in said {
            let Some(n) = self.known.get(id) else { continue };
            let (state, words) = (n.state, format!("{id} {:?}, and {statuses:?}", n.state));
            if statuses.contains("delivered") {
                self.check(DELIVERED, state == State::Delivered, || words);
            } else if statuses.contains("failed") && !maybe(id) {
                let kept = matches!(state, State::Undelivered | State::Rejected);
                self.check(FAILED, kept, || words);
            }
        }
    }

    /// An alarm that failed and is still true went another way, or became somebody's task.
    pub fn followed_up(&mut self) {
        let failed: Vec<_> = self
            .known
            .values()
            .filter(|n| is_alarm(n) && matches!(n.state, State::Undelivered | State::Rejected))
            .cloned()
            .collect();
        for n in failed {
            let Some(case) = self.cases.get(&Self::key(&n)) else { continue };
            let about: Vec<_> =
                self.known.values().filter(|k| Self::key(k) == Self::key(&n)).collect();
            let later = about.iter().any(|k| is_alarm(k) && k.revision > n.revision);
            if case.last() != Truth::Missing || later || !self.is_stable(n.pupil.as_str()) {
                continue;
            }
            let kept = about.iter().any(|k| {
                let other = is_alarm(k) && k.recipient == n.recipient && k.channel != n.channel;
                other || k.purpose == Purpose::StaffTask
            });
            let words = || format!("{} to {:?} {:?}", n.id, n.recipient, n.state_reason);
            self.check(FOLLOWED_UP, kept, words);
        }
    }

    /// Whether nothing in the directory and no birthday changes who may be told of a pupil.
    pub fn is_stable(&self, pupil: &str) -> bool {
        let rosters = &self.world.plan.rosters;
        let first = &rosters[0].1;
        let days = &self.world.plan.days;
        let same_days =
            days.iter().all(|d| first.may_hear(pupil, *d) == first.may_hear(pupil, days[0]));
        same_days && rosters.iter().all(|(_, r)| r.is_same(pupil, first, days))
    }
}

pub const ACCOUNTED: &str = "an event that was acknowledged is accounted for";
pub const REASONED: &str = "what was decided about an event stands in the trail, with the reason";
pub const ENDED: &str = "a message has come to an end, and says why where it did not leave";
pub const DELIVERED: &str = "a message that was reported delivered stays so";
pub const FAILED: &str = "a message that was reported failed stays so until it is delivered";
pub const FOLLOWED_UP: &str = "an alarm that failed goes another way, or becomes a task";
