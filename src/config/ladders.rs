//! `[ladders]` with the files that are read, and `ladder`, `ladder-since`, `form`, `day-ends`, `ladder-mail`,
//! `calls-per-hour`, `duty-list-at`, `ladder-report-at` and `ladder-settle` of a school: which ladders it follows, and how.
//! What is wrong in a file is told with its line in it; what a school lacks for its ladder, at the school.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Date;

use super::layers::Layers;
use super::problem::{Problem, Severity, did_you_mean};
use super::reader::Reader;
use super::secret::Secrets;
use super::{Config, clock};
use crate::calendar::Calendar;
use crate::directory::{LadderMail, LadderRules, School};
use crate::ladder::needs::Needs;
use crate::ladder::read::{MOST_BYTES, Plan, read};
use crate::ladder::{Ladder, SHIPPED, SchoolDays, shipped};
use crate::model::SchoolId;

/// What mails about steps and duties say of whom they are about.
const MAIL: [(&str, LadderMail); 3] = [
    ("pointer", LadderMail::Pointer),
    ("initials", LadderMail::Initials),
    ("name", LadderMail::Name),
];

/// Days of a term of a school whose terms are not known: the longest there is.
const LONG_TERM: u32 = 170;

/// What `[ladders]` comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ladders {
    /// Files, and names of ladders that ship, as they were written.
    pub named: Vec<String>,
    /// What was read of them, and ladders that ship which a school follows without their being named.
    pub files: Vec<LadderFile>,
    /// Whether one of the files was not read: it has faults, or was not asked for.
    pub unread: bool,
    /// Most calls home of one school that fall due in one hour.
    pub calls_per_hour: u32,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderFile {
    /// What it is called in problems.
    pub shown: String,
    /// What it says.
    pub plan: Plan,
    /// The ladder in it, as schools follow it.
    pub ladder: Arc<Ladder>,
}

impl LadderFile {
    fn of(shown: String, plan: Plan) -> Self {
        let ladder = Arc::new(plan.ladder.clone());
        Self { shown, plan, ladder }
    }
}

/// Whether an entry names a ladder that ships, and not a file.
fn is_name(text: &str) -> bool {
    !text.contains('/') && !text.contains('.')
}

/// What a ladder that ships is called in problems.
fn shipped_as(name: &str) -> String {
    format!("{name} (comes with upprop)")
}

/// Reads `[ladders]`, and what ships of what schools name besides.
pub(super) fn read_all(root: &Reader<'_>) -> Ladders {
    let own = root.table("ladders");
    let expected = "files and names as [\"ladders/plan.toml\", \"eskilstuna\"]";
    let named = own.list("files", false, expected, |text| {
        if text.trim().is_empty() { Err(None) } else { Ok(text.to_owned()) }
    });
    let mut all = Ladders { named: named.unwrap_or_default(), ..Ladders::default() };
    let usual = LadderRules::default().calls_per_hour;
    all.calls_per_hour = own.integer("calls-per-hour", 1..=1000).unwrap_or(usual);
    for entry in all.named.clone() {
        if is_name(&entry) {
            match built_in(&entry) {
                Some(file) => all.files.push(file),
                None => unknown(&own, &entry),
            }
            continue;
        }
        // Whoever only wants to know where the daemon is need not read ladders.
        let reads = own.context.loader.secrets != Secrets::Skipped;
        let file = own.context.loader.path(&entry);
        match reads.then(|| from_file(&own, &file)).flatten() {
            Some(file) => all.files.push(file),
            None => all.unread = true,
        }
    }
    for (at, file) in all.files.iter().enumerate() {
        let (name, from) = (&file.ladder.name, file.ladder.from);
        let twice =
            all.files[..at].iter().find(|o| o.ladder.name == *name && o.ladder.from == from);
        if let Some(other) = twice {
            let message = format!(
                "two ladders are called {name} and are in force from {from}: {} and {}",
                other.shown, file.shown
            );
            own.error("files", message, "give one of them another `name`, or a later `from`");
        }
    }
    own.finish();
    let defaults = root.table("defaults");
    let schools = root.tables("schools");
    for reader in schools.iter().map(|(_, own)| own).chain([&defaults]) {
        for name in names(reader).unwrap_or_default() {
            if !all.files.iter().any(|file| file.ladder.name == name) {
                all.files.extend(built_in(&name));
            }
        }
    }
    all
}

fn built_in(name: &str) -> Option<LadderFile> {
    let found = shipped(name)?;
    let plan = read(found.text).expect("a test reads every ladder that ships");
    Some(LadderFile::of(shipped_as(name), plan))
}

