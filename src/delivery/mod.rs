//! From a waiting row to an outcome. `claim`, `settle`, `retry`, `receipt` and `accounts`
//! are pure; `dispatcher` and what it starts do the waiting, the wire and the commits. Nothing here
//! decides whom to tell: that is asked of `policy` again at the moment of sending.

pub mod accounts;
pub mod after_restore;
mod aside;
mod carried;
pub mod case_page;
pub mod claim;
mod claims;
pub mod daily;
mod day_report;
pub mod dispatcher;
mod duty_list;
pub mod duty_page;
mod facts;
mod failing;
mod failure;
mod fatigue;
pub mod guest;
mod handover;
pub mod hold_facts;
mod hold_life;
mod hold_notice;
mod ladder_notice;
pub mod ladder_report;
mod ladders;
mod noted;
mod notice;
mod notice_facts;
mod overdue;
mod prepare;
mod programmes;
pub mod receipt;
mod receive;
mod redact;
mod registers;
mod render;
mod reports;
mod resolve;
pub mod retry;
mod send;
pub mod settings;
pub mod settle;
mod shared;
mod start;
pub mod suspension;
pub mod term_report;
#[cfg(test)]
pub(crate) mod testing;
mod timers;
mod under_way;
pub mod volume;
pub mod watch;

pub use dispatcher::{Dispatcher, troubles};
pub use handover::Handover;
pub use receive::{Received, receive};
pub use settings::Settings;
pub use shared::{Account, Gate, MailAccount, Provider, Shared};
