//! The thread that brings what was written to sled, behind the committer's back. What the journal holds is
//! safe already, so nobody waits for it but those whose rows the journal does not hold, and the committer
//! when too much waits in memory.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{StoreError, layers::Layers, status::Status};

/// How long what is written may wait for more before it is flushed: most rows are written again within
/// a second (waiting, sending, accepted), and sled need only hear the last word.
const LINGER: Duration = Duration::from_secs(1);

/// How long a flush is waited for before whoever waits flushes too. sled's threads do not wake a flush
/// when their write fails, as on a full disk; another call does, and brings the reason.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread, and what it and the committer both look at. Dropping it flushes and ends it.
pub struct Flusher {
    layers: Arc<Layers>,
    status: Arc<Status>,
    shared: Arc<Shared>,
    most: usize,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The last group written.
    written: u64,
    /// The last group that sled has on the disk.
    durable: u64,
    /// Bytes written since the flush under way began.
    open: usize,
    /// Somebody waits: do not linger.
    wanted: bool,
    ended: bool,
    failed: Option<String>,
}

impl Flusher {
    /// Starts it. `most`: bytes that may wait before whoever writes waits too.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        layers: Arc<Layers>,
        status: Arc<Status>,
        most: usize,
    ) -> Result<Self, StoreError> {
        let durable = layers.flushed();
        let state = State { written: durable, durable, ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mine = (shared.clone(), layers.clone(), status.clone());
        let thread = thread::Builder::new()
            .name("store-flusher".into())
            .spawn(move || mine.0.run(&mine.1, &mine.2, most / 2))
            .map_err(|error| {
                StoreError::Refused(format!("the store's thread cannot be started: {error}"))
            })?;
        Ok(Self { layers, status, shared, most, thread: Some(thread) })
    }

    /// The last group that sled is known to have on the disk.
    pub fn durable(&self) -> u64 {
        self.shared.lock().durable
    }

    /// Says that a group of so many bytes was written.
    pub fn written(&self, sequence: u64, bytes: usize) {
        let mut state = self.shared.lock();
        let idle = state.written <= state.durable;
        state.written = sequence;
        state.open += bytes;
        // While it lingers it need only hear that there is enough.
        if idle || state.open >= self.most / 2 {
            self.shared.changed.notify_all();
        }
    }

    /// Returns when so many bytes more may wait.
    ///
    /// # Errors
    /// When a flush has failed, in words.
    pub fn make_room(&self, bytes: usize) -> Result<(), String> {
        self.until(|state| state.open == 0 || state.open + bytes <= self.most)
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
                drop(state);
                if let Err(error) = self.layers.poke() {
                    let why = error.to_string();
                    self.shared.lock().failed = Some(why.clone());
                    self.shared.changed.notify_all();
                    self.status.fail(&why);
                    return Err(why);
                }
                state = self.shared.lock();
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

    fn run(&self, layers: &Layers, status: &Status, enough: usize) {
        while self.wait(enough) {
            let flushed = layers.flush();
            let mut state = self.lock();
            match flushed {
                Ok(flushed) => {
                    state.durable = flushed;
                    // What came between the look and the seal went with it.
                    if state.written <= state.durable {
                        state.open = 0;
                    }
                }
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

    /// Waits for something to flush, and for more of it; whether there was anything before the end.
    fn wait(&self, enough: usize) -> bool {
        let idle = |state: &mut State| state.written <= state.durable && !state.ended;
        let state = self.changed.wait_while(self.lock(), idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let lingers = |state: &mut State| !state.wanted && !state.ended && state.open < enough;
        let state = self.changed.wait_timeout_while(state, LINGER, lingers);
        let (mut state, _) = state.unwrap_or_else(PoisonError::into_inner);
        // What is written from here on may be flushed with it, and is counted once more.
        state.wanted = false;
        state.open = 0;
        self.changed.notify_all();
        state.written > state.durable
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{conformance::settings, sled::Engine},
        *,
    };

    const MOST: usize = 100 * 1024;

    fn flusher(dir: &std::path::Path) -> (Arc<Layers>, Arc<Status>, Flusher) {
        let engine = Engine::open(&dir.join("store"), &settings(dir)).unwrap();
        let layers = Arc::new(Layers::new(engine, 0, true));
        let status = Arc::new(Status::new(dir.to_owned(), 0));
        let flusher = Flusher::start(layers.clone(), status.clone(), MOST).unwrap();
        (layers, status, flusher)
    }

    fn write(layers: &Layers, sequence: u64) {
        layers.write(sequence, [(&[1][..], Some(&"v".into()))].into_iter());
    }

    #[test]
    fn whoever_waits_is_told_when_it_is_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let (layers, status, flusher) = flusher(dir.path());
        for sequence in 1..=3 {
            write(&layers, sequence);
            flusher.written(sequence, 100);
        }
        flusher.wait_for(3).unwrap();
        assert_eq!(flusher.shared.lock().durable, 3);
        assert_eq!(layers.flushed(), 3);
        assert!(status.failure().is_none());
    }

    #[test]
    fn no_more_waits_than_may() {
        let dir = tempfile::tempdir().unwrap();
        let (layers, _status, flusher) = flusher(dir.path());
        for sequence in 1..=20 {
            flusher.make_room(MOST / 3).unwrap();
            write(&layers, sequence);
            flusher.written(sequence, MOST / 3);
            let state = flusher.shared.lock();
            assert!(state.open <= MOST, "{state:?}");
        }
        // More than may ever wait goes alone.
        flusher.make_room(2 * MOST).unwrap();
        assert_eq!(flusher.shared.lock().open, 0);
    }

    #[test]
    fn the_last_groups_are_flushed_when_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (layers, _status, flusher) = flusher(dir.path());
        write(&layers, 1);
        flusher.written(1, 1);
        drop(flusher);
        assert_eq!(layers.flushed(), 1);
    }
}
