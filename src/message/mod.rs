//! Templates to text: rendering, SMS encoding and parts, mail structure. Pure but for reading the
//! template folder at load; may not know recipients, stores or clocks.

mod catalogue;
pub mod clean;
pub mod daily;
pub mod day_report;
mod direction;
pub mod duty_list;
pub mod duty_page;
mod engine;
pub mod facts;
pub mod feedback;
mod folder;
pub mod guest;
pub mod hold;
pub mod ladder;
pub mod ladder_report;
mod languages;
pub mod mail;
pub mod notice;
pub mod page;
pub mod page_link;
pub mod preview;
pub mod programme;
mod render;
pub mod ring;
mod samples;
pub mod schema;
pub mod sms;
pub mod team;
mod templates;
pub mod term_report;
pub mod thread;

#[cfg(test)]
mod team_tests;

pub use languages::{Instead, Wording};
pub use render::{MailText, RenderError, SmsText};
pub use templates::{TemplateProblem, Templates};
