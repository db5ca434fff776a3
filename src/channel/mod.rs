//! Providers. Each is one file that turns a message into a request, an answer into an `Outcome`,
//! and a callback into receipts, plus the fixtures that show it. Encoders are pure: `env` does the
//! talking and `delivery` decides what follows.

pub mod email;
pub mod sms;
