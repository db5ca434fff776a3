//! `upprop ladder explain`: which steps a pupil's absence has reached, because of which days, and what is missing to
//! the next.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, ask, encoded};
use super::duty;
use crate::model::{PupilId, SchoolId};
use crate::operate::ladders::{AtStep, Explained, Reached};

/// Arguments of `upprop ladder explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The school, as the configuration has it.
    #[arg(value_name = "SCHOOL", value_parser = duty::school)]
    school: SchoolId,
    /// The pupil, as the school system has it.
    #[arg(value_name = "PUPIL", value_parser = pupil)]
    pupil: PupilId,
    #[command(flatten)]
    asked: Asked,
}

fn pupil(text: &str) -> Result<PupilId, String> {
    PupilId::new(text.trim())
        .map_err(|error| format!("it {error}; give the pupil's id as the school system has it"))
}

impl Explain {
    /// Asks, and says it in words.
    pub async fn run(self) -> ExitCode {
        let (school, pupil) = (encoded(self.school.as_str()), encoded(self.pupil.as_str()));
        let path = format!("/v1/ladders/{school}/{pupil}");
        match ask::<Explained>(&self.asked, Method::GET, &path).await {
            Ok(found) => {
                print!("{}", found.map(|found| told(&found)).unwrap_or_default());
                ExitCode::SUCCESS
            }
            Err(error) => ExitCode::from(error.code()),
        }
    }
}

fn told(found: &Explained) -> String {
    let mut out = format!("Pupil {} of {}\n", found.pupil, found.school);
    match found.since {
        Some(since) => {
            let days: Vec<String> = found.away.iter().map(ToString::to_string).collect();
            let days = if days.is_empty() { "no day".to_owned() } else { days.join(", ") };
            let _ = writeln!(out, "Known since {since}; away on {days}");
        }
        None => out += "Nothing is known of any lesson\n",
    }
    for ladder in &found.ladders {
        let _ = writeln!(out, "\n{} ({}, version {})", ladder.title, ladder.name, ladder.version);
        for step in &ladder.steps {
            at_step(&mut out, step);
        }
    }
    if !found.by_others.is_empty() {
        out += "\nBy other versions\n";
        for reached in &found.by_others {
            let _ = writeln!(out, "  {} of version {}", reached.step, reached.version);
            at_time(&mut out, reached);
        }
    }
    out
}

fn at_step(out: &mut String, step: &AtStep) {
    let _ = writeln!(out, "  {}: {}", step.step, step.title);
    if !step.asked {
        *out += "    not asked of this pupil: school year, age, form or school\n";
    }
    for reached in &step.reached {
        at_time(out, reached);
    }
    if step.asked {
        let _ = writeln!(out, "    now: {}", step.missing);
    }
}

fn at_time(out: &mut String, reached: &Reached) {
    let days: Vec<String> = reached.because.iter().map(ToString::to_string).collect();
    let because =
        if days.is_empty() { String::new() } else { format!(", because of {}", days.join(", ")) };
    let _ = writeln!(out, "    reached {}{because}", reached.day);
    if let Some(why) = &reached.why {
        let _ = writeln!(out, "      taken back: {why}");
    }
    for one in &reached.duties {
        let _ = writeln!(out, "      {}", duty::line(one));
    }
}
