//! Attendance notification gateway.

pub mod app;
pub mod channel;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod directory;
pub mod env;
pub mod intake;
pub mod lifecycle;
pub mod message;
pub mod model;
pub mod occasion;
pub mod policy;
pub mod sim;
pub mod source;
pub mod store;
pub mod web;
