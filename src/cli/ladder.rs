//! `upprop ladder`: looks at the text of a ladder, without a daemon; and at how far pupils are up the ladders of their
//! schools, with one.

pub mod examples;
mod named;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use super::ladder_preview::Preview;
use super::ladder_pupil::Explain;

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
    /// Show which steps a pupil's absence has reached, because of which days, and what is missing to the next.
    Explain(Explain),
    /// Show whom ladders would affect that are not applied yet: by step and class. Nothing is written.
    Preview(Preview),
}

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written.
pub async fn run(args: LadderArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        LadderCommand::Test(args) => examples::run(&args),
        LadderCommand::Show(args) => Ok(show::run(&args)),
        LadderCommand::Explain(explain) => Ok(explain.run().await),
        LadderCommand::Preview(preview) => Ok(preview.run().await),
    }
}
