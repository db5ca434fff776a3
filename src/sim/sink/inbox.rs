//! Everything the sink took, in order, with a way to wait for more. Memory only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp, Unit};
use tokio::sync::watch;

use super::received::Received;

/// All messages, behind one lock that is held for moments only.
#[derive(Debug)]
pub(super) struct Inbox {
    shelf: Mutex<Shelf>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Shelf {
    messages: Vec<Arc<Received>>,
    by_id: BTreeMap<String, usize>,
    last: Timestamp,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { shelf: Mutex::default(), changes: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Takes a message. Its time becomes `now`, or a microsecond after the one before: paging
    /// through the history by time needs every time once, also under a clock that stands still.
    pub(super) fn put(&self, mut message: Received, now: Timestamp) -> Arc<Received> {
        let mut kept = self.lock();
        let next = kept.last.saturating_add(SignedDuration::from_micros(1)).unwrap_or(now);
        let now = now.round(Unit::Microsecond).unwrap_or(now);
        message.received_at = now.max(next);
        kept.last = message.received_at;
        let message = Arc::new(message);
        let place = kept.messages.len();
        kept.by_id.insert(message.id.clone(), place);
        kept.messages.push(Arc::clone(&message));
        drop(kept);
        self.changed();
        message
    }

    /// Changes a message that is still there.
    pub(super) fn update(&self, id: &str, change: impl FnOnce(&mut Received)) {
        let mut kept = self.lock();
        if let Some(&place) = kept.by_id.get(id) {
            change(Arc::make_mut(&mut kept.messages[place]));
            drop(kept);
            self.changed();
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Received>> {
        let kept = self.lock();
        kept.by_id.get(id).map(|&place| Arc::clone(&kept.messages[place]))
    }

    pub(super) fn all(&self) -> Vec<Arc<Received>> {
        self.lock().messages.clone()
    }

    /// Newest first, as long as `wanted` says so: `None` ends the walk.
    pub(super) fn newest(
        &self,
        mut wanted: impl FnMut(&Received) -> Option<bool>,
    ) -> Vec<Arc<Received>> {
        let kept = self.lock();
        let mut found = Vec::new();
        for message in kept.messages.iter().rev() {
            match wanted(message) {
                Some(true) => found.push(Arc::clone(message)),
                Some(false) => {}
                None => break,
            }
        }
        found
    }

    pub(super) fn len(&self) -> usize {
        self.lock().messages.len()
    }

    pub(super) fn clear(&self) {
        let mut kept = self.lock();
        kept.messages.clear();
        kept.by_id.clear();
        drop(kept);
        self.changed();
    }

    /// Returns when `met` holds.
    pub(super) async fn until(&self, mut met: impl FnMut(&Inbox) -> bool) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if met(self) || changes.changed().await.is_err() {
                return;
            }
        }
    }
}
