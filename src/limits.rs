//! Pure. Rate limits by GCRA (governor), the cell kept by the caller so that it is committed together
//! with the attempt it permits, or before the request: a restart gives no fresh burst.
//!
//! A cell is the theoretical arrival time of the next message in Unix nanoseconds. governor keeps
//! times relative to the first reading of its clock, so it is given a clock whose first reading is
//! zero. A cell further ahead than a full burst was written by a wrong clock: it is drawn back, so
//! that a clock step gives no hour of silence. Whoever is refused writes it down so: drawn back at each
//! question anew, it would be as far ahead at the next one.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use jiff::Timestamp;

use crate::model::Rate;

/// Whether one more is allowed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Yes; the cell to commit with it.
    Now(u64),
    /// No.
    NotBefore {
        /// When to ask again.
        until: Timestamp,
        /// The cell to commit all the same, where the one there was drawn back.
        drawn_back: Option<u64>,
    },
}

/// Asks one limit. `cell` is what was committed with the last permit; none: never used.
pub fn check(rate: &Rate, cell: Option<u64>, now: Timestamp) -> Permit {
    let now_nanos = nanos(now);
    let period = period(rate);
    let tolerance = period.saturating_mul(u64::from(rate.burst.get()));
    let furthest = now_nanos.saturating_add(tolerance);
    let drawn_back = cell.is_some_and(|tat| tat > furthest).then_some(furthest);
    let store = Cell { before: drawn_back.or(cell), after: AtomicU64::new(u64::MAX) };
    let quota = Quota::with_period(Duration::from_nanos(period))
        .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
        .allow_burst(rate.burst);
    let clock = FixedClock { now: now_nanos, armed: AtomicBool::new(false) };
    let limiter: RateLimiter<(), Cell, FixedClock, NoOpMiddleware<Instant>> =
        RateLimiter::new(quota, store, clock);
    match limiter.check_key(&()) {
        Ok(()) => Permit::Now(limiter.into_state_store().after.load(Ordering::Relaxed)),
        Err(not_until) => {
            let wait = not_until.wait_time_from(Instant(now_nanos));
            let wait = jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX);
            let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
            Permit::NotBefore { until, drawn_back }
        }
    }
}

/// Whether a cell has no effect any more and may be let go.
pub fn is_spent(cell: u64, now: Timestamp) -> bool {
    cell <= nanos(now)
}

/// The spacing of a rate in nanoseconds, at least one; rounded up, so that no span holds one too many.
fn period(rate: &Rate) -> u64 {
    let per = u64::try_from(rate.per.as_nanos().max(1)).unwrap_or(u64::MAX);
    per.div_ceil(u64::from(rate.count.get())).max(1)
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond().max(0)).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Instant(u64);

impl std::ops::Add<Nanos> for Instant {
    type Output = Self;
    fn add(self, other: Nanos) -> Self {
        Self(self.0.saturating_add(other.as_u64()))
    }
}

impl Reference for Instant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        Nanos::new(self.0.saturating_sub(earlier.0))
    }
    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.saturating_sub(duration.as_u64()))
    }
}

/// Zero at the first reading, then always the same instant.
#[derive(Debug)]
struct FixedClock {
    now: u64,
    armed: AtomicBool,
}

impl Clone for FixedClock {
    fn clone(&self) -> Self {
        Self { now: self.now, armed: AtomicBool::new(self.armed.load(Ordering::Relaxed)) }
    }
}

impl Clock for FixedClock {
    type Instant = Instant;
    fn now(&self) -> Instant {
        if self.armed.swap(true, Ordering::Relaxed) { Instant(self.now) } else { Instant(0) }
    }
}

/// One cell, outside the limiter.
#[derive(Debug)]
struct Cell {
    before: Option<u64>,
    after: AtomicU64,
}

