//! How long marks of a source were on their way to us in the last hour. Kept in memory, and never more than a
//! share of them: enough for a median. Pure.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::is_ahead;

/// Marks kept; of a school that sends more in an hour, the newest.
const MOST: usize = 2048;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Delays with the time at which each mark came, oldest first.
#[derive(Debug, Default)]
pub(super) struct Delays(VecDeque<(Timestamp, SignedDuration)>);

/// The last hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastHour {
    /// Marks that came, of those that say when they were recorded; 2,048 at most.
    pub marks: usize,
    /// Half of them were on their way no longer, in seconds.
    pub median_seconds: i64,
    /// The longest, in seconds.
    pub worst_seconds: i64,
    /// Marks that were recorded after they came: the source's clock is ahead. Not among the others.
    pub ahead: usize,
}

impl Delays {
    pub(super) fn add(&mut self, delay: SignedDuration, now: Timestamp) {
        self.forget(now);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((now, delay));
    }

    fn forget(&mut self, now: Timestamp) {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) > HOUR) {
            self.0.pop_front();
        }
    }

    pub(super) fn last_hour(&mut self, now: Timestamp) -> Option<LastHour> {
        self.forget(now);
        let mut seconds: Vec<i64> = self
            .0
            .iter()
            .filter(|(_, delay)| !is_ahead(*delay))
            .map(|(_, delay)| delay.as_secs().max(0))
            .collect();
        seconds.sort_unstable();
        let ahead = self.0.len() - seconds.len();
        (!self.0.is_empty()).then(|| LastHour {
            marks: seconds.len(),
            median_seconds: seconds.get(seconds.len() / 2).copied().unwrap_or(0),
            worst_seconds: seconds.last().copied().unwrap_or(0),
            ahead,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_and_no_more_and_what_is_ahead_apart() {
        let at = |s| Timestamp::from_second(s).expect("time");
        let secs = SignedDuration::from_secs;
        let mut delays = Delays::default();
        assert_eq!(delays.last_hour(at(0)), None);
        for (came, delay) in [(0, 9000), (100, 1), (200, 3), (300, 60), (400, -7200)] {
            delays.add(secs(delay), at(came));
        }
        delays.add(SignedDuration::from_millis(-400), at(500));
        let found = delays.last_hour(at(3700)).expect("marks");
        let LastHour { marks, median_seconds, worst_seconds, ahead } = found;
        assert_eq!((marks, median_seconds, worst_seconds, ahead), (4, 3, 60, 1));
        assert_eq!(delays.last_hour(at(10_000)), None);
        for n in 0..5000 {
            delays.add(secs(1), at(10_000 + n / 100));
        }
        assert_eq!(delays.last_hour(at(10_100)).expect("marks").marks, MOST);
    }
}
