//! `upprop run`: the daemon. Loads configuration, opens the store, starts the app, and ends in two
//! steps when asked to.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::SignedDuration;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{self, App};
use crate::config::{self, Config, Report, Secrets, Severity};
use crate::env::clock::SystemClock;
use crate::env::mail::MailTransport;
use crate::env::wire::ReqwestWire;
use crate::env::{Clock, Env};
use crate::lifecycle::Lifecycle;
use crate::store::{Kv, SledStore, StoreError};
use crate::web;

use super::check::Extra;
use super::notify::{self, Watchdog};
use super::{check_rooms, exit, logging, reloading};

/// How long a former process may take to let go of the store: one that was killed is gone in
/// milliseconds, one that stops in order is waited for by systemd.
const PREDECESSOR: SignedDuration = SignedDuration::from_secs(5);
/// And how long a command that reads the whole store, as a backup: a supervisor that was refused a few
/// times would give up. Less than `TimeoutStartSec=`.
const COMMAND: SignedDuration = SignedDuration::from_secs(90);
const LOOK_AGAIN: SignedDuration = SignedDuration::from_millis(50);

/// Arguments of `upprop run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The configuration file.
    #[arg(value_name = "FILE", default_value = config::DEFAULT_FILE)]
    pub config: PathBuf,
}

/// Runs until told to stop.
///
/// # Errors
/// In words, when it cannot start or had to stop by itself.
pub async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let Some(config) = load(&args.config, Secrets::Required, &check_rooms::problems) else {
        return Ok(ExitCode::from(exit::CONFIG));
    };
    let telemetry = logging::set_up(&config);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("upprop: panicked at {place}: {}", panic_words(panic.payload()));
    }));
    // From here on, or a hang-up during a long start would end it.
    let hangup = signal(SignalKind::hangup())?;
    let env = match doors(&config) {
        Ok(env) => env,
        Err(error) => return Ok(refused(&error)),
    };
    let store = match open(&config, env.clock.as_ref()).await {
        Ok(store) => Arc::new(store),
        Err(error @ StoreError::Refused(_)) => {
            eprintln!("upprop: {error}");
            return Ok(ExitCode::from(exit::CONFIG));
        }
        // Whoever holds it may be gone the next time: a supervisor should come again.
        Err(error @ StoreError::InUse(_)) => {
            eprintln!("upprop: {error}");
            return Ok(ExitCode::from(exit::UNAVAILABLE));
        }
        Err(error) => return Err(error).context("the store cannot be opened"),
    };
    let (lifecycle, mut faults) = Lifecycle::new();
    let kv: Arc<dyn Kv> = store.clone();
    let mut app = match App::build(&config, env, kv, lifecycle.clone()) {
        Ok(app) => app,
        Err(error) => return Ok(refused(&error.into())),
    };
    app.prepare().await.context("the store cannot be read")?;
    let listener = TcpListener::bind(config.server.listen).await.with_context(|| {
        format!("cannot listen on {}; is another upprop running?", config.server.listen)
    })?;
    let address = listener.local_addr()?;
    let control = &config.server.control;
    let socket = web::control::bind(control)
        .with_context(|| {
            format!(
                "the control socket {} cannot be made; remove what is there, make its folder, or name another \
                 path as `control` of [server]",
                control.display()
            )
        })?;
    app.keep(store.clone());
    let (reloader, requests) = app.reloads();
    // Whoever is answered may ask us to stop at once, and that is to be an orderly stop.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    app.serve(listener);
    app.answer(socket);
    let (watchdog, clock) = (Watchdog::from_environment(), SystemClock::new());
    app.start(Some(store.clone()), move || watchdog.beat(clock.now()));
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "ready");
    notify::tell(&[NotifyState::Ready]);
    if let Some(requests) = requests {
        let (file, stop) = (args.config.clone(), lifecycle.soft_stop().clone());
        lifecycle.start("reload", reloading::run(file, reloader, requests, hangup, stop));
    }
    let fault = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        fault = faults.recv() => fault,
    };
    notify::tell(&[NotifyState::Stopping]);
    if let Some(fault) = &fault {
        tracing::error!(%fault, "stopping because of a fault");
    } else {
        tracing::info!("stopping");
    }
    let limit = config.server.drain_limit.unsigned_abs();
    let finished = lifecycle
        .stop(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = tokio::time::timeout(limit, std::future::pending::<()>()) => {}
            }
        })
        .await;
    if !finished {
        tracing::warn!("stopped with work under way; attempts without an outcome are in doubt");
    }
    // A store that failed says so again here; the fault has been told.
    let closed = store.close().await;
    telemetry.end().await;
    match (fault, closed) {
        (Some(_), _) => Ok(ExitCode::from(exit::SOFTWARE)),
        (None, Err(error)) => Err(error).context("the store did not close cleanly"),
        (None, Ok(())) => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What a panic may say in the log: words that stand in the source. Others were put together from
/// values, which may be somebody's name or a secret; the place tells enough to find them.
fn panic_words(payload: &dyn std::any::Any) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(words with values are not shown)")
}

