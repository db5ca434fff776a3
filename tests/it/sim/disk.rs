//! A store in memory that outlives the daemon, and fails: the process ends before or after a commit is
//! written, commits take their time, the disk is full for a while.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Notify;
use upprop::store::{Batch, Commit, Health, Kv, MemoryStore, Pending, StoreError};

use super::chance::Chance;
use super::clock::pause;

/// What outlives a life.
pub struct Disk {
    rows: Arc<MemoryStore>,
    chance: Chance,
    /// Of 10,000 commits so many end the process, half of them before anything is written.
    deadly: u64,
    full: AtomicBool,
    healed: AtomicBool,
    pub commits: AtomicU64,
    pub conflicts: AtomicU64,
}

impl Disk {
    pub fn new(seed: u64, deadly: u64) -> Self {
        Self {
            rows: Arc::default(),
            chance: Chance::new(seed, "disk"),
            deadly,
            full: AtomicBool::new(false),
            healed: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
        }
    }

    /// Whether the disk is full.
    pub fn fill(&self, yes: bool) {
        self.full.store(yes, Ordering::Relaxed);
    }

    /// From now on nothing fails.
    pub fn heal(&self) {
        self.fill(false);
        self.healed.store(true, Ordering::Relaxed);
    }

    /// The rows, read past all faults.
    pub fn rows(&self) -> &MemoryStore {
        &self.rows
    }
}

/// The store as one life of the daemon sees it.
pub struct Mounted {
    disk: Arc<Disk>,
    dead: Mutex<bool>,
    /// Told when the process has to end.
    pub died: Notify,
}

impl Mounted {
    pub fn new(disk: Arc<Disk>) -> Self {
        Self { disk, dead: Mutex::new(false), died: Notify::new() }
    }

    /// The process is gone: nothing it asks is answered any more.
    pub fn die(&self) {
        *self.dead.lock().expect("flag") = true;
        self.died.notify_one();
    }

    fn is_dead(&self) -> bool {
        *self.dead.lock().expect("flag")
    }

    async fn write(&self, batch: Batch) -> Result<Commit, StoreError> {
        let disk = &self.disk;
        // Reading takes no time, being durable does; who came first is first.
        if self.is_dead() {
            return std::future::pending().await;
        }
        let reads_only = batch.write.is_empty();
        if disk.full.load(Ordering::Relaxed) && !reads_only {
            return Err(StoreError::Busy("the simulated disk is full".into()));
        }
        let ends = !disk.healed.load(Ordering::Relaxed)
            && !reads_only
            && disk.chance.roll(1..=10_000) <= disk.deadly;
        let before = ends && disk.chance.percent(50);
        if before {
            self.die();
            return std::future::pending().await;
        }
        let done = disk.rows.commit(batch).await;
        disk.commits.fetch_add(1, Ordering::Relaxed);
        disk.conflicts
            .fetch_add(u64::from(matches!(done, Ok(Commit::Conflict))), Ordering::Relaxed);
        if ends {
            self.die();
            return std::future::pending().await;
        }
        pause(disk.chance.roll(1..=4)).await;
        if self.is_dead() {
            return std::future::pending().await;
        }
        done
    }
}

impl Kv for Mounted {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            // Others come in between, as they do on several threads.
            if self.disk.chance.percent(5) {
                pause(1).await;
            }
            self.disk.rows.get(key).await
        })
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        self.disk.rows.scan(from, to, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        Box::pin(self.write(batch))
    }

    fn health(&self) -> Health {
        let full = self.disk.full.load(Ordering::Relaxed);
        Health {
            writable: !full,
            why: full.then(|| "the simulated disk is full".into()),
            free_bytes: None,
        }
    }
}
