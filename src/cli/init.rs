//! `upprop init`: writes the commented configuration, or all that a trial on one machine needs.

mod people;
pub(super) mod trial;

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;

use super::exit;
use crate::config::SHIPPED;

/// Fills a slice with random bytes.
pub type Random<'r> = &'r mut dyn FnMut(&mut [u8]);

/// Write a commented configuration, or with --trial a whole working set-up that sends nothing out.
#[derive(Debug, Clone, clap::Args)]
pub struct InitArgs {
    /// Where to write the configuration
    #[arg(value_name = "PATH", default_value = "upprop.toml", conflicts_with = "trial")]
    pub path: PathBuf,
    /// Write a configuration, secrets and made-up people for a trial into this folder instead
    #[arg(long, value_name = "DIR")]
    pub trial: Option<PathBuf>,
    /// How many pupils the trial has, each with one guardian
    #[arg(long, value_name = "N", default_value_t = 30, requires = "trial",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(people::MOST_PUPILS)))]
    pub pupils: u32,
    /// Where the trial's texts go, as 46elks takes them; `upprop sink` listens at the default
    #[arg(long, value_name = "URL", default_value = trial::SINK_URL, requires = "trial")]
    pub provider_url: String,
    /// Where the trial's mail goes, without TLS; `upprop sink` listens at the default
    #[arg(long, value_name = "HOST:PORT", default_value = trial::SINK_SMTP, requires = "trial")]
    pub smtp: String,
    /// Overwrite what is there
    #[arg(long)]
    pub force: bool,
}

/// Writes the files and says how to go on. `now` dates the trial's people and its first event.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &InitArgs, now: Timestamp, random: Random<'_>) -> anyhow::Result<ExitCode> {
    match write(args, now, random) {
        Ok(text) => {
            std::io::stdout()
                .lock()
                .write_all(text.as_bytes())
                .context("standard output cannot be written")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(std::io::stderr().lock(), "upprop init: {error:#}")?;
            Ok(ExitCode::from(exit::CANNOT_CREATE))
        }
    }
}

/// Writes the files; answers with what to print.
fn write(args: &InitArgs, now: Timestamp, random: Random<'_>) -> anyhow::Result<String> {
    if let Some(folder) = &args.trial {
        return trial::write(args, folder, now, random);
    }
    let mut file = create(&args.path, args.force, 0o644)?;
    file.write_all(SHIPPED.as_bytes()).with_context(|| cannot("write", &args.path))?;
    let shown = quoted(&args.path);
    Ok(format!(
        "Wrote {}. Nothing is sent as it stands.\n\n  $EDITOR {shown}   # read it, and add a school, a source and a provider\n  upprop check {shown}\n",
        args.path.display(),
    ))
}

fn cannot(verb: &str, path: &Path) -> String {
    format!("cannot {verb} {}", path.display())
}

/// Makes a file that was not there, or with `force` empties the one that was.
fn create(path: &Path, force: bool, mode: u32) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(mode);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            anyhow::bail!(
                "{} is there already; name another, or overwrite it with --force",
                path.display()
            )
        }
        Err(error) => Err(error).with_context(|| cannot("write", path)),
        Ok(file) => {
            // One that was there keeps its mode, which may be too open for a secret.
            file.set_permissions(Permissions::from_mode(mode))
                .with_context(|| cannot("write", path))?;
            Ok(file)
        }
    }
}

/// Makes a folder that only its owner may enter; one that is there stays as it is.
fn create_folder(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| cannot("make folder", path))
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text;
    }
    let lead = if text.starts_with('-') { "./" } else { "" };
    format!("'{lead}{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
