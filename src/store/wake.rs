//! How whoever waits for due rows hears of new ones: at once, but not of what can wait until it looks
//! anyway. Knows due rows by their keys; reads and writes nothing.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};

use jiff::Timestamp;
use tokio::sync::{Notify, futures::Notified};

use super::{Batch, tables};

/// Between those who commit and the one who waits.
///
/// A commit that the one who looks has not seen was made after [`Wake::looking`], so it is compared with
/// what was said there or later.
#[derive(Debug)]
pub struct Wake {
    notify: Notify,
    /// When it will look by itself, in microseconds since 1970; the highest: it looks this moment.
    until: AtomicI64,
    /// Whether something due was left for want of room.
    wants_room: AtomicBool,
}

impl Default for Wake {
    fn default() -> Self {
        Self { notify: Notify::new(), until: i64::MAX.into(), wants_room: true.into() }
    }
}

impl Wake {
    /// Something has changed that no due row tells: look again.
    pub fn now(&self) {
        self.notify.notify_one();
    }

    /// Rows were committed whose earliest is due then (see [`earliest_due`]).
    pub fn due(&self, at: Option<Timestamp>) {
        if at.is_some_and(|at| at.as_microsecond() < self.until.load(SeqCst)) {
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

    /// It has looked, and looks again then; nothing due was left for want of room unless `wants_room`.
    pub fn sleeps(&self, until: Timestamp, wants_room: bool) {
        self.wants_room.store(wants_room, SeqCst);
        self.until.store(until.as_microsecond(), SeqCst);
    }
}

/// When the first of the due rows that a batch writes is due.
pub fn earliest_due(batch: &Batch) -> Option<Timestamp> {
    let (from, to) = tables::all_due();
    let rows = batch.write.range(from..to).filter(|(_, value)| value.is_some());
    rows.filter_map(|(key, _)| tables::due_time(key)).min()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::store::tables::Lane;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn only_what_cannot_wait_wakes() {
        let wake = Wake::default();
        let woken = wake.looking();
        wake.sleeps(at(10), false);
        wake.due(Some(at(10)));
        wake.due(None);
        wake.room();
        assert!(woken.now_or_never().is_none());
        let table: [(&str, fn(&Wake)); 3] = [
            ("earlier", |wake| wake.due(Some(at(9)))),
            ("whatever", Wake::now),
            ("room", |wake| {
                wake.sleeps(at(10), true);
                wake.room();
            }),
        ];
        for (what, happens) in table {
            let woken = wake.looking();
            wake.sleeps(at(10), false);
            happens(&wake);
            assert!(woken.now_or_never().is_some(), "{what}");
        }
    }

    #[test]
    fn whatever_happens_while_it_looks_is_told() {
        let wake = Wake::default();
        let woken = wake.looking();
        wake.due(Some(at(9_999_999)));
        wake.sleeps(at(10), false);
        assert!(woken.now_or_never().is_some());
        let woken = wake.looking();
        wake.room();
        wake.sleeps(at(10), false);
        assert!(woken.now_or_never().is_some());
    }

    #[test]
    fn the_earliest_of_all_lanes_counts_and_removals_do_not() {
        let mut batch = Batch::default();
        assert_eq!(earliest_due(&batch), None);
        batch.put(b"zz/".to_vec(), "x");
        batch.put(tables::due(Lane::SmsUrgent, at(5), "a"), "x");
        batch.put(tables::due(Lane::Timer, at(3), "b"), "x");
        batch.delete(tables::due(Lane::Sms, at(1), "c"));
        assert_eq!(earliest_due(&batch), Some(at(3)));
    }
}
