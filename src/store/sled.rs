//! sled 0.34.7 as we use it, and the only file that names it: two trees, one writer, a flush that means
//! what it says. Knows nothing of requirements, and of the journal only whether there is one.
//!
//! Each measure answers a fault seen in this version. *Stale `snap.*.generating`*: left by a kill
//! while opening, it makes every later open fail (spacejam/sled#1527, #1533), so it is removed first.
//! *`flush` uses `sync_file_range`*, which a crash of the machine does not survive (#1351, #1452), so
//! `fdatasync` of the same file follows. *`flush_async` deadlocks* (#1308) and is never called. *Blob
//! files for large values are not synced*, hence the limits of a batch. *It panics on some faults*, so
//! every call is made where a panic becomes an error.

use std::{
    fs::{self, File},
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;

use super::{Hardening, Settings, disk, journal::frame::Write};

/// The layout of the store that this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;
const FORMAT_KEY: &[u8] = b"format";
const SEQUENCE_KEY: &[u8] = b"sequence";

/// What sled or the file system under it said, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(String);

impl EngineError {
    /// A snapshot was read after it was let go of: a defect.
    pub fn no_snapshot() -> Self {
        Self("the snapshot is gone".into())
    }

    /// The file system said so.
    pub fn of_io(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<sled::Error> for EngineError {
    fn from(error: sled::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<EngineError> for io::Error {
    fn from(error: EngineError) -> Self {
        Self::other(error)
    }
}

/// What an engine was last told about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// Nothing was ever written.
    Fresh,
    /// Holds rows and no mark: not one of ours.
    Foreign,
    /// Ours.
    At {
        /// Its layout.
        format: u32,
        /// The last group written.
        sequence: u64,
    },
}

/// An open sled.
pub struct Engine {
    db: sled::Db,
    rows: sled::Tree,
    meta: sled::Tree,
    hardening: Hardening,
    /// Whether the format is written.
    formatted: AtomicBool,
    /// Last, so that it is dropped after sled.
    db_file: DbFile,
}

/// sled's `db` file, opened a second time: to sync it, and to wait for sled to let go of it.
struct DbFile {
    file: File,
    /// Whether sled never failed.
    sound: AtomicBool,
}

impl Drop for DbFile {
    /// sled's own threads end their last task some moments after the last handle is dropped, and hold
    /// its lock until then: opening again at once would be refused. After a fault they may never end.
    fn drop(&mut self) {
        if self.sound.load(Ordering::Relaxed) {
            // The lock goes with the file at the end of this drop; without it nothing is wrong.
            let _ = self.file.lock();
        }
    }
}

impl Engine {
    /// Whether a sled was ever made in this folder.
    pub fn exists(dir: &Path) -> bool {
        db_path(dir).exists()
    }

    /// Opens or makes a sled in `dir`.
    ///
    /// # Errors
    /// When it cannot be opened; also where sled panics.
    pub fn open(dir: &Path, settings: &Settings) -> Result<Self, EngineError> {
        guarded(|| {
            let words = |error: io::Error| EngineError(error.to_string());
            disk::make_dir(dir).map_err(words)?;
            remove_stale_snapshots(dir).map_err(words)?;
            let db = sled::Config::new()
                .path(dir)
                .cache_capacity(settings.cache_bytes)
                .flush_every_ms(None)
                .open()?;
            let (rows, meta) = trees(&db)?;
            let file = File::open(db_path(dir)).map_err(words)?;
            let format = u64::from(FORMAT).to_be_bytes();
            let formatted = meta.get(FORMAT_KEY)?.is_some_and(|known| *known == format).into();
            let engine = Self {
                db,
                rows,
                meta,
                hardening: settings.hardening,
                formatted,
                db_file: DbFile { file, sound: true.into() },
            };
            engine.make_durable()?;
            // sled syncs neither its `conf` file nor the names of its files.
            File::open(dir.join("conf")).and_then(|conf| conf.sync_all()).map_err(words)?;
            disk::sync_dir(dir).map_err(words)?;
            Ok(engine)
        })
    }

    /// What it was last told about itself.
    ///
    /// # Errors
    /// When sled fails.
    pub fn marked(&self) -> Result<Marked, EngineError> {
        guarded(|| {
            let number = |key: &[u8], what: &str| match self.meta.get(key)? {
                None => Ok(None),
                Some(value) => <[u8; 8]>::try_from(&*value)
                    .map(|bytes| Some(u64::from_be_bytes(bytes)))
                    .map_err(|_| EngineError(format!("its {what} is not a number"))),
            };
            match (number(FORMAT_KEY, "format")?, number(SEQUENCE_KEY, "sequence")?) {
                (Some(format), Some(sequence)) => {
                    Ok(Marked::At { format: u32::try_from(format).unwrap_or(u32::MAX), sequence })
                }
                (None, None) if self.rows.is_empty() => Ok(Marked::Fresh),
                _ => Ok(Marked::Foreign),
            }
        })
    }

    /// Whether a key holds this value, or nothing.
    ///
    /// # Errors
    /// When sled fails.
    pub fn is(&self, key: &[u8], value: Option<&[u8]>) -> Result<bool, EngineError> {
        guarded(|| Ok(self.rows.get(key)?.as_deref() == value))
    }

    /// What a key holds.
    ///
    /// # Errors
    /// When sled fails.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        guarded(|| Ok(self.rows.get(key)?.map(|value| Bytes::copy_from_slice(&value))))
    }

    /// Hands the rows from `from` up to, not including, `to` (none: to the end) to `each`, in order,
    /// until it breaks off.
    ///
    /// # Errors
    /// When sled fails.
    pub fn walk(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        guarded(|| {
            let range = match to {
                Some(to) => self.rows.range(from..to),
                None => self.rows.range(from..),
            };
            for row in range {
                let (key, value) = row?;
                if each(&key, &value).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Writes rows and then the sequence they lead to. Not durable yet. With a journal a crash may come
    /// anywhere between, for they are then written again; without one they come whole or not at all.
    /// (sled's batches and transactions each begin and end a buffer of its log, which is written at
    /// once and wakes seven threads.)
    ///
    /// # Errors
    /// When sled fails; what is written then is unknown until the next open.
    pub fn apply<'a>(
        &self,
        sequence: u64,
        writes: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<(), EngineError> {
        self.write_guarded(|| {
            if self.hardening.journal {
                for (key, value) in writes {
                    match value {
                        Some(value) => self.rows.insert(key, value)?,
                        None => self.rows.remove(key)?,
                    };
                }
            } else {
                let mut batch = sled::Batch::default();
                for (key, value) in writes {
                    match value {
                        Some(value) => batch.insert(key, value),
                        None => batch.remove(key),
                    }
                }
                self.rows.apply_batch(batch)?;
            }
            if self.formatted.swap(true, Ordering::Relaxed) {
                self.meta.insert(SEQUENCE_KEY, &sequence.to_be_bytes())?;
            } else {
                // Both or none: one alone is the mark of another program's store.
                let mut mark = sled::Batch::default();
                mark.insert(FORMAT_KEY, &u64::from(FORMAT).to_be_bytes());
                mark.insert(SEQUENCE_KEY, &sequence.to_be_bytes());
                self.meta.apply_batch(mark)?;
            }
            Ok(())
        })
    }

    /// Writes a group as it stands in the journal. Not durable yet.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    pub fn apply_writes(&self, sequence: u64, writes: &[Write]) -> Result<(), EngineError> {
        self.apply(sequence, writes.iter().map(|(key, value)| (key.as_slice(), value.as_deref())))
    }

    /// Returns when everything written is on the disk.
    ///
    /// # Errors
    /// When sled or the disk fails; nothing more may be written then.
    pub fn make_durable(&self) -> Result<(), EngineError> {
        if !self.hardening.wait_for_flush {
            return Ok(());
        }
        self.write_guarded(|| {
            self.db.flush()?;
            if self.hardening.sync_db {
                self.db_file.file.sync_data().map_err(|error| EngineError(error.to_string()))?;
            }
            Ok(())
        })
    }

    fn write_guarded<T>(
        &self,
        call: impl FnOnce() -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        guarded(call).inspect_err(|_| self.db_file.sound.store(false, Ordering::Relaxed))
    }

    #[cfg(test)]
    pub fn set_format(&self, format: u32) {
        self.meta.insert(FORMAT_KEY, &u64::from(format).to_be_bytes()).unwrap();
        self.db.flush().unwrap();
    }

    /// Number of rows. Goes through all of them.
    ///
    /// # Errors
    /// When sled fails.
    pub fn count(&self) -> Result<u64, EngineError> {
        guarded(|| Ok(self.rows.len() as u64))
    }
}

/// The file that sled keeps everything in but its snapshots (sled 0.34.7, `config.rs`, `db_path`).
fn db_path(dir: &Path) -> PathBuf {
    dir.join("db")
}

#[expect(clippy::disallowed_methods, reason = "the one place where trees are opened")]
fn trees(db: &sled::Db) -> Result<(sled::Tree, sled::Tree), sled::Error> {
    Ok((db.open_tree("rows")?, db.open_tree("meta")?))
}

fn remove_stale_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::info!(file = %entry.path().display(), "removed a snapshot that was never finished");
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes an error of a panic inside sled.
fn guarded<T>(call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(EngineError(format!("sled panicked: {}", words.unwrap_or("no words"))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(dir: &Path) -> Engine {
        Engine::open(&dir.join("store"), &Settings::new(dir)).unwrap()
    }

    #[test]
    fn a_group_and_its_sequence_come_back_together() {
        let dir = tempfile::tempdir().unwrap();
        let first = engine(dir.path());
        assert_eq!(first.marked(), Ok(Marked::Fresh));
        first.apply_writes(7, &[(b"k".to_vec(), Some("v".into()))]).unwrap();
        first.make_durable().unwrap();
        drop(first);
        let again = engine(dir.path());
        assert_eq!(again.marked(), Ok(Marked::At { format: FORMAT, sequence: 7 }));
        assert_eq!(again.get(b"k"), Ok(Some("v".into())));
    }

    #[test]
    fn a_stale_snapshot_does_not_keep_the_store_shut() {
        let dir = tempfile::tempdir().unwrap();
        let first = engine(dir.path());
        first.apply_writes(1, &[(b"k".to_vec(), Some("v".into()))]).unwrap();
        first.make_durable().unwrap();
        drop(first);
        let stale = dir.path().join("store/snap.FFFFFFFFFFFFFFF0.generating");
        fs::write(&stale, b"half").unwrap();
        assert_eq!(engine(dir.path()).get(b"k"), Ok(Some("v".into())));
        assert!(!stale.exists());
    }

    #[test]
    fn rows_without_a_mark_are_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(dir.path());
        engine.rows.insert("k", "v").unwrap();
        assert_eq!(engine.marked(), Ok(Marked::Foreign));
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let error = guarded::<()>(|| panic!("tried to serialize Uninitialized")).unwrap_err();
        assert!(error.to_string().contains("Uninitialized"));
    }
}
