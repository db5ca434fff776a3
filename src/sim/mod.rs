//! The simulated world around the gateway: providers and a school that behave, and misbehave, on
//! demand. Serves `upprop sink`, `upprop fake-school`, `upprop demo` and the integration tests; nothing
//! in the daemon may import it.

mod courier;
pub mod demo;
mod http;
mod listen;
pub mod school;
pub mod sink;
mod target;
