//! What is known of one pupil's lessons, day by day: what every rule of a ladder is asked of. Holds values; decides
//! nothing.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// How a pupil attended one lesson, notices and what staff have found out taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attended {
    /// There, or at another activity of the school.
    Present,
    /// Away with a valid reason.
    Excused,
    /// Away without one.
    Unexcused,
    /// Came after the start.
    Late,
    /// Left before the end.
    LeftEarly,
    /// Not known: the register was not taken, or the mark says nothing.
    Untaken,
}

impl Attended {
    /// Whether the pupil was away from the whole lesson.
    pub fn is_away(self) -> bool {
        matches!(self, Self::Excused | Self::Unexcused)
    }
}

/// One lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When it began, the school's clock.
    pub start: Time,
    /// Minutes it lasts.
    pub minutes: u32,
    /// How it was attended.
    pub attended: Attended,
    /// Minutes missed: of a lesson that the pupil was away from, all of it where the source counts none.
    pub missed: u32,
}

/// The lessons of one day, in the order of their start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The lessons.
    pub lessons: Vec<Seen>,
}

/// Which lessons are known that nobody has marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmarked {
    /// All that were planned.
    All,
    /// Those from a day on: the plans of what was before are kept no longer.
    From(Date),
    /// They were not looked for: what is asked of the schedule is left as it is.
    NotRead,
}

/// A pupil's lessons, as far back as they are kept. Days are the school's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Days of which a lesson is known.
    pub days: BTreeMap<Date, Day>,
    /// The first day of which anything could be known: what lies before it was never heard, or is no longer kept.
    pub since: Date,
    /// Which lessons of the schedule are among them that nobody has marked.
    pub unmarked: Unmarked,
    /// Today.
    pub today: Date,
    /// Whether today's lessons are over: shares and whole days are not asked of a day that goes on.
    pub today_is_over: bool,
}

impl History {
    /// The last day that is over.
    pub fn last_whole_day(&self) -> Date {
        if self.today_is_over { self.today } else { self.today.yesterday().unwrap_or(self.today) }
    }

    /// Whether it is told who is there: then a day of which nothing is known is one whose registers were not taken,
    /// and otherwise one without absence.
    pub fn tells_presence(&self) -> bool {
        self.days
            .values()
            .any(|day| day.lessons.iter().any(|lesson| lesson.attended == Attended::Present))
    }

    /// The lessons of a day.
    pub fn of(&self, day: Date) -> &[Seen] {
        self.days.get(&day).map_or(&[], |day| &day.lessons)
    }
}