impl StateStore for Cell {
    type Key = ();
    fn measure_and_replace<T, F, E>(&self, (): &(), f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (out, next) = f(self.before.map(Nanos::new))?;
        self.after.store(next.as_u64(), Ordering::Relaxed);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn rate(count: u32, secs: i64, burst: u32) -> Rate {
        Rate {
            count: NonZeroU32::new(count).expect("count"),
            per: SignedDuration::from_secs(secs),
            burst: NonZeroU32::new(burst).expect("burst"),
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).expect("time")
    }

    /// Asks at each instant, carrying the cell as a restart would, and counts permits.
    fn permits(rate: &Rate, times: &[i64]) -> Vec<bool> {
        let mut cell = None;
        times
            .iter()
            .map(|t| match check(rate, cell, at(*t)) {
                Permit::Now(next) => {
                    cell = Some(next);
                    true
                }
                Permit::NotBefore { until, .. } => {
                    assert!(until > at(*t));
                    false
                }
            })
            .collect()
    }

    #[test]
    fn a_burst_then_the_spacing() {
        let two_a_second = rate(2, 1, 5);
        assert_eq!(
            permits(&two_a_second, &[0, 0, 0, 0, 0, 0, 499, 500, 501, 1000]),
            [true, true, true, true, true, false, false, true, false, true]
        );
    }

    #[test]
    fn not_before_is_exact() {
        let r = rate(10, 60, 1);
        let Permit::Now(cell) = check(&r, None, at(0)) else { panic!("first is free") };
        let refused = Permit::NotBefore { until: at(6000), drawn_back: None };
        assert_eq!(check(&r, Some(cell), at(1000)), refused);
        assert!(matches!(check(&r, Some(cell), at(6000)), Permit::Now(_)));
    }

    #[test]
    fn a_clock_stepped_back_gives_no_hour_of_silence() {
        let r = rate(10, 60, 2);
        let Permit::Now(cell) = check(&r, None, at(3_600_000)) else { panic!("first is free") };
        let Permit::NotBefore { until, drawn_back } = check(&r, Some(cell), at(0)) else {
            panic!("an hour ahead")
        };
        assert_eq!((until, drawn_back.is_some()), (at(6_000), true));
        assert!(matches!(check(&r, drawn_back, until), Permit::Now(_)), "once, and no more");
    }

    /// A bucket of permits in whole numbers, without this file's arithmetic: `per` nanoseconds fill it
    /// by `count`, each permit takes one.
    struct Bucket {
        count: i128,
        per: i128,
        room: i128,
        level: i128,
        at: Timestamp,
    }

    impl Bucket {
        fn new(rate: &Rate, at: Timestamp) -> Self {
            let per = rate.per.as_nanos();
            let room = per * i128::from(rate.burst.get());
            Self { count: rate.count.get().into(), per, room, level: room, at }
        }

        /// A clock that steps back fills nothing.
        fn fill(&mut self, now: Timestamp) {
            let nanos = now.duration_since(self.at).as_nanos().max(0);
            self.level = self.room.min(self.level + nanos * self.count);
            self.at = now;
        }

        fn permits(&mut self, now: Timestamp) -> bool {
            self.fill(now);
            let permits = self.level >= self.per;
            if permits {
                self.level -= self.per;
            }
            permits
        }
    }

    /// What happens between two questions.
    #[derive(Debug, Clone)]
    enum Between {
        /// Time passes, in milliseconds.
        Passes(i64),
        /// The clock is put back.
        StepsBack(i64),
        /// A restart: what is not written is gone.
        Restarts,
        /// A cell without effect is swept away.
        Swept,
    }

    fn between() -> impl Strategy<Value = Between> {
        prop_oneof![
            12 => (0_i64..2_000).prop_map(Between::Passes),
            2 => (0_i64..200_000).prop_map(Between::Passes),
            1 => (0_i64..4_000_000).prop_map(Between::StepsBack),
            2 => Just(Between::Restarts),
            2 => Just(Between::Swept),
        ]
    }

    fn rates() -> impl Strategy<Value = Rate> {
        prop_oneof![
            (1_u32..20, 1_i64..20, 1_u32..12),
            Just((90, 60, 10)),
            Just((7, 86_400, 3)),
            Just((1, 1, 1)),
            Just((999, 1, 50)),
        ]
        .prop_map(|(count, secs, burst)| rate(count, secs, burst))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        /// With the cell written and read back at any point, each permit is one that a bucket kept in
        /// memory all along would have given; and what that one gives is given, but for one permit of
        /// rounding and, after a step of the clock back, at most one burst.
        #[test]
        fn as_a_bucket_that_was_never_stopped(
            rate in rates(), asked in prop::collection::vec((between(), 1_usize..6), 1..120),
        ) {
            let mut now = at(0);
            let mut bucket = Bucket::new(&rate, now);
            let mut written: Option<Vec<u8>> = None;
            let (mut given, mut expected, mut owed) = (0_u64, 0_u64, 1_u64);
            let spacing = period(&rate);
            for (between, times) in asked {
                match between {
                    Between::Passes(millis) => now += SignedDuration::from_millis(millis),
                    Between::StepsBack(millis) => {
                        now -= SignedDuration::from_millis(millis);
                        owed += u64::from(rate.burst.get());
                    }
                    Between::Restarts => {
                        // Asked, and killed before the permit was written with its attempt: unsent.
                        let cell = written.as_deref().map(|b| u64::from_be_bytes(b.try_into().unwrap()));
                        let _ = check(&rate, cell, now);
                    }
                    Between::Swept => written = written.filter(|b| {
                        !is_spent(u64::from_be_bytes(b.as_slice().try_into().unwrap()), now)
                    }),
                }
                for _ in 0..times {
                    let cell = written.as_deref().map(|b| u64::from_be_bytes(b.try_into().unwrap()));
                    expected += u64::from(bucket.permits(now));
                    match check(&rate, cell, now) {
                        Permit::Now(cell) => {
                            written = Some(cell.to_be_bytes().to_vec());
                            given += 1;
                        }
                        Permit::NotBefore { until, drawn_back } => {
                            if let Some(cell) = drawn_back {
                                written = Some(cell.to_be_bytes().to_vec());
                            }
                            let wait = until.duration_since(now).as_nanos();
                            prop_assert!(wait > 0 && wait <= i128::from(spacing), "{wait}");
                        }
                    }
                    prop_assert!(given <= expected, "{given} of {expected}");
                    prop_assert!(expected - given <= owed, "{given} of {expected}, {owed} owed");
                }
            }
        }
    }
}
