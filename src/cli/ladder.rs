//! `upprop ladder`: looks at the text of a ladder, without a daemon.

pub mod examples;
mod named;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

/// Arguments of `upprop ladder`.
#[derive(Debug, clap::Args)]
pub struct LadderArgs {
    #[command(subcommand)]
    command: LadderCommand,
}

#[derive(Debug, Subcommand)]
enum LadderCommand {
    /// Live through the examples that stand in ladders: all that happens is expected, and nothing else; and each step is
    /// reached by one.
    ///
    /// Exit code 1: a ladder has faults, or an example fails, or a step is reached by none.
    Test(examples::TestArgs),
    /// Tell in plain sentences what a ladder means, for those who decide whether it is theirs.
    Show(show::ShowArgs),
}

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: LadderArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        LadderCommand::Test(args) => examples::run(&args),
        LadderCommand::Show(args) => show::run(&args),
    }
}
