//! Attendance notification gateway.

pub mod channel;
pub mod cli;
pub mod config;
pub mod directory;
pub mod env;
pub mod message;
pub mod model;
pub mod store;
