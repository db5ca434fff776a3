//! How far a long work is, for whoever waits for it. Counts; measures no time.

use std::sync::atomic::{AtomicU64, Ordering};

/// Steps done, and steps in all; nothing in all: it is not known, or nothing is under way.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    all: AtomicU64,
}

impl Progress {
    /// A work of so many steps begins.
    pub fn begin(&self, all: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.all.store(all, Ordering::Relaxed);
    }

    /// So many more steps are done.
    pub fn step(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// It has ended.
    pub fn end(&self) {
        self.begin(0);
    }

    /// Steps done and steps in all.
    pub fn look(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.all.load(Ordering::Relaxed))
    }
}
