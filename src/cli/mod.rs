//! One file per command: arguments in, words and an exit code out. May decide nothing that a room
//! to the left decides.

pub mod check;
pub mod init;
