//! `upprop go-live`: a school taken from its guests to everybody, or back, while the daemon runs.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, NoAnswer, ask_daemon, encoded};
use super::confirm::{Yes, confirm};
use super::exit;
use crate::operate::go_live::GoLive;

/// Arguments of `upprop go-live`.
///
/// Exit code 0: done; 1: not, and why; 69: no daemon runs.
#[derive(Debug, clap::Args)]
pub struct GoLiveArgs {
    /// The school's id. Configuration must have it in guests mode, and keeps the last word: with mode =
    /// "shadow" nothing leaves.
    #[arg(value_name = "SCHOOL")]
    school: String,
    /// Back to its guests.
    #[arg(long)]
    back: bool,
    /// Although no guest has got a message about a pupil.
    #[arg(long, conflicts_with = "back")]
    without_guest_stage: bool,
    #[command(flatten)]
    yes: Yes,
    #[command(flatten)]
    asked: Asked,
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: GoLiveArgs) -> anyhow::Result<ExitCode> {
    let path = format!(
        "/v1/schools/{}/go-live?without-guest-stage={}",
        encoded(&args.school),
        args.without_guest_stage
    );
    let before = match ask(&args, Method::GET, &path).await {
        Ok(before) => before,
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    let school = &before.school;
    let question = if args.back {
        format!("Send to the guests of {school} only, from now on?")
    } else {
        if !args.asked.json {
            print!("{}", looked_told(&before));
        }
        if !before.ready && args.asked.json {
            println!("{}", serde_json::to_string(&before)?);
            return Ok(ExitCode::from(exit::GENERAL));
        }
        if !before.ready {
            eprintln!("upprop: school {school} does not go live: see NO above");
            return Ok(ExitCode::from(exit::GENERAL));
        }
        format!("Take school {school} live?")
    };
    if let Err(code) = confirm(args.yes, &question)? {
        return Ok(code);
    }
    let method = if args.back { Method::DELETE } else { Method::POST };
    match ask(&args, method, &path).await {
        Ok(after) if args.asked.json => println!("{}", serde_json::to_string(&after)?),
        Ok(after) if args.back => println!(
            "School {} is back among its guests: {}. What guardians have been told is corrected when it is live \
             again.",
            after.school, after.mode
        ),
        Ok(after) => println!("School {} is {}.", after.school, after.mode),
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(args: &GoLiveArgs, method: Method, path: &str) -> Result<GoLive, NoAnswer> {
    ask_daemon(&args.asked, method, path, None::<&()>).await
}

fn looked_told(before: &GoLive) -> String {
    let mut out = String::new();
    for found in &before.findings {
        let word = if found.good { "ok" } else { "NO" };
        let _ = writeln!(out, "{word}  {}: {}", found.about, found.words);
    }
    if before.ready {
        let _ = writeln!(
            out,
            "\nFrom then on the guardians of {} pupils (or they themselves, from 18) and the team are told. What \
             guests mode has kept back ({} messages) stays so: nothing old leaves.",
            before.pupils, before.kept_back
        );
    }
    out
}
