//! `upprop demo`: a made-up school day in front of one's eyes. Lays out a temporary folder, starts
//! the stand-ins for provider and mail server, has the story played, and tells how it came out.

mod folder;
mod school;
mod trail;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;

use crate::cli::{exit, init::trial};
use crate::env::{Clock, ReqwestWire, WireSettings};
use crate::model::local_date;
use crate::sim::demo::{self, Daemon, DemoError, Desk, Hooks, Report, Sender, Stage};
use crate::sim::school::{Quirks, School};
use crate::sim::sink::{Sink, SinkSettings};
use folder::Folder;

/// Name of the source that reports.
const SOURCE: &str = "demo";

/// Arguments of `upprop demo`.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// Print nothing but the outcome, as one JSON object, and do not pause for a reader
    #[arg(long)]
    pub json: bool,
    /// Have the school system asked by SS 12000, instead of telling by itself
    #[arg(long)]
    pub ss12000: bool,
    /// What that school system does otherwise than the standard, as for `upprop fake-school`
    #[arg(long, value_name = "NAMES", requires = "ss12000", default_value = "")]
    pub quirks: Quirks,
    /// Keep the folder with the configuration, the daemon's log and its store
    #[arg(long)]
    pub keep: bool,
}

/// Plays the day.
///
/// # Errors
/// When it cannot be set up or shown.
pub async fn run(args: DemoArgs, clock: Arc<dyn Clock>) -> anyhow::Result<ExitCode> {
    let mut folder = Folder::make()?;
    if args.keep {
        folder.keep();
    }
    let tasks = TaskTracker::new();
    let sink = Sink::start(SinkSettings::anywhere(), clock.clone(), tasks)
        .context("the stand-ins for provider and mail server cannot start")?;
    let address = free_address()?;
    let (zone_name, zone) = demo::morning(clock.now());
    let asked = if args.ss12000 {
        let today = local_date(clock.now(), &zone);
        let settings = demo::school_settings(today, zone.clone(), args.quirks.clone());
        let school = School::start(settings, clock.clone(), &TaskTracker::new())
            .context("the school system cannot start")?;
        Some(Arc::new(school))
    } else {
        None
    };
    let set_up = SetUp { address, zone_name: &zone_name, zone: &zone, asked: asked.as_deref() };
    let config = lay_out(folder.path(), &sink, &set_up, clock.as_ref())?;
    let wire = Arc::new(ReqwestWire::new(&WireSettings::default())?);
    let program = std::env::current_exe().context("this program's own file cannot be found")?;
    let log = folder.path().join("daemon.log");
    let mut daemon =
        Daemon::new(program, config.clone(), log, address, wire.clone(), clock.clone());
    let sender = if let Some(school) = &asked {
        Sender::Desk(Desk::new(Arc::clone(school), clock.clone()))
    } else {
        let secret = std::fs::read_to_string(folder.path().join("secrets/webhook-secret"))?;
        let secret = SecretString::from(secret.trim());
        Sender::Hooks(Hooks::new(address, SOURCE, secret, wire, clock.clone()))
    };

    let mut silent = io::sink();
    let mut stdout = io::stdout();
    let out: &mut dyn Write = if args.json { &mut silent } else { &mut stdout };
    writeln!(
        out,
        "A school day at {}, made up. The daemon is the real one; the provider of\n\
         texts and the mail server run inside this command, and nothing leaves the\n\
         machine. The school's clock is set so that it is morning there.\n",
        demo::SCHOOL_NAME
    )?;
    if args.ss12000 {
        writeln!(out, "The school system serves SS 12000 and is asked.\n")?;
    }
    let paced = !args.json && io::stdout().is_terminal();
    let stage = Stage::new(clock, zone, &sink, &mut daemon, sender, out, paced);
    let played = tokio::select! {
        // First, so that it listens before the daemon runs.
        biased;
        stopped = interrupted() => { stopped?; None }
        played = demo::play(stage) => Some(played),
    };
    // Gone already where the story came to its end.
    let _: Result<(), DemoError> = daemon.kill().await;
    sink.stop().await;
    if let Some(school) = asked {
        school.stop().await;
    }
    let Some(played) = played else { return Ok(ExitCode::from(exit::INTERRUPTED)) };
    let mut report = played?;
    let not_told = match trail::not_told(&config).await {
        Ok(not_told) => not_told,
        Err(error) => {
            report.problems.push(format!("the daemon's trail cannot be read: {error:#}"));
            BTreeMap::new()
        }
    };
    demo::conclude(&mut report, not_told, args.ss12000);
    if !report.ok {
        folder.keep();
    }
    tell(&report, &folder, args.json)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An address on this machine that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .context("no free port was found")
}

