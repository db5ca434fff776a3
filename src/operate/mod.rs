//! What operators ask and do: why something was or was not sent, what waits, calling one message back or
//! sending it again. Makes the documents that the control socket answers and that `--json` prints; the same
//! over a running daemon's store and over one that stands still. Speaks no protocol and prints nothing.
//!
//! Documents, but for `export`, hold ids, never a name, a number, an address or a text: whoever may know them looks them up
//! in the school's own system. Each begins with `format`, which moves when a field changes its meaning;
//! new fields may come at any time.

pub mod accords;
pub mod backup;
pub mod cases;
pub mod check;
mod check_rows;
pub mod clocks;
pub mod counters;
pub mod duties;
mod erase;
pub mod export;
pub mod forget;
pub mod go_live;
pub mod guest;
pub mod held;
pub mod ladder_preview;
pub mod ladder_report;
pub mod ladders;
pub mod message;
pub mod programmes;
pub mod queue;
pub mod registers;
pub mod rejected;
pub mod reload;
pub mod reports;
pub mod restore;
pub mod retention;
pub mod self_test;
pub mod silences;
pub mod status;
pub mod suspensions;
pub mod term_report;
pub mod volume_holds;
pub mod why;
mod why_acts;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::NotificationId;
use crate::store::StoreError;

/// The form of every document of this room.
pub const FORMAT: u32 = 1;
/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which program answers, and how: what a program asks before it has anything done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct About {
    /// [`FORMAT`].
    pub format: u32,
    /// The program's version.
    pub version: String,
    /// When the daemon started; none: it does not run, and its store is read.
    pub running_since: Option<Timestamp>,
}

impl About {
    /// This program.
    pub fn this(running_since: Option<Timestamp>) -> Self {
        Self { format: FORMAT, version: VERSION.into(), running_since }
    }
}

/// Why an operator's question or act came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OperateError {
    /// Nothing by that id.
    #[error("no message has the id {0}; `upprop why PUPIL` shows those of a pupil")]
    NoMessage(NotificationId),
    /// It is not in a state in which this can be done.
    #[error("{0}")]
    NotNow(String),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
