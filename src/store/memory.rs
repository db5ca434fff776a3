//! A store in memory, for tests and simulation. Keeps the rules of the port to the letter, limits
//! and conflicts included; loses everything when dropped.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{Batch, Commit, Health, Kv, Pending, StoreError};

/// Ordered keys in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<BTreeMap<Vec<u8>, Bytes>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything in it, in order.
    pub fn rows(&self) -> Vec<(Vec<u8>, Bytes)> {
        self.lock().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Bytes>> {
        // Nothing under the lock can panic halfway through a batch.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, batch: Batch) -> Result<Commit, StoreError> {
        batch.check_limits()?;
        let mut rows = self.lock();
        let Ok(holds) =
            batch.holds(|key, was| Ok::<_, Infallible>(rows.get(key).map(|v| &**v) == was));
        if !holds {
            return Ok(Commit::Conflict);
        }
        for (key, value) in batch.write {
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        Ok(Commit::Done)
    }
}

impl Kv for MemoryStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move { Ok(self.lock().get(key).cloned()) })
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        Box::pin(async move {
            if from >= to {
                return Ok(Vec::new());
            }
            let rows = self.lock();
            let range = rows
                .range::<[u8], _>((std::ops::Bound::Included(from), std::ops::Bound::Excluded(to)));
            Ok(range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
        })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        Box::pin(async move { self.write(batch) })
    }

    fn health(&self) -> Health {
        Health { writable: true, why: None, free_bytes: None }
    }
}
