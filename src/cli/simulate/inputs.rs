//! What a simulation is made from: configurations, people, and what is heard; read before anything is lived through,
//! so that everything that is wrong is told at once.

use std::path::Path;

use crate::cli::exit;
use crate::config::{Config, Report, Severity};
use crate::directory::School;
use crate::model::SchoolId;
use crate::simulate::made::{self, Shares};
use crate::simulate::results::Money;
use crate::simulate::{Given, Term, settings};

use super::SimulateArgs;

/// Why there is nothing to live through.
pub(super) struct Refused {
    /// The exit code.
    pub code: u8,
    /// Everything that is wrong, a line each.
    pub lines: Vec<String>,
}

impl Refused {
    fn data(line: String) -> Self {
        Self { code: exit::DATA, lines: vec![line] }
    }
}

/// A configuration that is tried.
pub(super) struct Named {
    pub name: String,
    pub config: Config,
    /// Whose settings schools have that it does not know.
    like: School,
}

/// Where the days come from.
enum Source {
    /// Made up: pupils of each school.
    Made(Vec<usize>, Term),
    /// Read.
    Read(Vec<Given>),
}

/// All that was read.
pub(super) struct Inputs {
    pub configs: Vec<Named>,
    source: Source,
    /// Where the data come from, in words.
    pub data: String,
    /// The days, in words.
    pub term: String,
    /// What was odd.
    pub remarks: Vec<String>,
}

impl Inputs {
    pub fn read(args: &SimulateArgs) -> Result<Self, Refused> {
        let first = match &args.config {
            Some(file) => named(&file.display().to_string(), settings::of_file(file))?,
            None => named("a new installation", settings::built_in())?,
        };
        let mut configs = vec![first];
        if let Some(file) = &args.against {
            configs.push(named(&file.display().to_string(), settings::of_file(file))?);
        }
        if let Some(pupils) = args.generate {
            let Some(term) = args.term.clone() else {
                let line = "upprop: --generate needs the days: add --term 2026-autumn".to_owned();
                return Err(Refused { code: exit::USAGE, lines: vec![line] });
            };
            let schools = made::schools(usize::try_from(pupils).unwrap_or(usize::MAX));
            let data = format!("made up, {pupils} pupils in {} schools", schools.len());
            if term.school_days().is_empty() {
                let line = format!("upprop: --term {}: there is no school day in it", term.name);
                return Err(Refused::data(line));
            }
            let name = term.name.clone();
            let source = Source::Made(schools, term);
            return Ok(Self { configs, source, data, term: name, remarks: Vec::new() });
        }
        Err(Refused::data("not yet".into()))
    }

    /// How many schools.
    pub fn schools(&self) -> usize {
        match &self.source {
            Source::Made(schools, _) => schools.len(),
            Source::Read(schools) => schools.len(),
        }
    }

    /// Days of a school, for a bar.
    pub fn days(&self) -> u64 {
        let (first, last) = match &self.source {
            Source::Made(_, term) => (term.days.first(), term.days.last()),
            Source::Read(schools) => match schools.first() {
                Some(given) => given.days,
                None => return 0,
            },
        };
        u64::try_from((last - first).get_days()).unwrap_or_default()
    }

    /// One school's term, and the configuration for it.
    pub fn world(&self, school: usize, config: usize, seed: u64) -> (Given, Config) {
        let named = &self.configs[config];
        match &self.source {
            Source::Made(schools, term) => {
                let id = SchoolId::new(format!("made-{:03}", school + 1)).expect("a good id");
                let config = settings::only(&named.config, &id, &named.like);
                let pupils = schools[school];
                // The first configuration's calendar says when there is school, for both.
                let days = settings::only(&self.configs[0].config, &id, &self.configs[0].like);
                let of = &days.schools[&id];
                let given = made::given(seed, school, pupils, of, term, Shares::default());
                (given, config)
            }
            Source::Read(schools) => {
                let given = schools[school].clone();
                let config = settings::only(&named.config, &given.school, &named.like);
                (given, config)
            }
        }
    }

    /// What a part costs, as the first school of the first configuration says.
    pub fn price(&self) -> Option<Money> {
        let price = self.configs.first()?.like.languages.price.clone()?;
        Some(Money { amount: price.amount, currency: price.currency })
    }
}

/// A configuration without errors that has a school.
fn named(name: &str, report: Report) -> Result<Named, Refused> {
    let errors = report.problems.iter().filter(|p| p.severity == Severity::Error);
    let lines: Vec<String> = errors.map(ToString::to_string).collect();
    let Some(config) = report.config else {
        return Err(Refused { code: exit::CONFIG, lines });
    };
    let Some(like) = config.schools.values().next().cloned() else {
        let line = format!(
            "{name}: error: there is no school in it, so there are no rules to try; add [schools.<id>]"
        );
        return Err(Refused { code: exit::CONFIG, lines: vec![line] });
    };
    let name =
        Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name).to_owned();
    Ok(Named { name, config, like })
}
