//! The inlet for events that other systems push: who may push, and what the bytes mean. Pure: no
//! I/O, no clock, no store; `web` brings the request and `intake` takes the observations.

pub mod answer;
pub mod auth;
mod cloudevents;
pub mod decode;
pub mod examples;
mod explain;
pub(in crate::source) mod json;
pub mod scalar;
pub mod schema;
mod secret;
pub mod wire;

pub use answer::{HookAnswer, Rejected};
pub use auth::{AuthSettings, Authenticated, Denied, Verifier};
pub use decode::{Decoded, Item, MAX_AHEAD, MAX_LESSON, MAX_NOTICE, decode};
pub use json::DecodeError;
pub use secret::SecretError;
