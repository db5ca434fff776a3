//! Putting a backup in the place of a store. The new store and its journal are finished beside the old
//! ones and then take their places; the old ones are kept. Knows rows as bytes: what must be changed in
//! them, since time has passed, is the caller's.
//!
//! | interrupted | what is found |
//! |---|---|
//! | while the new ones are written, with nothing there before | `restoring`: opening is refused until the restore is run again |
//! | while the new ones are written | the old store, as it was; `store.restoring` goes with the next try, or when the daemon runs |
//! | between the renames | `restoring`: opening and rebuilding are refused until the restore is run again |
//! | after the last | the restored store |

use std::{fs, io, path::PathBuf};

use bytes::Bytes;

use super::{
    Progress, Settings, StoreError,
    backup::{self, About},
    disk,
    journal::base,
    layers::Layers,
    rebuild::{free_name, remove_dir},
    sled::{Engine, EngineError},
};

/// Bytes written to sled between two flushes.
const FLUSH_BYTES: usize = 1 << 20;

/// What the new store and its journal are called until they take their places.
pub(super) const FRESH: [&str; 2] = ["store.restoring", "journal.restoring"];

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub backup: About,
    /// Rows in the new store.
    pub rows: u64,
    /// Where the former store and journal are now; empty when there was none.
    pub kept: Vec<PathBuf>,
}

/// A row, and what it is to become; several, or none.
pub type Change<'a> = dyn FnMut(Vec<u8>, Bytes) -> Vec<(Vec<u8>, Bytes)> + Send + 'a;

/// Whether a store, or what is left of one, is in the folder.
pub fn is_occupied(settings: &Settings) -> bool {
    [settings.store_dir(), settings.journal_dir(), settings.restoring()].iter().any(|p| p.exists())
}

/// Makes a store from a backup; each row goes through `change`, and `more` are added. Blocks.
///
/// # Errors
/// [`StoreError::Refused`], in words; or [`StoreError::InUse`]. Unless it says otherwise the former store
/// is in its place.
pub fn restore(
    settings: &Settings,
    from: &std::path::Path,
    change: &mut Change<'_>,
    more: Vec<(Vec<u8>, Bytes)>,
    progress: &Progress,
) -> Result<Restored, StoreError> {
    let backup = backup::verify(from)?;
    let _lock = disk::lock(&settings.dir)?;
    let fresh = FRESH.map(|name| settings.dir.join(name));
    let refused = |error: io::Error| {
        StoreError::Refused(format!(
            "the store in {} cannot be restored: {error}; mend that and run the command again",
            settings.dir.display()
        ))
    };
    for path in &fresh {
        remove_dir(path).map_err(refused)?;
    }
    if !is_occupied(settings) {
        // A daemon that starts meanwhile would begin with nothing, and tell everybody again.
        disk::make_file(&settings.restoring(), |_| Ok(())).map_err(|made| refused(made.into()))?;
    }
    progress.begin(backup.rows);
    let written = write_fresh(settings, from, &backup, &fresh, (change, more), progress);
    progress.end();
    let rows = match written {
        Ok(rows) => rows,
        Err(error) => {
            for path in &fresh {
                // What stays is removed by another try, or by the daemon.
                let _ = remove_dir(path);
            }
            return Err(error);
        }
    };
    let kept = switch(settings, &fresh, backup.sequence).map_err(refused)?;
    Ok(Restored { backup, rows, kept })
}

fn write_fresh(
    settings: &Settings,
    from: &std::path::Path,
    backup: &About,
    [store, journal]: &[PathBuf; 2],
    (change, more): (&mut Change<'_>, Vec<(Vec<u8>, Bytes)>),
    progress: &Progress,
) -> Result<u64, StoreError> {
    let unwritable = |error: EngineError| {
        StoreError::Refused(format!(
            "the new store in {} cannot be written: {error}",
            store.display()
        ))
    };
    let engine = Engine::open(store, settings).map_err(unwritable)?;
    let mut unflushed = 0;
    let mut put = |rows: Vec<(Vec<u8>, Bytes)>| {
        unflushed += rows.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        let writes = rows.iter().map(|(key, value)| (key.as_slice(), Some(&**value)));
        engine.apply(backup.sequence, writes).map_err(unwritable)?;
        if unflushed >= FLUSH_BYTES {
            engine.make_durable().map_err(unwritable)?;
            unflushed = 0;
        }
        Ok::<_, StoreError>(())
    };
    backup::read(from, backup, |writes| {
        progress.step(writes.len() as u64);
        let rows = writes.into_iter().filter_map(|(key, value)| Some((key, value?)));
        put(rows.flat_map(|(key, value)| change(key, value)).collect())
    })?;
    put(more)?;
    engine.make_durable().map_err(unwritable)?;
    let rows = engine.count().map_err(unwritable)?;
    disk::make_dir(journal).map_err(|error| StoreError::Refused(error.to_string()))?;
    base::write(journal, &Layers::new(engine, backup.sequence, true))?;
    Ok(rows)
}

fn switch(
    settings: &Settings,
    [store, journal]: &[PathBuf; 2],
    sequence: u64,
) -> io::Result<Vec<PathBuf>> {
    disk::make_file(&settings.restoring(), |_| Ok(()))?;
    let mut kept = Vec::new();
    for (name, fresh, place) in [
        ("store.before-restore", store, settings.store_dir()),
        ("journal.before-restore", journal, settings.journal_dir()),
    ] {
        if place.exists() {
            let aside = free_name(&settings.dir, name, sequence);
            fs::rename(&place, &aside)?;
            kept.push(aside);
        }
        fs::rename(fresh, &place)?;
    }
    disk::sync_dir(&settings.dir)?;
    fs::remove_file(settings.restoring())?;
    disk::sync_dir(&settings.dir)?;
    Ok(kept)
}