fn unknown(own: &Reader<'_>, name: &str) {
    let known = || SHIPPED.iter().map(|one| one.name);
    let near = did_you_mean(name, known())
        .map_or(String::new(), |near| format!("did you mean {near:?}? "));
    let message = format!("`files` names {name:?}, which is no ladder that comes with upprop");
    let known: Vec<&str> = known().collect();
    own.error(
        "files",
        message,
        format!("{near}known are {}; a file has a name as \"plan.toml\"", known.join(", ")),
    );
}

/// The ladder of a file; what is wrong in it is noted.
fn from_file(own: &Reader<'_>, file: &Path) -> Option<LadderFile> {
    let shown = file.display().to_string();
    let text = match contents(file) {
        Ok(text) => text,
        Err(fault) => {
            let remedy =
                "name a ladder in UTF-8 that the daemon may read, or one that comes with upprop";
            own.error("files", format!("`files`: {shown} {fault}"), remedy);
            return None;
        }
    };
    match read(&text) {
        Ok(plan) => Some(LadderFile::of(shown, plan)),
        Err(faults) => {
            for fault in faults {
                let mut problem = Problem::of_file(&shown, Severity::Error, fault.message);
                (problem.line, problem.column) = (Some(fault.line), Some(fault.column));
                own.context.push(problem.with_remedy(fault.remedy));
            }
            None
        }
    }
}

/// The text of a ladder's file.
///
/// # Errors
/// In words that go after its name.
pub fn contents(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let fits = u64::try_from(text.len()).is_ok_and(|length| length <= MOST_BYTES);
    if fits { Ok(text) } else { Err("is longer than 1 MiB".into()) }
}

/// The ladders that a table names.
fn names(reader: &Reader<'_>) -> Option<Vec<String>> {
    reader.list("ladder", false, "names of ladders as [\"plan\"]", |text| {
        if text.trim().is_empty() { Err(None) } else { Ok(text.to_owned()) }
    })
}

/// What a school has chosen.
pub(super) fn of_school(id: &SchoolId, from: &Layers<'_, '_>, ladders: &Ladders) -> LadderRules {
    let usual = LadderRules::default();
    let mut versions = Vec::new();
    for name in from.get(names).unwrap_or_default() {
        let of_name = ladders.files.iter().filter(|file| file.ladder.name == name);
        let found: Vec<Arc<Ladder>> = of_name.map(|file| file.ladder.clone()).collect();
        if found.is_empty() {
            unnamed(id, from, ladders, &name);
        }
        for ladder in found {
            if !versions.contains(&ladder) {
                versions.push(ladder);
            }
        }
    }
    let time = "a time as \"08:00\", or \"off\"";
    let day_ends = from.get(|r| r.parsed("day-ends", "a time as \"16:00\"", clock::clock_time));
    LadderRules {
        versions,
        since: from.get(|r| r.parsed("ladder-since", "a date as \"2026-11-30\"", since)),
        form: from.get(|r| r.text("form")).unwrap_or(usual.form),
        day_ends: day_ends.unwrap_or(usual.day_ends),
        mail: from.get(|r| r.choice("ladder-mail", &MAIL)).unwrap_or(usual.mail),
        calls_per_hour: from
            .get(|r| r.integer("calls-per-hour", 1..=1000))
            .unwrap_or(ladders.calls_per_hour),
        duty_list: from
            .get(|r| r.parsed("duty-list-at", time, clock::digest_time))
            .unwrap_or(usual.duty_list),
        report: from
            .get(|r| r.parsed("ladder-report-at", time, clock::digest_time))
            .unwrap_or(usual.report),
        settle: from.get(|r| r.duration("ladder-settle", "0s", "4h")).unwrap_or(usual.settle),
    }
}

/// A ladder that a school names and that is nowhere.
fn unnamed(id: &SchoolId, from: &Layers<'_, '_>, ladders: &Ladders, name: &str) {
    // One that was not read may be it.
    if ladders.unread {
        return;
    }
    let known: Vec<&str> = SHIPPED
        .iter()
        .map(|one| one.name)
        .chain(ladders.files.iter().map(|file| file.ladder.name.as_str()))
        .collect();
    let remedy = did_you_mean(name, known.iter().copied()).map_or_else(
        || "name one of `files` in [ladders], or one that comes with upprop".to_owned(),
        |near| format!("did you mean \"{near}\"?"),
    );
    let message =
        format!("school {id} follows the ladder \"{name}\", which is in no file of [ladders]");
    from.note(Severity::Error, "ladder", message, &remedy);
}

fn since(text: &str) -> Result<Date, Option<String>> {
    let date: Date = text.parse().map_err(|_| None)?;
    if date.to_string() == text { Ok(date) } else { Err(Some(date.to_string())) }
}

