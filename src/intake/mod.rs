//! Accept: observations in, one atomic durable commit each, and only then an answer. Merging and
//! deciding are asked of `occasion` and `policy`; nothing is sent from here.

mod accept;
pub mod accords;
mod called;
pub mod case;
pub mod case_words;
pub mod contact;
mod decide;
mod delays;
mod described;
pub mod duties;
pub mod duty_words;
pub mod exclusions;
pub mod further;
pub mod history;
pub mod ladders;
pub mod redaction;
mod register;
pub mod registers;
pub mod silence;
mod steps;
mod volume;

pub use accept::{Accepted, Beside, Intake, IntakeError};
pub use contact::{Contact, Contacts, Trouble};
pub use decide::{Heard, decide, trail};
pub use delays::LastHour;
pub use described::Described;
pub use register::look_again_at;
