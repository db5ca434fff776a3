//! The `upprop` command: parse, dispatch, exit code.

use std::process::ExitCode;

/// Many small rows are made on one thread and freed on another: the system's allocator spends a fifth
/// of the daemon's time on that, and keeps what a nightly directory load needed for a moment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    upprop::cli::main()
}