/// What each school lacks for the ladders that it follows.
pub(super) fn judge(root: &Reader<'_>, config: &Config) {
    let defaults = root.table("defaults");
    for (name, own) in root.tables("schools") {
        let Some(school) = config.schools.values().find(|school| school.id.as_str() == name) else {
            continue;
        };
        let at = Layers { own: &own, defaults: &defaults };
        for ladder in &school.ladders.versions {
            judge_terms(&at, school, ladder);
            judge_kept(&at, school, ladder, config);
            judge_filters(&at, school, ladder, config);
        }
    }
}

/// The longest term of a school, in days; none: it has none.
fn term(calendar: Option<&Calendar>) -> Option<u32> {
    let days = calendar?.terms.iter().map(|term| (term.last() - term.first()).get_days() + 1);
    days.max().and_then(|days| u32::try_from(days).ok())
}

/// The most school days of a term.
fn school_days(calendar: &Calendar) -> usize {
    let days = SchoolDays(Some(calendar));
    let of = |term: &crate::calendar::Days| {
        let all =
            term.first().series(jiff::Span::new().days(1)).take_while(|day| *day <= term.last());
        all.filter(|day| days.has(*day)).count()
    };
    calendar.terms.iter().map(of).max().unwrap_or(0)
}

fn judge_terms(at: &Layers<'_, '_>, school: &School, ladder: &Ladder) {
    let (id, name) = (&school.id, &ladder.name);
    let needs = Needs::of(ladder, LONG_TERM);
    let calendar = school.calendar.as_deref();
    if let (Some(step), None) = (&needs.terms, term(calendar)) {
        let message = format!(
            "step {step} of ladder {name} asks for the term, and school {id} has no calendar with `terms`"
        );
        at.note(Severity::Error, "ladder", message, "write `terms` in its [calendars.<name>]");
    }
    if let (Some((run, step)), Some(calendar), Some(_)) = (&needs.run, calendar, term(calendar)) {
        let most = school_days(calendar);
        if usize::from(*run) > most {
            let message = format!(
                "step {step} of ladder {name} asks for {run} school days in a row, and the longest term of school {id} \
                 has {most}: it can never be reached"
            );
            at.note(
                Severity::Error,
                "ladder",
                message,
                "write fewer in the ladder, or see whether the terms are right",
            );
        }
    }
}

/// Whether what a ladder looks back on is kept so long, and there.
fn judge_kept(at: &Layers<'_, '_>, school: &School, ladder: &Ladder, config: &Config) {
    let (id, name) = (&school.id, &ladder.name);
    let needs = Needs::of(ladder, term(school.calendar.as_deref()).unwrap_or(LONG_TERM));
    let short = |key: &str, kept: SignedDuration, (days, step): &(u32, String)| {
        let kept = kept.as_hours() / 24;
        if i64::from(*days) > kept {
            let message = format!(
                "step {step} of ladder {name} looks {days} days back, and [retention] `{key}` keeps {kept} days: it would \
                 be reached by less than it says"
            );
            let remedy =
                format!("write {key} = \"{days}d\" or more in [retention], or a shorter `within`");
            at.note(Severity::Error, "ladder", message, &remedy);
        }
    };
    short("evidence", config.retention.evidence, &needs.marks);
    let Some(schedule) = &needs.schedule else { return };
    short("contacts", config.retention.contacts, schedule);
    let asked = config.ss12000.values().any(|s| s.gives.schedule && s.schools.contains_key(id));
    let dropped = config.drop.values().any(|drop| {
        drop.gives.schedule && drop.schools.as_ref().is_none_or(|schools| schools.contains(id))
    });
    if !asked && !dropped {
        let step = &schedule.1;
        let message = format!(
            "step {step} of ladder {name} is a share of the schedule, and no source gives the schedule of school {id}"
        );
        at.note(
            Severity::Error,
            "ladder",
            message,
            "add \"schedule\" to `gives` of an [ss12000.<id>] or [drop.<id>], or follow a ladder without a share of it",
        );
    }
}

/// Whether a ladder's filters can let anybody through.
fn judge_filters(at: &Layers<'_, '_>, school: &School, ladder: &Ladder, config: &Config) {
    let (id, name) = (&school.id, &ladder.name);
    for step in &ladder.steps {
        for other in step.filter.schools.iter().filter(|other| !config.schools.contains_key(*other))
        {
            let message = format!(
                "step {} of ladder {name} is for school {other}, which is not in this file",
                step.id
            );
            at.note(
                Severity::Error,
                "ladder",
                message,
                "correct `schools` in the ladder, or add the school",
            );
        }
    }
    if let Some(step) = Needs::of(ladder, LONG_TERM).form.filter(|_| school.ladders.form.is_empty())
    {
        let message = format!(
            "step {step} of ladder {name} asks for the form of school, and school {id} has no `form`: nobody reaches it"
        );
        at.note(Severity::Warning, "form", message, "add form = \"grundskola\"");
    }
}

#[cfg(test)]
mod tests;
