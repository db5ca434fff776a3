//! How whoever waits for due rows hears of new ones: at once, but not of what can wait until it looks
//! anyway, and in which lanes it need not look. Knows due rows and suspensions by their keys; reads and writes no store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Notify, futures::Notified};

use super::tables::{self, Lane};
use super::{Batch, Commit, Health, Kv, Pending, Sizes, StoreError};

/// Between those who commit and the one who waits.
///
/// A commit that the one who looks has not seen was made after [`Wake::looking`] and
/// [`Wake::looks_into`], so what it tells comes after what was said there.
#[derive(Debug)]
pub struct Wake {
    notify: Notify,
    /// No row of a lane is due earlier, in microseconds since 1970.
    lanes: [AtomicI64; Lane::ALL.len()],
    /// When it will look by itself; the highest: it looks this moment.
    until: AtomicI64,
    /// Whether something due was left for want of room.
    wants_room: AtomicBool,
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            notify: Notify::new(),
            lanes: std::array::from_fn(|_| i64::MIN.into()),
            until: i64::MAX.into(),
            wants_room: true.into(),
        }
    }
}

impl Wake {
    /// Something has changed that no due row tells: look again.
    pub fn now(&self) {
        self.notify.notify_one();
    }

    /// A row was committed that is due then.
    fn due(&self, lane: Lane, at: Timestamp) {
        self.lanes[lane as usize].fetch_min(at.as_microsecond(), SeqCst);
        if at.as_microsecond() < self.until.load(SeqCst) {
            self.now();
        }
    }

    /// Room was made for one more on the wire.
    pub fn room(&self) {
        if self.wants_room.load(SeqCst) {
            self.now();
        }
    }

    /// From here on the one who waits looks: it is told of everything that happens meanwhile.
    pub fn looking(&self) -> Notified<'_> {
        self.until.store(i64::MAX, SeqCst);
        self.wants_room.store(true, SeqCst);
        self.notify.notified()
    }

    /// Whether a row of a lane may be due at `now`; else when the first one is, at the earliest. Where
    /// one may be, whoever asks looks, and says with [`Wake::found`] or [`Wake::look_again`] what is left.
    ///
    /// # Errors
    /// None is due before the time given.
    pub fn looks_into(&self, lane: Lane, now: Timestamp) -> Result<(), Timestamp> {
        let first = self.lanes[lane as usize].load(SeqCst);
        if first > now.as_microsecond() {
            return Err(Timestamp::from_microsecond(first).unwrap_or(Timestamp::MAX));
        }
        self.lanes[lane as usize].store(i64::MAX, SeqCst);
        Ok(())
    }

    /// The first row of a lane is due then; none: it is empty.
    pub fn found(&self, lane: Lane, first: Option<Timestamp>) {
        let first = first.map_or(i64::MAX, Timestamp::as_microsecond);
        self.lanes[lane as usize].fetch_min(first, SeqCst);
    }

    /// What is left in a lane is not known.
    pub fn look_again(&self, lane: Lane) {
        self.lanes[lane as usize].store(i64::MIN, SeqCst);
    }

    /// It has looked, and looks again then; nothing due was left for want of room unless `wants_room`.
    pub fn sleeps(&self, until: Timestamp, wants_room: bool) {
        self.wants_room.store(wants_room, SeqCst);
        self.until.store(until.as_microsecond(), SeqCst);
    }
}

/// A store whose commits tell of the due rows in them. Whoever may be cut off in the middle of a commit makes
/// it in a task of its own, or the rows wait until the next look at everything.
pub struct Watched {
    kv: Arc<dyn Kv>,
    wake: Arc<Wake>,
}

impl Watched {
    /// Watches a store.
    pub fn new(kv: Arc<dyn Kv>, wake: Arc<Wake>) -> Self {
        Self { kv, wake }
    }
}

impl Kv for Watched {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        self.kv.get(key)
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        self.kv.scan(from, to, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        let due = earliest_due(&batch);
        // What was passed over may be due by now, and no due row tells of it.
        let suspends = touches(&batch, tables::SUSPENSIONS);
        Box::pin(async move {
            let outcome = self.kv.commit(batch).await;
            if matches!(outcome, Ok(Commit::Done)) {
                for (lane, at) in due {
                    self.wake.due(lane, at);
                }
                if suspends {
                    self.wake.now();
                }
            }
            outcome
        })
    }

    fn health(&self) -> Health {
        self.kv.health()
    }

    fn sizes(&self) -> Option<Sizes> {
        self.kv.sizes()
    }
}

/// Whether a batch writes or removes a row under a prefix.
fn touches(batch: &Batch, prefix: &[u8]) -> bool {
    batch.write.range(prefix.to_vec()..super::after_prefix(prefix)).next().is_some()
}

