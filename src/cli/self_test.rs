//! `upprop self-test`: whether all that sending needs works, without anything being sent. The running daemon tries
//! it where there is one; otherwise this process does what it can.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::{Method, StatusCode};

use super::ask::{self, NoAnswer};
use super::{exit, owner, progress, run};
use crate::app;
use crate::config::{self, Config, DEFAULT_FILE, MailTransport as Mail, Report, Secrets, Severity};
use crate::env::Env;
use crate::env::clock::SystemClock;
use crate::env::mail::{MailMemory, MailTransport};
use crate::env::wire::ReqwestWire;
use crate::operate::self_test::{self, Finding, Here, SelfTest};
use crate::store::SledStore;

/// Arguments of `upprop self-test`.
#[derive(Debug, clap::Args)]
pub struct SelfTestArgs {
    /// The configuration file. Where a daemon runs, it says only where that is: what the daemon has in force is tested
    #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
    pub file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the doors to the outside cannot be made.
pub async fn run(args: SelfTestArgs) -> anyhow::Result<ExitCode> {
    let Some(config) = run::load(&args.file, Secrets::Skipped, &|_| Vec::new()) else {
        return Ok(ExitCode::from(exit::CONFIG));
    };
    let test = match ask::daemon(&config, Method::POST, "/v1/self-test").await {
        Ok(Some((StatusCode::OK, body))) => ask::read::<SelfTest>(&body),
        Ok(Some((status, _))) => Err(NoAnswer::Foreign(format!(
            "the daemon answers {status}: it knows no self-test; restart it after an upgrade"
        ))),
        Ok(None) => {
            let report = config::load(&args.file, run::credentials_dir(), Secrets::Checked);
            let errors = report.problems.iter().filter(|p| p.severity == Severity::Error);
            errors.for_each(|problem| eprintln!("{problem}"));
            let Some(config) = &report.config else { return Ok(ExitCode::from(exit::CONFIG)) };
            Ok(progress::watched("testing", alone(config, &report), async || None).await?)
        }
        Err(error) => Err(error),
    };
    let test = match test {
        Ok(test) => test,
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    if args.json {
        println!("{}", serde_json::to_string(&test)?);
    } else {
        print!("{}", told(&test, &args.file));
    }
    Ok(if test.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::from(exit::GENERAL) })
}

/// Without a daemon.
async fn alone(config: &Config, report: &Report) -> anyhow::Result<SelfTest> {
    let wire = ReqwestWire::new(&app::wire_settings(config))?;
    let mail = match &config.mail {
        // A folder would be made.
        Some(mail) if matches!(mail.transport, Mail::Smtp(_)) => app::mail_transport(mail)?,
        _ => MailTransport::Memory(MailMemory::default()),
    };
    let clock = std::sync::Arc::new(SystemClock::new());
    let env = Env {
        clock: clock.clone(),
        wire: std::sync::Arc::new(wire),
        mail: std::sync::Arc::new(mail),
    };
    let settings = app::store_settings(config);
    let store = if settings.store_dir().is_dir() {
        owner::ours(&settings, "upprop self-test")
            .and_then(|()| SledStore::open(settings).map_err(|error| error.to_string()))
    } else {
        Err("there is none yet; the daemon makes it at its first start".into())
    };
    let here = Here {
        kv: store.as_ref().map(|store| store as _).map_err(Clone::clone),
        roster: None,
        sources: app::described(config),
        contacts: None,
        clock: clock.as_ref(),
        by_daemon: false,
    };
    let test = self_test::run(&app::probes(config, &env, unread(report)), &here).await;
    if let Ok(store) = store {
        store.close().await?;
    }
    Ok(test)
}

/// The tables whose secrets are the unit's credentials, which a shell has not.
fn unread(report: &Report) -> BTreeSet<String> {
    let notes = report.problems.iter().filter(|p| p.severity == Severity::Note);
    let keys = notes.filter(|p| p.key.contains("-file")).filter_map(|p| p.key.rsplit_once('.'));
    keys.map(|(table, _)| table.to_owned()).collect()
}

fn told(test: &SelfTest, file: &Path) -> String {
    let mut out = String::new();
    let who = if test.by_daemon { "the running daemon" } else { "no daemon runs: tried from here" };
    let _ = writeln!(out, "upprop {}, {who}; nothing was sent", test.version);
    if test.by_daemon {
        let _ = writeln!(
            out,
            "What the daemon has in force is tested; {} was read only to find it. `upprop reload` puts a changed file \
             in force.",
            file.display()
        );
    }
    for line in &test.lines {
        let finding = match line.finding {
            Finding::Ok => "ok        ",
            Finding::Failed => "FAILED    ",
            Finding::NotTested => "not tested",
        };
        let _ = writeln!(out, "{finding}  {}: {}", line.check, line.words);
        if let Some(remedy) = &line.remedy {
            let _ = writeln!(out, "            → {remedy}");
        }
    }
    let _ = match test.failed() {
        0 => writeln!(out, "Nothing failed."),
        n => writeln!(out, "{n} failed."),
    };
    out
}
