//! What a simulation is made from: configurations, people, and what is heard; read before anything is lived through,
//! so that everything that is wrong is told at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use crate::app;
use crate::calendar::Days;
use crate::cli::exit;
use crate::config::{Config, Report, Severity};
use crate::directory::csv::PUPILS_FILE;
use crate::directory::load::Gathered;
use crate::directory::{Directory, LoadError, Roster, School};
use crate::env::{Clock as _, SystemClock};
use crate::ladder::read::read;
use crate::ladder::{Ladder, SHIPPED, shipped};
use crate::model::{SchoolId, local_date};
use crate::simulate::made::{self, Shares};
use crate::simulate::results::{Language, Money};
use crate::simulate::{Given, Heard, Term, export, past, settings};
use crate::source::drop::kind::Kind;

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
#[derive(Clone)]
pub(super) struct Named {
    pub name: String,
    pub config: Config,
    /// Whose settings schools have that it does not know.
    like: School,
}

impl Named {
    /// The same with these ladders for every school, in force from the first day on; none: as it is.
    fn following(mut self, ladders: &[String]) -> Result<Self, Refused> {
        if ladders.is_empty() {
            return Ok(self);
        }
        let (mut versions, mut lines) = (Vec::new(), Vec::new());
        for name in ladders {
            match ladder(name) {
                Ok(ladder) => versions.push(Arc::new(ladder)),
                Err(wrong) => lines.extend(wrong),
            }
        }
        if !lines.is_empty() {
            return Err(Refused { code: exit::CONFIG, lines });
        }
        for school in self.config.schools.values_mut().chain([&mut self.like]) {
            school.ladders.versions.clone_from(&versions);
            school.ladders.since = None;
        }
        let names: Vec<&str> = versions.iter().map(|ladder| ladder.name.as_str()).collect();
        self.name = format!("{}, {}", self.name, names.join(", "));
        Ok(self)
    }
}

/// A ladder by its file, or by the name of one that ships.
fn ladder(name: &str) -> Result<Ladder, Vec<String>> {
    let text = match shipped(name) {
        Some(shipped) => shipped.text.to_owned(),
        None => std::fs::read_to_string(name).map_err(|error| {
            let known: Vec<&str> = SHIPPED.iter().map(|one| one.name).collect();
            vec![format!(
                "{name}: cannot be read: {error}; name a file, or one of {}",
                known.join(", ")
            )]
        })?,
    };
    let plan = read(&text).map_err(|faults| {
        faults.iter().map(|fault| format!("{name}:{fault}")).collect::<Vec<_>>()
    })?;
    // It is tried on days that are over: what it says of its own beginning is for the days to come.
    Ok(Ladder { from: Date::constant(2000, 1, 1), ..plan.ladder })
}

/// The one of two texts, Swedish and English, that was asked for.
fn words(args: &SimulateArgs, (sv, en): (&'static str, &'static str)) -> &'static str {
    match args.language {
        Language::Sv => sv,
        Language::En => en,
    }
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
    language: Language,
    /// What was odd.
    pub remarks: Vec<String>,
}

impl Inputs {
    pub fn read(args: &SimulateArgs) -> Result<Self, Refused> {
        let first = match &args.config {
            Some(file) => named(&file.display().to_string(), settings::of_file(file))?,
            None => named(
                words(args, ("en ny installation", "a new installation")),
                settings::built_in(),
            )?,
        };
        let second = match &args.against {
            Some(file) => Some(named(&file.display().to_string(), settings::of_file(file))?),
            None if args.against_ladder.is_empty() => None,
            None => Some(first.clone()),
        };
        let mut configs = vec![first.following(&args.ladder)?];
        if let Some(second) = second {
            configs.push(second.following(&args.against_ladder)?);
        }
        let mut inputs = Self {
            configs,
            source: Source::Read(Vec::new()),
            data: String::new(),
            term: String::new(),
            language: args.language,
            remarks: Vec::new(),
        };
        match (args.generate, &args.from, &args.journal) {
            (Some(pupils), ..) => inputs.make(args, pupils)?,
            (_, Some(path), _) => inputs.read_export(args, path)?,
            (.., Some(dir)) => inputs.read_journal(args, dir)?,
            _ => {}
        }
        Ok(inputs)
    }

