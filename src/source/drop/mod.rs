//! A watched folder that an export writes files into: marks, lessons, advance notices and the directory. Reads
//! what has come to rest, hands it on, and puts it aside; decides nothing about it.

pub mod columns;
pub mod kind;
pub mod records;
pub mod rows;
pub mod settings;
pub mod text;
pub mod values;
