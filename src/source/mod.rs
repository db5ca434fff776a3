//! Where observations and the directory come from. Each source decodes what it was sent; it may not
//! decide anything about it, and nothing of a bad input reaches the core.

pub mod drop;
pub mod edlevo;
pub mod marks;
pub mod nudges;
pub mod pollers;
pub mod roster;
pub mod ss12000;
pub mod webhook;

#[cfg(test)]
mod testing;
