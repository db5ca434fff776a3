//! A unit of work over the `Kv` port: typed reads that remember what they saw, writes that are seen
//! by later reads, and one commit that fails when anything read has changed meanwhile.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{Batch, Commit, Kv, StoreError, after_prefix, codec};
use crate::model::Reason;

/// The version of row values this binary writes, and the highest it reads.
pub const ROW_VERSION: u8 = 1;

/// One unit of work.
pub struct Unit<'a> {
    kv: &'a dyn Kv,
    batch: Batch,
}

impl<'a> Unit<'a> {
    /// Starts with nothing read and nothing written.
    pub fn new(kv: &'a dyn Kv) -> Self {
        Self { kv, batch: Batch::default() }
    }

    /// Reads a row; the commit will require that it is still so.
    ///
    /// # Errors
    /// When the store fails or the row is of a newer version.
    pub async fn read<T: DeserializeOwned>(&mut self, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.read_raw(key).await?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Reads a row's bytes; the commit will require that they are still so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_raw(&mut self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if let Some(written) = self.batch.write.get(key) {
            return Ok(written.clone());
        }
        // Had it changed since, the commit would fail anyway.
        if let Some(seen) = self.batch.expect.get(key) {
            return Ok(seen.clone());
        }
        let found = self.kv.get(key).await?;
        self.batch.expect(key.to_vec(), found.clone());
        Ok(found)
    }

    /// Reads a row without requiring anything of it at the commit: for values that are advice.
    ///
    /// # Errors
    /// When the store fails or the row is of a newer version.
    pub async fn peek<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        if let Some(written) = self.batch.write.get(key) {
            return written.as_ref().map(|bytes| decode(bytes)).transpose();
        }
        self.kv.get(key).await?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Reads all rows under a prefix, at most `limit`; the commit will require that those found are
    /// still so (a counter row must guard against new ones).
    ///
    /// # Errors
    /// When the store fails or a row is of a newer version.
    pub async fn read_all<T: DeserializeOwned>(
        &mut self,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, StoreError> {
        let end = after_prefix(prefix);
        let mut rows: BTreeMap<Vec<u8>, Bytes> =
            self.kv.scan(prefix, &end, limit).await?.into_iter().collect();
        for (key, value) in &rows {
            if !self.batch.write.contains_key(key) {
                self.batch.expect(key.clone(), Some(value.clone()));
            }
        }
        for (key, value) in self.batch.write.range(prefix.to_vec()..end) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        rows.into_iter().map(|(key, value)| Ok((key, decode(&value)?))).collect()
    }

    /// Reads the values in a range of keys, at most `limit`, without requiring anything of them at
    /// the commit: a counter row must guard them.
    ///
    /// # Errors
    /// When the store fails or a row is of a newer version.
    pub async fn peek_range<T: DeserializeOwned>(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows: BTreeMap<Vec<u8>, Bytes> =
            self.kv.scan(from, to, limit).await?.into_iter().collect();
        for (key, value) in self.batch.write.range(from.to_vec()..to.to_vec()) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        rows.values().map(|value| decode(value)).collect()
    }

    /// Writes a row.
    pub fn write<T: Serialize>(&mut self, key: Vec<u8>, value: &T) {
        self.batch.put(key, codec::encode(ROW_VERSION, value));
    }

    /// Writes a row's bytes.
    pub fn write_raw(&mut self, key: Vec<u8>, value: Bytes) {
        self.batch.put(key, value);
    }

    /// Removes a row.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.batch.delete(key);
    }

    /// Something was decided in these writes: counted when they are durable.
    pub fn decided(&mut self, act: &'static str, reason: Reason) {
        self.batch.decided.push((act, reason));
    }

    /// Bytes to be written so far.
    pub fn bytes(&self) -> usize {
        self.batch.bytes()
    }

    /// What would be committed, for a commit that outlives the unit.
    pub fn into_batch(self) -> Batch {
        self.batch
    }

    /// Commits; durable on return.
    ///
    /// # Errors
    /// When the store fails or is busy; then nothing was written.
    pub async fn commit(self) -> Result<Commit, StoreError> {
        self.kv.commit(self.batch).await
    }
}

/// Reads one row outside any unit of work.
///
/// # Errors
/// When the store fails or the row is of a newer version.
pub async fn read<T: DeserializeOwned>(kv: &dyn Kv, key: &[u8]) -> Result<Option<T>, StoreError> {
    kv.get(key).await?.map(|bytes| decode(&bytes)).transpose()
}

/// As [`read`]; what cannot be read counts as not there: for whoever goes on to `intake`, which says so, and refuses
/// what depends on it, and nothing else.
///
/// # Errors
/// When the store fails or the row is of a newer version.
pub async fn read_good<T: DeserializeOwned>(
    kv: &dyn Kv,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    match read(kv, key).await {
        Err(StoreError::Damaged(_)) => Ok(None),
        other => other,
    }
}

/// Rows read at a time by [`each`].
const PAGE: usize = 1_000;

/// Shows every row under a prefix, in order; those written meanwhile may be among them or not.
///
/// # Errors
/// When the store fails.
pub async fn each(
    kv: &dyn Kv,
    prefix: &[u8],
    mut show: impl FnMut(&[u8], &Bytes) + Send,
) -> Result<(), StoreError> {
    let mut from = prefix.to_vec();
    let end = after_prefix(prefix);
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        for (key, value) in &page {
            show(key, value);
        }
        let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else { return Ok(()) };
        // Such a walk may be long, and a read is answered at once: others get their turn here.
        tokio::task::yield_now().await;
        from = [last.as_slice(), &[0]].concat();
    }
}

/// Decodes a row's value.
///
/// # Errors
/// When it is of a newer version or damaged.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    codec::decode(ROW_VERSION, bytes).map_err(|error| match error {
        codec::CodecError::Newer { .. } => StoreError::Refused(error.to_string()),
        codec::CodecError::Empty | codec::CodecError::Malformed { .. } => {
            StoreError::Damaged(error.to_string())
        }
    })
}
