//! What was asked, how often and with what answer; and whether a family of requests has been asked too
//! often. Counts only.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Lines kept of the last requests.
const LINES: usize = 2_000;
/// How long a request counts.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Requests a minute that Skola24 answers, by family.
const LIMITS: [(&str, f64); 6] = [
    ("organisations", 25.0),
    ("groups", 100.0),
    ("activities", 100.0),
    ("persons", 50.0),
    ("calendarEvents", 10.0),
    ("attendances", 100.0),
];

/// One request that was answered.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// When it had come.
    pub at: Timestamp,
    /// Method and path, with `{id}` for an id.
    pub endpoint: String,
    /// The query as it was written; ids and moments only.
    pub query: String,
    /// The status it was answered with; 0: it was not.
    pub status: u16,
}

/// Everything asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    counts: BTreeMap<String, BTreeMap<u16, u64>>,
    lines: VecDeque<Line>,
    recent: BTreeMap<&'static str, VecDeque<Timestamp>>,
}

impl Asked {
    /// Whether one more of this family may be answered now; it counts if so.
    pub(super) fn admits(&mut self, family: &str, scale: f64, now: Timestamp) -> bool {
        let Some((family, limit)) = LIMITS.iter().find(|(known, _)| *known == family) else {
            return true;
        };
        let recent = self.recent.entry(family).or_default();
        recent.retain(|at| now.duration_since(*at) < WINDOW);
        #[expect(clippy::cast_precision_loss, reason = "a count of requests is small")]
        let admitted = (recent.len() as f64) < (limit * scale).max(1.0);
        if admitted {
            recent.push_back(now);
        }
        admitted
    }

    pub(super) fn note(&mut self, line: Line) {
        *self.counts.entry(line.endpoint.clone()).or_default().entry(line.status).or_default() += 1;
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub(super) fn counts(&self) -> BTreeMap<String, BTreeMap<u16, u64>> {
        self.counts.clone()
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        self.lines.iter().cloned().collect()
    }

    /// Forgets what was counted; the limits go on.
    pub(super) fn clear(&mut self) {
        self.counts.clear();
        self.lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_limited_by_the_minute_and_apart_from_others() {
        let mut asked = Asked::default();
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        for number in 0..10 {
            assert!(asked.admits("calendarEvents", 1.0, at(number)), "{number}");
        }
        assert!(!asked.admits("calendarEvents", 1.0, at(59)));
        assert!(asked.admits("persons", 1.0, at(59)));
        assert!(asked.admits("subscriptions", 0.0, at(59)));
        assert!(asked.admits("calendarEvents", 1.0, at(60)));
        assert!(!asked.admits("calendarEvents", 1.0, at(60)));
        // Half as many.
        let mut asked = Asked::default();
        assert_eq!((0..9).filter(|_| asked.admits("calendarEvents", 0.5, at(0))).count(), 5);
    }
}
