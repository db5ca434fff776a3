//! `[calendars.<name>]`: which days are school days, as written here and as calendar files say. Each thing that is
//! wrong in such a file is told with its line in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::{Problem, Severity};
use super::reader::Reader;
use super::secret::Secrets;
use crate::calendar::ics::{self, CLOSED_WORDS, Weight};
use crate::calendar::{Calendar, Days, FromFile};

/// One calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchoolDays {
    /// What it comes to, its files included.
    pub calendar: Arc<Calendar>,
    /// Its calendar files.
    pub files: Vec<PathBuf>,
    /// Words by which an event in them is known to close a day.
    pub closed_words: Vec<String>,
}

/// All calendars, by name.
pub(super) fn read_all(root: &Reader<'_>) -> BTreeMap<String, SchoolDays> {
    let mut all = BTreeMap::new();
    for (name, own) in root.tables("calendars") {
        let days = read(&name, &own);
        all.insert(name, days);
        own.finish();
    }
    all
}

fn read(name: &str, own: &Reader<'_>) -> SchoolDays {
    let days = "days as [\"2026-10-26..2026-10-30\", \"2026-11-23\"]";
    let terms = own.list("terms", false, "terms as [\"2026-08-17..2026-12-18\"]", Days::parse);
    let closed = own.list("closed", false, days, Days::parse);
    let words = own.list("closed-words", false, "words as [\"lov\", \"studiedag\"]", |text| {
        if text.trim().is_empty() { Err(None) } else { Ok(text.trim().to_owned()) }
    });
    let closed_words = words.unwrap_or_else(|| CLOSED_WORDS.map(str::to_owned).to_vec());
    let files = own.list("files", false, "calendar files as [\"laesaar.ics\"]", |text| {
        if text.trim().is_empty() { Err(None) } else { Ok(own.context.loader.path(text)) }
    });
    let files = files.unwrap_or_default();
    let mut calendar = Calendar {
        terms: terms.unwrap_or_default(),
        closed: closed.unwrap_or_default(),
        from_files: Vec::new(),
        name: name.to_owned(),
    };
    let said = ["terms", "closed", "files"].into_iter().any(|key| own.has(key));
    if !said {
        own.warn(
            "closed",
            format!("the calendar {} says nothing: every day may be a school day", own.title()),
            "write `terms`, `closed` or `files`",
        );
    }
    // Whoever only wants to know where the daemon is need not read the school year.
    if own.context.loader.secrets != Secrets::Skipped {
        for file in &files {
            calendar.from_files.extend(from_file(own, file, &closed_words));
        }
    }
    SchoolDays { calendar: Arc::new(calendar), files, closed_words }
}

/// The closed days of a calendar file; what is wrong in it is noted.
fn from_file(own: &Reader<'_>, file: &Path, words: &[String]) -> Vec<FromFile> {
    let name = file.display().to_string();
    let text = match contents(file) {
        Ok(text) => text,
        Err(fault) => {
            let message = format!("`files`: {name} {fault}");
            own.error("files", message, "name an iCalendar file in UTF-8 that the daemon may read");
            return Vec::new();
        }
    };
    let read = ics::read(&text, words);
    for finding in read.findings {
        let severity = match finding.weight {
            Weight::Error => Severity::Error,
            Weight::Warning => Severity::Warning,
            Weight::Note => Severity::Note,
        };
        let mut problem =
            Problem::of_file(&name, severity, finding.words).with_remedy(finding.remedy);
        (problem.line, problem.column) = (finding.line, finding.line.map(|_| 1));
        own.context.push(problem);
    }
    let told =
        |closed: ics::Closed| FromFile { days: closed.days, file: name.clone(), line: closed.line };
    read.closed.into_iter().map(told).collect()
}

