//! What the committer writes and everybody reads: the [`memtable`](super::memtable) over sled. Writes are
//! seen as soon as they are in memory; [`Layers::flush`] brings them to sled behind everybody's back, and
//! they are shown from memory until sled has all of them. Knows nothing of the journal and decides nothing.

use std::{
    collections::BTreeMap,
    io,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::{
    journal::base::Rows,
    memtable::Memtable,
    sled::{Engine, EngineError},
    snapshot::Before,
};

/// Most bytes of keys and values that sled may have taken and not yet flushed. sled uses segments of its
/// file again that it has freed since the last flush, so a crash of the machine with much of it open
/// could cost more than what is open.
///
/// A row takes two to four times its bytes in sled's log, and a freed segment (512 KiB) is used again when
/// the log has gone on by two of them.
pub const OPEN_BYTES: usize = 192 * 1024;

/// sled with a memtable over it.
pub struct Layers {
    /// Another one after a compaction.
    engine: ArcSwap<Engine>,
    recent: RwLock<Recent>,
    /// The last group that sled has, whole and durable. Held while it is brought more.
    flushed: Mutex<u64>,
    pieces: bool,
}

struct Recent {
    memtable: Memtable,
    /// The last group written.
    written: u64,
    /// What the keys written since each snapshot held before.
    snapshots: BTreeMap<u64, Before>,
    /// How many snapshots there were.
    taken: u64,
}

/// Rows, and where to go on; none: that was all.
pub type Page = (Vec<(Vec<u8>, Bytes)>, Option<Vec<u8>>);

impl Layers {
    /// Layers over an engine that has all groups up to `sequence`. `pieces`: whether what is flushed may
    /// go to sled in pieces, because a crash between them is mended from elsewhere.
    pub fn new(engine: Engine, sequence: u64, pieces: bool) -> Self {
        let recent = Recent {
            memtable: Memtable::default(),
            written: sequence,
            snapshots: BTreeMap::new(),
            taken: 0,
        };
        let engine = ArcSwap::from_pointee(engine);
        Self { engine, recent: RwLock::new(recent), flushed: Mutex::new(sequence), pieces }
    }

    /// What a key holds.
    ///
    /// # Errors
    /// When sled fails.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        if let Some(value) = self.read().memtable.get(key) {
            return Ok(value.clone());
        }
        // Whatever comes to sled meanwhile is newer, and as good an answer.
        self.engine.load().get(key)
    }

    /// Whether a key holds this value, or nothing.
    ///
    /// # Errors
    /// When sled fails.
    pub fn is(&self, key: &[u8], value: Option<&[u8]>) -> Result<bool, EngineError> {
        if let Some(found) = self.read().memtable.get(key) {
            return Ok(found.as_deref() == value);
        }
        self.engine.load().is(key, value)
    }

    /// At most `limit` rows from `from` up to, not including, `to` (none: to the end), in order, as
    /// they were between two groups.
    ///
    /// # Errors
    /// When sled fails.
    pub fn scan(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, EngineError> {
        if limit == 0 || to.is_some_and(|to| from >= to) {
            return Ok(Vec::new());
        }
        // Held to the end: what leaves the memtable must not have come to sled after we looked there.
        self.scan_held(&self.read(), from, to, limit)
    }

    fn scan_held(
        &self,
        recent: &Recent,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, EngineError> {
        let mut written = recent.memtable.range(from, to).peekable();
        let mut rows = Vec::new();
        self.engine.load().walk(from, to, |key, value| {
            while let Some((earlier, word)) = written.next_if(|(written, _)| *written < key) {
                rows.extend(word.map(|word| (earlier.to_vec(), word.clone())));
                if rows.len() == limit {
                    return ControlFlow::Break(());
                }
            }
            match written.next_if(|(written, _)| *written == key) {
                Some((_, word)) => rows.extend(word.map(|word| (key.to_vec(), word.clone()))),
                None => rows.push((key.to_vec(), Bytes::copy_from_slice(value))),
            }
            if rows.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let rest = written.filter_map(|(key, word)| Some((key.to_vec(), word?.clone())));
        let room = limit - rows.len();
        rows.extend(rest.take(room));
        Ok(rows)
    }

    /// Writes a group: seen from now on, in memory only.
    pub fn write<'a>(
        &self,
        sequence: u64,
        writes: impl Iterator<Item = (&'a [u8], Option<&'a Bytes>)>,
    ) {
        let mut recent = self.write_lock();
        let Recent { memtable, snapshots, written, .. } = &mut *recent;
        for (key, value) in writes {
            if !snapshots.is_empty() {
                let was = match memtable.get(key) {
                    Some(word) => Ok(word.clone()),
                    None => self.engine.load().get(key),
                };
                for snapshot in snapshots.values_mut() {
                    snapshot.was(key, &was);
                }
            }
            memtable.insert(key.to_vec(), value.cloned());
        }
        *written = sequence;
    }

    /// Begins to remember what is overwritten: from here on the rows can be read as they are now. Returns
    /// its number and the last group in it.
    pub fn begin_snapshot(&self) -> (u64, u64) {
        let mut recent = self.write_lock();
        recent.taken += 1;
        let number = recent.taken;
        recent.snapshots.insert(number, Before::default());
        (number, recent.written)
    }

    /// Lets go of what a snapshot remembers.
    pub fn end_snapshot(&self, number: u64) {
        let gone = self.write_lock().snapshots.remove(&number);
        drop(gone);
    }

    /// What a key held at a snapshot.
    ///
    /// # Errors
    /// When sled fails, or failed while the snapshot was kept.
    pub fn get_at(&self, number: u64, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let recent = self.read();
        if let Some(was) = recent.before(number)?.get(key) {
            return Ok(was.clone());
        }
        match recent.memtable.get(key) {
            Some(word) => Ok(word.clone()),
            None => self.engine.load().get(key),
        }
    }

    /// Some rows, in order, as they were at a snapshot; about `limit`.
    ///
    /// # Errors
    /// As [`Layers::get_at`].
    pub fn page_at(
        &self,
        number: u64,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page, EngineError> {
        let recent = self.read();
        let before = recent.before(number)?;
        let rows = self.scan_held(&recent, from, to, limit)?;
        let next = rows.last().filter(|_| rows.len() == limit);
        let next = next.map(|(last, _)| [last.as_slice(), &[0]].concat());
        let end = next.as_deref().or(to);
        Ok((before.instead_of(rows, from, end), next))
    }

    /// The keys written since a snapshot began.
    ///
    /// # Errors
    /// As [`Layers::get_at`].
    pub fn written_since(&self, number: u64) -> Result<Vec<Vec<u8>>, EngineError> {
        Ok(self.read().before(number)?.keys())
    }

    /// Reads from another engine, which has all groups, from now on, and gives the former. Nothing may
    /// be on its way to sled.
    pub fn exchange(&self, engine: Engine, sequence: u64) -> Arc<Engine> {
        let mut flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever walks over both holds the lock; whoever reads one key finds it in either.
        let _recent = self.write_lock();
        *flushed = sequence;
        self.engine.swap(Arc::new(engine))
    }

    /// Brings to sled what was written so far; returns the last group of it when all is on the disk.
    ///
    /// # Errors
    /// When sled or the disk fails; nothing more may be flushed then.
    pub fn flush(&self) -> Result<u64, EngineError> {
        let mut flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        let (table, written) = {
            let mut recent = self.write_lock();
            (recent.memtable.seal(), recent.written)
        };
        let engine = self.engine.load_full();
        let (mut piece, mut bytes) = (Vec::new(), 0);
        for (key, value) in table.iter() {
            let row = key.len() + value.as_ref().map_or(0, Bytes::len);
            if self.pieces && bytes + row > OPEN_BYTES {
                engine.apply(*flushed, piece.drain(..))?;
                engine.make_durable()?;
                bytes = 0;
            }
            bytes += row;
            piece.push((key.as_slice(), value.as_deref()));
        }
        if self.pieces {
            // The sequence last of all: a crash of the machine may keep it and lose what is open beside it.
            engine.apply(*flushed, piece.into_iter())?;
            engine.make_durable()?;
            engine.apply(written, std::iter::empty())?;
        } else {
            engine.apply(written, piece.into_iter())?;
        }
        engine.make_durable()?;
        *flushed = written;
        let released = self.write_lock().memtable.release();
        drop((table, released));
        Ok(written)
    }

    /// Takes every row under a prefix out of sled, without waiting for a flush.
    ///
    /// # Errors
    /// When sled or the disk fails.
    pub fn forget(&self, prefix: &[u8]) -> Result<usize, EngineError> {
        let flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = self.engine.load_full();
        let mut keys = Vec::new();
        engine.walk(prefix, Some(&super::after_prefix(prefix)), |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        for piece in keys.chunks(OPEN_BYTES / super::MAX_KEY_BYTES) {
            let removals = piece.iter().map(|key| (key.as_slice(), None));
            engine.apply(*flushed, removals)?;
            engine.make_durable()?;
        }
        Ok(keys.len())
    }

    /// The last group that sled is known to have, whole and durable.
    pub fn flushed(&self) -> u64 {
        *self.flushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has sled flush what it has taken so far, whoever waits for a flush already.
    ///
    /// # Errors
    /// When sled or the disk fails.
    pub fn poke(&self) -> Result<(), EngineError> {
        self.engine.load().make_durable()
    }

    /// Does something while nothing is brought to sled.
    #[cfg(test)]
    pub fn standing_still<T>(&self, work: impl FnOnce() -> T) -> T {
        let _flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    fn read(&self) -> RwLockReadGuard<'_, Recent> {
        // Nothing under the lock can panic halfway.
        self.recent.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_lock(&self) -> RwLockWriteGuard<'_, Recent> {
        self.recent.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn before(&self, number: u64) -> Result<&Before, EngineError> {
        self.snapshots.get(&number).ok_or_else(EngineError::no_snapshot)?.sound()
    }
}

impl Rows for Layers {
    fn sequence(&self) -> io::Result<u64> {
        Ok(self.read().written)
    }

    fn rows(&self, from: &[u8], limit: usize) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        Ok(self.scan(from, None, limit)?)
    }
}
