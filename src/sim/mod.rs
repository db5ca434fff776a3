//! The simulated world around the gateway: providers that behave, and misbehave, on demand. Serves
//! `upprop sink`, `upprop demo` and the integration tests; nothing in the daemon may import it.

pub mod demo;
pub mod sink;
