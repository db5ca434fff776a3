//! What the README promises in numbers and names is what the program has.

use std::collections::BTreeSet;

const README: &str = include_str!("../../README.md");
const EXIT: &str = include_str!("../../src/cli/exit.rs");

#[test]
fn every_exit_code_is_listed() {
    let own = EXIT
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .filter_map(|line| line.split_once(" = ")?.1.trim_end_matches(';').parse::<u8>().ok());
    // Success, and clap's for a line that it does not understand.
    let expected: BTreeSet<u8> = own.chain([0, 2]).collect();
    let listed = README.split("Exit codes: ").nth(1).and_then(|rest| rest.split("\n\n").next());
    let listed: BTreeSet<u8> = listed
        .expect("a list")
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(listed, expected);
}
