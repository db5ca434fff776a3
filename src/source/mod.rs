//! Where observations come from. Each source decodes what it was sent into `Observation`s; it may
//! not decide anything about them, and nothing of a bad input reaches the core.

pub mod webhook;
