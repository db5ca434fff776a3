//! What is kept in memory only: messages on the wire, and how accounts and schools are at the moment. One for
//! the whole life of the process, whatever the configuration becomes meanwhile. Each is a copy of rows, or
//! ends with the process and is found again as in doubt. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::accounts;
use super::suspension::Suspensions;
use super::volume::Normal;
use crate::model::{NotificationId, ProviderId, SchoolId};

/// How an account is at the moment, as far as this process knows.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Trouble, as stored.
    pub trouble: Option<accounts::Account>,
    /// The limiter said: not before.
    pub limited_until: Option<Timestamp>,
    /// On the wire.
    pub busy: usize,
}

impl Gate {
    /// When it opens; none: open.
    pub fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        let trouble = self.trouble.as_ref().map(|t| t.until);
        trouble.into_iter().chain(self.limited_until).filter(|t| *t > now).max()
    }
}

/// What is on the wire and what is shut.
#[derive(Debug, Default)]
pub struct UnderWay {
    gates: Mutex<BTreeMap<ProviderId, Gate>>,
    /// Schools whose limit said: not before. Their rows are left as they are: moving each would
    /// write all that wait for every one that goes.
    schools_shut: Mutex<BTreeMap<SchoolId, Timestamp>>,
    /// What an operator has suspended, as the rows were at the last look: tells which messages need not
    /// be claimed. The claim asks the rows.
    pub(super) suspended: ArcSwap<Suspensions>,
    on_the_wire: Mutex<BTreeMap<NotificationId, ProviderId>>,
    normal: Mutex<Normal>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UnderWay {
    /// Reads or changes what is known of an account.
    pub(super) fn gate<T>(&self, account: &ProviderId, f: impl FnOnce(&mut Gate) -> T) -> T {
        f(locked(&self.gates).entry(account.clone()).or_default())
    }

    /// Leaves a school's texts alone until then.
    pub(super) fn shut_school(&self, school: SchoolId, until: Timestamp) {
        locked(&self.schools_shut).insert(school, until);
    }

    /// Whether a school's texts are left alone now.
    pub(super) fn is_school_shut(&self, school: &SchoolId, now: Timestamp) -> bool {
        locked(&self.schools_shut).get(school).is_some_and(|until| *until > now)
    }

    /// When the first of the schools that are left alone is looked at again.
    pub(super) fn first_school(&self, now: Timestamp) -> Option<Timestamp> {
        let mut shut = locked(&self.schools_shut);
        shut.retain(|_, until| *until > now);
        shut.values().min().copied()
    }

    /// Whether it counts still that nothing was unusual about lessons that begin then.
    pub(super) fn is_normal(&self, school: &SchoolId, start: Timestamp, now: Timestamp) -> bool {
        locked(&self.normal).counts(school, start, now)
    }

    /// Nothing is unusual about lessons that begin then.
    pub(super) fn note_normal(
        &self,
        school: &SchoolId,
        start: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) {
        locked(&self.normal).note(school, start, until, now);
    }

    /// Whether a message is on this process's wire.
    pub(super) fn is_on_the_wire(&self, id: &NotificationId) -> bool {
        locked(&self.on_the_wire).contains_key(id)
    }

    /// A message goes on an account's wire.
    pub(super) fn depart(&self, id: &NotificationId, account: &ProviderId) {
        if locked(&self.on_the_wire).insert(id.clone(), account.clone()).is_none() {
            self.gate(account, |g| g.busy += 1);
        }
    }

    /// It is off again.
    pub(super) fn land(&self, id: &NotificationId) {
        if let Some(account) = locked(&self.on_the_wire).remove(id) {
            self.gate(&account, |g| g.busy = g.busy.saturating_sub(1));
        }
    }

    /// Another configuration is in force: limits are asked again, accounts in trouble are tried at once with
    /// one message, and what is `stored` of accounts that were not known counts.
    pub(super) fn renew(
        &self,
        stored: Vec<(ProviderId, Option<accounts::Account>)>,
        now: Timestamp,
    ) {
        locked(&self.schools_shut).clear();
        *locked(&self.normal) = Normal::default();
        let mut gates = locked(&self.gates);
        for (id, trouble) in stored {
            gates.entry(id).or_insert(Gate { trouble, ..Gate::default() });
        }
        for gate in gates.values_mut() {
            gate.limited_until = None;
            gate.trouble = accounts::tried_at_once(gate.trouble.take(), now);
        }
    }
}
