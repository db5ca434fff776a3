//! `upprop suspend` and `upprop resume`: nothing leaves for a while, for a school, a channel or everything.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, ask, ask_with, encoded};
use super::confirm::{Yes, confirm};
use super::exit;
use super::times::local;
use crate::delivery::suspension::{Scope, Suspension};
use crate::model::{Channel, SchoolId};
use crate::operate::suspensions::{Suspend, Suspended};

/// What a suspension concerns.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// One school: its messages to guardians, pupils and staff.
    #[arg(long, value_name = "ID")]
    school: Option<String>,
    /// One channel: every message by it.
    #[arg(long, value_name = "CHANNEL", value_parser = ["sms", "email"])]
    channel: Option<String>,
    /// Every message.
    #[arg(long)]
    all: bool,
}

impl What {
    fn scope(&self) -> Result<Scope, String> {
        Ok(match (&self.school, self.channel.as_deref()) {
            (Some(id), _) => {
                Scope::School(SchoolId::new(id.as_str()).map_err(|e| format!("--school: {e}"))?)
            }
            (_, Some("sms")) => Scope::Channel(Channel::Sms),
            (_, Some(_)) => Scope::Channel(Channel::Email),
            _ => Scope::All,
        })
    }
}

/// Arguments of `upprop suspend`.
#[derive(Debug, clap::Args)]
pub struct SuspendArgs {
    #[command(flatten)]
    what: What,
    /// Why, for whoever asks later. Not for names: it is kept and shown.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    end: End,
    #[command(flatten)]
    yes: Yes,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct End {
    /// When it ends by itself: 2026-11-27T07:00 by the school's clock (else Europe/Stockholm), or RFC 3339.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Or for how long: 30m, 2h, 1d; at most 31 days.
    #[arg(long = "for", value_name = "TIME")]
    span: Option<String>,
}

/// Arguments of `upprop resume`.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    asked: Asked,
}

/// Runs `upprop suspend`.
///
/// # Errors
/// None that is not an exit code.
pub async fn suspend(args: SuspendArgs) -> anyhow::Result<ExitCode> {
    let scope = match args.what.scope() {
        Ok(scope) => scope,
        Err(words) => return Ok(usage(&words)),
    };
    let question = format!("Let no message leave for {}?", in_words(&scope));
    if let Err(code) = confirm(args.yes, &question)? {
        return Ok(code);
    }
    let body = Suspend { scope, reason: args.reason, until: args.end.until, r#for: args.end.span };
    match ask_with::<Suspended>(&args.asked, Method::POST, "/v1/suspensions", &body).await {
        Ok(None) => {}
        Ok(Some(done)) => print!("{}", suspended_told(&done)),
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `upprop resume`.
///
/// # Errors
/// None that is not an exit code.
pub async fn resume(args: ResumeArgs) -> anyhow::Result<ExitCode> {
    let scope = match args.what.scope() {
        Ok(scope) => scope,
        Err(words) => return Ok(usage(&words)),
    };
    let path = format!("/v1/suspensions/{}", encoded(&scope.to_string()));
    match ask::<Suspended>(&args.asked, Method::DELETE, &path).await {
        Ok(None) => {}
        Ok(Some(done)) => print!("{}", resumed_told(&done)),
        Err(error) => return Ok(ExitCode::from(error.code())),
    }
    Ok(ExitCode::SUCCESS)
}

fn usage(words: &str) -> ExitCode {
    eprintln!("upprop: {words}");
    ExitCode::from(exit::USAGE)
}

fn in_words(scope: &Scope) -> String {
    match scope {
        Scope::All => "every school, by every channel".into(),
        Scope::Channel(channel) => format!("every school by {}", channel.as_str()),
        Scope::School(id) => format!("school {id}, to guardians, pupils and staff"),
    }
}

fn suspended_told(done: &Suspended) -> String {
    let s = &done.suspension;
    let mut out = format!(
        "Suspended until {}: {}.\nEvents are taken and decided as before. Messages wait; what is \
         past its deadline by then is not sent.\n",
        local(s.until),
        in_words(&s.scope)
    );
    let _ = match done.on_the_wire {
        0 => writeln!(out, "No message was on its way; one that is cannot be stopped."),
        n => writeln!(out, "On their way already, and not stopped: {n}."),
    };
    let _ = writeln!(out, "End it earlier with `upprop resume {}`.", flag(&s.scope));
    out
}

fn resumed_told(done: &Suspended) -> String {
    let scope = &done.suspension.scope;
    let mut out = format!("Resumed: {}.\n", in_words(scope));
    if done.in_force.is_empty() {
        let _ = writeln!(out, "What waited and is still news leaves now.");
    }
    for other in &done.in_force {
        let _ = writeln!(out, "Still {}", suspension_told(other));
    }
    out
}

/// One suspension in a line.
pub(super) fn suspension_told(s: &Suspension) -> String {
    format!(
        "SUSPENDED: {} until {}, by {} since {}: {}",
        in_words(&s.scope),
        local(s.until),
        s.by,
        local(s.since),
        s.reason
    )
}

fn flag(scope: &Scope) -> String {
    match scope {
        Scope::All => "--all".into(),
        Scope::Channel(channel) => format!("--channel {}", channel.as_str()),
        Scope::School(id) => format!("--school {id}"),
    }
}
