//! `upprop case`: one pupil's day, with what the attendance team has recorded of it, shown; and recorded for those who have no
//! mail with a link.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;
use jiff::civil::Date;

use super::ask::{Asked, NoAnswer, ask, ask_with, encoded};
use super::why;
use crate::model::{CaseWhat, MentorTold, PupilId, SchoolId};
use crate::operate::cases::{CaseDocument, Record, Which};

const PATH: &str = "/v1/case";

/// Arguments of `upprop case`.
#[derive(Debug, clap::Args)]
pub struct CaseArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show a case: its lessons, and what was recorded of it.
    Show(Show),
    /// Record what came of a case, as its page does: the mentor is told, and who was reached is on no list any more.
    Record(Box<Add>),
}

#[derive(Debug, clap::Args)]
struct Whose {
    /// The number of the case, as mails have it; or the pupil's id, with a day.
    #[arg(value_name = "NUMBER|PUPIL")]
    case: String,
    /// The day, as 2026-11-23.
    #[arg(value_name = "DAY")]
    day: Option<Date>,
    /// The school, where several have such a pupil.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: Option<SchoolId>,
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    whose: Whose,
    /// What came of it: reached, no-answer, explained, wrong-mark, or note.
    #[arg(long, value_name = "WORD", value_parser = what)]
    what: CaseWhat,
    /// A note for the team, shown on the case's page. Nothing about health.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

fn school(text: &str) -> Result<SchoolId, String> {
    SchoolId::new(text.trim()).map_err(|error| format!("it {error}"))
}

fn what(text: &str) -> Result<CaseWhat, String> {
    let all = CaseWhat::ALL.map(CaseWhat::as_str);
    CaseWhat::parse(text.trim()).ok_or_else(|| format!("it is none of {}", all.join(", ")))
}

impl Whose {
    fn which(self) -> Result<Which, NoAnswer> {
        let Self { case, day, school } = self;
        if day.is_none() {
            return Ok(Which { number: Some(case), school, ..Which::default() });
        }
        let pupil = PupilId::new(case.trim())
            .map_err(|error| NoAnswer::Refused(format!("the pupil's id {error}")))?;
        Ok(Which { pupil: Some(pupil), date: day, school, ..Which::default() })
    }
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: CaseArgs) -> anyhow::Result<ExitCode> {
    let done = match args.what {
        What::Show(show) => show.run().await,
        What::Record(add) => add.run().await,
    };
    Ok(match done {
        Ok(done) => {
            print!("{}", done.map(|case| told(&case)).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => ExitCode::from(error.code()),
    })
}

impl Show {
    async fn run(self) -> Result<Option<CaseDocument>, NoAnswer> {
        let which = self.whose.which()?;
        let part = |name: &str, value: Option<String>| {
            value.map(|value| format!("{name}={}", encoded(&value)))
        };
        let parts = [
            part("number", which.number),
            part("pupil", which.pupil.map(|id| id.to_string())),
            part("date", which.date.map(|day| day.to_string())),
            part("school", which.school.map(|id| id.to_string())),
        ];
        let query: Vec<String> = parts.into_iter().flatten().collect();
        ask::<CaseDocument>(&self.asked, Method::GET, &format!("{PATH}?{}", query.join("&"))).await
    }
}

impl Add {
    async fn run(self) -> Result<Option<CaseDocument>, NoAnswer> {
        let Self { whose, what, note, asked } = self;
        let body = Record { which: whose.which()?, what: what.as_str().into(), note };
        ask_with::<CaseDocument>(&asked, Method::POST, PATH, &body).await
    }
}

fn told(case: &CaseDocument) -> String {
    let zone = why::zone(&case.zone);
    let clock = |at: jiff::Timestamp| at.to_zoned_datetime(zone.clone());
    let mut out = format!(
        "case {}: pupil {} of school {}, {} (times in {})\n",
        case.number, case.pupil, case.school, case.date, case.zone
    );
    for lesson in &case.lessons {
        let (start, end) = (clock(lesson.start), clock(lesson.end));
        let mark = lesson.mark.and_then(|mark| serde_json::to_value(mark).ok());
        let _ = writeln!(
            out,
            "  {}-{}  lesson {}: {}{}",
            start.strftime("%H:%M"),
            end.strftime("%H:%M"),
            lesson.id,
            mark.as_ref().and_then(|mark| mark.as_str()).unwrap_or("no mark"),
            if lesson.missing { ", missing" } else { "" }
        );
    }
    for word in &case.words {
        let mentor = match &word.mentor {
            MentorTold::By(id) => format!("; the mentor by message {id}"),
            MentorTold::NoMentor => "; there is no mentor to be told".into(),
            MentorTold::NoNews => String::new(),
        };
        let _ = writeln!(
            out,
            "  {}  {}{} by {}{mentor}",
            clock(word.at).strftime("%Y-%m-%d %H:%M"),
            word.what.as_str(),
            if word.note { ", with a note," } else { "" },
            word.by
        );
    }
    if case.words.is_empty() {
        out += "  Nothing is recorded of it.\n";
    }
    out
}
