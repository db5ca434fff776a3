//! Which days are school days: terms, and the days in them on which there is no school. Pure: what an operator has
//! written, or a calendar file says, as values. Reads no file and no clock.

mod again;
mod days;
pub mod events;
pub mod ics;
pub mod words;
mod zones;

pub use again::Again;
pub use days::{Calendar, Days, FromFile, NoSchool};
