//! Exit codes, after sysexits.h, stable: scripts and systemd units rely on them. [`ALL`] is what the
//! manual pages say of them; a test holds it to the constants.

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
/// 128 + SIGPIPE, as shells have it: nobody reads the output any more.
pub const BROKEN_PIPE: u8 = 141;
/// The configuration has errors, or the store is refused.
pub const CONFIG: u8 = 78;

/// Every code with which the program ends, once and in order, and what it means.
pub const ALL: &[(u8, &str)] = &[
    (0, "Good: it was done, or nothing is wrong."),
    (
        GENERAL,
        "A failure, told in words; warnings but no errors (check); findings (directory check).",
    ),
    (USAGE, "The command line is not understood, or --yes is missing where nobody can be asked."),
    (DATA, "What was to be read cannot be used: the files of the directory, or the journal."),
    (
        UNAVAILABLE,
        "Neither the daemon nor its store can be reached, or another process holds the store.",
    ),
    (SOFTWARE, "The daemon stopped because of a fault of its own; its log says which."),
    (CANNOT_CREATE, "A file cannot be made, or one is there already (init)."),
    (CONFIG, "The configuration has errors, or the store is refused; a new start changes nothing."),
    (INTERRUPTED, "The demo was interrupted."),
    (BROKEN_PIPE, "Nobody reads the output any more."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ALL;

    #[test]
    fn every_constant_is_in_the_table_once_and_in_order() {
        let constants = include_str!("exit.rs").lines().filter_map(|line| {
            let (_, code) = line.strip_prefix("pub const ")?.split_once(": u8 = ")?;
            code.trim_end_matches(';').parse().ok()
        });
        let constants: BTreeSet<u8> = constants.chain([0]).collect();
        let table: Vec<u8> = ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(table, constants.into_iter().collect::<Vec<_>>());
    }
}
