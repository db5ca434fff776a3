//! `upprop simulate`: a term through the rules of production, on a clock that is moved by hand. Reads what it is given,
//! lives through each school on a thread, and tells what came of it; nothing is sent, and nothing is kept but the
//! files that are asked for.

mod inputs;
mod work;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::exit;
use crate::directory::Price;
use crate::report;
use crate::simulate::Term;
use crate::simulate::results::{About, Language, Money, Results, Run};
use inputs::{Inputs, Refused};
use work::Trial;

/// Most pupils that are made up.
const MOST_PUPILS: u64 = 200_000;

/// Live through a term again: an export, a journal, or one that is made up.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("data").required(true))]
pub struct SimulateArgs {
    /// Make up so many pupils, in schools of 500 at most
    #[arg(long, value_name = "N", group = "data", value_parser = clap::value_parser!(u64).range(1..=MOST_PUPILS))]
    pub generate: Option<u64>,
    /// An export: a folder with attendance.csv, and absences.csv, schedule.csv and the directory's files where there are
    /// any; or the file of marks alone
    #[arg(long, value_name = "PATH", group = "data")]
    pub from: Option<PathBuf>,
    /// The journal of a store, whose folder this is
    #[arg(long, value_name = "DIR", group = "data")]
    pub journal: Option<PathBuf>,
    /// The folder of pupils.csv, guardians.csv and staff.csv; otherwise the export's, or that of the configuration
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Which days: 2026-autumn, 2027-spring, or 2026-08-17..2026-12-18; of an export or journal all, where none are given
    #[arg(long, value_name = "TERM", value_parser = Term::parse)]
    pub term: Option<Term>,
    /// The configuration to try; without one, that of a new installation
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Another configuration, to see the two side by side
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// A ladder to try, by its file or by the name of one that ships; in the place of the configuration's, and in force
    /// from the first day on. May be given several times
    #[arg(long, value_name = "FILE|NAME")]
    pub ladder: Vec<String>,
    /// Other ladders, to see the two side by side
    #[arg(long, value_name = "FILE|NAME")]
    pub against_ladder: Vec<String>,
    /// The same number makes the same people, days and failures
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// How many of the texts are not delivered, as 2% or 0.5%
    #[arg(long, value_name = "SHARE", default_value = "2%", value_parser = share)]
    pub undelivered: u32,
    /// What a part of a text costs, as "0.35 SEK" or 0.35; without it, what the first school's configuration says
    #[arg(long, value_name = "PRICE", value_parser = price)]
    pub price_per_part: Option<Money>,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the results as one page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// The language of the table and the page: sv or en
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub language: Language,
    /// Tell small counts too: they may show who somebody is
    #[arg(long)]
    pub exact: bool,
    /// Schools at once; as many as there are processors, where nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub threads: Option<u64>,
}

/// A share, in ten-thousandths.
fn share(text: &str) -> Result<u32, String> {
    let expected = || "write a share from 0% to 100%, as 2% or 0.5%".to_owned();
    let (whole, rest) = text
        .strip_suffix('%')
        .ok_or_else(expected)?
        .split_once('.')
        .unwrap_or((text.trim_end_matches('%'), ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return Err(expected());
    }
    let of: u32 = format!("{whole}{rest:0<2}").parse().map_err(|_| expected())?;
    if of > 10_000 { Err(expected()) } else { Ok(of) }
}

fn price(text: &str) -> Result<Money, String> {
    let whole = if text.contains(' ') { text.to_owned() } else { format!("{text} SEK") };
    let price = Price::new(&whole)
        .map_err(|right| format!("write {}", right.unwrap_or_else(|| "0.35 SEK".into())))?;
    Ok(Money { amount: price.amount, currency: price.currency })
}

/// Lives through it and tells.
///
/// # Errors
/// When a file cannot be written, or the rules cannot be run.
pub fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let inputs = match Inputs::read(args) {
        Ok(inputs) => inputs,
        Err(Refused { code, lines }) => {
            for line in lines {
                eprintln!("{line}");
            }
            return Ok(ExitCode::from(code));
        }
    };
    // Before the work: it would be lost.
    for file in [&args.json, &args.html].into_iter().flatten() {
        if let Err(error) = std::fs::File::options().append(true).create(true).open(file) {
            eprintln!("upprop: {} cannot be written: {error}", file.display());
            return Ok(ExitCode::from(exit::CANNOT_CREATE));
        }
    }
    let trial = Trial { inputs: &inputs, seed: args.seed, undelivered: args.undelivered };
    let threads = args.threads.and_then(|n| usize::try_from(n).ok());
    let tallies = work::all(&trial, threads)?;
    let runs = inputs.configs.iter().zip(tallies);
    let results = Results {
        about: About {
            data: inputs.data.clone(),
            term: inputs.term.clone(),
            seed: args.seed,
            undelivered: args.undelivered,
            price: args.price_per_part.clone().or_else(|| inputs.price()),
            exact: args.exact,
            remarks: inputs.remarks.clone(),
        },
        runs: runs.map(|(config, tally)| Run { name: config.name.clone(), tally }).collect(),
    };
    let page = results.page(args.language);
    if let Some(file) = &args.json {
        write(file, &format!("{:#}\n", results.json()))?;
    }
    if let Some(file) = &args.html {
        write(file, &page.html())?;
    }
    let text = report::plain(&page);
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_prices_are_read_as_people_write_them() {
        for (text, expected) in [
            ("2%", Some(200)),
            ("0.5%", Some(50)),
            ("100%", Some(10_000)),
            ("0%", Some(0)),
            ("2", None),
            ("-1%", None),
            ("101%", None),
            ("0.125%", None),
            ("%", None),
        ] {
            assert_eq!(share(text).ok(), expected, "{text}");
        }
        assert_eq!(price("0.35").map(|m| (m.amount, m.currency)), Ok((3_500, "SEK".into())));
        assert_eq!(price("1.20 EUR").map(|m| (m.amount, m.currency)), Ok((12_000, "EUR".into())));
        assert!(price("cheap").is_err());
    }
}
