//! `[programmes]`: the preventive programmes that schools run, each a file of its own, or one that ships. Each thing that is
//! wrong in such a file is told with its line in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use toml::de::DeTable;

use super::TOML;
use super::problem::{Problem, Severity, did_you_mean};
use super::reader::{Context, Reader};
use super::secret::{Loader, Secrets};
use crate::model::MAX_ID_BYTES;
use crate::programme::{Programme, Session, Words};

/// Programmes that ship, by the name that `files` knows them by.
pub const SHIPPED_PROGRAMMES: [(&str, &str); 1] =
    [("7tjugo", include_str!("../../config/programmes/7tjugo.toml"))];

/// Longest file, in bytes.
const MOST_BYTES: u64 = 256 * 1024;
/// Longest text of a session, in characters: what a mail has room for.
const MAIL_TEXT: usize = 1000;
/// Most sessions of one programme.
const MOST_SESSIONS: u32 = 60;
/// Last school week of a term that a session may be in.
const LAST_WEEK: u32 = 30;

/// `[programmes]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programmes {
    /// As the operator wrote them: names of programmes that ship, and paths.
    pub files: Vec<String>,
    /// What they come to.
    pub all: Vec<Arc<Programme>>,
}

impl Programmes {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let files = reader.list("files", false, "programmes as [\"7tjugo\"], or paths", |text| {
            if text.trim().is_empty() { Err(None) } else { Ok(text.trim().to_owned()) }
        });
        let files = files.unwrap_or_default();
        let mut all: BTreeMap<(String, Date), Arc<Programme>> = BTreeMap::new();
        for file in &files {
            let Some(found) = one(&reader, file) else { continue };
            let key = (found.id.clone(), found.effective);
            if all.insert(key, Arc::new(found)).is_some() {
                reader.error(
                    "files",
                    format!("`files`: {file} has the id and the `effective` of another of them"),
                    "remove one of them, or give the newer edition the day from which it is in force",
                );
            }
        }
        reader.finish();
        Self { files, all: all.into_values().collect() }
    }
}

/// One programme by its name or path; what is wrong with it is noted.
fn one(reader: &Reader<'_>, file: &str) -> Option<Programme> {
    let loader = reader.context.loader;
    let (name, text) = if file.contains(['/', '.']) {
        let path = loader.path(file);
        let name = path.display().to_string();
        match contents(&path) {
            Ok(text) => (name, text),
            // Whoever only wants to know where the daemon is need not be able to read it.
            Err(_) if loader.secrets == Secrets::Skipped => return None,
            Err(fault) => {
                let message = format!("`files`: {name} {fault}");
                reader.error("files", message, "name a TOML file that the daemon may read");
                return None;
            }
        }
    } else {
        let Some((_, text)) = SHIPPED_PROGRAMMES.iter().find(|(name, _)| *name == file) else {
            let names = SHIPPED_PROGRAMMES.map(|(name, _)| name);
            let remedy = did_you_mean(file, names).map_or_else(
                || {
                    format!(
                        "those are {}; a file of your own is a path, as \"./{file}.toml\"",
                        names.join(", ")
                    )
                },
                |near| format!("did you mean \"{near}\"?"),
            );
            let message = format!("`files`: no programme with the name \"{file}\" ships");
            reader.error("files", message, remedy);
            return None;
        };
        (format!("{file} (shipped)"), (*text).to_owned())
    };
    let (programme, problems) = parse(&name, &text, loader);
    for problem in problems {
        reader.context.push(problem);
    }
    programme
}

fn contents(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let fits = u64::try_from(text.len()).is_ok_and(|length| length <= MOST_BYTES);
    if fits { Ok(text) } else { Err("is longer than 256 KiB".into()) }
}

/// Reads a programme; none where something is wrong with it. `name` stands for the file in problems.
fn parse(name: &str, text: &str, loader: &Loader) -> (Option<Programme>, Vec<Problem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let context = Context {
        file: name,
        text,
        loader,
        problems: RefCell::default(),
        known: RefCell::default(),
        asked: RefCell::default(),
    };
    let (table, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let message = format!("not TOML: {}", fault.message());
        let problem = Problem::of_file(name, Severity::Error, message).with_remedy(TOML);
        context.push(problem.at(text, fault.span()));
    }
    let read = faults.is_empty().then(|| read(Reader::root(&context, table.get_ref()))).flatten();
    let mut problems = context.problems.into_inner();
    for problem in &mut problems {
        problem.key = format!("programmes.{}", problem.key);
    }
    let is_bad = problems.iter().any(|problem| problem.severity == Severity::Error);
    (read.filter(|_| !is_bad), problems)
}

