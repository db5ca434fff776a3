//! Rate limits by GCRA (governor), the cell kept by the caller so that it is committed together
//! with the attempt it permits: a restart gives no fresh burst.
//!
//! A cell is the theoretical arrival time of the next message in Unix nanoseconds. governor keeps
//! times relative to the first reading of its clock, so it is given a clock whose first reading is
//! zero. A cell further ahead than a full burst was written by a wrong clock: it is drawn back, so
//! that a clock step gives no hour of silence.

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
    /// Not before this.
    NotBefore(Timestamp),
}

/// Asks one limit. `cell` is what was committed with the last permit; none: never used.
pub fn check(rate: &Rate, cell: Option<u64>, now: Timestamp) -> Permit {
    let now_nanos = nanos(now);
    let period = period(rate);
    let tolerance = period.saturating_mul(u64::from(rate.burst.get()));
    let furthest = now_nanos.saturating_add(tolerance);
    let store = Cell { before: cell.map(|tat| tat.min(furthest)), after: AtomicU64::new(u64::MAX) };
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
            Permit::NotBefore(now.saturating_add(wait).unwrap_or(Timestamp::MAX))
        }
    }
}

/// Whether a cell has no effect any more and may be let go.
pub fn is_spent(cell: u64, now: Timestamp) -> bool {
    cell <= nanos(now)
}

/// The spacing of a rate in nanoseconds, at least one.
fn period(rate: &Rate) -> u64 {
    let per = u64::try_from(rate.per.as_nanos().max(1)).unwrap_or(u64::MAX);
    (per / u64::from(rate.count.get())).max(1)
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
                Permit::NotBefore(until) => {
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
        assert_eq!(check(&r, Some(cell), at(1000)), Permit::NotBefore(at(6000)));
        assert!(matches!(check(&r, Some(cell), at(6000)), Permit::Now(_)));
    }

    #[test]
    fn a_clock_stepped_back_gives_no_hour_of_silence() {
        let r = rate(10, 60, 2);
        let Permit::Now(cell) = check(&r, None, at(3_600_000)) else { panic!("first is free") };
        let Permit::NotBefore(until) = check(&r, Some(cell), at(0)) else { return };
        assert!(until <= at(6_000), "{until}");
    }

    proptest! {
        /// Over any span the permits never exceed burst + span / spacing, whatever the pattern.
        #[test]
        fn never_more_than_the_rate(
            steps in prop::collection::vec(0i64..2_000, 1..200), count in 1u32..20, burst in 1u32..10,
        ) {
            let r = rate(count, 10, burst);
            let mut times = Vec::new();
            let mut t = 0;
            for step in steps {
                t += step;
                times.push(t);
            }
            let allowed = permits(&r, &times).into_iter().filter(|p| *p).count() as u128;
            let span = u128::try_from(times[times.len() - 1] - times[0]).expect("span");
            prop_assert!(allowed <= u128::from(burst) + span * u128::from(count) / 10_000 + 1);
        }
    }
}
