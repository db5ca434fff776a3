//! Store and journal written anew from the rows that live, beside the daily work. Removed rows go on in sled's
//! file and in the journal's segments; this is how their bytes leave the disk.
//!
//! A new sled is filled from a snapshot while commits go on, catches up with what was written meanwhile, and
//! takes over between two commits: the committer waits for the last few keys and one flush. Which folder
//! is the store is said by the file `current`, so the change is one rename. Then the journal is begun
//! anew: a base of all rows, and nothing before it.
//!
//! | a crash | finds |
//! |---|---|
//! | while the new sled is filled | the old store, whole; the next start, or the next compaction, removes the new folder |
//! | before `current` is renamed | the same |
//! | after it | the new store, which has all groups up to the change; the journal has those after, and some or all before |
//! | while the journal is begun anew | the new store, and segments or a base that hold everything, as when it is pruned |

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

use super::{
    Settings, Snapshot, StoreError, disk,
    layers::Layers,
    rebuild::remove_dir,
    sled::{Engine, EngineError},
};

/// Rows read at a time.
const PAGE: usize = 512;
/// Bytes written to sled between two flushes.
const FLUSH_BYTES: usize = 1 << 20;
/// Keys that the committer may be kept waiting for.
const FEW: usize = 200;
/// Rounds of catching up before it waits for as many as there are.
const ROUNDS: usize = 20;

/// Told of each step, so that tests can crash there.
pub type Steps = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Asked again and again while rows are copied: why it is to end, if it is.
pub type Ends<'a> = &'a dyn Fn() -> Option<String>;

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Rows written anew.
    pub rows: u64,
    /// Bytes of store and journal before.
    pub before_bytes: u64,
    /// Bytes of store and journal after.
    pub after_bytes: u64,
}

/// A new sled that follows the old one.
pub struct Successor {
    engine: Engine,
    layers: Arc<Layers>,
    /// From when on its rows may be behind.
    since: Snapshot,
    name: String,
    /// Rows copied.
    pub rows: u64,
}

impl Successor {
    /// Makes it and fills it with all rows. Blocks; commits go on.
    ///
    /// # Errors
    /// When sled or the disk fails, or it is to end; the old one is as it was, and nothing is left of this one.
    pub fn fill(
        settings: &Settings,
        layers: &Arc<Layers>,
        ends: Ends<'_>,
        copied: impl Fn(u64),
    ) -> Result<Self, EngineError> {
        let name = next_name(settings).map_err(EngineError::of_io)?;
        let dir = settings.dir.join(&name);
        remove_dir(&dir).map_err(EngineError::of_io)?;
        let engine = Engine::open(&dir, settings).inspect_err(|_| drop(remove_dir(&dir)))?;
        let since = Snapshot::take(layers.clone());
        let mut successor = Self { engine, layers: layers.clone(), since, name, rows: 0 };
        match successor.copy_all(ends, copied) {
            Ok(()) => Ok(successor),
            Err(error) => {
                successor.discard(settings);
                Err(error)
            }
        }
    }

    fn copy_all(&mut self, ends: Ends<'_>, copied: impl Fn(u64)) -> Result<(), EngineError> {
        let (mut from, mut unflushed) = (Some(Vec::new()), 0);
        while let Some(at) = from {
            go_on(ends)?;
            let (rows, next) = self.layers.page_at(self.since.number(), &at, None, PAGE)?;
            let bytes: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
            let writes = rows.iter().map(|(key, value)| (key.as_slice(), Some(&**value)));
            self.engine.apply(0, writes)?;
            self.rows += rows.len() as u64;
            copied(rows.len() as u64);
            unflushed += bytes;
            if unflushed >= FLUSH_BYTES {
                self.engine.make_durable()?;
                unflushed = 0;
            }
            from = next;
        }
        self.engine.make_durable()
    }

    /// Takes over what was written meanwhile, until little is left. Blocks; commits go on.
    ///
    /// # Errors
    /// As [`Successor::fill`].
    pub fn catch_up(&mut self, ends: Ends<'_>) -> Result<(), EngineError> {
        for _ in 0..ROUNDS {
            go_on(ends)?;
            // Begun before the former ends, so that nothing falls between the two.
            let next = Snapshot::take(self.layers.clone());
            let keys = self.since.written_since()?;
            self.copy(&keys)?;
            self.engine.make_durable()?;
            self.since = next;
            if keys.len() <= FEW {
                break;
            }
        }
        Ok(())
    }

    fn copy(&self, keys: &[Vec<u8>]) -> Result<(), EngineError> {
        for some in keys.chunks(PAGE) {
            let mut rows = Vec::new();
            for key in some {
                rows.push((key, self.layers.get(key)?));
            }
            let writes = rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
            self.engine.apply(0, writes)?;
        }
        Ok(())
    }

