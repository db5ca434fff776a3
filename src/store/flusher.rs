//! The thread that makes sled durable behind the committer's back. What the journal holds is safe
//! already, so nobody waits for it but those whose rows the journal does not hold, and the committer
//! when too much is open: the store may be behind its journal by [`OPEN_BYTES`], and no more.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{StoreError, sled::Engine, status::Status};

/// Most bytes of keys and values that sled may have taken and not yet flushed. sled uses segments of its
/// file again that it has freed since the last flush, so a crash of the machine with much of it open
/// could cost more than what is open.
///
/// A row takes two to four times its bytes in sled's log, and a freed segment (512 KiB) is used again when
/// the log has gone on by two of them.
pub const OPEN_BYTES: usize = 192 * 1024;

/// How long what is written may wait for more before it is flushed.
const LINGER: Duration = Duration::from_millis(200);

/// How long a flush is waited for before whoever waits flushes too. sled's threads do not wake a flush
/// when their write fails, as on a full disk; another call does, and brings the reason.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread, and what it and the committer both look at. Dropping it flushes and ends it.
pub struct Flusher {
    engine: Arc<Engine>,
    status: Arc<Status>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The last group sled has taken.
    written: u64,
    /// The last group known to be on the disk.
    durable: u64,
    /// Bytes taken since the flush under way began.
    open: usize,
    /// Bytes that the flush under way covers.
    under_way: usize,
    /// Somebody waits: do not linger.
    wanted: bool,
    ended: bool,
    failed: Option<String>,
}

impl Flusher {
    /// Starts it over an engine whose groups up to `sequence` are on the disk.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        engine: Arc<Engine>,
        status: Arc<Status>,
        sequence: u64,
    ) -> Result<Self, StoreError> {
        let state = State { written: sequence, durable: sequence, ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mine = (shared.clone(), engine.clone(), status.clone());
        let thread = thread::Builder::new()
            .name("store-flusher".into())
            .spawn(move || mine.0.run(&mine.1, &mine.2))
            .map_err(|error| {
                StoreError::Refused(format!("the store's thread cannot be started: {error}"))
            })?;
        Ok(Self { engine, status, shared, thread: Some(thread) })
    }

    /// Says that sled has taken a group of so many bytes.
    pub fn written(&self, sequence: u64, bytes: usize) {
        let mut state = self.shared.lock();
        state.written = sequence;
        state.open += bytes;
        self.shared.changed.notify_all();
    }

    /// Returns when so many bytes more may be open.
    ///
    /// # Errors
    /// When a flush has failed, in words.
    pub fn make_room(&self, bytes: usize) -> Result<(), String> {
        self.until(|state| {
            let open = state.open + state.under_way;
            open == 0 || open + bytes <= OPEN_BYTES
        })
    }

    /// Returns when this group, and all before it, is on the disk.
    ///
    /// # Errors
    /// When a flush has failed, in words.
    pub fn wait_for(&self, sequence: u64) -> Result<(), String> {
        self.until(|state| state.durable >= sequence)
    }

    fn until(&self, done: impl Fn(&State) -> bool) -> Result<(), String> {
        let mut state = self.shared.lock();
        loop {
            if let Some(why) = &state.failed {
                return Err(why.clone());
            }
            if done(&state) {
                return Ok(());
            }
            state.wanted = true;
            self.shared.changed.notify_all();
            let waited = self.shared.changed.wait_timeout(state, PATIENCE);
            let (woken, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() {
                let written = state.written;
                drop(state);
                let flushed = self.engine.make_durable();
                state = self.shared.lock();
                match flushed {
                    // Nothing was written meanwhile: whoever writes is who waits.
                    Ok(()) => {
                        state.durable = state.durable.max(written);
                        (state.open, state.under_way) = (0, 0);
                    }
                    Err(error) => {
                        let why = error.to_string();
                        state.failed = Some(why.clone());
                        drop(state);
                        self.shared.changed.notify_all();
                        self.status.fail(&why);
                        return Err(why);
                    }
                }
            }
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A fault in it was already told.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, engine: &Engine, status: &Status) {
        while let Some(target) = self.next() {
            let flushed = engine.make_durable();
            let mut state = self.lock();
            state.under_way = 0;
            match flushed {
                Ok(()) => state.durable = state.durable.max(target),
                Err(error) => state.failed = Some(error.to_string()),
            }
            let failed = state.failed.clone();
            drop(state);
            self.changed.notify_all();
            if let Some(why) = failed {
                status.fail(&why);
                return;
            }
        }
    }

    /// Waits for something to flush, and for more of it; the last group it will cover.
    fn next(&self) -> Option<u64> {
        let idle = |state: &mut State| state.written == state.durable && !state.ended;
        let state = self.changed.wait_while(self.lock(), idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let lingers =
            |state: &mut State| !state.wanted && !state.ended && state.open < OPEN_BYTES / 2;
        let state = self.changed.wait_timeout_while(state, LINGER, lingers);
        let (mut state, _) = state.unwrap_or_else(PoisonError::into_inner);
        if state.written == state.durable {
            return None;
        }
        state.wanted = false;
        state.under_way = std::mem::take(&mut state.open);
        Some(state.written)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::conformance::settings, *};

    fn flusher(dir: &std::path::Path) -> (Arc<Engine>, Arc<Status>, Flusher) {
        let engine = Arc::new(Engine::open(&dir.join("store"), &settings(dir)).unwrap());
        let status = Arc::new(Status::new(dir.to_owned(), 0));
        let flusher = Flusher::start(engine.clone(), status.clone(), 0).unwrap();
        (engine, status, flusher)
    }

    #[test]
    fn whoever_waits_is_told_when_it_is_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, status, flusher) = flusher(dir.path());
        for sequence in 1..=3 {
            engine.apply_writes(sequence, &[(vec![1], Some("v".into()))]).unwrap();
            flusher.written(sequence, 100);
        }
        flusher.wait_for(3).unwrap();
        assert_eq!(flusher.shared.lock().durable, 3);
        assert!(status.failure().is_none());
    }

    #[test]
    fn no_more_is_open_than_may_be() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, _status, flusher) = flusher(dir.path());
        for sequence in 1..=20 {
            flusher.make_room(OPEN_BYTES / 3).unwrap();
            engine.apply_writes(sequence, &[(vec![1], Some("v".into()))]).unwrap();
            flusher.written(sequence, OPEN_BYTES / 3);
            let state = flusher.shared.lock();
            assert!(state.open + state.under_way <= OPEN_BYTES, "{state:?}");
        }
        // More than may ever be open goes alone.
        flusher.make_room(2 * OPEN_BYTES).unwrap();
        assert_eq!(flusher.shared.lock().open, 0);
    }

    #[test]
    fn the_last_groups_are_flushed_when_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, _status, flusher) = flusher(dir.path());
        engine.apply_writes(1, &[(vec![1], Some("v".into()))]).unwrap();
        flusher.written(1, 1);
        let shared = flusher.shared.clone();
        drop(flusher);
        assert_eq!(shared.lock().durable, 1);
    }
}
