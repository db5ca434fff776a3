//! `upprop ladder preview`: whom a changed ladder would affect, asked of the running store before it is applied.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use http::Method;

use super::ask::{Asked, ask_with};
use super::{duty, exit, run};
use crate::config::{self, Secrets};
use crate::ladder::read::{MOST_BYTES, read};
use crate::ladder::{Ladder, SHIPPED, shipped};
use crate::model::{PupilId, SchoolId};
use crate::operate::ladder_preview::{self, AtSchool, AtStep, Previewed};

/// Arguments of `upprop ladder preview`.
#[derive(Debug, clap::Args)]
pub struct Preview {
    /// Ladders that are not in the configuration, by file or by the name of one that ships; else those that the configuration given with --config has.
    #[arg(long, value_name = "FILE|NAME", requires = "school")]
    ladder: Vec<PathBuf>,
    /// Of this school only.
    #[arg(long, value_name = "ID", value_parser = duty::school)]
    school: Option<SchoolId>,
    /// Name the pupils, by id.
    #[arg(long)]
    pupils: bool,
    #[command(flatten)]
    asked: Asked,
}

impl Preview {
    /// Asks, and prints it.
    pub async fn run(self) -> ExitCode {
        let schools = if self.ladder.is_empty() { self.configured() } else { self.given() };
        let schools = match schools {
            Ok(schools) => schools,
            Err(code) => return code,
        };
        let asked = ladder_preview::Asked { schools, pupils: self.pupils };
        let path = "/v1/ladder-preview";
        match ask_with::<Previewed>(&self.asked, Method::POST, path, &asked).await {
            Ok(None) => ExitCode::SUCCESS,
            Ok(Some(found)) => {
                print!("{}", told(&found));
                ExitCode::SUCCESS
            }
            Err(error) => ExitCode::from(error.code()),
        }
    }

    /// The ladders of the files that are named.
    fn given(&self) -> Result<BTreeMap<SchoolId, Vec<Ladder>>, ExitCode> {
        let mut ladders = Vec::new();
        let mut bad = false;
        for file in &self.ladder {
            let shown = file.display();
            let by_name = file.to_str().and_then(shipped);
            let text = match std::fs::metadata(file) {
                _ if by_name.is_some() => Ok(by_name.map_or("", |one| one.text).to_owned()),
                Ok(found) if found.len() > MOST_BYTES => Err(std::io::Error::other("is too long")),
                Ok(_) => std::fs::read_to_string(file),
                Err(error) => Err(error),
            };
            match text.map(|text| read(&text)) {
                Ok(Ok(plan)) => ladders.push(plan.ladder),
                Ok(Err(faults)) => {
                    bad = true;
                    for fault in faults {
                        eprintln!("{shown}:{fault}");
                    }
                }
                Err(error) => {
                    bad = true;
                    let known: Vec<&str> = SHIPPED.iter().map(|one| one.name).collect();
                    let known = known.join(", ");
                    eprintln!("upprop: {shown}: {error}; name a file, or one of {known}");
                }
            }
        }
        match &self.school {
            Some(school) if !bad => Ok([(school.clone(), ladders)].into()),
            _ => Err(ExitCode::from(exit::CONFIG)),
        }
    }

    /// The ladders that the configuration would have each school follow.
    fn configured(&self) -> Result<BTreeMap<SchoolId, Vec<Ladder>>, ExitCode> {
        let report = config::load(&self.asked.config, run::credentials_dir(), Secrets::Checked);
        let Some(config) = report.config else {
            for problem in &report.problems {
                eprintln!("{problem}");
            }
            eprintln!("upprop: the configuration has errors; see upprop check");
            return Err(ExitCode::from(exit::CONFIG));
        };
        if let Some(id) = self.school.as_ref().filter(|id| !config.schools.contains_key(*id)) {
            let there: Vec<&str> = config.schools.keys().map(SchoolId::as_str).collect();
            eprintln!("upprop: no school has that id: {id}; there are: {}", there.join(", "));
            return Err(ExitCode::from(exit::CONFIG));
        }
        let is_asked = |id: &SchoolId| self.school.as_ref().is_none_or(|school| school == id);
        let schools = config.schools.into_values().filter(|school| is_asked(&school.id));
        let ladders = schools.map(|school| {
            let all = school.ladders.versions.iter().map(|ladder| Ladder::clone(ladder));
            (school.id.clone(), all.collect())
        });
        Ok(ladders.collect())
    }
}

fn told(found: &Previewed) -> String {
    let mut out = String::new();
    for school in &found.schools {
        at_school(&mut out, school);
    }
    out += "Nothing was written. A version fires nothing of what was true before the day from which it is in force.\n";
    out
}

fn at_school(out: &mut String, school: &AtSchool) {
    let AtSchool { school: id, pupils, since, steps, dropped } = school;
    let _ = writeln!(out, "School {id}, {pupils} pupil(s), had it been so since {since}");
    if steps.is_empty() {
        *out += "  it follows no ladder\n";
    }
    for step in steps {
        at_step(out, step);
    }
    for ladder in dropped {
        let _ = writeln!(out, "  ladder {ladder} is followed no more: its open duties stay");
    }
}

fn at_step(out: &mut String, step: &AtStep) {
    let AtStep { ladder, version, step: id, title, then, now, classes, added, left_out } = step;
    let _ = writeln!(out, "  {ladder} {version}, {id}: {title}");
    let before = now.map_or_else(
        || "a new step".to_owned(),
        |now| format!("{} pupil(s), {} time(s), {} today", now.pupils, now.times, now.today),
    );
    let _ = writeln!(
        out,
        "    {} pupil(s), {} time(s), {} today; by the version in force: {before}",
        then.pupils, then.times, then.today
    );
    if !classes.is_empty() {
        let classes: Vec<String> =
            classes.iter().map(|(class, count)| format!("{class}: {count}")).collect();
        let _ = writeln!(out, "    by class: {}", classes.join(", "));
    }
    for (word, pupils) in [("added", added), ("left out", left_out)] {
        if !pupils.is_empty() {
            let pupils: Vec<&str> = pupils.iter().map(PupilId::as_str).collect();
            let _ = writeln!(out, "    {word}: {}", pupils.join(", "));
        }
    }
}
