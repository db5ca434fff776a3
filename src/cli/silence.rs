//! `upprop silence`: nobody is told of the lessons of a school, class or pupil for a time that the school knows of.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::Method;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ask::{Asked, NoAnswer, ask, ask_with, encoded};
use super::exit;
use super::times::local;
use crate::calendar::events;
use crate::calendar::ics::MOST_BYTES;
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::model::{PupilId, SchoolId, SilencedTarget, Silencing};
use crate::operate::silences::{Silence, Silenced, Silences};

const PATH: &str = "/v1/silences";

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
    /// The same file again adds nothing twice. Exit code 1: some events were not understood, or refused.
    Import(Box<Import>),
    /// Show silences that have not ended.
    List(List),
    /// End a silence. What it has called back stays so.
    Remove(Remove),
}

#[derive(Debug, Clone, clap::Args)]
struct Whom {
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
struct Import {
    /// The calendar file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    whom: Whom,
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
    /// The id that `upprop silence list` shows.
    #[arg(value_name = "ID")]
    id: String,
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
        What::Remove(Remove { id, asked }) => {
            let path = format!("{PATH}/{}", encoded(id.trim()));
            let done = ask::<Silenced>(&asked, Method::DELETE, &path).await;
            done.map(|done| done.map(|done| removed(&done)))
        }
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
    fn silence(self, from: String, to: String, reason: String) -> Silence {
        let Self { school, class, pupil, unknown_ok } = self;
        let (weekdays, between) = (Vec::new(), None);
        Silence { school, class, pupil, from, to, weekdays, between, reason, unknown_ok }
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

impl Import {
    async fn run(self) -> ExitCode {
        let Self { file, whom, asked } = self;
        let read = contents(&file).and_then(|text| events::read(&text));
        let (events, mut faults) = match read {
            Ok(events::Read { events, faults }) => {
                let told = |(line, fault): (usize, &str)| (line, fault.to_owned());
                (events, faults.into_iter().map(told).collect::<Vec<_>>())
            }
            Err(words) => {
                eprintln!("upprop: {}: {words}", file.display());
                return ExitCode::from(exit::GENERAL);
            }
        };
        let now = SystemClock::new().now().to_zoned_datetime(TimeZone::UTC);
        let (mut added, mut over) = (0, 0);
        for event in events {
            // Anywhere on earth.
            if event.to.get(..10).and_then(|day| day.parse::<Date>().ok())
                < now.date().yesterday().ok()
            {
                over += 1;
                continue;
            }
            if event.repeats {
                faults.push((event.line, "it comes again: only its first time is silenced".into()));
            }
            let reason = if event.summary.is_empty() { "calendar".into() } else { event.summary };
            let body = whom.clone().silence(event.from, event.to, reason);
            match ask_with::<Silenced>(&asked, Method::POST, PATH, &body).await {
                Ok(Some(done)) => {
                    added += 1;
                    println!("{}  {}", done.silence.id, in_words(&done.silence));
                }
                Ok(None) => added += 1,
                Err(NoAnswer::Refused(words)) => faults.push((event.line, words)),
                Err(other) => return ExitCode::from(other.code()),
            }
        }
        faults.sort();
        for (line, words) in &faults {
            eprintln!("upprop: {}:{line}: {words}", file.display());
        }
        if !asked.json {
            println!("Silences: {added}; events that are over: {over}.");
        }
        if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::GENERAL) }
    }
}

fn contents(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text))
        .map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(text)
}

fn added(done: &Silenced) -> String {
    let mut out = format!("Silenced: {}.\n", in_words(&done.silence));
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

fn removed(done: &Silenced) -> String {
    format!(
        "Removed: {}.\nWhat it has called back is not sent; the next mark is told.\n",
        in_words(&done.silence)
    )
}

fn listed(all: &Silences) -> String {
    let mut out = String::new();
    for silence in &all.silences {
        let _ = writeln!(
            out,
            "{}  {}\n              {} (by {}, {})",
            silence.id,
            in_words(silence),
            silence.reason,
            silence.by,
            local(silence.since)
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

/// One silence in a line.
fn in_words(silence: &Silencing) -> String {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let whom = match &silence.target {
        SilencedTarget::School => format!("school {}", silence.school),
        SilencedTarget::Class(class) => format!("class {class} of school {}", silence.school),
        SilencedTarget::Pupil(pupil) => format!("pupil {pupil} of school {}", silence.school),
    };
    let mut out = format!("{whom}, {} to {}", local(silence.from), local(silence.to));
    if !silence.weekdays.is_empty() {
        let name = |day: &i8| usize::try_from(day - 1).ok().and_then(|index| NAMES.get(index));
        let days: Vec<&str> = silence.weekdays.iter().filter_map(name).copied().collect();
        let _ = write!(out, ", on {}", days.join(", "));
    }
    if let Some((from, to)) = silence.between {
        let _ = write!(
            out,
            ", {}-{} by the school's clock",
            from.strftime("%H:%M"),
            to.strftime("%H:%M")
        );
    }
    out
}
