//! The real clock: wall time that never runs backwards while the daemon runs.
//!
//! Wall time is read together with the monotonic clock, which carries it forward. The two part ways
//! in three cases, and [`advance`] decides each:
//!
//! - **Wall time ahead** by more than [`TOLERANCE`]: the machine slept, a virtual machine was paused
//!   (Linux stops the monotonic clock for both), or the time was corrected forward after start. All
//!   three mean that we live in the past and send late: wall time is taken at once.
//! - **Wall time behind** by more than [`TOLERANCE`]: someone set the clock back, or a wrong step
//!   forward was put right. Due rows and attempts must not go back in time, so our clock runs at
//!   half speed until wall time has caught up.
//! - Otherwise the monotonic clock is right, and small steps are not seen at all.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use super::{Clock, Pending};

/// How far wall time and our time may differ before anything is done about it.
pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// The longest single sleep, so that a waiter sees within it that the machine has slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// [`Clock`] over the operating system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    last: Mutex<(Timestamp, Instant)>,
}

impl SystemClock {
    /// Reads both clocks for the first time.
    pub fn new() -> Self {
        Self { last: Mutex::new(read()) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: two callers must not see time in the wrong order.
        let (wall, instant) = read();
        let elapsed = instant.saturating_duration_since(last.1);
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::ZERO);
        let now = advance(last.0, elapsed, wall);
        if now.duration_since(last.0) > elapsed + TOLERANCE {
            let ahead = (now.duration_since(last.0) - elapsed).as_secs();
            tracing::warn!(seconds = ahead, "wall time was ahead of ours and is followed");
        }
        *last = (now, instant);
        now
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door the ban points to")]
    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        Box::pin(async move {
            while let Ok(left @ 1..) = u128::try_from(until.duration_since(self.now()).as_nanos()) {
                let left = Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX));
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            }
        })
    }
}

/// Our time after `elapsed` on the monotonic clock since `last`, when wall time says `wall`.
/// Never before `last`, as long as `elapsed` is not negative.
pub fn advance(last: Timestamp, elapsed: SignedDuration, wall: Timestamp) -> Timestamp {
    let Ok(ran) = last.checked_add(elapsed) else { return last };
    let ahead = wall.duration_since(ran);
    if ahead > TOLERANCE {
        wall
    } else if ahead < -TOLERANCE {
        // Nobody may have looked for long: no further back than wall time.
        last.checked_add(elapsed / 2).unwrap_or(last).max(wall)
    } else {
        ran
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door the ban points to")]
fn read() -> (Timestamp, Instant) {
    (Timestamp::now(), Instant::now())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_760_000_000_000 + millis).unwrap()
    }

    #[test]
    fn what_each_disagreement_means() {
        let minute = SignedDuration::from_secs(60);
        for (what, wall, expected) in [
            ("in step", 60_000, 60_000),
            ("a small step forward is not seen", 61_999, 60_000),
            ("nor a small one back", 58_001, 60_000),
            ("a suspend of an hour is followed", 3_660_000, 3_660_000),
            ("a step back slows us", -3_600_000, 30_000),
            ("until we have caught up, and no longer", 57_000, 57_000),
        ] {
            assert_eq!(advance(at(0), minute, at(wall)), at(expected), "{what}");
        }
    }

    #[test]
    fn a_clock_set_back_is_caught_up_with() {
        let second = SignedDuration::from_secs(1);
        let mut ours = at(600_000);
        for seconds in 1..=1_200 {
            ours = advance(ours, second, at(seconds * 1_000));
        }
        assert!(ours.duration_since(at(1_200_000)).abs() <= TOLERANCE + second);
    }

    proptest! {
        #[test]
        fn never_runs_back(steps in prop::collection::vec((0_i64..100_000, -10_000_000_i64..10_000_000), 1..50)) {
            let mut ours = at(0);
            for (elapsed, wall) in steps {
                let next = advance(ours, SignedDuration::from_millis(elapsed), at(wall));
                prop_assert!(next >= ours);
                ours = next;
            }
        }
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_is_not_waited_for() {
        let clock = SystemClock::new();
        let before = clock.now();
        clock.sleep_until(before).await;
        clock.sleep_until(before + SignedDuration::from_millis(5)).await;
        assert!(clock.now() >= before + SignedDuration::from_millis(5));
    }
}
