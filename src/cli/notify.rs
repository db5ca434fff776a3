//! What systemd is told of the daemon (`sd_notify(3)`): that it is ready, that it stops, and, where a watchdog
//! is set, that the dispatcher makes progress. Says nothing where no supervisor listens.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sd_notify::NotifyState;

/// The shortest time without a turn of the dispatcher that says something: idle, it turns every ten seconds.
const SHORTEST: SignedDuration = SignedDuration::from_secs(30);
/// A busy dispatcher turns thousands of times a second.
const EVERY: SignedDuration = SignedDuration::from_secs(1);

/// Tells it; what cannot be told is in the log.
pub fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// Feeds the watchdog, where there is one.
#[derive(Debug)]
pub struct Watchdog {
    is_set: bool,
    last: Mutex<Timestamp>,
}

impl Watchdog {
    /// As systemd has set it for this process.
    pub fn from_environment() -> Self {
        let limit = sd_notify::watchdog_enabled().and_then(|limit| limit.try_into().ok());
        if let Some(limit) = limit.filter(|limit: &SignedDuration| *limit < SHORTEST) {
            tracing::warn!(
                watchdog = %format!("{limit:#}"),
                "WatchdogSec is shorter than 30 s, within which an idle daemon may not turn; make it longer"
            );
        }
        Self { is_set: limit.is_some(), last: Mutex::new(Timestamp::MIN) }
    }

    /// The dispatcher has turned.
    pub fn beat(&self, now: Timestamp) {
        if !self.is_set {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Also when the clock was set back.
        if now.duration_since(*last).abs() >= EVERY {
            *last = now;
            tell(&[NotifyState::Watchdog]);
        }
    }
}
