//! `upprop silence import`: a silence for each event of a calendar file that has not ended. What is not taken is told with
//! its line, and what to write instead.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::Method;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ask::{Asked, NoAnswer, ask_with};
use super::exit;
use super::silence::{PATH, Whom, in_words};
use crate::calendar::Again;
use crate::calendar::events::{self, Event};
use crate::calendar::ics::MOST_BYTES;
use crate::env::Clock as _;
use crate::env::clock::SystemClock;
use crate::operate::silences::Silenced;

/// Longest silence that is proposed, in days.
const YEAR: i64 = 365;

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The calendar file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    whom: Whom,
    /// Show what would be added, and add nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    asked: Asked,
}

/// What became of a file.
#[derive(Default)]
struct Done {
    /// The silences that were not there before.
    made: Vec<String>,
    /// All that there are of it.
    taken: usize,
    over: usize,
    faults: Vec<(usize, String)>,
}

impl Import {
    pub(super) async fn run(self) -> ExitCode {
        let read = contents(&self.file).and_then(|text| events::read(&text));
        let (events, faults) = match read {
            Ok(events::Read { events, faults }) => (events, faults),
            Err(words) => {
                eprintln!("upprop: {}: {words}", self.file.display());
                return ExitCode::from(exit::GENERAL);
            }
        };
        let told = |(line, fault): (usize, &str)| (line, fault.to_owned());
        let mut done = Done { faults: faults.into_iter().map(told).collect(), ..Done::default() };
        let today = SystemClock::new().now().to_zoned_datetime(TimeZone::UTC).date();
        for event in events {
            if let Err(error) = self.take(event, today, &mut done).await {
                self.told(&mut done);
                return ExitCode::from(error.code());
            }
        }
        self.told(&mut done);
        if done.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::GENERAL) }
    }

    async fn take(&self, event: Event, today: Date, done: &mut Done) -> Result<(), NoAnswer> {
        // Anywhere on earth.
        let is_over = |day: Date| today.yesterday().is_ok_and(|before| day < before);
        let first_is_over =
            event.to.get(..10).and_then(|day| day.parse().ok()).is_some_and(is_over);
        if let Some(again) = &event.again {
            if first_is_over && again.last.is_some_and(is_over) {
                done.over += 1;
                return Ok(());
            }
            let what = if first_is_over { "not taken" } else { "only its first time is taken" };
            let words = format!("it comes again; {what}; {}", self.instead(&event, again, today));
            done.faults.push((event.line, words));
        }
        if first_is_over {
            done.over += usize::from(event.again.is_none());
            return Ok(());
        }
        let title = event.summary.clone();
        let reason = if title.is_empty() { "calendar".into() } else { title.clone() };
        let body = self.whom.clone().silence(event.from, event.to, reason);
        let path = if self.dry_run { format!("{PATH}/try") } else { PATH.to_owned() };
        match ask_with::<Silenced>(&self.asked, Method::POST, &path, &body).await {
            Ok(Some(silenced)) => {
                let Silenced { silence, zone, known, .. } = silenced;
                let there = if known { " (there already)" } else { "" };
                println!("{}  {title:?}: {}{there}", silence.id, in_words(&silence, &zone));
                done.taken += 1;
                done.made.extend((!known).then_some(silence.id));
            }
            Ok(None) => done.taken += 1,
            Err(NoAnswer::Refused(words)) => done.faults.push((event.line, words)),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// The command that says what an event says that comes again.
    fn instead(&self, event: &Event, again: &Again, today: Date) -> String {
        let day = |text: &str| text.get(..10).and_then(|day| day.parse::<Date>().ok());
        let (first, last) = (day(&event.from), day(&event.to));
        let is_timed = event.from.contains('T');
        // What goes on for days is not said by days of the week.
        let weekdays = again.weekdays.as_ref().filter(|_| is_timed || first == last);
        let whom = self.whom.written();
        let Some(weekdays) = weekdays else {
            return format!(
                "for each of its times write `upprop silence add {whom} --from FIRST --to LAST --reason TEXT`"
            );
        };
        let from = first.map_or(today, |first| first.max(today));
        let year = from.saturating_add(YEAR.days());
        let to =
            again.last.map_or_else(|| "LAST-DAY".to_owned(), |last| last.min(year).to_string());
        let mut more = String::new();
        if weekdays.len() < 7 {
            more = format!(" --weekdays {}", super::silence::days(weekdays));
        }
        if is_timed {
            let hours = event.hours.as_deref().unwrap_or("HH:MM-HH:MM");
            let _ = write!(more, " --between {hours}");
        }
        let except = if again.exceptions {
            ", which would hold on the days that it leaves out too"
        } else {
            ""
        };
        format!(
            "write `upprop silence add {whom} --from {from} --to {to}{more} --reason TEXT`{except}"
        )
    }

    fn told(&self, done: &mut Done) {
        done.faults.sort();
        for (line, words) in &done.faults {
            eprintln!("upprop: {}:{line}: {words}", self.file.display());
        }
        if self.asked.json {
            return;
        }
        let would =
            if self.dry_run { "Nothing was added. Silences that would be: " } else { "Silences: " };
        println!("{would}{}; events that are over: {}.", done.taken, done.over);
        if !self.dry_run && !done.made.is_empty() {
            println!("Take back what is new with `upprop silence remove {}`.", done.made.join(" "));
        }
    }
}

fn contents(file: &Path) -> Result<String, String> {
    let no = |error| format!("it cannot be read: {error}");
    let opened = std::fs::File::open(file).map_err(no)?;
    let mut text = String::new();
    let read = opened.take(MOST_BYTES + 1).read_to_string(&mut text);
    // A character may be cut in two where it is too long.
    let length = std::fs::metadata(file).map_or(0, |about| about.len());
    if length.max(u64::try_from(text.len()).unwrap_or(u64::MAX)) > MOST_BYTES {
        return Err(format!(
            "it has {length} bytes, and {MOST_BYTES} are the most; export a shorter time"
        ));
    }
    read.map_err(no)?;
    Ok(text)
}
