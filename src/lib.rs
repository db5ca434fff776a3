//! Attendance notification gateway.

pub mod channel;
pub mod cli;
pub mod directory;
pub mod env;
pub mod message;
pub mod model;
pub mod sim;
pub mod store;
