//! How the store is: whether it has failed, and whether its disk has room. What its threads tell and its
//! callers ask; writes nothing.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::watch;

use super::{Health, StoreError, disk};

/// What the committer and its callers both look at.
#[derive(Debug)]
pub struct Status {
    dir: PathBuf,
    low_water_bytes: AtomicU64,
    stopping: AtomicBool,
    failure: watch::Sender<Option<String>>,
}

impl Status {
    /// A sound store in `dir`.
    pub fn new(dir: PathBuf, low_water_bytes: u64) -> Self {
        let failure = watch::Sender::new(None);
        let stopping = AtomicBool::new(false);
        Self { dir, low_water_bytes: low_water_bytes.into(), stopping, failure }
    }

    /// Has work on all of it end where it is.
    pub fn stop_work(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Why work on all of it is to end where it is, in words.
    pub fn stopped(&self) -> Option<String> {
        let stopping = self.stopping.load(Ordering::Relaxed);
        stopping.then(|| "the store is being closed; run it again afterwards".into())
    }

    /// Changes the low-water mark.
    pub fn set_low_water(&self, bytes: u64) {
        self.low_water_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The low-water mark.
    pub fn low_water_bytes(&self) -> u64 {
        self.low_water_bytes.load(Ordering::Relaxed)
    }

    /// Returns, with the reason, when the store has failed.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.subscribe();
        let failed = failure.wait_for(Option::is_some).await;
        failed.expect("the sender lives as long as `self`").clone().expect("waited for it")
    }

    /// The error after a failure, or none.
    pub fn failure(&self) -> Option<StoreError> {
        self.failure.borrow().clone().map(StoreError::Failed)
    }

    /// Tells everybody that nothing more is written; the first reason stands.
    pub(super) fn fail(&self, why: &str) -> StoreError {
        if let Some(before) = self.failure() {
            return before;
        }
        tracing::error!(why, "the store failed; nothing more is written until a restart");
        self.failure.send_replace(Some(why.to_owned()));
        StoreError::Failed(why.to_owned())
    }

    /// How the store is.
    pub fn health(&self) -> Health {
        let free_bytes = disk::free_bytes(&self.dir).ok();
        let why = self.failure.borrow().clone().or_else(|| self.low_water(free_bytes));
        Health { writable: why.is_none(), why, free_bytes }
    }

    /// Why nothing may be written for want of room, as the disk says now.
    pub fn no_room(&self) -> Option<String> {
        self.low_water(disk::free_bytes(&self.dir).ok())
    }

    /// Why nothing may be written for want of room, in words. A disk that does not say is not
    /// taken for a full one: the write itself will tell.
    fn low_water(&self, free: Option<u64>) -> Option<String> {
        let low = self.low_water_bytes();
        free.filter(|&free| free < low).map(|free| {
            format!(
                "{free} bytes are free on the disk of {}, below the low-water mark of {low}; make \
                 room and work goes on by itself",
                self.dir.display()
            )
        })
    }
}
