//! A made-up school day for `upprop demo`: a school system that reports, the real daemon as a child
//! process, and a provider and a mail server that show what arrives. It fails when anything comes
//! that should not, or does not come that should. Calls loopback addresses only.
//!
//! [`play`] tells the story; what must come is written down beside each step in `story`. Nothing is
//! established by waiting a while: that nothing more comes is shown by a last absence that goes
//! through the same queues behind everything else.

mod checks;
mod daemon;
mod desk;
mod hooks;
mod people;
mod sender;
mod stage;
mod story;

use std::time::Duration;

pub use checks::{Class, Counts, Report, Told};
pub use daemon::Daemon;
pub use desk::{Desk, school_settings};
pub use hooks::Hooks;
pub use people::{SCHOOL, SCHOOL_NAME, SENDER, TEAM, directory, morning};
pub use sender::Sender;
pub use stage::Stage;
pub use story::{conclude, play};

/// Longest wait for anything. Far longer than the slowest honest way to an outcome: an attempt that
/// a kill leaves in doubt is asked about twice before it goes again.
const DEADLINE: Duration = Duration::from_mins(2);

/// Why the story could not be told to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The daemon did something unasked, or failed to do what was asked.
    #[error("the daemon {0}")]
    Daemon(String),
    /// A report was refused.
    #[error("a report was not taken: {0}")]
    NotTaken(String),
    /// Something did not come.
    #[error("waited {limit:?} for {0}", limit = DEADLINE)]
    Late(String),
    /// The story cannot be shown.
    #[error("standard output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Waits for something, but not for ever.
async fn within<T>(what: &str, work: impl Future<Output = T>) -> Result<T, DemoError> {
    tokio::time::timeout(DEADLINE, work).await.map_err(|_| DemoError::Late(what.to_owned()))
}
