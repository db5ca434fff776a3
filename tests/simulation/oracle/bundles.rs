//! One message may tell several lessons, and each of them counts: what arrived, once for every lesson that it told.

use std::collections::BTreeMap;

use upprop::model::{Attempt, Notification};

use super::Oracle;
use crate::outside::Arrived;
use crate::people;
use crate::plan::zone;

/// The attempt of a message by which it reached the wire.
fn attempt<'a>(n: &'a Notification, m: &Arrived) -> Option<&'a Attempt> {
    n.attempts.iter().filter(|a| a.started_at <= m.asked.clock).max_by_key(|a| a.started_at)
}

/// Those whose lessons a message told with its own.
pub fn with<'k>(
    known: &'k BTreeMap<String, Notification>,
    n: &Notification,
    m: &Arrived,
) -> Vec<&'k Notification> {
    let Some(own) = attempt(n, m).map(|a| a.started_at) else { return Vec::new() };
    let along = |c: &&Notification| {
        let tied = c.carried_by.as_ref() == Some(&n.id) || n.carries.contains(&c.id);
        c.id != n.id && tied && c.attempts.iter().any(|a| a.started_at == own)
    };
    known.values().filter(along).collect()
}

/// All that arrived, with a copy for every lesson that was told along.
pub fn spread(known: &BTreeMap<String, Notification>, arrived: Vec<Arrived>) -> Vec<Arrived> {
    let mut all = Vec::new();
    for m in arrived {
        let n = known.get(&m.asked.notification);
        for other in n.into_iter().flat_map(|n| with(known, n, &m)) {
            let mut copy = m.clone();
            copy.asked.notification = other.id.to_string();
            all.push(copy);
        }
        all.push(m);
    }
    all.sort_by_key(|m| m.at);
    all
}

impl Oracle<'_> {
    /// A text says of every lesson that it is counted for which it is, and names no other pupil.
    pub fn says_what_it_tells(&mut self, arrived: &[Arrived]) {
        for m in arrived.iter().filter(|m| m.asked.is_text) {
            let Some(n) = self.known.get(&m.asked.notification).cloned() else { continue };
            let with: Vec<Notification> = with(&self.known, &n, m).into_iter().cloned().collect();
            for one in with.iter().chain([&n]).filter(|_| !with.is_empty()) {
                let Some(case) = self.cases.get(&Self::key(one)) else { continue };
                let start = case.start.to_zoned_datetime(zone()).strftime("%H.%M").to_string();
                let kept = m.text.contains(&start);
                self.check(TOLD_TOGETHER, kept, || format!("{start} is not in {m:?}"));
            }
            let named = |id: &String| m.text.contains(&people::name(id));
            let roster = &self.world.plan.rosters[0].1;
            let others: Vec<String> = roster
                .pupils
                .keys()
                .filter(|id| with.iter().chain([&n]).all(|one| one.pupil.as_str() != id.as_str()))
                .filter(|id| named(id))
                .cloned()
                .collect();
            self.check(NAMES_NOBODY_ELSE, others.is_empty(), || format!("{others:?} in {m:?}"));
        }
    }

    /// The reports that were posted, for every lesson that they are about.
    pub fn posted(&self) -> Vec<(String, &'static str)> {
        let posted = self.world.outside.posted.lock().expect("posted").clone();
        let mut all = Vec::new();
        for (id, status) in posted {
            let carried =
                |n: &&Notification| n.carried_by.as_ref().is_some_and(|k| k.as_str() == id);
            all.extend(self.known.values().filter(carried).map(|n| (n.id.to_string(), status)));
            all.push((id, status));
        }
        all
    }
}

pub const TOLD_TOGETHER: &str = "a message that tells several lessons says when each began";
pub const NAMES_NOBODY_ELSE: &str = "a text names no pupil but those whom it is about";
