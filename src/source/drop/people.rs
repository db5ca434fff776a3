//! Files of the directory.

/// Where the files of the directory in force are.
pub const CURRENT: &str = "current";
