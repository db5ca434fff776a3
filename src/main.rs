//! The `upprop` command: parse, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    upprop::cli::main()
}
