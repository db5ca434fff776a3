//! How often one recipient is told on one day: a school's choice about further lessons, siblings and a day's cap.

use jiff::SignedDuration;
use jiff::civil::Time;

/// What a recipient is told of further lessons of a day of which they know already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FurtherLessons {
    /// A message each, as of the first.
    Each,
    /// A line each.
    Short,
    /// One message for all when the day is over.
    EndOfDay,
    /// Nothing: the team is told when each lesson ends.
    Team,
}

/// A school's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fatigue {
    /// Further lessons of a day.
    pub further: FurtherLessons,
    /// When what was kept for the end of the day is told, by the school's clock.
    pub end_of_day: Time,
    /// When the week is told to those with whom a line a week is agreed, on its last school day, by the school's clock.
    pub week_line: Time,
    /// Most messages about absence to one recipient on one day; none: no cap. What is above it is told in digests.
    pub most_a_day: Option<u32>,
    /// First notices about siblings are one message, where their recipient is the same.
    pub merges_siblings: bool,
    /// How long the first of them waits for the others.
    pub siblings_gather: SignedDuration,
}

impl Default for Fatigue {
    /// Each lesson is told as the law wants it, on the same day; a quarter to four is after the last lesson and before
    /// a guardian's day at work is over. Ten are more than a pupil's lessons of a day.
    fn default() -> Self {
        Self {
            further: FurtherLessons::Each,
            end_of_day: Time::constant(15, 45, 0, 0),
            week_line: Time::constant(15, 30, 0, 0),
            most_a_day: Some(10),
            merges_siblings: false,
            siblings_gather: SignedDuration::from_mins(2),
        }
    }
}

impl Fatigue {
    /// Every lesson by itself, as many as there are.
    pub fn off() -> Self {
        Self { most_a_day: None, ..Self::default() }
    }
}
