//! `upprop store`: the store checked, copied, put back from a copy, and made again from its journal.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use http::Method;

use super::ask::{self, Asked, NoAnswer, ask_long, encoded};
use super::{exit, owner, progress, run};
use crate::config::{Config, Secrets};
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::model::{Channel, Notification, ProviderId};
use crate::operate::FORMAT;
use crate::operate::backup::{BackedUp, MadeAnew, PutBack};
use crate::operate::check::{Checked, JournalFound};
use crate::operate::restore::{Settled, Settling};
use crate::store::{self, Progress, StoreError, backup, journal, restore};
use crate::{app, config};

/// Arguments of `upprop store`.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, clap::Subcommand)]
enum StoreCommand {
    /// Looks whether every row can be read and finds what it refers to, and verifies the journal.
    ///
    /// Asks the running daemon, which works on meanwhile, or reads the store of one that stands still. Exit
    /// code 1: something is wrong, and is told with what to do.
    Check {
        #[command(flatten)]
        asked: Asked,
    },
    /// Writes a copy of all rows, as they are at one moment, to a folder that is not there yet.
    ///
    /// The running daemon writes it, so its user must be able to make the folder. The directory of people is
    /// not in it. The folder holds personal data: keep it as you keep the store.
    Backup {
        /// The folder.
        #[arg(value_name = "DIR")]
        to: PathBuf,
        #[command(flatten)]
        asked: Asked,
    },
    /// Puts a backup in the place of the store. The daemon must not run.
    ///
    /// Nobody knows what was sent after the backup was taken: what was waiting or on its way then is held for
    /// a person, and guardians are told nothing by itself of lessons that had begun before the restore.
    Restore {
        /// The folder that `upprop store backup` wrote.
        #[arg(value_name = "DIR")]
        from: PathBuf,
        /// Replace a store that is there; it is set aside, not deleted.
        #[arg(long)]
        replace: bool,
        /// Do it without asking.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        asked: Asked,
    },
    /// Writes store and journal anew from the rows that live, so that removed data leave the disk.
    ///
    /// The running daemon does it and works on meanwhile. Needs as much free disk as the store takes.
    Compact {
        #[command(flatten)]
        asked: Asked,
    },
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
/// In words.
pub async fn run(args: StoreArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        StoreCommand::Check { asked } => check(&asked).await,
        StoreCommand::Backup { to, asked } => back_up(&to, &asked).await,
        StoreCommand::Restore { from, replace, yes, asked } => {
            put_back(from, (replace, yes), &asked).await
        }
        StoreCommand::Compact { asked } => Ok(compact(&asked).await),
        StoreCommand::Rebuild { config } => rebuild(&config).await,
    }
}

async fn check(asked: &Asked) -> anyhow::Result<ExitCode> {
    let quiet = Asked { json: false, ..asked.clone() };
    let checked =
        match ask_long::<Checked>(&quiet, Method::GET, "/v1/store/check", "checking").await {
            Ok(Some(checked)) => checked,
            Ok(None) => return Ok(ExitCode::SUCCESS),
            Err(NoAnswer::Unsound(words)) => match ask::configured(asked) {
                Ok(config) => unopened(&config, words),
                Err(error) => return Ok(ExitCode::from(error.code())),
            },
            Err(error) => return Ok(ExitCode::from(error.code())),
        };
    if asked.json {
        println!("{}", serde_json::to_string(&checked)?);
    } else {
        print!("{}", told(&checked));
    }
    let well = checked.problems.is_empty();
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(exit::GENERAL) })
}

/// What can be said of a store that does not open.
fn unopened(config: &Config, words: String) -> Checked {
    let mut checked = Checked::new(None);
    checked.found("store", String::new(), words, "do what these words say");
    let dir = app::store_settings(config).journal_dir();
    let read = journal::replay::<journal::JournalError>(&dir, |_| Ok(()));
    checked.journal(read.map(|found| found.map(JournalFound::from)).map_err(|e| e.to_string()));
    checked
}