/// When the first of the due rows that a batch writes is due, for each lane that has any.
fn earliest_due(batch: &Batch) -> Vec<(Lane, Timestamp)> {
    let first = |lane: Lane| {
        let from = lane.prefix();
        let mut rows = batch.write.range(from.clone()..super::after_prefix(&from));
        let (key, _) = rows.find(|(_, value)| value.is_some())?;
        Some((lane, tables::due_time(key)?))
    };
    Lane::ALL.into_iter().filter_map(first).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::store::MemoryStore;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn only_what_cannot_wait_wakes() {
        let wake = Wake::default();
        let woken = wake.looking();
        wake.sleeps(at(10), false);
        wake.due(Lane::Sms, at(10));
        wake.room();
        assert!(woken.now_or_never().is_none());
        for what in ["earlier", "whatever", "room"] {
            let woken = wake.looking();
            wake.sleeps(at(10), what == "room");
            match what {
                "earlier" => wake.due(Lane::Sms, at(9)),
                "whatever" => wake.now(),
                _ => wake.room(),
            }
            assert!(woken.now_or_never().is_some(), "{what}");
        }
    }

    #[test]
    fn whatever_happens_while_it_looks_is_told() {
        let wake = Wake::default();
        let woken = wake.looking();
        wake.due(Lane::Timer, at(9_999_999));
        wake.sleeps(at(10), false);
        assert!(woken.now_or_never().is_some());
        let woken = wake.looking();
        wake.room();
        wake.sleeps(at(10), false);
        assert!(woken.now_or_never().is_some());
    }

    #[test]
    fn a_lane_is_looked_into_when_a_row_may_be_due() {
        let wake = Wake::default();
        assert_eq!(wake.looks_into(Lane::Sms, at(0)), Ok(()), "nothing is known yet");
        wake.found(Lane::Sms, None);
        assert_eq!(wake.looks_into(Lane::Sms, at(0)), Err(Timestamp::MAX));
        wake.due(Lane::Sms, at(5));
        wake.due(Lane::Sms, at(9));
        assert_eq!(wake.looks_into(Lane::Sms, at(4)), Err(at(5)));
        assert_eq!(wake.looks_into(Lane::Sms, at(5)), Ok(()));
        // Committed while it looked.
        wake.due(Lane::Sms, at(6));
        wake.found(Lane::Sms, Some(at(8)));
        assert_eq!(wake.looks_into(Lane::Sms, at(5)), Err(at(6)));
        wake.look_again(Lane::Sms);
        assert_eq!(wake.looks_into(Lane::Sms, at(0)), Ok(()));
        assert_eq!(wake.looks_into(Lane::Email, at(0)), Ok(()), "each for itself");
    }

    #[tokio::test]
    async fn a_commit_tells_of_the_earliest_row_of_each_lane() {
        let wake = Arc::new(Wake::default());
        let kv = Watched::new(Arc::new(MemoryStore::new()), wake.clone());
        for lane in Lane::ALL {
            wake.looks_into(lane, at(0)).unwrap();
        }
        let mut batch = Batch::default();
        batch.put(b"zz/".to_vec(), "x");
        batch.put(tables::due(Lane::SmsUrgent, at(7), "a"), "x");
        batch.put(tables::due(Lane::SmsUrgent, at(5), "b"), "x");
        batch.put(tables::due(Lane::Timer, at(3), "c"), "x");
        batch.delete(tables::due(Lane::Sms, at(1), "d"));
        assert_eq!(kv.commit(batch.clone()).await.unwrap(), Commit::Done);
        let first = |lane| wake.looks_into(lane, at(0)).unwrap_err();
        let firsts = Lane::ALL.map(first);
        assert_eq!(firsts, [at(5), Timestamp::MAX, Timestamp::MAX, Timestamp::MAX, at(3)]);
        batch.expect(b"zz/".to_vec(), None);
        batch.put(tables::due(Lane::Timer, at(1), "e"), "x");
        assert_eq!(kv.commit(batch).await.unwrap(), Commit::Conflict);
        assert_eq!(first(Lane::Timer), at(3), "nothing was written");
        // Whatever was told before.
        let _ = wake.looking().now_or_never();
        let woken = wake.looking();
        wake.sleeps(at(99), false);
        let mut resumed = Batch::default();
        resumed.delete(tables::suspension("all"));
        assert_eq!(kv.commit(resumed).await.unwrap(), Commit::Done);
        assert!(woken.now_or_never().is_some(), "a suspension that ends wakes");
        let mut large = Batch::default();
        large.put(tables::due(Lane::Timer, at(1), "f"), vec![0; crate::store::MAX_VALUE_BYTES + 1]);
        assert!(kv.commit(large).await.is_err());
        assert_eq!(first(Lane::Timer), at(3), "a store that takes no work wakes nobody");
    }
}