fn contents(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(ics::MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let fits = u64::try_from(text.len()).is_ok_and(|length| length <= ics::MOST_BYTES);
    if fits { Ok(text) } else { Err("is longer than 4 MiB".into()) }
}

#[cfg(test)]
mod tests {
    use super::super::{Loader, Report, load_text};
    use super::*;
    use jiff::civil::date;

    fn load(folder: &Path, text: &str) -> Report {
        let loader = Loader {
            credentials_dir: None,
            base_dir: folder.to_owned(),
            secrets: Secrets::Required,
        };
        load_text("u.toml", text, &loader)
    }

    const SCHOOL: &str = "[schools.s]\nname = \"S\"\nphone = \"112\"\ncalendar = \"year\"\n";

    fn errors(report: &Report) -> Vec<String> {
        let errors = report.problems.iter().filter(|p| p.severity == Severity::Error);
        errors.map(ToString::to_string).collect()
    }

    #[test]
    fn days_come_from_the_table_and_from_its_files() {
        let folder = tempfile::tempdir().expect("folder");
        let ics = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nSUMMARY:Sportlov\nDTSTART;VALUE=DATE:20270222\n\
                   DTEND;VALUE=DATE:20270227\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Skolavslutning\n\
                   DTSTART;VALUE=DATE:20270611\nEND:VEVENT\nEND:VCALENDAR\n";
        std::fs::write(folder.path().join("year.ics"), ics).expect("a file");
        let text = format!(
            "[calendars.year]\nterms = [\"2026-08-17..2026-12-18\", \"2027-01-11..2027-06-11\"]\n\
             closed = \"2026-11-23\"\nfiles = [\"year.ics\"]\n{SCHOOL}"
        );
        let report = load(folder.path(), &text);
        assert_eq!(errors(&report), [""; 0]);
        let note = report.problems.iter().find(|p| p.file.ends_with("year.ics")).expect("a note");
        assert_eq!((note.line, note.severity), (Some(8), Severity::Note));
        let config = report.config.expect("no errors");
        let school = config.schools.values().next().expect("a school");
        for (day, is) in [
            (date(2026, 11, 23), false),
            (date(2026, 11, 24), true),
            (date(2026, 12, 24), false),
            (date(2027, 2, 24), false),
            (date(2027, 6, 11), true),
        ] {
            assert_eq!(school.is_school_day(day), is, "{day}");
        }
        let calendar = school.calendar.as_ref().expect("a calendar");
        let why = calendar.no_school(date(2027, 2, 24)).expect("closed").in_words();
        assert!(why.ends_with("year.ics line 3, 2027-02-22..2027-02-26"), "{why}");
        assert_eq!(calendar.name, "year");
    }

    #[test]
    fn everything_wrong_is_told_with_its_line_and_remedy() {
        let folder = tempfile::tempdir().expect("folder");
        let bad = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Lov\nDTSTART;VALUE=DATE:20270230\nEND:VEVENT\nEND:VCALENDAR\n";
        std::fs::write(folder.path().join("bad.ics"), bad).expect("a file");
        std::fs::write(folder.path().join("latin.ics"), b"BEGIN:VCALENDAR\nX:\xe5")
            .expect("a file");
        let text = "[calendars.yaer]\nterms = [\"2026-12-18..2026-08-17\"]\nclosed = [\"26 oktober\"]\n\
                    files = [\"bad.ics\", \"latin.ics\", \"none.ics\"]\nclose = 1\n";
        let report = load(folder.path(), &format!("{text}{SCHOOL}"));
        let found = errors(&report).join("\n");
        for words in [
            "u.toml:2:10",
            "write \"2026-08-17..2026-12-18\"",
            "u.toml:3:11",
            "bad.ics:2",
            "latin.ics cannot be read",
            "none.ics cannot be read",
            "unknown key `close`",
            "did you mean \"yaer\"?",
        ] {
            assert!(found.contains(words), "{words} is not in\n{found}");
        }
    }

    #[test]
    fn a_calendar_that_says_nothing_and_one_of_nobody_are_told() {
        let report = load(
            Path::new("/"),
            &format!("[calendars.year]\n[calendars.other]\nclosed = []\n{SCHOOL}"),
        );
        let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        for words in ["says nothing", "no school has the calendar \"other\""] {
            assert!(told.contains(words), "{words} is not in\n{told}");
        }
    }
}
