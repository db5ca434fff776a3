//! A store in memory that outlives the daemon, and fails: what is written is seen at once and durable a
//! moment later, and the process may end in between; a flush fails; the disk is full for a while.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Notify;
use upprop::store::{Batch, Commit, Health, Kv, MemoryStore, Pending, StoreError};

use crate::chance::Chance;
use crate::clock::pause;
use crate::tally::Tally;

/// What outlives a life.
pub struct Disk {
    durable: MemoryStore,
    chance: Chance,
    /// Of 10,000 commits so many go wrong.
    deadly: u64,
    full: AtomicBool,
    /// Whether it is full although it does not say so beforehand.
    hidden: AtomicBool,
    healed: AtomicBool,
    tally: Arc<Tally>,
    pub commits: AtomicU64,
    pub conflicts: AtomicU64,
}

impl Disk {
    pub fn new(seed: u64, deadly: u64, tally: Arc<Tally>) -> Self {
        Self {
            durable: MemoryStore::new(),
            chance: Chance::new(seed, "disk"),
            deadly,
            full: AtomicBool::new(false),
            hidden: AtomicBool::new(false),
            healed: AtomicBool::new(false),
            tally,
            commits: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
        }
    }

    /// Whether the disk is full, and whether that shows beforehand.
    pub fn fill(&self, yes: bool, hidden: bool) {
        self.full.store(yes, Ordering::Relaxed);
        self.hidden.store(hidden, Ordering::Relaxed);
    }

    /// From now on nothing fails.
    pub fn heal(&self) {
        self.fill(false, false);
        self.healed.store(true, Ordering::Relaxed);
    }

    /// What would be found after a power cut.
    pub fn durable(&self) -> &MemoryStore {
        &self.durable
    }
}

/// How a commit ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    /// The process is gone before anything is written.
    Before,
    /// The process is gone when some of the group has been made durable.
    Half,
    /// The process is gone when all is durable, and nobody has heard of it.
    After,
    /// The flush fails; what it was to make durable may be so, or not.
    Failed,
}

/// The store as one life of the daemon sees it.
pub struct Mounted {
    disk: Arc<Disk>,
    /// What reads see.
    seen: MemoryStore,
    /// Written, and not yet durable.
    group: Mutex<VecDeque<Batch>>,
    dead: AtomicBool,
    broken: AtomicBool,
    /// Told when the process has to end.
    pub died: Notify,
    /// Told when a flush has failed.
    pub failed: Notify,
}

async fn put(into: &MemoryStore, batch: Batch) {
    // What held when it was written holds when it is made durable, in the same order.
    let done = into.commit(Batch { expect: std::collections::BTreeMap::new(), ..batch }).await;
    assert!(matches!(done, Ok(Commit::Done)), "{done:?}");
}

impl Mounted {
    pub async fn new(disk: Arc<Disk>) -> Self {
        let seen = MemoryStore::new();
        for (key, value) in disk.durable.rows() {
            let mut batch = Batch::default();
            batch.put(key, value);
            put(&seen, batch).await;
        }
        Self {
            disk,
            seen,
            group: Mutex::default(),
            dead: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            died: Notify::new(),
            failed: Notify::new(),
        }
    }

    /// The process is gone: nothing it asks is answered any more.
    pub fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.died.notify_one();
    }

    /// Whether a flush has failed.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// What is durable under a key.
    pub async fn durable(&self, key: &[u8]) -> Option<Bytes> {
        self.disk.durable.get(key).await.expect("memory")
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    fn ends(&self) -> End {
        let (disk, chance) = (&self.disk, &self.disk.chance);
        if disk.healed.load(Ordering::Relaxed) || chance.roll(1..=10_000) > disk.deadly {
            return End::Well;
        }
        *chance.pick(&[End::Before, End::Half, End::After, End::After, End::Failed])
    }

    /// Makes durable what has been written, or only the first `most` batches of it.
    async fn flush(&self, most: usize) {
        for _ in 0..most {
            let next = self.group.lock().expect("group").pop_front();
            let Some(batch) = next else { return };
            put(&self.disk.durable, batch).await;
        }
    }

    async fn write(&self, batch: Batch) -> Result<Commit, StoreError> {
        let disk = &self.disk;
        if self.is_dead() {
            return std::future::pending().await;
        }
        let failed = || Err(StoreError::Failed("the simulated flush failed".into()));
        if self.is_broken() {
            return failed();
        }
        let reads_only = batch.write.is_empty();
        if disk.full.load(Ordering::Relaxed) && !reads_only {
            disk.tally.count(FULL);
            return Err(StoreError::Busy("the simulated disk is full".into()));
        }
        let end = if reads_only { End::Well } else { self.ends() };
        if end == End::Before {
            disk.tally.count(KILLED_BEFORE);
            self.die();
            return std::future::pending().await;
        }
        // Who came first is first, and is seen at once; being durable takes a moment.
        let done = self.seen.commit(batch.clone()).await?;
        disk.commits.fetch_add(1, Ordering::Relaxed);
        if done == Commit::Conflict {
            disk.conflicts.fetch_add(1, Ordering::Relaxed);
        } else if !reads_only {
            self.group.lock().expect("group").push_back(batch);
        }
        pause(disk.chance.roll(1..=4)).await;
        if self.is_dead() {
            return std::future::pending().await;
        }
        if self.is_broken() {
            return failed();
        }
        let waiting = self.group.lock().expect("group").len();
        let some = usize::try_from(disk.chance.roll(0..=2)).expect("small").min(waiting);
        match end {
            End::Half => {
                disk.tally.count(KILLED_HALF);
                self.flush(some).await;
                self.die();
                std::future::pending().await
            }
            End::After => {
                disk.tally.count(KILLED_AFTER);
                self.flush(waiting).await;
                self.die();
                std::future::pending().await
            }
            End::Failed => {
                disk.tally.count(FLUSH_FAILED);
                self.flush(some).await;
                self.broken.store(true, Ordering::Relaxed);
                self.failed.notify_one();
                failed()
            }
            End::Well | End::Before => {
                self.flush(waiting).await;
                Ok(done)
            }
        }
    }
}

const FULL: &str = "commit refused, the disk is full";
const LOW: &str = "the disk is low, and says so when it is asked";
const KILLED_BEFORE: &str = "killed before a commit is written";
const KILLED_HALF: &str = "killed when a part of the group is durable";
const KILLED_AFTER: &str = "killed after a commit, before its answer";
const FLUSH_FAILED: &str = "flush failed, and the store with it";
/// What can go wrong here.
pub const FAULTS: &[&str] = &[FULL, LOW, KILLED_BEFORE, KILLED_HALF, KILLED_AFTER, FLUSH_FAILED];

impl Kv for Mounted {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            // Others come in between, as they do on several threads.
            if self.disk.chance.percent(5) {
                pause(1).await;
            }
            self.seen.get(key).await
        })
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        self.seen.scan(from, to, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        Box::pin(self.write(batch))
    }

    fn health(&self) -> Health {
        let hidden = self.disk.hidden.load(Ordering::Relaxed);
        let full = self.disk.full.load(Ordering::Relaxed) && !hidden;
        if full {
            self.disk.tally.count(LOW);
        }
        Health {
            writable: !full && !self.is_broken(),
            why: full.then(|| "the simulated disk is full".into()),
            free_bytes: None,
        }
    }
}
