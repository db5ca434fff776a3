//! Simulated time: tokio's paused clock, which jumps to the next moment anybody waits for when nobody
//! has anything to do.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use upprop::env::{Clock, Pending};

/// The time of one life of the daemon. Made inside its runtime.
pub struct SimClock {
    began: Timestamp,
    origin: tokio::time::Instant,
}

impl SimClock {
    /// Time that begins at `began`.
    #[expect(clippy::disallowed_methods, reason = "this is the simulated clock")]
    pub fn at(began: Timestamp) -> Self {
        Self { began, origin: tokio::time::Instant::now() }
    }
}

impl Clock for SimClock {
    #[expect(clippy::disallowed_methods, reason = "this is the simulated clock")]
    fn now(&self) -> Timestamp {
        let passed = tokio::time::Instant::now().duration_since(self.origin);
        // As exact as a row's due time, so that what is due is due.
        self.began + SignedDuration::from_micros(i64::try_from(passed.as_micros()).expect("years"))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the simulated clock")]
    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        Box::pin(async move {
            while let Ok(left @ 1..) = u64::try_from(until.duration_since(self.now()).as_micros()) {
                // tokio's timers have milliseconds; they never fire early.
                tokio::time::sleep(Duration::from_micros(left)).await;
            }
        })
    }
}

/// Waits that many milliseconds.
#[expect(clippy::disallowed_methods, reason = "simulated time")]
pub async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
