//! One file per command: its arguments, and how it runs.

pub mod sink;
