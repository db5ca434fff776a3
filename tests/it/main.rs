//! Behaviour of the whole: the real binary against real parts. One behaviour a file, one binary.

mod architecture;
mod demo;
mod world;
