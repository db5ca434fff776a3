//! SS 12000:2020 (API versions 2.0.0 and 2.1.0): a school system that is asked over HTTP. Tolerant of what it
//! says, exact in how it is asked; what goes wrong becomes a trouble of the source, in words without personal
//! data, and the asking goes on.
//!
//! `client` puts one question (`ask`), within its budget; `pages` and `lookup` make whole lists of calls; `types` are the
//! rows; `fault` is what can go wrong. `directory` reads people
//! into `known`, and `join` makes a directory of them.

mod answer;
mod ask;
pub mod attendance;
pub mod book;
mod budget;
mod callback;
pub mod client;
mod deleted;
pub mod directory;
pub mod fault;
pub mod interval;
pub mod join;
pub mod known;
mod lookup;
pub mod marks;
mod notices;
mod pages;
mod person;
mod places;
mod planning;
mod reading;
pub mod rows;
pub mod schedule;
mod sent;
pub mod settings;
mod subscribe;
pub mod timetable;
pub mod types;
mod work;

pub use answer::wrong_with;
pub use attendance::{Asking, Way as MarkWay};
pub use callback::changed_parts;
pub use client::Client;
pub use deleted::Deleted;
pub use fault::{Fault, Wrong};
pub use interval::{Interval, LONGEST};
pub use lookup::Lookup;
pub use marks::{Provisional, Rules};
pub use pages::Pages;
pub use reading::Way;
pub use sent::Sent;
pub use settings::{Quirks, Resource, Settings, never_more, skola24_budgets};
pub use subscribe::Subscribing;
pub use work::{Rhythm, expected, expected_directory, expected_schedule, in_words, run, subscribe};

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod testing;
