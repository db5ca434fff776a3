//! The directory's rows in the store: each load under a generation of its own, and one row that names the
//! generation in force. Judges nothing and puts nothing in force.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PAGE, RosterFeed};
use crate::directory::{Loaded, snapshot};
use crate::store::ledger::{self, Unit};
use crate::store::{Batch, Commit, MAX_BATCH_BYTES, StoreError, after_prefix, tables};

/// Which load is in force; stored beside its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InForce {
    pub(super) generation: u64,
    pub(super) digest: String,
    pub(super) rows: usize,
    pub(super) loaded_at: Timestamp,
    /// Of the files it came from: `load::Gathered::digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) files: Option<String>,
}

pub(super) fn pointer() -> Vec<u8> {
    [tables::DIRECTORY, b"current"].concat()
}

pub(super) fn generation_prefix(generation: u64) -> Vec<u8> {
    [tables::DIRECTORY, b"g", &generation.to_be_bytes()].concat()
}

impl RosterFeed {
    /// Writes a load under the next generation and names it the one in force.
    pub(super) async fn store_next(
        &self,
        in_force: Option<&InForce>,
        loaded: &Loaded,
        files: Option<String>,
    ) -> Result<InForce, StoreError> {
        // Of the store too, which may name one that was left aside at the start.
        let stored = ledger::read::<InForce>(self.kv.as_ref(), &pointer()).await.ok().flatten();
        let known = in_force.into_iter().chain(&stored);
        let generation = known.map(|f| f.generation).max().map_or(1, |g| g + 1);
        self.store(generation, loaded, files).await
    }

    async fn store(
        &self,
        generation: u64,
        loaded: &Loaded,
        files: Option<String>,
    ) -> Result<InForce, StoreError> {
        self.remove(generation).await?;
        let prefix = generation_prefix(generation);
        let mut count = 0;
        let mut batch = Batch::default();
        for (suffix, value) in snapshot::to_rows(&loaded.roster) {
            count += 1;
            batch.put([prefix.as_slice(), suffix.as_bytes()].concat(), value);
            if batch.bytes() > MAX_BATCH_BYTES / 2 {
                self.write(std::mem::take(&mut batch)).await?;
            }
        }
        self.write(batch).await?;
        let stored = InForce {
            generation,
            digest: loaded.digest.clone(),
            rows: count,
            loaded_at: self.clock.now(),
            files,
        };
        let mut unit = Unit::new(self.kv.as_ref());
        unit.write(pointer(), &stored);
        let _: Commit = unit.commit().await?;
        Ok(stored)
    }

    async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let _: Commit = self.kv.commit(batch).await?;
        Ok(())
    }

    pub(super) async fn remove(&self, generation: u64) -> Result<(), StoreError> {
        let prefix = generation_prefix(generation);
        self.remove_range(&prefix, &after_prefix(&prefix)).await
    }

    pub(super) async fn remove_range(&self, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        loop {
            let page = self.kv.scan(from, to, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::default();
            for (key, _) in page {
                batch.delete(key);
            }
            self.write(batch).await?;
        }
    }
}
