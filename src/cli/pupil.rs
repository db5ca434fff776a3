//! `upprop export` and `upprop forget`: what is held about one pupil handed out, and erased.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::Method;

use super::ask::{self, Asked, ask_long, encoded};
use super::confirm::{Yes, confirm};
use super::{exit, store};
use crate::model::{PupilId, SchoolId};
use crate::operate::backup::MadeAnew;
use crate::operate::export::Export;
use crate::operate::forget::Forgotten;

/// Arguments of `upprop export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The pupil's id, as the school system has it.
    #[arg(value_parser = pupil_id)]
    pupil: String,
    /// The school.
    #[arg(long, value_name = "ID", value_parser = school_id)]
    school: String,
    /// Write to this file, for its owner alone, instead of standard output; it may not be there yet.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, short, value_name = "FILE", default_value = crate::config::DEFAULT_FILE)]
    config: PathBuf,
}

/// Arguments of `upprop forget`.
#[derive(Debug, clap::Args)]
pub struct ForgetArgs {
    /// The pupil's id, as the school system has it.
    #[arg(value_parser = pupil_id)]
    pupil: String,
    /// The school.
    #[arg(long, value_name = "ID", value_parser = school_id)]
    school: String,
    #[command(flatten)]
    yes: Yes,
    /// Write store and journal anew afterwards, so that the bytes leave the disk at once.
    #[arg(long)]
    compact: bool,
    #[command(flatten)]
    asked: Asked,
}

fn pupil_id(text: &str) -> Result<String, String> {
    PupilId::new(text).map(|id| id.to_string()).map_err(|error| error.to_string())
}

fn school_id(text: &str) -> Result<String, String> {
    SchoolId::new(text).map(|id| id.to_string()).map_err(|error| error.to_string())
}

/// Hands out.
///
/// # Errors
/// When the file cannot be written.
pub async fn export(args: ExportArgs) -> anyhow::Result<ExitCode> {
    let asked = Asked { config: args.config.clone(), json: false };
    let path = format!("/v1/export/{}/{}", encoded(&args.school), encoded(&args.pupil));
    let told: Export = match ask::answered(&asked, Method::GET, &path).await {
        Ok(body) => serde_json::from_slice(&body)?,
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    let mut text = serde_json::to_string_pretty(&told)?;
    text.push('\n');
    let Some(out) = &args.out else {
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    };
    if let Err(error) = write(out, &text) {
        eprintln!(
            "upprop: {} cannot be made: {error}; name a file that is not there yet",
            out.display()
        );
        return Ok(ExitCode::from(exit::CANNOT_CREATE));
    }
    eprintln!("What is held about the pupil is in {}; it is personal data.", out.display());
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Erases.
///
/// # Errors
/// None that is not an exit code.
pub async fn forget(args: ForgetArgs) -> anyhow::Result<ExitCode> {
    let question = "Erase everything that is kept about the pupil? It cannot be had back; `upprop export` hands it \
                    out first.";
    if let Err(code) = confirm(args.yes, question)? {
        return Ok(code);
    }
    let path = format!("/v1/forget/{}/{}", encoded(&args.school), encoded(&args.pupil));
    match ask_long::<Forgotten>(&args.asked, Method::POST, &path, "erasing").await {
        Ok(None) => {}
        Ok(Some(done)) => print!("{}", told(&done)),
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    if args.compact && args.asked.json {
        // One document on standard output.
        let quiet = Asked { json: false, ..args.asked };
        let path = "/v1/store/compact";
        return Ok(match ask_long::<MadeAnew>(&quiet, Method::POST, path, "compacting").await {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => ExitCode::from(error.code()),
        });
    }
    if args.compact {
        return Ok(store::compact(&args.asked).await);
    }
    Ok(ExitCode::SUCCESS)
}

fn told(done: &Forgotten) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    if done.erased.is_empty() {
        out.push_str("Nothing was kept about this pupil at this school; check both ids.\n");
    } else {
        let kinds: Vec<String> =
            done.erased.iter().map(|(what, rows)| format!("{rows} {what}")).collect();
        let _ = writeln!(out, "Erased: {}.", kinds.join(", "));
    }
    if done.called_back > 0 {
        let _ = writeln!(out, "{} waiting messages were called back first.", done.called_back);
    }
    if done.young_ids > 0 {
        let _ = writeln!(
            out,
            "{} ids of events that may name the pupil stay until they are 35 days old: without them an event that is \
             sent again would be taken for a new one.",
            done.young_ids
        );
    }
    out.push_str("What is still there:\n");
    for what in &done.remains {
        let _ = writeln!(out, "  – {what}");
    }
    out
}
