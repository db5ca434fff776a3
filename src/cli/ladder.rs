//! `upprop ladder`: what a ladder means and whether its examples hold, which needs no daemon; and how far pupils are up
//! the ladders of their schools.

pub mod examples;
mod named;
mod show;

use std::process::ExitCode;

use super::ladder_preview::Preview;
use super::ladder_pupil::Explain;

/// Arguments of `upprop ladder`.
#[derive(Debug, clap::Args)]
pub struct LadderArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
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
    let said = match args.what {
        What::Test(test) => return examples::run(&test),
        What::Show(show) => return show::run(&show),
        What::Explain(explain) => explain.run().await,
        What::Preview(preview) => return Ok(preview.run().await),
    };
    Ok(match said {
        Ok(said) => {
            print!("{}", said.unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => ExitCode::from(error.code()),
    })
}
