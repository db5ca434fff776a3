//! The daemon's side of a reload: hears of it by SIGHUP or by the control socket, reads the configuration's file
//! and all that belongs to it, hands it over to be put in force, and tells whoever asked, the log and systemd
//! what became of it. Decides nothing about what is in the file.

use std::path::{Path, PathBuf};

use sd_notify::NotifyState;
use tokio::signal::unix::Signal;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{check_rooms, notify, run};
use crate::app::Reloader;
use crate::config::{Config, Secrets, Severity};
use crate::env::Env;
use crate::operate::FORMAT;
use crate::operate::reload::{Reloaded, Request};
use crate::store::StoreError;

/// Problems that stand in the log; the answer has all.
const SHOWN: usize = 20;

/// Reloads whenever it is told to, one after the other, until `stop`.
///
/// # Errors
/// None: a reload that fails leaves everything as it was.
pub async fn run(
    file: PathBuf,
    reloader: Reloader,
    mut requests: mpsc::Receiver<Request>,
    mut hangup: Signal,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = hangup.recv() => None,
            Some(request) = requests.recv() => Some(request),
        };
        match NotifyState::monotonic_usec_now() {
            // In one message, for units of `Type=notify-reload` (sd_notify(3)).
            Ok(now) => notify::tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!(%error, "systemd could not be told of the reload"),
        }
        let became = reload(&file, &reloader).await;
        reloader.metrics().reloaded(became.in_force, reloader.now());
        report(&became);
        let status = if became.in_force {
            "the configuration was reloaded".to_owned()
        } else {
            format!(
                "a reload was refused ({} problems, see the log); the former configuration is in force",
                became.problems.len()
            )
        };
        notify::tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
        if let Some(asked) = asked {
            // Whoever asked may have gone; it is in the log too.
            let _: Result<(), Reloaded> = asked.send(became);
        }
    }
}

/// What is no longer heard of: nobody else would say so.
fn unheard(taken: &[String]) -> impl Iterator<Item = String> + '_ {
    taken.iter().filter(|line| line.starts_with("provider ") && line.ends_with(": removed")).map(|line| {
        let name = line.trim_end_matches(": removed");
        format!(
            "{name} is removed: delivery reports of texts that it has sent are refused from now on, and one that \
             does not arrive goes unnoticed; keep its table for two days under the name it had"
        )
    })
}

async fn reload(file: &Path, reloader: &Reloader) -> Reloaded {
    let path = file.to_owned();
    // Reads files and makes every text: not on a thread that others wait for.
    let read = tokio::task::spawn_blocking(move || read(&path)).await;
    let (config, doors, warnings) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(problems)) => return Reloaded::refused(problems),
        Err(_) => return Reloaded::refused(vec!["a defect; see the log".into()]),
    };
    match reloader.reload(config, doors).await {
        Ok(changes) => Reloaded {
            format: FORMAT,
            in_force: true,
            problems: Vec::new(),
            warnings: warnings.into_iter().chain(unheard(&changes.taken)).collect(),
            taken: changes.taken,
            need_restart: changes.need_restart,
        },
        Err(error) => Reloaded::refused(error.problems()),
    }
}

/// The configuration with its doors, and its warnings; or all that is wrong with it.
fn read(file: &Path) -> Result<(Config, Env, Vec<String>), Vec<String>> {
    let report = run::read(file, Secrets::Required, &check_rooms::problems);
    let of = |severity| {
        let found = report.problems.iter().filter(move |p| p.severity == severity);
        found.map(ToString::to_string).collect::<Vec<_>>()
    };
    let errors = of(Severity::Error);
    let warnings = of(Severity::Warning);
    let Some(config) = report.config.filter(|_| errors.is_empty()) else { return Err(errors) };
    let doors = run::doors(&config)
        .map_err(|error| vec![format!("{error:#}; mend it in the configuration")])?;
    Ok((config, doors, warnings))
}

fn report(reloaded: &Reloaded) {
    if !reloaded.in_force {
        for problem in reloaded.problems.iter().take(SHOWN) {
            tracing::error!(problem, "reload");
        }
        tracing::error!(
            problems = reloaded.problems.len(),
            "the reload was refused; the former configuration, texts and directory stay in force; mend the \
             configuration, try it with `upprop check`, and reload again"
        );
        return;
    }
    for warning in &reloaded.warnings {
        tracing::warn!(warning, "reload");
    }
    if !reloaded.need_restart.is_empty() {
        tracing::warn!(
            keys = reloaded.need_restart.join(", "),
            "these keys stay as they were until a restart: systemctl restart upprop"
        );
    }
    let taken = reloaded.taken.join(", ");
    let taken = if taken.is_empty() { "nothing in the file is another" } else { &taken };
    tracing::info!(taken, "the configuration was reloaded");
}
