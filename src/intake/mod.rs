//! Accept: observations in, one atomic durable commit each, and only then an answer. Merging and
//! deciding are asked of `occasion` and `policy`; nothing is sent from here.

mod accept;
pub mod case;
pub mod contact;
mod decide;
mod last_heard;
mod register;

pub use accept::{Accepted, Intake, IntakeError};
pub use contact::{Contact, Contacts, Trouble};
pub use decide::{Heard, decide};
pub use last_heard::LastHeard;
