//! The store inside the process: sled and its journal behind the `Kv` port. Hands batches to the
//! committer and reads from the layers; decides nothing about either.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{
    Batch, Commit, Health, Kv, Pending, Settings, Sizes, StoreError,
    backup::{self, About},
    committer::{Committer, Request, Waiting},
    compact::{self, Compacted, Steps, Successor},
    disk::{self, Lock},
    flusher::Flusher,
    journal::{
        self, JournalError, Replayed, base,
        file::{self, Kind},
    },
    layers::Layers,
    progress::Progress,
    recover,
    sled::EngineError,
    snapshot::Snapshot,
    status::Status,
};

/// Batches waiting in front of the committer.
const QUEUE: usize = 256;
/// Commits under way, those waiting for a place in the queue included. Beyond this the store says
/// that it is busy at once: whoever asked can wait better than we can.
const UNDER_WAY: usize = 4096;

/// The embedded store. Dropping it waits for the group being written and gives the folder free.
pub struct SledStore {
    inbox: Option<mpsc::Sender<Request>>,
    under_way: Semaphore,
    committer: Option<JoinHandle<()>>,
    status: Arc<Status>,
    /// One work on all of it at a time.
    pruning: Mutex<()>,
    progress: Progress,
    settings: Settings,
    layers: Arc<Layers>,
    /// Last, so that the folder is free only when sled is gone.
    _lock: Lock,
}

