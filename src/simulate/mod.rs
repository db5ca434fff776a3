//! A term over again, through the rules of production on a clock that is moved by hand: what would have been sent,
//! held and corrected, how fast, and what the ladder would have asked of people. Runs the real inlet and the real
//! dispatcher over a store in memory; the doors to the outside are the only parts that are not real. Sends nothing,
//! and keeps nothing of anybody when it is done.
//!
//! ```text
//! made      a made-up school and its term        \
//! export    the files that a school exports       >  Given: people, and what is heard when
//! past      upprop's own journal                 /
//! world     one school under one configuration, until its term is over
//! tally     what is counted of its rows
//! results   that as table, page and JSON
//! ```

mod clock;
pub mod export;
mod given;
mod line;
pub mod made;
mod past;
pub mod results;
pub mod settings;
mod tally;
mod term;
mod world;

pub use given::{Given, Heard};
pub use past::{Past, past};
pub use tally::{HoldEnd, Step, Tally};
pub use term::Term;
pub use world::{Asked, SimulateError, live};
