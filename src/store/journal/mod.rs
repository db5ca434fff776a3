//! The journal: an append-only record of every group of writes, on the disk before sled sees the
//! group. sled is then an index that can be made again ([`replay()`]), so a fault in sled costs
//! time and no data. Writes and reads its own folder; knows nothing of sled.
//!
//! One group, one [`frame`], one `fdatasync`. Frames go to *segments* that are closed at a size;
//! closed ones are removed once a [`base`] covers them ([`mod@file`] tells how they are spelled).

pub mod base;
pub mod file;
pub mod frame;
mod replay;
#[cfg(test)]
pub(super) mod small;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use replay::{Replayed, replay};
pub use writer::{AppendError, Journal, Tail, since, tail};

/// Keys with this prefix are the directory as last loaded: large, replaced as a whole every night
/// and had again from its source at any time, so the journal would grow tenfold for nothing. A batch
/// that writes such keys alone is not journalled; a batch that writes others too is, whole, so
/// that no batch is ever half recovered. A rebuild leaves all of them out: rows under this prefix
/// must say themselves which loading they belong to, and no other row may rely on them being there.
pub const BULK_PREFIX: &[u8] = b"di/";

/// What is wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The bytes are not what was written, and no crash explains it.
    #[error(
        "the journal is damaged: {} at byte {position}: {what}; put that file back from a copy",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where in it, in bytes from its start.
        position: u64,
        /// In words.
        what: String,
    },
    /// Groups are missing.
    #[error(
        "the journal in {} has a gap: {what}; put the missing files back from a copy",
        dir.display()
    )]
    Gap {
        /// Which folder.
        dir: PathBuf,
        /// In words.
        what: String,
    },
    /// Written by a newer program.
    #[error(
        "{} was written by a newer upprop (journal version {found}, this binary knows {}); install \
         that release or a later one",
        path.display(),
        file::VERSION
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

impl JournalError {
    /// Tells where a file is damaged.
    pub fn damaged(path: &Path, position: u64, what: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), position, what: what.to_string() }
    }

    /// Names the file an I/O error is about.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}
