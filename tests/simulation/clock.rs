//! Simulated time: tokio's paused clock, which jumps to the next moment anybody waits for when nobody
//! has anything to do. True time goes on over the lives of the daemon; what the daemon's clock shows may
//! be wrong, and is put right by steps, which it takes by the rules of the real clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use upprop::env::{Clock, Pending, clock::advance};

/// The longest single sleep: within it a waiter sees that the machine has slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The time of one life of the daemon. Made inside its runtime.
pub struct SimClock {
    began: Timestamp,
    origin: tokio::time::Instant,
    /// How long the machine has slept, in microseconds.
    slept: AtomicI64,
    /// How far the machine's clock is ahead of the truth, in microseconds.
    wrong: AtomicI64,
    last: Mutex<(Timestamp, Duration)>,
}

fn micros(of: SignedDuration) -> i64 {
    i64::try_from(of.as_micros()).expect("small")
}

impl SimClock {
    /// Time that begins at `began`, on a machine whose clock is so far ahead.
    #[expect(clippy::disallowed_methods, reason = "this is the simulated clock")]
    pub fn at(began: Timestamp, wrong: SignedDuration) -> Self {
        Self {
            began,
            origin: tokio::time::Instant::now(),
            slept: AtomicI64::new(0),
            wrong: AtomicI64::new(micros(wrong)),
            last: Mutex::new((began + wrong, Duration::ZERO)),
        }
    }

    /// The machine has slept: it is later, and no timer has run meanwhile.
    pub fn sleep(&self, by: SignedDuration) {
        self.slept.fetch_add(micros(by), Ordering::Relaxed);
    }

    /// Somebody sets the machine's clock: so far ahead of the truth, or behind.
    pub fn set(&self, wrong: SignedDuration) {
        self.wrong.store(micros(wrong), Ordering::Relaxed);
    }

    #[expect(clippy::disallowed_methods, reason = "this is the simulated clock")]
    fn elapsed(&self) -> Duration {
        let passed = tokio::time::Instant::now().duration_since(self.origin);
        // As exact as a row's due time, so that what is due is due.
        Duration::from_micros(u64::try_from(passed.as_micros()).expect("years"))
    }

    /// What time it really is.
    pub fn truth(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.elapsed()).expect("years");
        let slept = SignedDuration::from_micros(self.slept.load(Ordering::Relaxed));
        self.began + elapsed + slept
    }

    /// Waits until it really is that time.
    pub async fn until(&self, truth: Timestamp) {
        while let Ok(left @ 1..) = u64::try_from(truth.duration_since(self.truth()).as_micros()) {
            doze(left).await;
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let wrong = SignedDuration::from_micros(self.wrong.load(Ordering::Relaxed));
        let (wall, elapsed) = (self.truth() + wrong, self.elapsed());
        let mut last = self.last.lock().expect("nothing panics with it");
        let ran = SignedDuration::try_from(elapsed.saturating_sub(last.1)).expect("years");
        let now = advance(last.0, ran, wall);
        // Half of a microsecond is lost at half speed.
        let now = Timestamp::from_microsecond(now.as_microsecond()).expect("a time");
        *last = (now, elapsed);
        now
    }

    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        Box::pin(async move {
            while let Ok(left @ 1..) = u64::try_from(until.duration_since(self.now()).as_micros()) {
                doze(left).await;
            }
        })
    }
}

/// Waits at most that many microseconds, in pieces, as the real clock. tokio's timers have milliseconds;
/// they never fire early.
#[expect(clippy::disallowed_methods, reason = "simulated time")]
async fn doze(micros: u64) {
    tokio::time::sleep(Duration::from_micros(micros).min(LONGEST_SLEEP)).await;
}

/// Waits that many milliseconds.
#[expect(clippy::disallowed_methods, reason = "simulated time")]
pub async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
