//! `upprop ladder`: how far pupils are up the ladders of their schools.

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
    /// Show which steps a pupil's absence has reached, because of which days, and what is missing to the next.
    Explain(Explain),
    /// Show whom ladders would affect that are not applied yet: by step and class. Nothing is written.
    Preview(Preview),
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: LadderArgs) -> anyhow::Result<ExitCode> {
    let said = match args.what {
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