/// Where and when the day is played.
struct SetUp<'a> {
    address: SocketAddr,
    zone_name: &'a str,
    zone: &'a TimeZone,
    /// The school system, where it is asked.
    asked: Option<&'a School>,
}

/// Writes a trial's set-up, changed to the demo's school.
fn lay_out(
    folder: &Path,
    sink: &Sink,
    set_up: &SetUp<'_>,
    clock: &dyn Clock,
) -> anyhow::Result<std::path::PathBuf> {
    let smtp = sink.smtp_addr();
    let text = trial::configuration(&sink.url(), &smtp.ip().to_string(), smtp.port());
    let mut text = configuration(&text, set_up.address, set_up.zone_name)?;
    if let Some(asked) = set_up.asked {
        text = school::configuration(&text, asked)?;
    }
    let file = trial::furnish(folder, &text, true, &mut crate::env::random::fill)?;
    if set_up.asked.is_some() {
        school::secrets(&folder.join("secrets"))?;
        return Ok(file);
    }
    let today = local_date(clock.now(), set_up.zone);
    for (name, text) in demo::directory(today) {
        let path = folder.join("directory").join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(file)
}

/// A trial's configuration with the demo's school, source, address and patience.
fn configuration(trial: &str, address: SocketAddr, zone: &str) -> anyhow::Result<String> {
    let mut root: toml::Table = trial.parse().context("the trial's configuration")?;
    root.insert("public-url".into(), format!("http://{address}").into());
    // An attempt that the kill leaves in doubt is asked about after `settle`, which must be longer
    // than any attempt can take.
    for (table, key, value) in [
        ("server", "listen", address.to_string()),
        ("pages", "url", format!("http://{address}")),
        ("http", "timeout", "10s".into()),
        ("mail", "timeout", "10s".into()),
        ("delivery", "settle", "15s".into()),
    ] {
        let table = root.entry(table).or_insert_with(|| toml::Table::new().into());
        let table = table.as_table_mut().context("a table of the trial's configuration")?;
        table.insert(key.into(), value.into());
    }
    let mut school = only(&mut root, "schools")?;
    for (key, value) in [
        ("name", demo::SCHOOL_NAME),
        ("sender-id", demo::SENDER),
        ("team-email", demo::TEAM),
        ("time-zone", zone),
    ] {
        school.insert(key.into(), value.into());
    }
    let source = only(&mut root, "sources")?;
    for (tables, name, table) in [("schools", demo::SCHOOL, school), ("sources", SOURCE, source)] {
        root.insert(
            tables.into(),
            toml::Table::from_iter([(name.to_owned(), table.into())]).into(),
        );
    }
    Ok(root.to_string())
}

/// Takes out the one table below a name.
fn only(root: &mut toml::Table, name: &str) -> anyhow::Result<toml::Table> {
    let Some(toml::Value::Table(tables)) = root.remove(name) else {
        anyhow::bail!("a trial's configuration has [{name}.…]");
    };
    match tables.into_iter().next() {
        Some((_, toml::Value::Table(table))) => Ok(table),
        _ => anyhow::bail!("a trial's configuration has a table in [{name}]"),
    }
}

/// Returns when this process is asked to end.
async fn interrupted() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
}

fn tell(report: &Report, folder: &Folder, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let folder = folder.is_kept().then(|| folder.path().display().to_string());
        writeln!(out, "{}", serde_json::to_string(&Outcome { report, folder })?)?;
        return Ok(());
    }
    writeln!(out, "\n{}", report.table())?;
    for problem in &report.problems {
        writeln!(out, "WRONG: {problem}")?;
    }
    let word =
        if report.ok { "The day came out right." } else { "The day did not come out right." };
    writeln!(out, "{word}")?;
    if folder.is_kept() {
        writeln!(out, "Configuration, daemon.log and store are in {}", folder.path().display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Loader, Secrets};

    #[test]
    fn the_trials_configuration_becomes_the_demos_without_problems() {
        let text = trial::configuration("http://127.0.0.1:8751", "127.0.0.1", 8752);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 18_750));
        let text = configuration(&text, address, "Etc/GMT-3").expect("a configuration");
        let loader =
            Loader { credentials_dir: None, base_dir: "/tmp".into(), secrets: Secrets::Skipped };
        let report = config::load_text("the demo", &text, &loader);
        let grave = report.problems.iter().find(|p| p.severity != config::Severity::Note);
        assert_eq!(grave, None, "{text}");
        let config = report.config.expect("good");
        assert_eq!(config.server.listen, address);
        assert_eq!(config.sources.keys().map(ToString::to_string).collect::<Vec<_>>(), [SOURCE]);
        let schools: Vec<_> =
            config.schools.values().map(|s| (s.id.as_str(), s.name.as_str())).collect();
        assert_eq!(schools, [(demo::SCHOOL, demo::SCHOOL_NAME)]);
    }
}
