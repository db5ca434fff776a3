//! The store of a scenario, a backup of it, and what putting that back makes of it.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use upprop::model::{Channel, Notification, ProviderId};
use upprop::operate::restore::{Settled, Settling};
use upprop::store::journal::BULK_PREFIX;
use upprop::store::{Batch, Commit, Kv as _, MemoryStore};

type Rows = Vec<(Vec<u8>, Bytes)>;

/// The store, and the last backup of it.
#[derive(Default)]
pub struct Disk {
    pub kv: Arc<MemoryStore>,
    /// When it was taken.
    backup: Option<(Timestamp, Rows)>,
}

impl Disk {
    /// As `upprop store backup`: all but the directory.
    pub fn backup(&mut self, at: Timestamp) {
        let rows = self.kv.rows().into_iter().filter(|(key, _)| !key.starts_with(BULK_PREFIX));
        self.backup = Some((at, rows.collect()));
    }

    /// As `upprop store restore`.
    pub async fn put_back(&mut self, now: Timestamp) {
        let (taken_at, rows) = self.backup.clone().expect("a backup");
        let account = |n: &Notification| match n.channel {
            Channel::Email => ProviderId::new("mail").ok(),
            Channel::Sms => ProviderId::new("elks").ok(),
        };
        let settled = Settled::default();
        let mut settling = Settling { taken_at, now, account: &account, settled };
        let mut batch = Batch::default();
        for (key, row) in rows {
            for (key, row) in settling.row(key, row) {
                batch.put(key, row);
            }
        }
        let (key, row) = settling.mark();
        batch.put(key, row);
        self.kv = Arc::new(MemoryStore::new());
        assert_eq!(self.kv.commit(batch).await.expect("memory"), Commit::Done);
    }
}
