//! What the committer writes and everybody reads: the [`memtable`](super::memtable) over sled. Writes are
//! seen as soon as they are in memory; [`Layers::flush`] brings them to sled behind everybody's back, and
//! they are shown from memory until sled has all of them. Knows nothing of the journal and decides nothing.

use std::{
    io,
    ops::ControlFlow,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bytes::Bytes;

use super::{
    journal::base::Rows,
    memtable::Memtable,
    sled::{Engine, EngineError},
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
    engine: Engine,
    recent: RwLock<Recent>,
    /// The last group that sled has, whole and durable. Held while it is brought more.
    flushed: Mutex<u64>,
    pieces: bool,
}

struct Recent {
    memtable: Memtable,
    /// The last group written.
    written: u64,
}

impl Layers {
    /// Layers over an engine that has all groups up to `sequence`. `pieces`: whether what is flushed may
    /// go to sled in pieces, because a crash between them is mended from elsewhere.
    pub fn new(engine: Engine, sequence: u64, pieces: bool) -> Self {
        let recent = Recent { memtable: Memtable::default(), written: sequence };
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
        self.engine.get(key)
    }

    /// Whether a key holds this value, or nothing.
    ///
    /// # Errors
    /// When sled fails.
    pub fn is(&self, key: &[u8], value: Option<&[u8]>) -> Result<bool, EngineError> {
        if let Some(found) = self.read().memtable.get(key) {
            return Ok(found.as_deref() == value);
        }
        self.engine.is(key, value)
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
        let recent = self.read();
        let mut written = recent.memtable.range(from, to).peekable();
        let mut rows = Vec::new();
        self.engine.walk(from, to, |key, value| {
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
        for (key, value) in writes {
            recent.memtable.insert(key.to_vec(), value.cloned());
        }
        recent.written = sequence;
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
        let (mut piece, mut bytes) = (Vec::new(), 0);
        for (key, value) in table.iter() {
            let row = key.len() + value.as_ref().map_or(0, Bytes::len);
            if self.pieces && bytes + row > OPEN_BYTES {
                self.engine.apply(*flushed, piece.drain(..))?;
                self.engine.make_durable()?;
                bytes = 0;
            }
            bytes += row;
            piece.push((key.as_slice(), value.as_deref()));
        }
        if self.pieces {
            // The sequence last of all: a crash of the machine may keep it and lose what is open beside it.
            self.engine.apply(*flushed, piece.into_iter())?;
            self.engine.make_durable()?;
            self.engine.apply(written, std::iter::empty())?;
        } else {
            self.engine.apply(written, piece.into_iter())?;
        }
        self.engine.make_durable()?;
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
        let mut keys = Vec::new();
        self.engine.walk(prefix, Some(&super::after_prefix(prefix)), |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        for piece in keys.chunks(OPEN_BYTES / super::MAX_KEY_BYTES) {
            let removals = piece.iter().map(|key| (key.as_slice(), None));
            self.engine.apply(*flushed, removals)?;
            self.engine.make_durable()?;
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
        self.engine.make_durable()
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

impl Rows for Layers {
    fn sequence(&self) -> io::Result<u64> {
        Ok(self.read().written)
    }

    fn rows(&self, from: &[u8], limit: usize) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        Ok(self.scan(from, None, limit)?)
    }
}