fn read(root: Reader<'_>) -> Option<Programme> {
    let id = root.parsed("id", "a short name of a–z, 0–9 and hyphens, as \"7tjugo\"", |text| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (1..=MAX_ID_BYTES / 2).contains(&text.len()) && text.chars().all(plain);
        if good { Ok(text.to_owned()) } else { Err(None) }
    });
    let id = root.require("id", id, "\"7tjugo\"");
    let name = root.text("name");
    let name = root.require("name", name, "\"7TJUGO\"");
    let version = root.text("version");
    let version = root.require("version", version, "\"2026\"");
    let effective = root.parsed("effective", "a day as \"2026-07-01\"", |text| {
        text.parse::<Date>().map_err(|_| None)
    });
    let effective = root.require("effective", effective, "\"2026-07-01\"");
    let grades = root.integers("grades", 0..=10, "school years as [4, 7]");
    let grades = root.require("grades", grades, "[4, 7]");
    if grades.as_ref().is_some_and(Vec::is_empty) {
        root.error("grades", "`grades` is empty: it would be run nowhere", "write grades = [4, 7]");
    }
    let sessions = sessions(&root);
    root.finish();
    let grades = grades?.into_iter().filter_map(|grade| u8::try_from(grade).ok()).collect();
    Some(Programme {
        id: id?,
        name: name?,
        version: version?,
        effective: effective?,
        grades,
        sessions,
    })
}

/// All of them, and whether their weeks follow each other.
fn sessions(root: &Reader<'_>) -> BTreeMap<u32, Session> {
    let mut all: BTreeMap<u32, (Reader<'_>, Option<Session>)> = BTreeMap::new();
    for (name, own) in root.tables("sessions") {
        let number = name.parse().ok().filter(|number| (1..=MOST_SESSIONS).contains(number));
        let Some(number) = number.filter(|number| number.to_string() == name) else {
            own.error_at_head(
                format!("the session {name:?} has no number"),
                format!("write [sessions.1], [sessions.2] and so on, to {MOST_SESSIONS} at most"),
            );
            own.excuse_all();
            continue;
        };
        let session = session(&own);
        all.insert(number, (own, session));
    }
    if all.is_empty() && !root.has("sessions") {
        root.error("sessions", "no [sessions.1]: there is nothing to hold", "add [sessions.1]");
    }
    let mut last: Option<(u32, u32)> = None;
    let mut good = BTreeMap::new();
    for (number, (own, session)) in all {
        let expected = last.map_or(1, |(number, _)| number + 1);
        if number != expected {
            own.error_at_head(
                format!("session {number} comes where {expected} should"),
                "number the sessions from 1 on, without a gap",
            );
        }
        let week = session.as_ref().map_or(0, |session| session.week);
        if let Some((before, earlier)) = last.filter(|(_, earlier)| week > 0 && week <= *earlier) {
            own.error(
                "week",
                format!("session {number} is in week {week}, and session {before} in {earlier}"),
                "give each session a later week than the one before it",
            );
        }
        last = Some((number, week));
        good.extend(session.map(|session| (number, session)));
        own.finish();
    }
    good
}

fn session(own: &Reader<'_>) -> Option<Session> {
    let week = own.integer("week", 1..=LAST_WEEK);
    let week = own.require("week", week, "4");
    let title = words(own, "title", 100);
    let text = words(own, "text", MAIL_TEXT);
    Some(Session { week: week?, title: title?, text: text? })
}

/// A text in both languages that mails to staff come in, of at most so many characters.
fn words(own: &Reader<'_>, key: &'static str, longest: usize) -> Option<Words> {
    let table = own.table(key);
    let text = |language| {
        let expected = format!("a text on one line of 1 to {longest} characters");
        table.parsed(language, &expected, |text| {
            let good = !text.trim().is_empty() && !text.chars().any(char::is_control);
            if good && text.chars().count() <= longest { Ok(text.to_owned()) } else { Err(None) }
        })
    };
    let (sv, en) = (text("sv"), text("en"));
    let example = "{ sv = \"…\", en = \"…\" }";
    if !table.is_present() {
        own.require::<()>(key, None, example);
        return None;
    }
    let (sv, en) = (table.require("sv", sv, "\"…\""), table.require("en", en, "\"…\""));
    table.finish();
    Some(Words { sv: sv?, en: en? })
}

#[cfg(test)]
#[path = "programmes_tests.rs"]
mod tests;
