//! What a school has chosen for messages home that are late: at the end of quiet hours, after a lesson, and when a mark
//! comes too late to be news.

use jiff::SignedDuration;

/// What becomes of a message that waited for quiet hours to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuietEnd {
    /// It leaves, in the past tense.
    Past,
    /// It leaves as it stands while the lesson goes on, and else in the past tense.
    Send,
    /// It does not leave, and the team is to phone. A correction leaves all the same.
    Drop,
}

/// What follows a mark that comes too late to be news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenStale {
    /// The team is to phone, once for each pupil and day.
    Duty,
    /// Home is told in the past tense, for a week.
    Past,
}

/// What a school has chosen for messages home that are late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRules {
    /// At the end of quiet hours.
    pub quiet_end: QuietEnd,
    /// When a mark is too old to be news.
    pub when_stale: WhenStale,
    /// How long after a lesson's end a message about it is in the past tense, however early its mark came; none: for
    /// this alone it never is.
    pub past_after: Option<SignedDuration>,
}

impl Default for TimeRules {
    fn default() -> Self {
        Self { quiet_end: QuietEnd::Past, when_stale: WhenStale::Duty, past_after: None }
    }
}
