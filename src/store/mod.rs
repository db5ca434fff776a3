//! The `Kv` port: ordered keys in one keyspace, read at once, written by batches that are durable
//! when `commit` returns. Knows bytes only; what the rows mean is `tables`' and the ledger's.
//! No other room may name sled.
//!
//! Behind the port: [`SledStore`], which is sled with an append-only [`journal`] and a `memtable` in front
//! of it, and [`MemoryStore`] for tests and simulation. A commit is durable when the journal has it; it is
//! read from the memtable then, and from sled a little later. What opening them means is told in [`recover`];
//! what makes both anew, so that removed rows leave the disk, in `compact`; copies of all rows in [`backup`].

pub mod backup;
mod batch;
pub mod codec;
mod committer;
mod compact;
pub mod disk;
mod embedded;
mod flusher;
pub mod journal;
mod lane;
mod layers;
pub mod ledger;
mod memory;
mod memtable;
mod metered;
mod progress;
mod rebuild;
pub mod recover;
pub mod restore;
pub mod rows;
mod settings;
mod sled;
mod snapshot;
mod status;
pub mod tables;
mod wake;

#[cfg(test)]
mod backup_tests;
#[cfg(test)]
mod compact_tests;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod prune_tests;

pub use compact::Compacted;
pub use embedded::SledStore;
pub use memory::MemoryStore;
pub use metered::{Metered, Now};
pub use progress::Progress;
pub use rebuild::{RebuildReport, rebuild};
pub use settings::{Hardening, Settings};
pub use snapshot::Snapshot;
pub use wake::{Wake, Watched};

use std::{collections::BTreeMap, future::Future, pin::Pin};

use bytes::Bytes;

use crate::model::Reason;

/// A future that owns nothing of the caller but the borrow.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;
/// Longest value, in bytes. sled moves values over 128 KiB to blob files that it does not sync, and
/// its leaves hold up to 16 items.
pub const MAX_VALUE_BYTES: usize = 4 * 1024;
/// Largest batch, keys and values together, in bytes.
pub const MAX_BATCH_BYTES: usize = 192 * 1024;

/// A set of writes that happen together or not at all, and what must still be so for them to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// What each named key must hold at the moment of the commit; `None`: nothing.
    pub expect: BTreeMap<Vec<u8>, Option<Bytes>>,
    /// What each named key holds afterwards; `None`: nothing.
    pub write: BTreeMap<Vec<u8>, Option<Bytes>>,
    /// Decisions that are in these writes, with what was done: to be counted when they are durable. No part
    /// of what a store keeps.
    pub decided: Vec<(&'static str, Reason)>,
}

impl Batch {
    /// Requires that a key still holds what was read. The first requirement for a key stands.
    pub fn expect(&mut self, key: Vec<u8>, was: Option<Bytes>) {
        self.expect.entry(key).or_insert(was);
    }

    /// Writes a key.
    pub fn put(&mut self, key: Vec<u8>, value: impl Into<Bytes>) {
        self.write.insert(key, Some(value.into()));
    }

    /// Removes a key.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.write.insert(key, None);
    }

    /// Keys and values to be written, in bytes.
    pub fn bytes(&self) -> usize {
        self.write.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Bytes::len)).sum()
    }
}

/// How a commit ended. In both cases everything committed before it is durable too, so an empty
/// batch is a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// Written and durable.
    Done,
    /// A requirement did not hold; nothing was written. Read again and decide again.
    Conflict,
}

/// What can go wrong in a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Below the low-water mark, or too much work in front of the committer: try again later.
    #[error("the store takes no more work at the moment: {0}")]
    Busy(String),
    /// A batch breaks a limit: a defect in the caller.
    #[error("a batch of {bytes} bytes was refused: {what}")]
    TooLarge {
        /// Which limit.
        what: String,
        /// How large it was.
        bytes: usize,
    },
    /// The engine failed. Nothing more will be written; the process must end and be restarted.
    #[error("the store failed and the process must restart: {0}")]
    Failed(String),
    /// Another process holds the folder.
    #[error("another upprop holds the store at {0}; stop it first, or ask it instead")]
    InUse(String),
    /// One row does not hold what it should; what depends on it cannot be done.
    #[error("a row of the store cannot be read: {0}")]
    Damaged(String),
    /// The store cannot be opened as it is; says what to do.
    #[error("{0}")]
    Refused(String),
}

/// How a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Takes commits.
    pub writable: bool,
    /// In words, when it is not.
    pub why: Option<String>,
    /// Free bytes on its disk, when it has one.
    pub free_bytes: Option<u64>,
}

/// Bytes that a store's files take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The database.
    pub database: u64,
    /// The journal.
    pub journal: u64,
}

/// Ordered keys with durable, conditional batches.
///
/// Reads may show what another commit has written but not yet made durable; whoever answers from a
/// read alone must first commit an empty batch.
pub trait Kv: Send + Sync {
    /// What a key holds.
    ///
    /// # Errors
    /// When the engine fails.
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>>;

    /// At most `limit` keys in `from..to` with their values, in order.
    ///
    /// # Errors
    /// When the engine fails.
    #[allow(clippy::type_complexity, reason = "a list of pairs behind a future, named once")]
    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>>;

    /// Writes a batch if its requirements hold; returns when it, and all before it, is durable.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when nothing was written and a later try may succeed; anything else
    /// means that the process should stop.
    fn commit(&self, batch: Batch) -> Pending<'_, Result<Commit, StoreError>>;

    /// Whether it takes work.
    fn health(&self) -> Health;

    /// What its files take; none: it has none, or they cannot be read this moment.
    fn sizes(&self) -> Option<Sizes> {
        None
    }
}

/// The first key after every key that starts with `prefix`: the end of its range.
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; MAX_KEY_BYTES]
}