impl SledStore {
    /// Opens or makes the store; see [`recover`] for what is decided when sled and the journal
    /// differ. Blocks while it reads.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in words, with what to do.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        let recover::Recovered { layers, journal, sequence, lock } = recover::open(&settings)?;
        let layers = Arc::new(layers);
        let status = Arc::new(Status::new(settings.dir.clone(), settings.low_water_bytes));
        let (inbox, requests) = mpsc::channel(QUEUE);
        let flusher = Flusher::start(layers.clone(), status.clone(), settings.memtable_bytes)?;
        flusher.written(sequence, 0);
        let around = (status.clone(), settings.clone());
        let committer =
            Committer::new(layers.clone(), flusher, journal, sequence, around, requests);
        let committer = thread::Builder::new()
            .name("store-committer".into())
            .spawn(move || committer.run())
            .map_err(|error| {
                StoreError::Refused(format!("the store's thread cannot be started: {error}"))
            })?;
        Ok(Self {
            inbox: Some(inbox),
            under_way: Semaphore::new(UNDER_WAY),
            committer: Some(committer),
            status,
            pruning: Mutex::new(()),
            progress: Progress::default(),
            settings,
            layers,
            _lock: lock,
        })
    }

    /// What it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns, with the reason, when the store has failed: the process should exit and be
    /// restarted, since sled does not recover from a fault while it runs.
    pub async fn failed(&self) -> String {
        self.status.failed().await
    }

    /// Changes the low-water mark.
    pub fn set_low_water(&self, bytes: u64) {
        self.status.set_low_water(bytes);
    }

    /// Bytes that sled and the journal take. sled's share never shrinks but by a compaction: it reuses.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the folder cannot be read.
    pub fn size_on_disk(&self) -> Result<u64, StoreError> {
        let used = |dir: &Path| {
            disk::used_bytes(dir)
                .map_err(|error| StoreError::Busy(format!("the size cannot be told: {error}")))
        };
        Ok(used(&self.settings.store_dir())? + used(&self.settings.journal_dir())?)
    }

    /// Makes room in the journal: closes the running segment, so that it can go in its turn, and
    /// removes closed ones that were last written before `older_than`. The newest segment always
    /// stays. What the removed ones alone knew is first written to a base, so the journal still
    /// holds every row. Returns how many segments went.
    ///
    /// Personal data leaves the journal this way only, so it should be called daily. Blocks, for
    /// as long as it takes to read all rows when a base is due: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the disk is full or does not answer; nothing is lost then.
    pub fn prune_journal(&self, older_than: Timestamp) -> Result<usize, StoreError> {
        let _one_at_a_time = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
        self.prune_locked(older_than)
    }

    fn prune_locked(&self, older_than: Timestamp) -> Result<usize, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.inbox()?.blocking_send(Request::Rotate(answer)).map_err(|_| self.gone())?;
        answered.blocking_recv().map_err(|_| self.gone())??;
        self.prune_closed(older_than).map_err(|error| StoreError::Busy(error.to_string()))
    }

    fn prune_closed(&self, older_than: Timestamp) -> Result<usize, JournalError> {
        let dir = self.settings.journal_dir();
        let segments = file::list(&dir, Kind::Segment)?;
        let flushed = self.layers.flushed();
        let mut old = 0;
        // The last is the running one. Stops at the first that stays, so that no gap can arise.
        for (&first, &next) in segments.iter().zip(segments.iter().skip(1)) {
            // What sled may lack after a crash is read from here.
            if next > flushed + 1 {
                break;
            }
            let path = Kind::Segment.path(&dir, first);
            let written = fs::metadata(&path)
                .and_then(|meta| meta.modified())
                .map_err(JournalError::io(&path))?;
            // A time no calendar holds is no reason to remove anything.
            if !Timestamp::try_from(written).is_ok_and(|written| written < older_than) {
                break;
            }
            old += 1;
        }
        let (Some(&stays), true) = (segments.get(old), old > 0) else { return Ok(0) };
        let mut bases = file::list(&dir, Kind::Base)?;
        if bases.last().is_none_or(|&base| base < stays - 1) {
            self.check_room_for_base().map_err(JournalError::io(&dir))?;
            bases.push(base::write(&dir, &Until(&self.layers, &self.status))?);
        }
        let newest = bases.last().copied();
        let remove = segments[..old].iter().map(|&first| Kind::Segment.path(&dir, first)).chain(
            bases
                .iter()
                .filter(|&&base| Some(base) != newest)
                .map(|&base| Kind::Base.path(&dir, base)),
        );
        for path in remove {
            fs::remove_file(&path).map_err(JournalError::io(&path))?;
        }
        disk::sync_dir(&dir).map_err(JournalError::io(&dir))?;
        Ok(old)
    }

    /// A base is never larger than sled's files. It must not fill the disk: sled would not recover.
    fn check_room_for_base(&self) -> io::Result<()> {
        let needed = disk::used_bytes(&self.settings.store_dir())?;
        let free = disk::free_bytes(&self.settings.dir)?;
        if free.saturating_sub(needed) >= self.status.low_water_bytes() {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "{free} bytes are free and {needed} may be needed above the low-water mark"
        )))
    }

    /// Reads the whole journal and verifies every checksum in it. Blocks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify_journal(&self) -> Result<Option<Replayed>, JournalError> {
        // No segment goes meanwhile.
        let _one_at_a_time = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
        journal::replay(&self.settings.journal_dir(), |_| Ok(()))
    }

    /// Writes a backup of the rows as they are now to a folder that is not there yet. Blocks; commits go on.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it would fill the store's own disk; and see [`backup::write`].
    pub fn back_up(&self, dir: &Path, taken_at: Timestamp) -> Result<About, StoreError> {
        // Two to one folder would write into one another.
        let _one_at_a_time = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same_disk = disk::is_same(dir, &self.settings.dir);
        if is_same_disk {
            compact::check_room(&self.settings, self.status.low_water_bytes(), "a backup")?;
        }
        let ends = || {
            let full = || is_same_disk.then(|| self.status.no_room()).flatten();
            self.status.stopped().or_else(full)
        };
        backup::write(&self.snapshot(), dir, taken_at, &self.progress, &ends)
    }

    /// Writes store and journal anew from the rows that live: what was removed is then on the disk no more.
    /// Blocks; commits go on, and wait once for a moment.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it was not done: store and journal are as they were, or one of them is.
    pub fn compact(&self) -> Result<Compacted, StoreError> {
        self.compact_in_steps(&(Arc::new(|_| {}) as Steps))
    }

    /// As [`SledStore::compact`]; `step` is told what comes.
    pub(super) fn compact_in_steps(&self, step: &Steps) -> Result<Compacted, StoreError> {
        let _one_at_a_time = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
        let before_bytes = self.size_on_disk()?;
        compact::remove_left(&self.settings)?;
        compact::check_room(&self.settings, self.status.low_water_bytes(), "a second store")?;
        let former_dir = self.settings.store_dir();
        let busy = |what: &dyn std::fmt::Display| {
            StoreError::Busy(format!("the store was not compacted: {what}"))
        };
        let ends = || self.status.stopped().or_else(|| self.status.no_room());
        let copied = |rows| self.progress.step(rows);
        self.progress.begin(0);
        let filled = Successor::fill(&self.settings, &self.layers, &ends, copied);
        self.progress.end();
        let mut successor = filled.map_err(|error| busy(&error))?;
        step("filled");
        if let Err(error) = successor.catch_up(&ends) {
            successor.discard(&self.settings);
            return Err(busy(&error));
        }
        step("caught up");
        let rows = successor.rows;
        let (answer, answered) = oneshot::channel();
        let request = Request::Switch(Box::new(successor), step.clone(), answer);
        self.inbox()?.blocking_send(request).map_err(|_| self.gone())?;
        let former = answered.blocking_recv().map_err(|_| self.gone())??;
        step("switched");
        compact::remove_former(former, &former_dir);
        step("former removed");
        self.prune_locked(Timestamp::MAX).map_err(|error| {
            StoreError::Busy(format!("the store was compacted, and the journal not yet: {error}"))
        })?;
        step("journal begun anew");
        Ok(Compacted { rows, before_bytes, after_bytes: self.size_on_disk()? })
    }

    /// The rows as they are now, to be read while commits go on.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(self.layers.clone())
    }

    /// How far the work on all of it is that is under way.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Has a compaction or a backup that is under way end where it is, as if it had not been begun: it may take
    /// longer than whoever stops the process waits. None is begun from now on.
    pub fn stop_work(&self) {
        self.status.stop_work();
    }

    /// Ends the committer when everything handed in before is durable. Later commits fail; reads go
    /// on. The folder is free when the store is dropped.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the store has failed or was closed before.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.stop_work();
        let (answer, answered) = oneshot::channel();
        self.inbox()?.send(Request::Close(answer)).await.map_err(|_| self.gone())?;
        answered.await.map_err(|_| self.gone())
    }

    /// Does something while no file of sled changes.
    #[cfg(test)]
    pub fn standing_still<T>(&self, work: impl FnOnce() -> T) -> T {
        self.layers.standing_still(work)
    }

    fn inbox(&self) -> Result<&mpsc::Sender<Request>, StoreError> {
        self.inbox.as_ref().ok_or_else(|| self.gone())
    }

    fn gone(&self) -> StoreError {
        let closed = || StoreError::Failed("the store is closed".into());
        self.status.failure().unwrap_or_else(closed)
    }

    async fn hand_over(&self, batch: Batch) -> Result<Commit, StoreError> {
        batch.check_limits()?;
        let Ok(_under_way) = self.under_way.try_acquire() else {
            return Err(StoreError::Busy(format!("{UNDER_WAY} commits are under way")));
        };
        let (answer, answered) = oneshot::channel();
        let request = Request::Commit(Waiting { batch, answer });
        self.inbox()?.send(request).await.map_err(|_| self.gone())?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }
}

/// All rows, until the store is to be closed.
struct Until<'a>(&'a Layers, &'a Status);

impl base::Rows for Until<'_> {
    fn sequence(&self) -> io::Result<u64> {
        self.0.sequence()
    }

    fn rows(&self, from: &[u8], limit: usize) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        self.1.stopped().map_or_else(|| self.0.rows(from, limit), |why| Err(io::Error::other(why)))
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(committer) = self.committer.take() {
            // A panic in it was already told as a failure.
            let _ = committer.join();
        }
    }
}

impl Kv for SledStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move { self.layers.get(key).map_err(StoreError::from) })
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        Box::pin(async move { self.layers.scan(from, Some(to), limit).map_err(StoreError::from) })
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        Box::pin(self.hand_over(batch))
    }

    fn health(&self) -> Health {
        self.status.health()
    }

    fn sizes(&self) -> Option<Sizes> {
        Some(Sizes {
            database: disk::used_bytes(&self.settings.store_dir()).ok()?,
            journal: disk::used_bytes(&self.settings.journal_dir()).ok()?,
        })
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        Self::Failed(error.to_string())
    }
}