    fn make(&mut self, args: &SimulateArgs, pupils: u64) -> Result<(), Refused> {
        let Some(term) = &args.term else {
            let line = "upprop: --generate needs the days: add --term 2026-autumn".to_owned();
            return Err(Refused { code: exit::USAGE, lines: vec![line] });
        };
        let school = &self.configs[0].like;
        if !term.school_days().into_iter().any(|day| school.is_school_day(day)) {
            let line = format!(
                "upprop: --term {}: there is no school day in it; name other days",
                term.name
            );
            return Err(Refused::data(line));
        }
        let schools = made::schools(usize::try_from(pupils).unwrap_or(usize::MAX));
        self.data = match args.language {
            Language::Sv => format!("påhittat: {pupils} elever, skolor: {}", schools.len()),
            Language::En => format!("made up: {pupils} pupils, schools: {}", schools.len()),
        };
        self.term.clone_from(&term.name);
        self.source = Source::Made(schools, term.clone());
        Ok(())
    }

    fn read_export(&mut self, args: &SimulateArgs, path: &Path) -> Result<(), Refused> {
        let is_folder = path.is_dir();
        let beside = |name: &str| Some(path.join(name)).filter(|file| is_folder && file.exists());
        let own = beside(PUPILS_FILE).map(|_| path.to_owned());
        let directory = self.directory(args, own)?;
        // The words and columns of the drop folder that the configuration has, where it has one.
        let folders = app::drop_folders(&self.configs[0].config);
        let folder = folders.into_iter().map(|(_, folder)| folder);
        let folder = folder.into_iter().find(|folder| folder.names.contains_key(&Kind::Attendance));
        let (writing, meaning) =
            folder.map_or_else(export::plain, |folder| (folder.writing, folder.meaning));
        let export = export::Export {
            attendance: if is_folder { path.join("attendance.csv") } else { path.to_owned() },
            absences: beside("absences.csv"),
            schedule: beside("schedule.csv"),
            writing,
            meaning,
        };
        let found = export::read(&export, &directory, args.term.as_ref())
            .map_err(|unusable| Refused { code: exit::DATA, lines: unusable.lines })?;
        for problem in &found.problems {
            eprintln!("{problem}");
        }
        self.remarks.extend(found.remarks);
        let what = path.file_name().and_then(|name| name.to_str()).unwrap_or("an export");
        self.take(what, found.heard, &directory, args.term.as_ref())
    }

    fn read_journal(&mut self, args: &SimulateArgs, dir: &Path) -> Result<(), Refused> {
        // A store's folder, or the journal's own.
        let inner = dir.join("journal");
        let folder = if inner.is_dir() { inner } else { dir.to_owned() };
        let found =
            past(&folder, args.term.as_ref()).map_err(|error| Refused::data(error.to_string()))?;
        let Some(found) = found else {
            let line = format!(
                "{}: holds no journal; name the folder of a store, as /var/lib/upprop",
                dir.display()
            );
            return Err(Refused::data(line));
        };
        if found.damaged > 0 {
            self.remarks.push(format!("{} rows of the journal could not be read", found.damaged));
        }
        let directory = self.directory(args, None)?;
        self.take("a journal", found.heard, &directory, args.term.as_ref())
    }

