//! What the embedded store is told about its place and its limits. Values only; nothing is read here.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::compact;

/// Where the embedded store lives and how much room it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder that holds `store/` (sled, see [`Settings::store_dir`]), `journal/` and `lock`. Made when missing, readable by
    /// its owner alone.
    pub dir: PathBuf,
    /// Free bytes on the disk of `dir` below which nothing more is written. sled never recovers
    /// from a full disk while it runs, so this must stay well above one morning's growth.
    pub low_water_bytes: u64,
    /// sled's page cache, in bytes. A target, not a bound: 64 MB set gave 248 MB resident at a
    /// million events.
    pub cache_bytes: u64,
    /// How long a closed journal segment is kept before [`SledStore::prune_journal`] may remove it.
    /// The store has no clock: whoever prunes subtracts this from now.
    ///
    /// [`SledStore::prune_journal`]: super::SledStore::prune_journal
    pub journal_keep: SignedDuration,
    /// Size at which a journal segment is closed and the next one begun, in bytes. A segment is
    /// read into memory as a whole.
    pub journal_segment_bytes: u64,
    /// Bytes of groups that may be in the journal and wait in memory for sled, before whoever writes
    /// waits too. As much again may be on its way to sled, and at first what a crash left in the journal.
    pub memtable_bytes: usize,
    /// What stands between us and sled's known ways of losing data.
    pub hardening: Hardening,
}

impl Settings {
    /// Settings for a folder, with what a municipality needs: 512 MiB low water, 8 MiB cache, 30
    /// days of journal in segments of 16 MiB, 8 MiB in memory before sled.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            low_water_bytes: 512 << 20,
            cache_bytes: 8 << 20,
            journal_keep: SignedDuration::from_hours(30 * 24),
            journal_segment_bytes: 16 << 20,
            memtable_bytes: 8 << 20,
            hardening: Hardening::default(),
        }
    }

    /// sled's folder: `store`, until a compaction makes another one.
    pub fn store_dir(&self) -> PathBuf {
        self.dir.join(compact::current(&self.current()).unwrap_or_else(|| "store".into()))
    }

    /// The file that names sled's folder; none: `store`.
    pub fn current(&self) -> PathBuf {
        self.dir.join("current")
    }

    /// The file that is there while a restore is under way, or was interrupted.
    pub fn restoring(&self) -> PathBuf {
        self.dir.join("restoring")
    }

    /// The journal's folder.
    pub fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }
}

/// The measures against losing acknowledged data, each of which can be left out.
///
/// Exists so that the crash tests can show what each of them prevents. The default is all of them,
/// and no configuration reaches this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardening {
    /// Our own `fdatasync` of sled's `db` file after each flush. sled's flush uses
    /// `sync_file_range`, which survives `kill -9` but not the crash of the machine.
    pub sync_db: bool,
    /// The journal, from which the store can be made again.
    pub journal: bool,
    /// Flushing sled at all. Without it and without the journal an answer means nothing; with the
    /// journal, a kill leaves it further ahead than opening takes.
    pub wait_for_flush: bool,
}

impl Default for Hardening {
    fn default() -> Self {
        Self { sync_db: true, journal: true, wait_for_flush: true }
    }
}
