//! Attendance notification gateway.

pub mod channel;
pub mod delivery;
pub mod directory;
pub mod env;
pub mod intake;
pub mod message;
pub mod model;
pub mod occasion;
pub mod policy;
pub mod store;
