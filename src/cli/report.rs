//! `upprop report`: reports of the running gateway, as those that are sent by mail.

use std::path::PathBuf;
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, ask, encoded};
use super::exit;
use crate::message::ladder_report::LadderReportFacts;
use crate::message::term_report::TermFacts;
use crate::model::{Locale, SchoolId, TermName, WeekName};
use crate::operate::ladder_report::LadderReports;
use crate::operate::term_report::TermReport;
use crate::report::plain;

/// Arguments of `upprop report`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// A term in numbers, of one school: absences, how fast home was told, and what became of the messages.
    Term(Term),
    /// The ladders of a week: steps reached, duties made and done, and what is to be done now.
    Ladder(Ladder),
}

#[derive(Debug, Clone, clap::Args)]
struct Term {
    /// The school, as the configuration has it.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: SchoolId,
    /// The term, as 2026-autumn; none: the last that has begun.
    #[arg(long = "term", value_name = "TERM", value_parser = term)]
    name: Option<TermName>,
    /// Write the page with plots that is attached to the mail.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The language of the table and the page: sv or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = language)]
    language: Locale,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Clone, clap::Args)]
struct Ladder {
    /// The school, as the configuration has it; none: every school that follows a ladder.
    #[arg(long, value_name = "ID", value_parser = school)]
    school: Option<SchoolId>,
    /// The week, as 2026-W48; none: what this week's report tells of, the week before and weeks without school before it.
    #[arg(long, value_name = "WEEK", value_parser = week)]
    week: Option<WeekName>,
    /// The language of the tables: sv or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = language)]
    language: Locale,
    #[command(flatten)]
    asked: Asked,
}

fn school(text: &str) -> Result<SchoolId, String> {
    SchoolId::new(text.trim()).map_err(|error| format!("it {error}"))
}

fn term(text: &str) -> Result<TermName, String> {
    TermName::try_from(text.trim().to_owned()).map_err(|error| format!("it {error}"))
}

fn week(text: &str) -> Result<WeekName, String> {
    WeekName::try_from(text.trim().to_owned()).map_err(|error| format!("it {error}"))
}

fn language(text: &str) -> Result<Locale, String> {
    match text {
        "sv" | "en" => Locale::new(text),
        _ => Err("write sv or en".into()),
    }
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub async fn run(args: ReportArgs) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Term(args) => term_report(args).await,
        What::Ladder(args) => ladder_report(args).await,
    }
}

async fn ladder_report(args: Ladder) -> anyhow::Result<ExitCode> {
    let Ladder { school, week, language, asked } = args;
    let school = school.map(|id| format!("school={}", encoded(id.as_str())));
    let week = week.map(|week| format!("week={week}"));
    let query: Vec<String> = school.into_iter().chain(week).collect();
    let path = format!("/v1/reports/ladder?{}", query.join("&"));
    let found = match ask::<LadderReports>(&asked, Method::GET, &path).await {
        Ok(Some(found)) => found,
        // It was printed as JSON.
        Ok(None) => return Ok(ExitCode::SUCCESS),
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    for (at, of) in found.reports.into_iter().enumerate() {
        if at > 0 {
            println!();
        }
        let facts = LadderReportFacts::new(&of.name, of.from, of.to, of.counts);
        print!("{}", plain(&facts.page(&language)));
    }
    Ok(ExitCode::SUCCESS)
}

async fn term_report(args: Term) -> anyhow::Result<ExitCode> {
    let Term { school, name, html, language, asked } = args;
    let term = name.map_or_else(String::new, |term| format!("&term={term}"));
    let path = format!("/v1/reports/term?school={}{term}", encoded(school.as_str()));
    let found = match ask::<TermReport>(&asked, Method::GET, &path).await {
        Ok(Some(found)) => found,
        // It was printed as JSON.
        Ok(None) => return Ok(ExitCode::SUCCESS),
        Err(error) => return Ok(ExitCode::from(error.code())),
    };
    let TermReport { school, term, from, to, counts, .. } = found;
    let page = TermFacts::new(&school, term, (from, to), counts).page(&language);
    if let Some(file) = html
        && let Err(error) = std::fs::write(&file, page.html())
    {
        eprintln!("upprop: {} cannot be written: {error}", file.display());
        return Ok(ExitCode::from(exit::CANNOT_CREATE));
    }
    print!("{}", plain(&page));
    Ok(ExitCode::SUCCESS)
}
