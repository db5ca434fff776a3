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
//!                         course     one pupil's days lived through all that, for the examples beside a ladder
//!                         duty       open, taken, done, not needed, overdue; reminded, handed over
//!                         duty::list what is left, and on which days its owner is told
//!                         tally      the numbers of a week
//!                         called     what words on cases do to duties to reach the home
//!                         settle     how long mails about a step wait, as it may be taken back
//! ```

mod advance;
pub mod called;
pub mod calls;
mod condition;
mod course;
pub mod duty;
pub mod example;
mod explain;
mod history;
pub mod needs;
mod occasions;
mod plan;
pub mod read;
mod replay;
mod school_days;
pub mod sentences;
pub mod settle;
mod shipped;
pub mod tally;
#[cfg(test)]
mod testing;
mod view;
mod words;

pub use advance::{Advance, Situation, Who, advance};
pub use course::{Became, Course, Happened};
pub use explain::{Progress, Standing, explain, holds_today};
pub use history::{Attended, Day, History, Seen, Unmarked};
pub use plan::{
    Absent, After, Allowed, Condition, Count, Documents, DoneBy, DutyRule, Filter, Ladder, Latch,
    Notify, Once, Run, Share, Span, Step, Still, Text, Unit,
};
pub use school_days::{SchoolDays, school_year_of};
pub use shipped::{SHIPPED, Shipped, shipped};