    /// Takes the last keys and makes this the store on the disk. Nothing may be written meanwhile, and the old
    /// sled must have everything up to group `sequence`.
    ///
    /// # Errors
    /// [`Switch::Not`]: the old one is the store, as before. [`Switch::Unsure`]: nobody knows which one is.
    pub fn become_current(
        &self,
        settings: &Settings,
        sequence: u64,
        step: &Steps,
    ) -> Result<(), Switch> {
        let not = |error: EngineError| Switch::Not(error.to_string());
        self.copy(&self.since.written_since().map_err(not)?).map_err(not)?;
        self.engine.make_durable().map_err(not)?;
        // Last of all, and alone: a sequence says that everything up to it is there.
        self.engine.apply(sequence, std::iter::empty()).map_err(not)?;
        self.engine.make_durable().map_err(not)?;
        step("before the switch");
        disk::make_file(&settings.current(), |file| file.write_all(self.name.as_bytes())).map_err(
            |made| match made {
                disk::Made::Not(error) => Switch::Not(error.to_string()),
                disk::Made::Unsure(error) => Switch::Unsure(error.to_string()),
            },
        )?;
        step("after the switch");
        Ok(())
    }

    /// Has everybody read from it from now on; gives the former.
    pub fn exchange(self, sequence: u64) -> Arc<Engine> {
        let Self { engine, layers, since, .. } = self;
        drop(since);
        layers.exchange(engine, sequence)
    }

    /// Removes what was made of it, when it is not to be.
    pub fn discard(self, settings: &Settings) {
        let dir = settings.dir.join(&self.name);
        drop(self);
        // What is left is removed at the next start.
        let _ = remove_dir(&dir);
    }
}

/// Why a new store did not take over.
#[derive(Debug, Clone)]
pub enum Switch {
    /// The old one is as it was.
    Not(String),
    /// Which one a start would find is not known.
    Unsure(String),
}

fn go_on(ends: Ends<'_>) -> Result<(), EngineError> {
    ends().map_or(Ok(()), |why| Err(EngineError::of_io(io::Error::other(why))))
}

/// Removes what an earlier try left, which would take the room that the next one needs.
///
/// # Errors
/// [`StoreError::Busy`] when it cannot be removed.
pub fn remove_left(settings: &Settings) -> Result<(), StoreError> {
    let removed = next_name(settings).and_then(|name| remove_dir(&settings.dir.join(name)));
    removed.map_err(|error| {
        StoreError::Busy(format!("what an earlier compaction left cannot be removed: {error}"))
    })
}

/// A folder that nothing is in yet. Must not be guessed: what is in it is removed.
fn next_name(settings: &Settings) -> io::Result<String> {
    let number = named(&settings.current())?.and_then(|name| number_of(&name)).unwrap_or(0);
    Ok(format!("store-{}", number + 1))
}

/// The number of a folder that a compaction made.
fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("store-").and_then(|number| number.parse().ok())
}

/// The folder named in `current`: one of ours, or none.
///
/// # Errors
/// When it is there and cannot be read: nobody knows then which one it is.
pub fn named(file: &Path) -> io::Result<Option<String>> {
    let name = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        name => name?,
    };
    let spelled = number_of(&name).map(|number| format!("store-{number}"));
    Ok(spelled.filter(|spelled| *spelled == name))
}

/// The same, for whoever writes and removes nothing by it.
pub fn current(file: &Path) -> Option<String> {
    named(file).ok().flatten()
}

/// Removes the folders of stores that are not the current one, which must be there and be sound.
///
/// # Errors
/// When it is not known which one it is, or one cannot be removed.
pub fn remove_others(settings: &Settings) -> io::Result<()> {
    let current = named(&settings.current())?.unwrap_or_else(|| "store".into());
    match fs::remove_file(settings.current().with_extension(disk::UNFINISHED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for entry in fs::read_dir(&settings.dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|n| n == "store" || number_of(n).is_some());
        if is_ours && *name != *current {
            tracing::info!(folder = %entry.path().display(), "what a compaction left is removed");
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Whether the store's disk has room above the low-water mark for something as large as the store.
///
/// # Errors
/// [`StoreError::Busy`] when it has not.
pub fn check_room(settings: &Settings, low_water: u64, what: &str) -> Result<(), StoreError> {
    let told =
        |error: io::Error| StoreError::Busy(format!("the disk does not say its room: {error}"));
    let needed = disk::used_bytes(&settings.store_dir()).map_err(told)?;
    let free = disk::free_bytes(&settings.dir).map_err(told)?;
    if free.saturating_sub(needed) >= low_water {
        return Ok(());
    }
    Err(StoreError::Busy(format!(
        "{free} bytes are free, and {what} of up to {needed} must fit above the low-water mark of {low_water}; \
         make room"
    )))
}

/// Where the former store is, and its sled, which must be let go of first.
pub fn remove_former(former: Arc<Engine>, dir: &Path) {
    drop(former);
    if let Err(error) = remove_dir(dir) {
        tracing::warn!(%error, folder = %dir.display(), "the former store stays until the next start");
    }
}
