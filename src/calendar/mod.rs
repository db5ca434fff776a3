//! Which days are school days: terms, and the days in them on which there is no school. Pure: what an operator has
//! written, or a calendar file says, as values. Reads no file and no clock.

mod again;
mod days;
pub mod events;
pub mod ics;
mod terms;
pub mod words;
mod zones;

pub use again::Again;
pub use days::{Calendar, Days, FromFile, NoSchool};
pub use terms::{SchoolWeek, Term, is_weekend};
