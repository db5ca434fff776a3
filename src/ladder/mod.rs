//! The ladder (frånvarotrappa): a municipality's plan as data. Which steps a pupil's absence has reached, since when,
//! because of which days; and the life of the duties that come of them. Pure: rows and days in, values out; reads no
//! clock, no file and no store.
//!
//! ```text
//! config/ladders/*.toml   read       the text, to a Ladder, with everything that is wrong with it
//! lesson rows             History    what is known of a pupil's lessons, day by day
//!                         occasions  lessons merged to half days, days and occasions
//!                         condition  whether a trigger is true on a day, and because of which days
//!                         replay     day by day: which steps are reached, by the rules of their latches
//!                         advance    that against what was fired before: what fires, what is taken back
//!                         duty       open, taken, done, not needed, overdue; reminded, handed over
//! ```

mod advance;
mod condition;
mod explain;
mod history;
mod occasions;
mod plan;
mod replay;
mod school_days;
#[cfg(test)]
mod testing;
mod view;

pub use advance::{Advance, Situation, Who, advance};
pub use explain::{Progress, Standing, explain, holds_today};
pub use history::{Attended, Day, History, Seen};
pub use plan::{
    Absent, After, Allowed, Condition, Count, Documents, DoneBy, DutyRule, Filter, Ladder, Latch,
    Notify, Once, Run, Share, Span, Step, Still, Text, Unit,
};
pub use school_days::{SchoolDays, school_year_of};
