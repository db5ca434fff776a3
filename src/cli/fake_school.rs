//! `upprop fake-school`: a made-up school on this machine that speaks SS 12000, as the standard has it
//! or as vendors do.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tokio_util::task::TaskTracker;

use crate::cli::exit;
use crate::env::Clock;
use crate::sim::school::{Access, Quirks, School, SchoolSettings};

/// Most pupils a school is made for.
const MOST_PUPILS: u64 = 200_000;

/// Run a made-up school that serves SS 12000 on this machine.
#[derive(Debug, Clone, clap::Args)]
pub struct FakeSchoolArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8753")]
    pub listen: SocketAddr,
    /// How many pupils there are
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=MOST_PUPILS))]
    pub pupils: u64,
    /// How many school units they go to
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub schools: u64,
    /// The same number makes the same school and the same day
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// What it does otherwise than the standard: names with commas between them; `list` explains them
    #[arg(long, value_name = "NAMES", default_value = "")]
    pub quirks: String,
    /// Let the first lesson begin now, and not at eight
    #[arg(long)]
    pub now: bool,
    /// Let the day unfold: registers are taken, marks made, excuses given
    #[arg(long)]
    pub day: bool,
    /// How long a minute of the day lasts, as 1s or 500ms; implies --now
    #[arg(long, value_name = "TIME", value_parser = minute)]
    pub minute: Option<SignedDuration>,
    /// The school's time zone
    #[arg(long, value_name = "ZONE", default_value = "Europe/Stockholm", value_parser = zone)]
    pub time_zone: TimeZone,
    /// Take this token too, without asking the token endpoint
    #[arg(long, value_name = "TOKEN")]
    pub bearer: Option<String>,
    /// Take this header too, as X-Api-Key=secret
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    pub header: Option<(String, String)>,
    /// How long a token lasts, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub token_lifetime: u32,
}

fn minute(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(time) if time.is_positive() && time <= SignedDuration::from_hours(1) => Ok(time),
        _ => Err("give a time as 1s, 500ms or 1m, one hour at most".into()),
    }
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| "give an IANA name, as Europe/Stockholm".into())
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give NAME=VALUE, as X-Api-Key=secret".into()),
    }
}

impl FakeSchoolArgs {
    fn settings(&self, clock: &dyn Clock, quirks: Quirks) -> SchoolSettings {
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        SchoolSettings {
            listen: self.listen,
            pupils: count(self.pupils),
            schools: count(self.schools),
            seed: self.seed,
            zone: self.time_zone.clone(),
            begin: (self.now || self.minute.is_some()).then(|| clock.now()),
            minute: self.minute.unwrap_or(SignedDuration::from_mins(1)),
            day: self.day,
            quirks,
            access: Access {
                bearer: self.bearer.clone(),
                header: self.header.clone(),
                lifetime: self.token_lifetime.into(),
                ..Access::default()
            },
            ..SchoolSettings::default()
        }
    }
}

/// What to write into the configuration, and where to look.
fn told(school: &School, args: &FakeSchoolArgs) -> String {
    let access = Access::default();
    let (url, token) = (school.url(), school.token_url());
    let quirks = if args.quirks.is_empty() { "none" } else { &args.quirks };
    let units: Vec<String> =
        school.units().into_iter().map(|(id, name)| format!("{} = \"{id}\"", key(&name))).collect();
    format!(
        "School  {url}   (quirks: {quirks})\n\
         Token   {token}\n\
         Look    {look}/_school   (ids, lessons, guardians; POST {look}/_school/act steers)\n\
         \n\
         For upprop's configuration, beside [schools.…] of these names:\n\
         \n\
         [ss12000.fake-school]\n\
         url = \"{url}\"\n\
         auth = \"oauth2-client-credentials\"\n\
         token-url = \"{token}\"\n\
         client-id-file = \"fake-school-id\"          # it holds {id}, and nobody else may read it\n\
         client-secret-file = \"fake-school-secret\"  # {secret}\n\
         gives = [\"directory\", \"schedule\", \"attendance\"]\n\
         schools = {{ {units} }}\n\
         \n\
         Ctrl-C ends.\n",
        look = token.trim_end_matches("/token"),
        id = access.client_id,
        secret = access.client_secret,
        units = units.join(", "),
    )
}

/// A name as the name of a table: small letters without their dots and rings.
fn key(name: &str) -> String {
    let small = name.to_lowercase().replace(['å', 'ä'], "a").replace('ö', "o");
    small.replace(' ', "-")
}

/// Runs until Ctrl-C.
///
/// # Errors
/// When the address cannot be listened on, or standard output cannot be written.
pub async fn run(args: FakeSchoolArgs, clock: Arc<dyn Clock>) -> anyhow::Result<ExitCode> {
    if args.quirks == "list" {
        write!(std::io::stdout().lock(), "{}", Quirks::list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let quirks = match args.quirks.parse() {
        Ok(quirks) => quirks,
        Err(words) => {
            eprintln!("upprop: --quirks: {words}");
            return Ok(ExitCode::from(exit::USAGE));
        }
    };
    let tasks = TaskTracker::new();
    let settings = args.settings(clock.as_ref(), quirks);
    let school = School::start(settings, clock, &tasks)
        .context("the school cannot start; choose another address with --listen")?;
    writeln!(std::io::stdout().lock(), "{}", told(&school, &args))?;
    tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")?;
    school.stop().await;
    tasks.close();
    tasks.wait().await;
    let asked: u64 = school.asked().values().flat_map(|by| by.values()).sum();
    writeln!(std::io::stdout().lock(), "\n{asked} requests were answered.")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;
    use crate::env::clock::SystemClock;

    fn args(line: &str) -> Result<FakeSchoolArgs, clap::Error> {
        let command = FakeSchoolArgs::augment_args(clap::Command::new("x").no_binary_name(true));
        FakeSchoolArgs::from_arg_matches(&command.try_get_matches_from(line.split_whitespace())?)
    }

    #[test]
    fn what_is_typed_makes_the_school() {
        let clock = SystemClock::new();
        let typed = args("--pupils 7 --schools 2 --minute 2s --day --header X-Key=a=b --seed 9")
            .expect("good");
        let settings = typed.settings(&clock, Quirks::default());
        assert_eq!((settings.pupils, settings.schools, settings.seed), (7, 2, 9));
        assert!(settings.day && settings.begin.is_some());
        assert_eq!(settings.minute, SignedDuration::from_secs(2));
        assert_eq!(settings.access.header, Some(("X-Key".into(), "a=b".into())));
        assert!(args("").expect("good").settings(&clock, Quirks::default()).begin.is_none());
        for wrong in
            ["--minute 0s", "--minute fast", "--time-zone Mars", "--header x", "--pupils 0"]
        {
            assert!(args(wrong).is_err(), "{wrong}");
        }
        assert_eq!(key("Björkskolan Östra"), "bjorkskolan-ostra");
    }
}
