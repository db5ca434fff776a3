//! `upprop duty`: what people have to do because of a ladder, listed, shown, taken on and ticked.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ask::{Asked, NoAnswer, ask, ask_with, encoded};
use crate::ladder::duty::Say;
use crate::model::{DutyState, NotificationId, SchoolId, StaffRole};
use crate::operate::duties::{Duties, Shown, Told};

/// Where the daemon answers.
const PATH: &str = "/v1/duties";

/// Arguments of `upprop duty`.
#[derive(Debug, clap::Args)]
pub struct DutyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show the duties that are open, the first due first.
    List(List),
    /// Show one with its whole history.
    Show(Show),
    /// Take one on: the others see that somebody does it.
    Take(Tick),
    /// Say that the home was phoned and did not answer: it stays open.
    NoAnswer(Tick),
    /// Tick one: it is done.
    Done(Tick),
    /// Say that what it leaves in writing is there; those concerned are told so.
    Documented(Tick),
    /// Say that one need not be done.
    NotNeeded(Tick),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Of one school only.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: Option<SchoolId>,
    /// Of one role only: mentor, attendance-team, student-health-team, principal, head-of-education, home-municipality.
    #[arg(long, value_name = "ROLE", value_parser = role)]
    owner: Option<StaffRole>,
    /// Those that were not done in time only.
    #[arg(long)]
    overdue: bool,
    /// Those that are over too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// Its number, as mails and `upprop duty list` have it.
    #[arg(value_name = "NUMBER")]
    number: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct Tick {
    /// Its number, as mails and `upprop duty list` have it.
    #[arg(value_name = "NUMBER")]
    number: String,
    /// Who does it; else the login.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why, at most 200 characters, for staff only. Nothing of anybody's health.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

pub(super) fn school(text: &str) -> Result<SchoolId, String> {
    SchoolId::new(text.trim()).map_err(|error| format!("it {error}"))
}

fn role(text: &str) -> Result<StaffRole, String> {
    serde_json::from_value(text.trim().into()).map_err(|_| {
        "it is none of mentor, attendance-team, student-health-team, principal, head-of-education, home-municipality"
            .into()
    })
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: DutyArgs) -> anyhow::Result<ExitCode> {
    let said = match args.what {
        What::List(list) => list.run().await,
        What::Show(Show { number, asked }) => {
            let path = format!("{PATH}/{}", encoded(number.trim()));
            let shown = ask::<Shown>(&asked, Method::GET, &path).await;
            shown.map(|shown| shown.map(|shown| whole(&shown)))
        }
        What::Take(tick) => tick.run(Say::Take).await,
        What::NoAnswer(tick) => tick.run(Say::NoAnswer).await,
        What::Done(tick) => tick.run(Say::Done).await,
        What::Documented(tick) => tick.run(Say::Documented).await,
        What::NotNeeded(tick) => tick.run(Say::NotNeeded).await,
    };
    Ok(match said {
        Ok(said) => {
            print!("{}", said.unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => ExitCode::from(error.code()),
    })
}

impl List {
    async fn run(self) -> Result<Option<String>, NoAnswer> {
        let mut path = format!("{PATH}?overdue={}&all={}", self.overdue, self.all);
        if let Some(school) = &self.school {
            let _ = write!(path, "&school={}", encoded(school.as_str()));
        }
        if let Some(owner) = self.owner {
            let _ = write!(path, "&owner={}", owner.as_str());
        }
        let all = ask::<Duties>(&self.asked, Method::GET, &path).await?;
        Ok(all.map(|all| {
            if all.duties.is_empty() {
                return "No such duty.\n".into();
            }
            all.duties.iter().fold(String::new(), |out, duty| out + &line(duty) + "\n")
        }))
    }
}

impl Tick {
    async fn run(self, say: Say) -> Result<Option<String>, NoAnswer> {
        let path = format!("{PATH}/{}", encoded(self.number.trim()));
        let told = Told { say, by: self.by, why: self.why };
        let shown = ask_with::<Shown>(&self.asked, Method::POST, &path, &told).await?;
        Ok(shown.map(|shown| line(&shown) + "\n"))
    }
}

/// By the school's clock.
pub(super) fn clock(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `AB12CD3  overdue  attendance-team  by 2026-11-23 16:00: Ring hem (pupil p-17 of bjork, step first of plan)`.
pub(super) fn line(duty: &Shown) -> String {
    let taken = duty.taken_by.as_ref().map(|by| format!(", taken on by {by}")).unwrap_or_default();
    let written = match (&duty.place, duty.documented_at) {
        (Some(place), None) if duty.state == DutyState::Done => {
            format!("; not documented yet in {place}")
        }
        (Some(_), Some(_)) => "; documented".into(),
        _ => String::new(),
    };
    format!(
        "{}  {}  {}{taken}  by {}: {} (pupil {} of {}, step {} of {} {}){written}",
        duty.number,
        duty.state.as_str(),
        duty.owner.as_str(),
        clock(duty.due_at, &duty.zone),
        duty.what,
        duty.pupil,
        duty.school,
        duty.step,
        duty.ladder,
        duty.version
    )
}

fn whole(duty: &Shown) -> String {
    let mut out = line(duty) + "\n";
    for event in &duty.history {
        let by = event.by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
        let why = event.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let _ = writeln!(out, "  {}  {}{by}{why}", clock(event.at, &duty.zone), event.what);
    }
    if let Some(place) = &duty.place {
        let _ = writeln!(out, "  to be documented in {place}");
    }
    if !duty.messages.is_empty() {
        let ids: Vec<&str> = duty.messages.iter().map(NotificationId::as_str).collect();
        let _ = writeln!(out, "  told in {} (upprop message show ID)", ids.join(" "));
    }
    out
}
