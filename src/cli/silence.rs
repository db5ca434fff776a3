//! `upprop silence`: nobody is told of the lessons of a school, class or pupil for a time that the school knows of.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;
use jiff::ZonedDateTime;
use jiff::civil::Time;

use super::ask::{Asked, NoAnswer, ask, ask_with, encoded};
use super::silence_import::Import;
use super::{exit, why};
use crate::model::{PupilId, SchoolId, SilencedTarget, Silencing};
use crate::operate::silences::{Silence, Silenced, Silences};

/// Where the daemon answers.
pub(super) const PATH: &str = "/v1/silences";

/// Arguments of `upprop silence`.
#[derive(Debug, clap::Args)]
pub struct SilenceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Have nobody told that pupils are missing: marks are kept, and what has been told is put right.
    Add(Box<Add>),
    /// Add a silence for each event of a calendar file (iCalendar) that has not ended.
    ///
    /// The same file again adds nothing twice. Exit code 1: some events were not understood, come again, or were
    /// refused.
    Import(Box<Import>),
    /// Show silences that have not ended.
    List(List),
    /// End one or more silences. What they have called back stays so.
    Remove(Remove),
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Whom {
    /// The school, as the configuration has it.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: SchoolId,
    /// One class of it, as the directory has it.
    #[arg(long, value_name = "CLASS", conflicts_with = "pupil")]
    class: Option<String>,
    /// One pupil of it.
    #[arg(long, value_name = "ID", value_parser = pupil)]
    pupil: Option<PupilId>,
    /// Take a class or pupil that the directory does not have (yet).
    #[arg(long)]
    unknown_ok: bool,
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    whom: Whom,
    /// From when: 2026-12-04, 2026-12-04T09:00 by the school's clock, or RFC 3339.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Until when; a day is the last one.
    #[arg(long, value_name = "TIME")]
    to: String,
    /// On these days of the week only, as mon,tue.
    #[arg(long, value_name = "DAYS", value_delimiter = ',')]
    weekdays: Vec<String>,
    /// Between these hours only, by the school's clock, as 08:00-10:00.
    #[arg(long, value_name = "HOURS")]
    between: Option<String>,
    /// Why, for whoever asks later. Not for names: it is kept and shown.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Of one school only.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: Option<SchoolId>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct Remove {
    /// Their ids, as `upprop silence list` shows them.
    #[arg(value_name = "ID", required = true, value_parser = silence_id)]
    ids: Vec<String>,
    #[command(flatten)]
    asked: Asked,
}

fn school(text: &str) -> Result<SchoolId, String> {
    SchoolId::new(text.trim()).map_err(|error| format!("it {error}"))
}

fn pupil(text: &str) -> Result<PupilId, String> {
    PupilId::new(text.trim())
        .map_err(|error| format!("it {error}; give the pupil's id as the school system has it"))
}

