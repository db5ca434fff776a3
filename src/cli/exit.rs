//! Exit codes, after sysexits.h, stable: scripts and systemd units rely on them.

/// The daemon or the store said no.
pub const GENERAL: u8 = 1;
/// Warnings only (`check`), or a finding (`directory check`).
pub const WARNINGS: u8 = 1;
/// The command was not said as it must be; clap's own.
pub const USAGE: u8 = 2;
/// Input data cannot be used.
pub const DATA: u8 = 65;
/// Neither the daemon nor its store can be reached, another process holds the store, or the daemon is of a version
/// whose answers mean something else.
pub const UNAVAILABLE: u8 = 69;
/// The daemon stopped because of a fault of its own.
pub const SOFTWARE: u8 = 70;
/// A file cannot be made, or is there already (`init`).
pub const CANNOT_CREATE: u8 = 73;
/// 128 + SIGINT, as shells have it: the demo was interrupted.
pub const INTERRUPTED: u8 = 130;
/// The configuration has errors, or the store is refused.
pub const CONFIG: u8 = 78;
