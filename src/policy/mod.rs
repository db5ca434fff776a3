//! Whom to tell what, and why not. Pure: compares what is true with what was told and plans the
//! difference, so that deciding twice plans nothing new. May not send, store or read a clock.

pub mod agreed;
pub mod case_word;
pub mod daily;
pub mod day_report;
mod evaluate;
pub mod exclusion;
pub mod hours;
pub mod last_word;
pub mod notice;
mod plan;
pub mod programme;
mod put_right;
pub mod register;
pub mod stale;
mod standing;
pub mod term_report;
pub mod volume;
pub mod watch;
pub mod week_line;

pub use evaluate::{Situation, evaluate};
pub(crate) use evaluate::{fallback, next_of_home, task_notification, unreached};
pub use plan::{Decided, Plan};
pub use standing::{Standing, standing, task_for};
