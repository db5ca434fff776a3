//! Attendance notification gateway.

pub mod channel;
pub mod directory;
pub mod env;
pub mod message;
pub mod model;
pub mod source;
pub mod store;
pub mod web;
