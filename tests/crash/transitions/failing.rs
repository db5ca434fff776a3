//! A store in memory that outlives the daemon and fails once, at the commit of one transition of a
//! notification, in one of the ways a store can fail.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Notify;
use upprop::model::{Channel, Notification, Purpose, State};
use upprop::store::{Batch, Commit, Health, Kv, MemoryStore, Pending, StoreError, ledger, tables};

use super::clock::pause;

/// Commits that are refused, the one in question included, when the store is full.
const FULL_FOR: u64 = 4;

/// How the store fails at a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failpoint {
    /// The process ends, and nothing was written.
    DeadBefore,
    /// It is written and durable, and the process ends before anybody is told.
    DeadAfter,
    /// Somebody else has changed what it depends on.
    Conflict,
    /// There is no room for this one and some after it.
    Full,
    /// The disk fails while it is written, and it is not there afterwards.
    FlushFailsAndLoses,
    /// The disk fails while it is written, and it is there all the same.
    FlushFailsAndKeeps,
}

impl Failpoint {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DeadBefore,
        Self::DeadAfter,
        Self::Conflict,
        Self::Full,
        Self::FlushFailsAndLoses,
        Self::FlushFailsAndKeeps,
    ];

    /// The head of its column.
    pub fn head(self) -> &'static str {
        match self {
            Self::DeadBefore => "dead before",
            Self::DeadAfter => "dead after",
            Self::Conflict => "conflict",
            Self::Full => "full",
            Self::FlushFailsAndLoses => "flush: lost",
            Self::FlushFailsAndKeeps => "flush: kept",
        }
    }
}

/// What a commit makes of one notification.
struct Move {
    from: Option<State>,
    to: State,
    purpose: Purpose,
    channel: Channel,
    open: bool,
}

/// A transition of the outbox, as a commit shows it.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// None: it did not exist.
    pub from: Option<State>,
    pub to: State,
    pub purpose: Purpose,
    pub channel: Channel,
    /// Where it matters: whether the last attempt has no outcome.
    pub open: Option<bool>,
}

impl Transition {
    fn is(self, m: &Move) -> bool {
        (self.from, self.to, self.purpose, self.channel) == (m.from, m.to, m.purpose, m.channel)
            && self.open.is_none_or(|open| open == m.open)
    }
}

/// What outlives a life.
pub struct Disk {
    rows: MemoryStore,
    /// Fails once, when a commit moves a notification so.
    armed: Mutex<Option<(Failpoint, Transition)>>,
    fired: AtomicU64,
    refusals: AtomicU64,
    seen: Mutex<BTreeSet<(Option<State>, State)>>,
}

impl Disk {
    /// A disk that fails as told, or never.
    pub fn new(armed: Option<(Failpoint, Transition)>) -> Self {
        Self {
            rows: MemoryStore::new(),
            armed: Mutex::new(armed),
            fired: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            seen: Mutex::default(),
        }
    }

    /// How often it has failed.
    pub fn fired(&self) -> u64 {
        self.fired.load(Ordering::Relaxed)
    }

    /// The moves that were committed.
    pub fn seen(&self) -> BTreeSet<(Option<State>, State)> {
        self.seen.lock().expect("moves").clone()
    }

    /// The rows, read past all faults.
    pub fn rows(&self) -> Vec<(Vec<u8>, Bytes)> {
        self.rows.rows()
    }

    async fn moves(&self, batch: &Batch) -> Vec<Move> {
        let mut moves = Vec::new();
        for (key, value) in &batch.write {
            let Some(value) = value.as_ref().filter(|_| key.starts_with(tables::NOTIFICATIONS))
            else {
                continue;
            };
            let decode = |row: &Bytes| ledger::decode::<Notification>(row).expect("a notification");
            let former = self.rows.get(key).await.expect("memory").as_ref().map(decode);
            let n = decode(value);
            moves.push(Move {
                from: former.map(|former| former.state),
                to: n.state,
                purpose: n.purpose,
                channel: n.channel,
                open: n.attempts.last().is_some_and(|attempt| attempt.result.is_none()),
            });
        }
        moves
    }

    fn fails(&self, moves: &[Move]) -> Option<Failpoint> {
        let mut armed = self.armed.lock().expect("failpoint");
        let (point, _) = armed.take_if(|(_, which)| moves.iter().any(|m| which.is(m)))?;
        self.fired.fetch_add(1, Ordering::Relaxed);
        Some(point)
    }

    async fn write(&self, batch: Batch, moves: &[Move]) -> Result<Commit, StoreError> {
        let done = self.rows.commit(batch).await;
        if matches!(done, Ok(Commit::Done)) {
            self.seen.lock().expect("moves").extend(moves.iter().map(|m| (m.from, m.to)));
        }
        done
    }
}

/// The store as one life of the daemon sees it.
pub struct Mounted {
    disk: Arc<Disk>,
    dead: AtomicBool,
    broken: AtomicBool,
    /// Told when the process is to end at once.
    pub died: Notify,
    /// Told when the store has failed: the process must end of itself.
    pub failed: Notify,
}

impl Mounted {
    /// For one life.
    pub fn new(disk: Arc<Disk>) -> Self {
        Self {
            disk,
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

    /// Whether the store has failed.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    fn break_down(&self) -> Result<Commit, StoreError> {
        self.broken.store(true, Ordering::Relaxed);
        self.failed.notify_one();
        Err(StoreError::Failed("the simulated disk fails".into()))
    }

    async fn commit_one(&self, batch: Batch) -> Result<Commit, StoreError> {
        let disk = &self.disk;
        if self.dead.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        if self.is_broken() {
            return Err(StoreError::Failed("the simulated disk has failed".into()));
        }
        if batch.write.is_empty() {
            return disk.rows.commit(batch).await;
        }
        let full = || Err(StoreError::Busy("the simulated disk is full".into()));
        let refused = disk.refusals.load(Ordering::Relaxed);
        if refused > 0 {
            disk.refusals.store(refused - 1, Ordering::Relaxed);
            return full();
        }
        let moves = disk.moves(&batch).await;
        match disk.fails(&moves) {
            None => {}
            Some(Failpoint::DeadBefore) => {
                self.die();
                return std::future::pending().await;
            }
            Some(Failpoint::DeadAfter) => {
                let _: Commit = disk.write(batch, &moves).await?;
                self.die();
                return std::future::pending().await;
            }
            Some(Failpoint::Conflict) => return Ok(Commit::Conflict),
            Some(Failpoint::Full) => {
                disk.refusals.store(FULL_FOR - 1, Ordering::Relaxed);
                return full();
            }
            Some(Failpoint::FlushFailsAndLoses) => return self.break_down(),
            Some(Failpoint::FlushFailsAndKeeps) => {
                let _: Commit = disk.write(batch, &moves).await?;
                return self.break_down();
            }
        }
        let done = disk.write(batch, &moves).await;
        // Being durable takes time.
        pause(1).await;
        if self.dead.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        done
    }
}

impl Kv for Mounted {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        self.disk.rows.get(key)
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
        Box::pin(self.commit_one(batch))
    }

    fn health(&self) -> Health {
        let why = self.is_broken().then(|| "the simulated disk has failed".to_owned());
        Health { writable: why.is_none(), why, free_bytes: None }
    }
}