fn told(checked: &Checked) -> String {
    let mut out = String::new();
    if let Some(sequence) = checked.sequence {
        let _ = writeln!(out, "As of group {sequence}:");
    }
    for table in &checked.tables {
        let bad =
            if table.problems == 0 { String::new() } else { format!("  {} BAD", table.problems) };
        let _ = writeln!(
            out,
            "  {:<24}{:>12} rows{:>16} bytes{bad}",
            table.table, table.rows, table.bytes
        );
    }
    if let Some(found) = &checked.journal {
        let base = found.base.map(|base| format!(" after the base at {base}")).unwrap_or_default();
        let _ =
            writeln!(out, "  journal: {} groups{base}, up to group {}", found.groups, found.last);
    }
    for problem in &checked.problems {
        let key =
            if problem.key.is_empty() { String::new() } else { format!(" [{}]", problem.key) };
        let _ = writeln!(out, "{}{key}: {}\n    → {}", problem.table, problem.what, problem.remedy);
    }
    if checked.more_problems > 0 {
        let _ = writeln!(out, "and {} problems more", checked.more_problems);
    }
    if checked.problems.is_empty() {
        let _ = writeln!(out, "All is well.");
    }
    out
}

async fn back_up(to: &Path, asked: &Asked) -> anyhow::Result<ExitCode> {
    // The daemon has another folder to start from.
    let to = std::path::absolute(to)?;
    let Some(text) = to.to_str() else {
        eprintln!("upprop: the folder's name must be UTF-8");
        return Ok(ExitCode::from(exit::USAGE));
    };
    let path = format!("/v1/store/backup?to={}", encoded(text));
    match ask_long::<BackedUp>(asked, Method::POST, &path, "writing the backup").await {
        Ok(None) => {}
        Ok(Some(done)) => {
            let about = &done.backup;
            println!(
                "Backup of {} rows, {} bytes, as of group {}, at {}.\nThe directory of people is not in it: \
                 it comes from its source again.",
                about.rows,
                about.bytes,
                about.sequence,
                done.folder.display()
            );
        }
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

/// Compacts, and says so.
pub async fn compact(asked: &Asked) -> ExitCode {
    match ask_long::<MadeAnew>(asked, Method::POST, "/v1/store/compact", "compacting").await {
        Ok(None) => {}
        Ok(Some(done)) => println!(
            "Store and journal were written anew: {} rows; {} bytes before, {} after.",
            done.rows, done.before_bytes, done.after_bytes
        ),
        Err(error) => return ExitCode::from(error.code()),
    }
    ExitCode::SUCCESS
}

async fn put_back(
    from: PathBuf,
    (replace, yes): (bool, bool),
    asked: &Asked,
) -> anyhow::Result<ExitCode> {
    let config = match ask::configured(asked) {
        Ok(config) => config,
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    let settings = app::store_settings(&config);
    if let Err(words) = owned(&settings) {
        eprintln!("upprop: {words}");
        return Ok(ExitCode::from(exit::UNAVAILABLE));
    }
    if restore::is_occupied(&settings) && !(replace && yes) {
        eprintln!(
            "upprop: there is a store in {}; add `--replace --yes` to put the backup in its place (the former is \
             set aside). What was sent after the backup was taken is then not known any more.",
            settings.dir.display()
        );
        return Ok(ExitCode::from(exit::USAGE));
    }
    let progress = Arc::new(Progress::default());
    let work = {
        let progress = progress.clone();
        tokio::task::spawn_blocking(move || restored(&config, &from, &progress))
    };
    let look = async || Some(progress.look());
    let done = match progress::watched("restoring", work, look).await? {
        Ok(done) => done,
        Err(error) => return Ok(said(&error)),
    };
    if asked.json {
        println!("{}", serde_json::to_string(&done)?);
    } else {
        print!("{}", told_back(&done));
    }
    Ok(ExitCode::SUCCESS)
}

fn restored(config: &Config, from: &Path, progress: &Progress) -> Result<PutBack, StoreError> {
    let mail = config.mail.as_ref().and_then(|_| ProviderId::new("mail").ok());
    let account = |n: &Notification| match n.channel {
        Channel::Email => mail.clone(),
        Channel::Sms => config.schools.get(&n.school)?.sms_provider.clone(),
    };
    let mut settling = Settling {
        taken_at: backup::about(from)?.taken_at,
        now: SystemClock::new().now(),
        account: &account,
        settled: Settled::default(),
    };
    let mark = settling.mark();
    let settings = app::store_settings(config);
    let mut change = |key, value| settling.row(key, value);
    let done = restore::restore(&settings, from, &mut change, vec![mark], progress)?;
    let Settled { held, expired, ended, duties, unreadable } = settling.settled;
    let restore::Restored { backup, rows, kept } = done;
    Ok(PutBack { format: FORMAT, backup, rows, held, expired, ended, duties, unreadable, kept })
}

fn told_back(done: &PutBack) -> String {
    let mut out = format!(
        "The backup of {} is in place: {} rows, up to group {}.\n",
        done.backup.taken_at, done.rows, done.backup.sequence
    );
    let _ = writeln!(
        out,
        "Nobody knows what was sent since. Of the messages that were waiting or on their way then, {} are held for \
         a person (`upprop queue`, then `upprop message retry` or `cancel`), and {} are too late to be sent.\n\
         Guardians are told nothing by itself of lessons that began before this moment; the attendance team is \
         asked to look instead. Mails to staff may come twice. Events since the backup are not known: let the \
         school system send them again.\n\
         Suspensions, and schools gone live, are as they were then: see `upprop status`. {} consents and \
         agreements are over, for they may have been taken back since: enter those that hold again. Pupils who were erased \
         since are back: run `upprop forget` for them again.\n\
         The directory is not in a backup; without one, nothing is accepted or sent until it is loaded.",
        done.held, done.expired, done.ended
    );
    if done.duties > 0 {
        let _ = writeln!(
            out,
            "{} duties are open as they were then, and may have been done since: their mails say so; tick those that are \
             (`upprop duty list`).",
            done.duties
        );
    }
    if done.unreadable > 0 {
        let _ = writeln!(
            out,
            "{} messages could not be read and are kept as they were.",
            done.unreadable
        );
    }
    for kept in &done.kept {
        let _ = writeln!(
            out,
            "The former one is kept at {}; remove it when all is well.",
            kept.display()
        );
    }
    out
}

/// Whether what is made in the store's folder will belong to the daemon's user.
fn owned(settings: &store::Settings) -> Result<(), String> {
    match std::fs::metadata(&settings.dir) {
        Ok(found) if found.uid() != rustix::process::geteuid().as_raw() => Err(format!(
            "{} belongs to uid {}: run this as that user, as `runuser -u upprop -- upprop …`",
            settings.dir.display(),
            found.uid()
        )),
        _ => Ok(()),
    }
}

fn said(error: &StoreError) -> ExitCode {
    eprintln!("upprop: {error}");
    ExitCode::from(match error {
        StoreError::InUse(_) => exit::UNAVAILABLE,
        _ => exit::DATA,
    })
}

async fn rebuild(file: &Path) -> anyhow::Result<ExitCode> {
    // No secret is needed, and credentials of the unit are not to be had from a shell.
    let Some(config) = run::load(file, Secrets::Skipped, &|_| Vec::new()) else {
        return Ok(ExitCode::from(exit::CONFIG));
    };
    let settings = app::store_settings(&config);
    if let Err(words) = owner::ours(&settings, "upprop store rebuild") {
        eprintln!("upprop: {words}");
        return Ok(ExitCode::from(exit::UNAVAILABLE));
    }
    let progress = Arc::new(Progress::default());
    let work = {
        let progress = progress.clone();
        tokio::task::spawn_blocking(move || store::rebuild(&settings, &progress))
    };
    let look = async || Some(progress.look());
    match progress::watched("rebuilding", work, look).await? {
        Ok(report) => {
            println!("{report}");
            if config.directory.folder.is_none() {
                println!(
                    "The directory is not in the journal: send it again with PUT /api/directory."
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(said(&error)),
    }
}
