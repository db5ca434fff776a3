//! Callbacks: what has changed since the last, told to those who subscribed; again when it was not
//! answered as it must be.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Shared;
use super::id::Id;
use super::quirks::{Quirks, Spelling};
use super::rows::Resource;
use super::world::News;
use crate::sim::target::Target;

/// How often one is tried: once, and three times more.
const ATTEMPTS: u64 = 4;

/// Tells subscribers of every change, until the school stops.
pub(super) async fn tell(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.news.notified() => {}
        }
        if !shared.pause(shared.gather).await {
            return;
        }
        let news = {
            let mut world = shared.world.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::take(&mut world.news)
        };
        shared.call(&news);
    }
}

impl Shared {
    /// Calls all whom this concerns.
    pub(super) fn call(self: &Arc<Self>, news: &News) {
        let quirks = self.quirks();
        let now = self.skewed(self.clock.now());
        let mut calls: Vec<(Id, String, Value)> = Vec::new();
        for one in self.subscribers().current(now) {
            let wanted: BTreeSet<&str> = news
                .modified
                .iter()
                .map(|resource| resource.name())
                .filter(|name| one.resources.contains(*name))
                .collect();
            for body in bodies(&wanted, news.deleted, &quirks) {
                calls.push((one.id, one.target.clone(), body));
            }
        }
        for (id, target, body) in calls {
            self.send(Some(id), &target, &body);
        }
    }

    /// Calls everybody with the same body, whatever they subscribed to.
    pub(super) fn call_all(self: &Arc<Self>, body: &Value) {
        let now = self.skewed(self.clock.now());
        let targets: Vec<(Id, String)> =
            self.subscribers().current(now).map(|one| (one.id, one.target.clone())).collect();
        for (id, target) in targets {
            self.send(Some(id), &target, body);
        }
    }

    /// Calls one address, and again when that failed.
    pub(super) fn send(self: &Arc<Self>, id: Option<Id>, target: &str, body: &Value) {
        let Some(target) = Target::new(target) else { return };
        let shared = Arc::clone(self);
        let body = bytes::Bytes::from(body.to_string());
        self.tasks.spawn(async move {
            let mut told = false;
            let mut calls = 0;
            while !told && calls < ATTEMPTS {
                if calls > 0 && !shared.pause(shared.retry).await {
                    return;
                }
                calls += 1;
                let answer = shared.courier.carry(&target, "application/json", body.clone()).await;
                let exact = shared.quirks().exact_200;
                told = match answer {
                    Some(200) => true,
                    Some(200..=299) => !exact,
                    _ => false,
                };
            }
            if let Some(id) = id {
                shared.subscribers().note(id, told, calls);
            }
        });
    }

    /// Waits by the clock. False when the school was stopped meanwhile.
    pub(super) async fn pause(&self, time: SignedDuration) -> bool {
        let now = self.clock.now();
        let until = now.saturating_add(time).unwrap_or(now);
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.clock.sleep_until(until) => true,
        }
    }
}

/// What one subscriber is told: one body, none, or one for each resource.
fn bodies(wanted: &BTreeSet<&str>, deleted: bool, quirks: &Quirks) -> Vec<Value> {
    if wanted.is_empty() && !deleted {
        return Vec::new();
    }
    let key = match quirks.spelling {
        Spelling::Standard => "modifiedEntites",
        Spelling::Corrected => "modifiedEntities",
    };
    if quirks.one_at_a_time {
        let mut all: Vec<Value> = wanted.iter().map(|name| json!({ key: [name] })).collect();
        all.extend(deleted.then(|| json!({ "deletedEntities": true })));
        return all;
    }
    vec![json!({ key: wanted, "deletedEntities": deleted })]
}

/// The names of resources, for a callback made up by hand.
pub(super) fn by_hand(modified: &BTreeSet<Resource>, deleted: bool, quirks: &Quirks) -> Vec<Value> {
    let names: BTreeSet<&str> = modified.iter().map(|resource| resource.name()).collect();
    bodies(&names, deleted, quirks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_spelt_as_asked() {
        let wanted = BTreeSet::from(["Absence", "Attendance"]);
        let told = |quirks: &str, deleted| {
            let quirks = quirks.parse().expect("known");
            Value::from(bodies(&wanted, deleted, &quirks))
        };
        let both =
            json!([{"modifiedEntites": ["Absence", "Attendance"], "deletedEntities": false}]);
        assert_eq!(told("", false), both);
        assert_eq!(
            told("modifiedEntities,one-at-a-time", true),
            json!([
                {"modifiedEntities": ["Absence"]},
                {"modifiedEntities": ["Attendance"]},
                {"deletedEntities": true},
            ])
        );
        assert!(bodies(&BTreeSet::new(), false, &Quirks::default()).is_empty());
    }
}
