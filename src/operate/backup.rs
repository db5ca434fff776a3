//! What a backup or a restore came to, as a document.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::store::backup::About;

/// A backup that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BackedUp {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Where it is.
    pub folder: PathBuf,
    /// What it holds.
    pub backup: About,
}

/// A backup that was put in the place of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PutBack {
    /// [`super::FORMAT`].
    pub format: u32,
    /// What it held.
    pub backup: About,
    /// Rows in the store now.
    pub rows: u64,
    /// Messages that were waiting or on their way, and are held for a person now.
    pub held: u64,
    /// Messages that were waiting or on their way, and whose deadline has passed.
    pub expired: u64,
    /// Consents and agreements that are over now, for they may have been taken back since.
    pub ended: u64,
    /// Duties that may have been done since.
    #[serde(default)]
    pub duties: u64,
    /// Rows that could not be read, kept as they were.
    pub unreadable: u64,
    /// Where the former store and journal are.
    pub kept: Vec<PathBuf>,
}

/// A store that was compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MadeAnew {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Rows that were written anew.
    pub rows: u64,
    /// Bytes of store and journal before.
    pub before_bytes: u64,
    /// Bytes of store and journal after.
    pub after_bytes: u64,
}

/// How far a work on the whole store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HowFar {
    /// Steps done.
    pub done: u64,
    /// Steps in all; 0: not known.
    pub all: u64,
}
