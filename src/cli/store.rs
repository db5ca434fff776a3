//! `upprop store rebuild`: the store made again from its journal.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{exit, owner, run};
use crate::config::Secrets;
use crate::{app, config, store};

/// Arguments of `upprop store`.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, clap::Subcommand)]
enum StoreCommand {
    /// Makes the store again from the journal. Tells nobody anything; the daemon must not run.
    ///
    /// To be run as the user whose the store is. The former store is kept beside the new one. Attempts that were under way become in doubt and
    /// are looked into when the daemon starts.
    Rebuild {
        /// The configuration file.
        #[arg(value_name = "FILE", default_value = config::DEFAULT_FILE)]
        config: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// In words, when the journal cannot be used.
pub fn run(args: StoreArgs) -> anyhow::Result<ExitCode> {
    let StoreCommand::Rebuild { config } = args.command;
    // No secret is needed, and credentials of the unit are not to be had from a shell.
    let Some(config) = run::load(&config, Secrets::Skipped, &|_| Vec::new()) else {
        return Ok(ExitCode::from(exit::CONFIG));
    };
    let settings = app::store_settings(&config);
    if let Err(words) = owner::ours(&settings, "upprop store rebuild") {
        eprintln!("upprop: {words}");
        return Ok(ExitCode::from(exit::UNAVAILABLE));
    }
    match store::rebuild(&settings) {
        Ok(report) => {
            println!("{report}");
            if config.directory.folder.is_none() {
                println!(
                    "The directory is not in the journal: send it again with PUT /api/directory."
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("upprop: {error}");
            Ok(ExitCode::from(exit::DATA))
        }
    }
}
