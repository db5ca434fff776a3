//! Ladders as data: those that ship over a made-up term, against a slow recount of the marks; what becomes of them when a
//! number in them is another; and the command that looks at them.

mod command;
mod mutated;
mod oracle;
mod table;
mod term;
mod world;
