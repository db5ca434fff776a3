//! The store as it was between two groups, read while commits go on. Costs memory for each key that is
//! written meanwhile, so it is for work of seconds or minutes. Writes nothing.

use std::{collections::BTreeMap, io, sync::Arc};

use bytes::Bytes;

use super::{
    Batch, Commit, Health, Kv, Pending, StoreError,
    journal::base::Rows,
    layers::{Layers, Page},
    sled::EngineError,
};

/// What the keys that were written since held before.
#[derive(Debug, Default)]
pub struct Before {
    rows: BTreeMap<Vec<u8>, Option<Bytes>>,
    failed: Option<EngineError>,
}

impl Before {
    /// A key is about to be written, and this is what it holds.
    pub fn was(&mut self, key: &[u8], value: &Result<Option<Bytes>, EngineError>) {
        match value {
            Err(error) => self.failed = Some(error.clone()),
            Ok(_) if self.rows.contains_key(key) => {}
            Ok(value) => drop(self.rows.insert(key.to_vec(), value.clone())),
        }
    }

    /// What a key held, if it was written since.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.rows.get(key)
    }

    /// Every key that was written since.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.rows.keys().cloned().collect()
    }

    /// This, if it knows everything it should.
    ///
    /// # Errors
    /// When sled could not say what a key held.
    pub fn sound(&self) -> Result<&Self, EngineError> {
        self.failed.clone().map_or(Ok(self), Err)
    }

    /// Rows of a range as they were, made from those of today.
    pub fn instead_of(
        &self,
        rows: Vec<(Vec<u8>, Bytes)>,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Vec<(Vec<u8>, Bytes)> {
        let to = to.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let mut written =
            self.rows.range::<[u8], _>((std::ops::Bound::Included(from), to)).peekable();
        if written.peek().is_none() {
            return rows;
        }
        let mut rows: BTreeMap<Vec<u8>, Bytes> = rows.into_iter().collect();
        for (key, was) in written {
            match was {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        rows.into_iter().collect()
    }
}

/// The store as it was after one group. Read it through [`Kv`]; it takes no commits.
pub struct Snapshot {
    layers: Arc<Layers>,
    number: u64,
    sequence: u64,
}

impl Snapshot {
    /// As the store is now.
    pub(super) fn take(layers: Arc<Layers>) -> Self {
        let (number, sequence) = layers.begin_snapshot();
        Self { layers, number, sequence }
    }

    /// Its number among the layers' snapshots.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The last group in it.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The rows from a key on, about `limit` of them, and where to go on.
    ///
    /// # Errors
    /// When sled fails.
    pub fn page(&self, from: &[u8], limit: usize) -> Result<Page, StoreError> {
        Ok(self.layers.page_at(self.number, from, None, limit)?)
    }

    /// The keys that were written since it was taken.
    ///
    /// # Errors
    /// When sled fails.
    pub(super) fn written_since(&self) -> Result<Vec<Vec<u8>>, EngineError> {
        self.layers.written_since(self.number)
    }
}

impl Rows for Snapshot {
    fn sequence(&self) -> io::Result<u64> {
        Ok(self.sequence)
    }

    fn rows(&self, from: &[u8], limit: usize) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        let mut from = from.to_vec();
        loop {
            match self.layers.page_at(self.number, &from, None, limit)? {
                // All of them were written since.
                (rows, Some(next)) if rows.is_empty() => from = next,
                (rows, _) => return Ok(rows),
            }
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.layers.end_snapshot(self.number);
    }
}

impl Kv for Snapshot {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move { Ok(self.layers.get_at(self.number, key)?) })
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        Box::pin(async move {
            let mut rows = Vec::new();
            let mut from = from.to_vec();
            while rows.len() < limit && from.as_slice() < to {
                let wanted = (limit - rows.len()).min(1024);
                let (page, next) = self.layers.page_at(self.number, &from, Some(to), wanted)?;
                rows.extend(page);
                let Some(next) = next else { break };
                from = next;
            }
            rows.truncate(limit);
            Ok(rows)
        })
    }

    fn commit(&self, _batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        Box::pin(async { Err(StoreError::Refused("a snapshot takes no commits".into())) })
    }

    fn health(&self) -> Health {
        Health { writable: false, why: Some("a snapshot".into()), free_bytes: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        SledStore,
        conformance::{done, put, rows, settings},
    };
    use super::*;

    #[tokio::test]
    async fn it_shows_the_rows_as_they_were_whatever_is_written_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::open(settings(dir.path())).unwrap();
        for number in 0..30 {
            done(&store, put(&format!("k{number:02}"), "old")).await;
        }
        let before = rows(&store).await;
        let first = store.snapshot();
        for number in (0..40).step_by(3) {
            done(&store, put(&format!("k{number:02}"), "new")).await;
        }
        let mut delete = Batch::default();
        delete.delete(b"k01".to_vec());
        delete.delete(b"k29".to_vec());
        done(&store, delete).await;
        let after = rows(&store).await;
        let second = store.snapshot();
        done(&store, put("k01", "again")).await;
        done(&store, put("k02", "again")).await;
        assert_ne!(before, after);
        assert_eq!(rows(&first).await, before);
        assert_eq!(rows(&second).await, after);
        assert_eq!(first.get(b"k01").await.unwrap(), Some("old".into()));
        assert_eq!(second.get(b"k01").await.unwrap(), None);
        // In pages too, whose ends may be keys that are new or gone.
        for limit in 1..8 {
            let mut paged = Vec::new();
            let mut from = Some(Vec::new());
            while let Some(at) = from {
                let (page, next) = first.page(&at, limit).unwrap();
                paged.extend(page);
                from = next;
            }
            assert_eq!(paged, before, "{limit} at a time");
            assert_eq!(first.scan(b"k0", b"k2", limit).await.unwrap(), before[..limit]);
        }
        assert!(first.commit(put("x", "y")).await.is_err());
    }

    #[tokio::test]
    async fn what_is_let_go_of_costs_nothing_more() {
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::open(settings(dir.path())).unwrap();
        drop(store.snapshot());
        let layers = store.snapshot();
        let number = layers.number;
        let kept = layers.layers.clone();
        drop(layers);
        assert!(kept.get_at(number, b"k").is_err());
    }
}
