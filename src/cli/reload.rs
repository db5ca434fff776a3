//! `upprop reload`: has the daemon read its configuration, texts and directory again, and says what became of
//! it.

use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, ask_daemon};
use super::exit;
use crate::operate::reload::Reloaded;

/// Arguments of `upprop reload`.
#[derive(Debug, clap::Args)]
pub struct ReloadArgs {
    #[command(flatten)]
    asked: Asked,
}

/// Asks the daemon and prints its answer.
///
/// # Errors
/// None of its own.
pub async fn run(args: ReloadArgs) -> anyhow::Result<ExitCode> {
    let document = ask_daemon::<Reloaded>(&args.asked, Method::POST, "/v1/reload", None::<&()>);
    let document = match document.await {
        Ok(document) => document,
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    if args.asked.json {
        println!("{}", serde_json::to_string(&document)?);
    } else {
        print(&document);
    }
    Ok(if document.in_force { ExitCode::SUCCESS } else { ExitCode::from(exit::CONFIG) })
}

fn print(reloaded: &Reloaded) {
    for line in reloaded.problems.iter().chain(&reloaded.warnings) {
        eprintln!("{line}");
    }
    if !reloaded.in_force {
        eprintln!(
            "upprop: nothing was changed: the former configuration, texts and directory stay in force; mend \
             what is told above and reload again"
        );
        return;
    }
    for line in &reloaded.taken {
        println!("{line}");
    }
    println!(
        "in force: configuration, texts, directory, and secrets (but systemd credentials, which are those of \
         the start)"
    );
    if !reloaded.need_restart.is_empty() {
        println!(
            "as before until a restart (systemctl restart upprop): {}",
            reloaded.need_restart.join(", ")
        );
    }
}
