//! `upprop directory check`: the roster audit, from the configured folder, without the daemon.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{exit, run};
use crate::config::Secrets;
use crate::directory::{audit, load};
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::model::local_date;
use crate::{app, config};

/// Arguments of `upprop directory`.
#[derive(Debug, clap::Args)]
pub struct DirectoryArgs {
    #[command(subcommand)]
    command: DirectoryCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DirectoryCommand {
    /// Reads the directory and prints what would keep people from being told.
    ///
    /// Exit code 0: nothing found; 1: findings; 65: the directory cannot be used; 78: configuration.
    Check {
        /// The configuration file.
        #[arg(long, short, value_name = "FILE", default_value = config::DEFAULT_FILE)]
        config: PathBuf,
        /// Read this folder instead of the configured one.
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub fn run(args: DirectoryArgs) -> anyhow::Result<ExitCode> {
    let DirectoryCommand::Check { config, folder } = args.command;
    // No secret is needed, and credentials of the unit are not to be had from a shell.
    let Some(config) = run::load(&config, Secrets::Skipped, &|_| Vec::new()) else {
        return Ok(ExitCode::from(exit::CONFIG));
    };
    let Some(folder) = folder.or_else(|| config.directory.folder.clone()) else {
        eprintln!("upprop: no folder is configured; name one: upprop directory check FOLDER");
        return Ok(ExitCode::from(exit::CONFIG));
    };
    let now = SystemClock::new().now();
    let ids = config.schools.keys().cloned().collect();
    let settings = app::directory_settings(&config);
    let read = load::Gathered::from_folder(&folder)
        .and_then(|files| files.load(&ids, &settings.phone, now));
    let loaded = match read {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return Ok(ExitCode::from(exit::DATA));
        }
    };
    for warning in &loaded.warnings {
        println!("{warning}");
    }
    let zone = config.schools.values().next().map_or(jiff::tz::TimeZone::UTC, |s| s.zone.clone());
    let findings = audit::audit(&loaded.roster, &config.schools, local_date(now, &zone));
    match loaded.warnings.len() {
        0 => print!("{}", audit::report(&findings)),
        n if findings.is_empty() => println!("\n{n} to put right, as above; nothing else."),
        _ => print!("\n{}", audit::report(&findings)),
    }
    if findings.is_empty() && loaded.warnings.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(exit::WARNINGS))
}
