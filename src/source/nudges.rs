//! Sources that tell us when something has changed: who asks is woken. Many calls wake once; a call while it is asked
//! has it asked once more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::model::SourceId;

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Pupils, guardians, staff, groups.
    Directory,
    /// Lessons, and what they are of.
    Schedule,
    /// Marks and advance notices.
    Attendance,
}

/// Those who wait to be woken, by source and part. Each clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Nudges(Arc<Mutex<Waiting>>);

type Waiting = BTreeMap<(SourceId, Part), Arc<Notify>>;

impl Nudges {
    /// What one part of a source is woken by.
    pub fn of(&self, source: &SourceId, part: Part) -> Arc<Notify> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((source.clone(), part)).or_default().clone()
    }

    /// Wakes whoever asks for a part of a source, now or when it next waits.
    pub fn wake(&self, source: &SourceId, part: Part) {
        self.of(source, part).notify_one();
    }
}