/// Says what the daemon cannot be put together from: a start again would come to the same.
fn refused(error: &anyhow::Error) -> ExitCode {
    eprintln!("upprop: {error:#}; mend it in the configuration");
    ExitCode::from(exit::CONFIG)
}

/// Opens the store; a former process that is still ending is waited for.
async fn open(config: &Config, clock: &dyn Clock) -> Result<SledStore, StoreError> {
    let supervised = std::env::var_os("NOTIFY_SOCKET").is_some();
    let patience = if supervised { COMMAND } else { PREDECESSOR };
    let limit = clock.now().saturating_add(patience).unwrap_or_else(|_| clock.now());
    loop {
        let settings = app::store_settings(config);
        let opening = tokio::task::spawn_blocking(move || SledStore::open(settings));
        let opened = opening
            .await
            .map_err(|_| StoreError::Refused("opening the store panicked; see above".into()))?;
        match opened {
            Err(StoreError::InUse(_)) if clock.now() < limit => {
                let next = clock.now().saturating_add(LOOK_AGAIN).unwrap_or(limit);
                clock.sleep_until(next).await;
            }
            done => return done,
        }
    }
}

/// Where systemd puts credentials (systemd.exec(5)).
pub(super) fn credentials_dir() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Reads a configuration and finds all that is wrong with it, `extra` included.
pub(super) fn read(file: &Path, secrets: Secrets, extra: Extra<'_>) -> Report {
    let mut report = config::load(file, credentials_dir(), secrets);
    let found = extra(&report);
    report.add(found);
    report
}

/// Prints what is wrong with a configuration.
pub(super) fn print(report: &Report) {
    for problem in report.problems.iter().filter(|p| p.severity != Severity::Note) {
        eprintln!("{problem}");
    }
}

/// Reads a configuration; prints what is wrong with it, `extra` included. None when it has errors.
pub(super) fn load(file: &Path, secrets: Secrets, extra: Extra<'_>) -> Option<Config> {
    let report = read(file, secrets, extra);
    print(&report);
    if report.count(Severity::Error) > 0 {
        eprintln!(
            "upprop: the configuration has errors; mend them and try `upprop check {}`",
            file.display()
        );
        return None;
    }
    report.config
}

/// The real doors to the outside.
pub(super) fn doors(config: &Config) -> anyhow::Result<Env> {
    let wire = ReqwestWire::new(&app::wire_settings(config))?;
    let mail: MailTransport = match &config.mail {
        Some(mail) => app::mail_transport(mail)?,
        None => MailTransport::Memory(crate::env::mail::MailMemory::default()),
    };
    Ok(Env { clock: Arc::new(SystemClock::new()), wire: Arc::new(wire), mail: Arc::new(mail) })
}

#[cfg(test)]
mod tests {
    use super::panic_words;

    #[test]
    fn a_panic_shows_no_value() {
        let said = |payload: Box<dyn std::any::Any + Send>| panic_words(payload.as_ref());
        let caught = std::panic::catch_unwind(|| panic!("the invariant")).unwrap_err();
        assert_eq!(said(caught), "the invariant");
        let name = String::from("Alva Test");
        let caught = std::panic::catch_unwind(move || panic!("no such pupil: {name}"));
        assert!(!said(caught.unwrap_err()).contains("Alva"));
    }
}
