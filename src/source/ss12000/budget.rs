//! How often a source may be asked: a cell in the store for each of its resources, written before the request,
//! so that neither a restart nor a crash asks too often; and pauses that the source has asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use compact_str::CompactString;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::settings::{Resource, Settings};
use crate::env::Clock;
use crate::limits::{self, Permit};
use crate::model::Rate;
use crate::store::ledger::Unit;
use crate::store::{Commit, Kv, StoreError, tables};

/// Pause while the store takes no work.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// Pauses of one source, by resource and by the school that was asked for; those of no school are of all. In memory:
/// what is asked too early after a restart is answered so again.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<BTreeMap<(Resource, Scope), Timestamp>>);

/// The organisation that is asked for; none: all of them.
pub(super) type Scope = Option<CompactString>;

impl Pauses {
    /// Not before `until`.
    pub fn set(&self, resource: Resource, scope: &Scope, until: Timestamp) {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = pauses.entry((resource, scope.clone())).or_insert(until);
        *kept = until.max(*kept);
    }

    /// Until when, if there is a pause.
    pub fn get(&self, resource: Resource, scope: &Scope, now: Timestamp) -> Option<Timestamp> {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.retain(|_, until| *until > now);
        let of_all = pauses.get(&(resource, None)).copied();
        of_all.max(pauses.get(&(resource, scope.clone())).copied())
    }

    /// Whether there is one for any school.
    pub fn any(&self, resource: Resource, now: Timestamp) -> bool {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.iter().any(|((of, _), until)| *of == resource && *until > now)
    }
}

/// Waits until `until`, or says that we are to stop.
pub(super) async fn wait(
    clock: &dyn Clock,
    until: Timestamp,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Fault::Stopped),
        () = clock.sleep_until(until) => Ok(()),
    }
}

/// Whether the resource may be asked for now.
pub(super) enum May {
    /// Yes, and it is written down that it is.
    Now,
    /// Not before then: the source wants to be left alone, or the store takes no work.
    Pause(Timestamp),
    /// Not before then, by our own budget.
    Budget(Timestamp),
}

/// Takes a permit for the resource, or says when to ask again.
pub(super) async fn permit(
    settings: &Settings,
    (resource, scope): (Resource, &Scope),
    pauses: &Pauses,
    kv: &dyn Kv,
    now: Timestamp,
) -> Result<May, Fault> {
    if let Some(until) = pauses.get(resource, scope, now) {
        return Ok(May::Pause(until));
    }
    let Some(rate) = settings.budget(resource) else { return Ok(May::Now) };
    let gate = format!("source:{}:{}", settings.source, resource.as_str());
    match take(kv, &gate, rate, now).await {
        Ok(None) => Ok(May::Now),
        Ok(Some(until)) => Ok(May::Budget(until)),
        Err(StoreError::Busy(_)) => {
            Ok(May::Pause(now.saturating_add(STORE_PAUSE).unwrap_or(Timestamp::MAX)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes one permit of a cell; else says when to ask again, at once where others were faster.
async fn take(
    kv: &dyn Kv,
    gate: &str,
    rate: &Rate,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let key = tables::cell(gate);
    let mut unit = Unit::new(kv);
    let cell = unit.read_raw(&key).await?;
    let cell = cell.and_then(|b| <[u8; 8]>::try_from(b.as_ref()).ok()).map(u64::from_be_bytes);
    let write = |mut unit: Unit<'_>, cell: u64| {
        unit.write_raw(key.clone(), bytes::Bytes::copy_from_slice(&cell.to_be_bytes()));
        unit.into_batch()
    };
    match limits::check(rate, cell, now) {
        Permit::Now(next) => match kv.commit(write(unit, next)).await? {
            Commit::Done => Ok(None),
            Commit::Conflict => Ok(Some(now)),
        },
        Permit::NotBefore { until, drawn_back } => {
            if let Some(cell) = drawn_back {
                let _: Commit = kv.commit(write(unit, cell)).await?;
            }
            Ok(Some(until))
        }
    }
}
