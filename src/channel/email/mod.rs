//! Mail over SMTP: structure in, outcome out. Pure: `env` holds the connections.

pub mod outcome;
pub mod settings;

pub use settings::{MailSettings, TlsMode};