    /// The people: of the folder that is named, the export's own, or the configuration's.
    fn directory(
        &mut self,
        args: &SimulateArgs,
        own: Option<PathBuf>,
    ) -> Result<Directory, Refused> {
        let named = &self.configs[0];
        let configured = || named.config.directory.folder.clone();
        let Some(folder) = args.directory.clone().or(own).or_else(configured) else {
            let line = "upprop: there are no people: add --directory, the folder of pupils.csv and guardians.csv";
            return Err(Refused { code: exit::USAGE, lines: vec![line.to_owned()] });
        };
        let shown = |problem: &dyn std::fmt::Display| format!("{}: {problem}", folder.display());
        let refused = |error: LoadError| Refused {
            code: exit::DATA,
            lines: error.problems.iter().map(|problem| shown(problem)).collect(),
        };
        let files = Gathered::from_folder(&folder).map_err(refused)?;
        let mut schools = named.config.schools.clone();
        if args.config.is_none() {
            // Without a configuration every school has the rules of a new installation.
            let pupils = std::fs::read(folder.join(PUPILS_FILE)).unwrap_or_default();
            schools = export::schools_of(&pupils)
                .into_iter()
                .map(|id| {
                    let one = settings::only(&named.config, &id, &named.like);
                    let school = one.schools.into_values().next();
                    (id, school.unwrap_or_else(|| named.like.clone()))
                })
                .collect();
        }
        let rules = app::directory_settings(&named.config).phone;
        let loaded = files
            .load(&schools.keys().cloned().collect(), &rules, SystemClock::new().now())
            .map_err(refused)?;
        Ok(Directory { schools: Arc::new(schools), roster: Arc::new(loaded.roster) })
    }

    /// Sorts what was heard by school, each with its own people.
    fn take(
        &mut self,
        what: &str,
        heard: BTreeMap<SchoolId, Vec<Heard>>,
        directory: &Directory,
        term: Option<&Term>,
    ) -> Result<(), Refused> {
        let mut schools = Vec::new();
        let (mut unknown, mut pupils) = (0, 0);
        for (id, heard) in heard {
            let Some(school) = directory.schools.get(&id) else {
                unknown += 1;
                continue;
            };
            let day = |one: Option<&Heard>| one.map(|one| local_date(one.at, &school.zone));
            let (Some(first), Some(last)) = (day(heard.first()), day(heard.last())) else {
                continue;
            };
            let roster = of_school(&directory.roster, &id);
            pupils += roster.pupil_count();
            schools.push(Given {
                school: id,
                roster: Arc::new(roster),
                heard,
                days: (first, last),
            });
        }
        if unknown > 0 {
            self.remarks
                .push(format!("{unknown} schools are not in the configuration and are left out"));
        }
        let (Some(first), Some(last)) =
            (schools.iter().map(|s| s.days.0).min(), schools.iter().map(|s| s.days.1).max())
        else {
            let line = format!(
                "upprop: {what} says nothing of a school that is configured; use the schools' ids in it, or other days"
            );
            return Err(Refused::data(line));
        };
        self.data = match self.language {
            Language::Sv => format!("{what}: {pupils} elever, skolor: {}", schools.len()),
            Language::En => format!("{what}: {pupils} pupils, schools: {}", schools.len()),
        };
        self.term = term.map_or_else(|| format!("{first}..{last}"), |term| term.name.clone());
        self.source = Source::Read(schools);
        Ok(())
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
                let with_days = |named: &Named| {
                    settings::with_days(settings::only(&named.config, &id, &named.like), term)
                };
                let config = with_days(named);
                // The first configuration's calendar says when there is school, for both.
                let days = with_days(&self.configs[0]);
                let (of, pupils) = (&days.schools[&id], schools[school]);
                let given = made::given(seed, school, pupils, of, term, Shares::default());
                (given, config)
            }
            Source::Read(schools) => {
                let given = schools[school].clone();
                let config = settings::only(&named.config, &given.school, &named.like);
                let days = Days::new(given.days.0, given.days.1);
                let term = days.map(|days| Term { name: String::new(), days, closed: Vec::new() });
                let config = match term {
                    Some(term) => settings::with_days(config, &term),
                    None => config,
                };
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

/// One school's pupils, those at home of them, and the staff.
fn of_school(all: &Roster, school: &SchoolId) -> Roster {
    let pupils = all.pupils.get(school).cloned().unwrap_or_default();
    let links = pupils.values().flat_map(|pupil| &pupil.guardians);
    let known = links.filter_map(|link| all.guardians.get_key_value(&link.guardian));
    Roster {
        guardians: known.map(|(id, guardian)| (id.clone(), guardian.clone())).collect(),
        pupils: BTreeMap::from([(school.clone(), pupils)]),
        staff: all.staff.clone(),
        loaded_at: all.loaded_at,
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
