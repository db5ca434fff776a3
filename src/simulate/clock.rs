//! A clock that stands still until it is moved.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use crate::env::{Clock, Pending};

/// Time as it was last set, in microseconds since 1970: as exact as the due time of a row.
#[derive(Debug)]
pub(super) struct HandClock(AtomicI64);

impl HandClock {
    /// It is so late.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_microsecond()))
    }

    /// It becomes a microsecond later than this: a row's key has whole microseconds, and what it is due for may be a
    /// part of one later, which a clock that stands still would never reach. Never earlier than it was.
    pub fn set(&self, now: Timestamp) {
        self.0.fetch_max(now.as_microsecond().saturating_add(1), Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX)
    }

    /// Nobody waits here: what is due is a row, and the clock is moved to it. Whoever waits all the same, for a store
    /// that takes no work, would wait for ever, and a store in memory takes all.
    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        if until <= self.now() {
            return Box::pin(std::future::ready(()));
        }
        Box::pin(std::future::pending())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_happen_between_two_microseconds_has_come() {
        let at = |nanos| Timestamp::from_nanosecond(nanos).expect("time");
        let clock = HandClock::at(at(0));
        for nanos in [1_000, 1_500, 1_999, 7_000_000_001] {
            clock.set(at(nanos));
            assert!(clock.now() >= at(nanos), "{nanos}");
        }
        let late = clock.now();
        clock.set(at(2_000));
        assert_eq!(clock.now(), late);
    }
}