fn silence_id(text: &str) -> Result<String, String> {
    let id = text.trim().to_lowercase();
    let good = id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit());
    good.then_some(id).ok_or_else(|| {
        "it is not twelve digits of 0-9 and a-f; `upprop silence list` shows the ids there are"
            .into()
    })
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: SilenceArgs) -> anyhow::Result<ExitCode> {
    let said = match args.what {
        What::Add(add) => add.run().await,
        What::Import(import) => return Ok(import.run().await),
        What::List(List { school, asked }) => {
            let which =
                school.map_or_else(String::new, |id| format!("?school={}", encoded(id.as_str())));
            let path = format!("{PATH}{which}");
            ask::<Silences>(&asked, Method::GET, &path).await.map(|all| all.map(|all| listed(&all)))
        }
        What::Remove(remove) => return Ok(remove.run().await),
    };
    Ok(match said {
        Ok(said) => {
            print!("{}", said.unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => ExitCode::from(error.code()),
    })
}

impl Whom {
    /// What is asked for of them.
    pub(super) fn silence(self, from: String, to: String, reason: String) -> Silence {
        let Self { school, class, pupil, unknown_ok } = self;
        let (weekdays, between) = (Vec::new(), None);
        Silence { school, class, pupil, from, to, weekdays, between, reason, unknown_ok }
    }

    /// As it was typed.
    pub(super) fn written(&self) -> String {
        let mut out = format!("--school {}", quoted(self.school.as_str()));
        if let Some(class) = &self.class {
            let _ = write!(out, " --class {}", quoted(class));
        }
        if let Some(pupil) = &self.pupil {
            let _ = write!(out, " --pupil {}", quoted(pupil.as_str()));
        }
        if self.unknown_ok {
            out += " --unknown-ok";
        }
        out
    }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.:/@+".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

impl Remove {
    async fn run(self) -> ExitCode {
        let (mut any, mut code) = (false, ExitCode::SUCCESS);
        for id in &self.ids {
            let path = format!("{PATH}/{}", encoded(id));
            match ask::<Silenced>(&self.asked, Method::DELETE, &path).await {
                Ok(Some(done)) => {
                    println!("Removed: {}.", in_words(&done.silence, &done.zone));
                    any = true;
                }
                Ok(None) => {}
                Err(NoAnswer::Refused(words)) => {
                    eprintln!("upprop: {id}: {words}");
                    code = ExitCode::from(exit::GENERAL);
                }
                Err(other) => return ExitCode::from(other.code()),
            }
        }
        if any {
            println!("What was called back is not sent; the next mark is told.");
        }
        code
    }
}

impl Add {
    async fn run(self) -> Result<Option<String>, NoAnswer> {
        let Self { whom, from, to, weekdays, between, reason, asked } = self;
        let body = Silence { weekdays, between, ..whom.silence(from, to, reason) };
        let done = ask_with::<Silenced>(&asked, Method::POST, PATH, &body).await?;
        Ok(done.map(|done| added(&done)))
    }
}

fn added(done: &Silenced) -> String {
    let mut out = format!("Silenced: {}.\n", in_words(&done.silence, &done.zone));
    if done.known {
        out += "It was there already; its reason is the new one.\n";
    }
    let _ = match done.pupils {
        Some(1) => writeln!(out, "It is about 1 pupil of the directory."),
        Some(count) => writeln!(out, "It is about {count} pupils of the directory."),
        None => writeln!(
            out,
            "No daemon runs: whether there is such a class or pupil was not looked at."
        ),
    };
    out += "Marks are kept. What waits to tell of a lesson in it is called back, and what has been told is still put \
            right.\n";
    let _ = writeln!(out, "End it with `upprop silence remove {}`.", done.silence.id);
    out
}

fn listed(all: &Silences) -> String {
    let mut out = String::new();
    for silence in &all.silences {
        let zone = all.zones.get(&silence.school).map_or("UTC", String::as_str);
        let since = silence.since.to_zoned_datetime(why::zone(zone));
        let _ = writeln!(
            out,
            "{}  {}\n              {} (by {}, {})",
            silence.id,
            in_words(silence, zone),
            silence.reason,
            silence.by,
            since.strftime("%Y-%m-%d %H:%M")
        );
    }
    if all.silences.is_empty() {
        out += "No silence.\n";
    }
    if all.ended > 0 {
        let _ = writeln!(
            out,
            "Ended, and kept for `upprop why` until retention removes them: {}.",
            all.ended
        );
    }
    out
}

/// One silence in a line, by the school's clock.
pub(super) fn in_words(silence: &Silencing, zone: &str) -> String {
    let whom = match &silence.target {
        SilencedTarget::School => format!("school {}", silence.school),
        SilencedTarget::Class(class) => format!("class {class} of school {}", silence.school),
        SilencedTarget::Pupil(pupil) => format!("pupil {pupil} of school {}", silence.school),
    };
    let mut out = format!("{whom}, {}", span(silence, zone));
    if !silence.weekdays.is_empty() {
        let _ = write!(out, ", on {}", days(&silence.weekdays));
    }
    if let Some((from, to)) = silence.between {
        let _ = write!(out, ", {}-{}", from.strftime("%H:%M"), to.strftime("%H:%M"));
    }
    let _ = write!(out, " ({zone})");
    out
}

/// From when until when; whole days as days, the last one included.
fn span(silence: &Silencing, zone: &str) -> String {
    let zone = why::zone(zone);
    let from = silence.from.to_zoned_datetime(zone.clone());
    let to = silence.to.to_zoned_datetime(zone);
    let is_midnight = |at: &ZonedDateTime| at.time() == Time::midnight();
    match to.date().yesterday() {
        Ok(last) if is_midnight(&from) && is_midnight(&to) => {
            let first = from.date();
            if last == first { first.to_string() } else { format!("{first} to {last}") }
        }
        _ => {
            let until = if to.date() == from.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
            format!("{} to {}", from.strftime("%Y-%m-%d %H:%M"), to.strftime(until))
        }
    }
}

/// `mon,tue`, as they are typed.
pub(super) fn days(weekdays: &[i8]) -> String {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let name = |day: &i8| usize::try_from(day - 1).ok().and_then(|index| NAMES.get(index));
    weekdays.iter().filter_map(name).copied().collect::<Vec<_>>().join(",")
}
