//! Making sled again from the journal. The new store is finished beside the old one and then takes
//! its place; the old one is kept. May be interrupted at any point and run again.
//!
//! | interrupted | found by the next run |
//! |---|---|
//! | while the new store is written | `store.rebuilding`: removed, begun again |
//! | before the first rename | the same |
//! | between the two renames | no `store`, which opening refuses; the new one is begun again |
//! | after the second | a whole store, which opens; running again only does the same again |

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Progress, Settings, StoreError, disk,
    journal::{self, BULK_PREFIX, Replayed, frame::Write},
    recover,
    sled::{Engine, EngineError},
};

/// Bytes written to sled between two flushes: unflushed bulk writes made one flush take 26 s.
const FLUSH_BYTES: usize = 1 << 20;

/// What the new store is called until it takes its place.
pub(super) const FRESH: &str = "store.rebuilding";

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuildReport {
    /// Groups of the journal that were written again.
    pub groups: u64,
    /// The last of them.
    pub last: u64,
    /// The group whose base the rebuild began from; none when the journal goes back to the first.
    pub base: Option<u64>,
    /// Rows in the new store. Those of the directory are not among them: load it again.
    pub rows: u64,
    /// Where the old store is now; none when there was none. To be removed when no longer wanted.
    pub kept: Option<PathBuf>,
}

impl std::fmt::Display for RebuildReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "The store was made again: {} rows from {} groups", self.rows, self.groups)?;
        if let Some(base) = self.base {
            write!(f, " after the base at group {base}")?;
        }
        write!(f, ", up to group {}.", self.last)?;
        match &self.kept {
            Some(kept) => {
                write!(
                    f,
                    "\nThe former store is kept at {}; remove it when all is well.",
                    kept.display()
                )
            }
            None => Ok(()),
        }
    }
}

/// Makes the store again from its journal. Blocks.
///
/// # Errors
/// [`StoreError::Refused`], in words, when another process holds the folder, when the journal is
/// missing, damaged or incomplete, or when the disk refuses. The old store is untouched then, or kept
/// under its other name.
pub fn rebuild(settings: &Settings, progress: &Progress) -> Result<RebuildReport, StoreError> {
    let _lock = disk::lock(&settings.dir)?;
    recover::refuse_unfinished_restore(settings)?;
    let refused = |error: io::Error| {
        StoreError::Refused(format!(
            "the store in {} cannot be rebuilt: {error}; mend that and run the command again",
            settings.dir.display()
        ))
    };
    let fresh = settings.dir.join(FRESH);
    remove_dir(&fresh).map_err(refused)?;
    // Bytes of the journal, which are more or less those of its groups.
    progress.begin(disk::used_bytes(&settings.journal_dir()).unwrap_or(0));
    let written = write_fresh(settings, &fresh, progress);
    progress.end();
    let (replayed, rows) = written.inspect_err(|_| drop(remove_dir(&fresh)))?;
    let store = settings.store_dir();
    let kept =
        store.exists().then(|| free_name(&settings.dir, "store.before-rebuild", replayed.last));
    if let Some(kept) = &kept {
        fs::rename(&store, kept).and_then(|()| disk::sync_dir(&settings.dir)).map_err(refused)?;
    }
    fs::rename(&fresh, &store).and_then(|()| disk::sync_dir(&settings.dir)).map_err(refused)?;
    let Replayed { last, groups, base } = replayed;
    Ok(RebuildReport { groups, last, base, rows, kept })
}

/// Writes everything the journal knows to a new store in `fresh`; returns what was read and the
/// number of rows.
fn write_fresh(
    settings: &Settings,
    fresh: &Path,
    progress: &Progress,
) -> Result<(Replayed, u64), StoreError> {
    let unwritable = |error: EngineError| {
        StoreError::Refused(format!(
            "the new store in {} cannot be written: {error}",
            fresh.display()
        ))
    };
    let engine = Engine::open(fresh, settings).map_err(unwritable)?;
    let mut unflushed = 0;
    let replayed = journal::replay(&settings.journal_dir(), |mut group| {
        progress.step(group.bytes() as u64);
        group.writes.retain(|(key, _)| !key.starts_with(BULK_PREFIX));
        unflushed += group.writes.iter().map(size).sum::<usize>();
        engine.apply_writes(group.sequence, &group.writes).map_err(unwritable)?;
        if unflushed >= FLUSH_BYTES {
            engine.make_durable().map_err(unwritable)?;
            unflushed = 0;
        }
        Ok::<_, StoreError>(())
    })?
    .ok_or_else(|| {
        StoreError::Refused(format!(
            "there is no journal in {}, so there is nothing to make the store from; put back a copy \
             of the whole folder",
            settings.journal_dir().display()
        ))
    })?;
    engine.apply_writes(replayed.last, &[]).map_err(unwritable)?;
    engine.make_durable().map_err(unwritable)?;
    Ok((replayed, engine.count().map_err(unwritable)?))
}

fn size((key, value): &Write) -> usize {
    key.len() + value.as_ref().map_or(0, bytes::Bytes::len)
}

/// A name for what is set aside that nothing has yet.
pub fn free_name(dir: &Path, name: &str, last: u64) -> PathBuf {
    let name = format!("{name}-{last}");
    let again = (2u64..).map(|again| dir.join(format!("{name}-{again}")));
    std::iter::once(dir.join(&name))
        .chain(again)
        .find(|path| !path.exists())
        .expect("there are more numbers than folders")
}

/// Removes a folder, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
