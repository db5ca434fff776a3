//! `upprop directory check`: the roster audit, from the configured folder, without the daemon; and `upprop
//! directory confirm`: a directory of a source that is held back, let through.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, ask_daemon, encoded};
use super::check_languages::{self, Readers, Remark};
use super::confirm::{Yes, confirm};
use super::{exit, run};
use crate::config::{Config, Secrets, Severity};
use crate::directory::languages::in_use;
use crate::directory::{Roster, audit, load};
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::message::Templates;
use crate::model::local_date;
use crate::operate::held::HeldDirectory;
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
    /// Lets a directory through that a source has given and that is held back.
    ///
    /// Without a digest, says whether one is, and why. For a folder, write the digest into its confirm.txt
    /// instead. Exit code 0: done, or none is held back; 1: not done, or one is held back; 69: no daemon runs.
    Confirm {
        /// What it is confirmed with, as `upprop status` shows it.
        #[arg(value_name = "DIGEST")]
        digest: Option<String>,
        #[command(flatten)]
        yes: Yes,
        #[command(flatten)]
        asked: Asked,
    },
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: DirectoryArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        DirectoryCommand::Check { config, folder } => Ok(check(&config, folder)),
        DirectoryCommand::Confirm { digest, yes, asked } => let_through(digest, yes, &asked).await,
    }
}

async fn let_through(digest: Option<String>, yes: Yes, asked: &Asked) -> anyhow::Result<ExitCode> {
    const PATH: &str = "/v1/directory/held";
    let held: HeldDirectory = match ask_daemon(asked, Method::GET, PATH, None::<&()>).await {
        Ok(held) => held,
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    let Some(digest) = digest else {
        if asked.json {
            println!("{}", serde_json::to_string(&held)?);
        } else {
            print!("{}", told(&held));
        }
        let code = if held.digest.is_some() { exit::GENERAL } else { 0 };
        return Ok(ExitCode::from(code));
    };
    if !asked.json && held.digest.as_ref() == Some(&digest) {
        eprint!("{}", told(&held));
    }
    if let Err(code) = confirm(yes, "Put this directory in force?")? {
        return Ok(code);
    }
    let path = format!("{PATH}/{}", encoded(&digest));
    match ask_daemon::<HeldDirectory>(asked, Method::POST, &path, None::<&()>).await {
        Ok(done) if asked.json => println!("{}", serde_json::to_string(&done)?),
        Ok(done) => println!("In force: {} pupils with {} guardians.", done.pupils, done.guardians),
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

fn told(held: &HeldDirectory) -> String {
    let (Some(digest), Some(source)) = (&held.digest, &held.source) else {
        return "No directory of a source is held back.\n".into();
    };
    let mut out = format!(
        "The directory of {source} is held back; it has {} pupils and {} guardians:\n",
        held.pupils, held.guardians
    );
    for cause in &held.causes {
        let _ = writeln!(out, "  {cause}");
    }
    let _ = writeln!(out, "If it is right: upprop directory confirm {digest}");
    out
}

fn check(config: &Path, folder: Option<PathBuf>) -> ExitCode {
    // No secret is needed, and credentials of the unit are not to be had from a shell.
    let Some(config) = run::load(config, Secrets::Skipped, &|_| Vec::new()) else {
        return ExitCode::from(exit::CONFIG);
    };
    let Some(folder) = folder.or_else(|| config.directory.folder.clone()) else {
        eprintln!("upprop: no folder is configured; name one: upprop directory check FOLDER");
        return ExitCode::from(exit::CONFIG);
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
            return ExitCode::from(exit::DATA);
        }
    };
    for warning in &loaded.warnings {
        println!("{warning}");
    }
    let remarks = of_languages(&config, &loaded.roster);
    for remark in &remarks {
        println!("{}; {}", remark.message, remark.remedy);
    }
    let zone = config.schools.values().next().map_or(jiff::tz::TimeZone::UTC, |s| s.zone.clone());
    let findings = audit::audit(&loaded.roster, &config.schools, local_date(now, &zone));
    match loaded.warnings.len() + remarks.len() {
        0 => print!("{}", audit::report(&findings)),
        n if findings.is_empty() => println!("\n{n} to put right, as above; nothing else."),
        _ => print!("\n{}", audit::report(&findings)),
    }
    if findings.is_empty() && loaded.warnings.is_empty() && remarks.is_empty() {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(exit::WARNINGS)
}

/// What keeps readers from being written to in their language. With templates that are wrong nothing is
/// known of that; `upprop check` tells what is wrong with them.
fn of_languages(config: &Config, roster: &Roster) -> Vec<Remark> {
    let Ok(templates) = Templates::load(config.templates.as_deref()) else { return Vec::new() };
    let (readers, none) = (in_use(roster), Readers::new());
    let schools = config.schools.values();
    let remarks = schools.flat_map(|school| {
        let readers = readers.get(&school.id).unwrap_or(&none);
        check_languages::remarks(&templates, school, Some(readers))
    });
    remarks.filter(|remark| remark.severity == Severity::Warning).collect()
}
