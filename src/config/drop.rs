//! `[drop.<id>]`: a folder that an export writes files into.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::SignedDuration;

use super::gives::Gives;
use super::problem::did_you_mean;
use super::reader::Reader;
use super::source::{allowed_schools, url_id};
use crate::model::{Mark, NoticeKind, SchoolId, SourceId};

/// One folder.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub struct Drop {
    /// Where it is.
    pub folder: PathBuf,
    /// What is taken from it.
    pub gives: Gives,
    /// Which schools it may speak of; none: all.
    pub schools: Option<BTreeSet<SchoolId>>,
    /// How often it is looked at.
    pub poll: SignedDuration,
    /// How long a file must be as it is before it is read.
    pub still: SignedDuration,
    /// How long one that seems cut off must be so before it is believed.
    pub patience: SignedDuration,
    /// How long files of the directory that do not fit those in force wait for the rest of their export.
    pub together: SignedDuration,
    /// Whether files are taken by name, not by time.
    pub by_name: bool,
    /// Whether a file that holds what another held is known whenever it was written.
    pub repeats_are_known: bool,
    /// Largest file, in bytes.
    pub largest: u64,
    /// How long files that are done with are kept.
    pub keep: SignedDuration,
    /// Whether letters are written in Windows-1252.
    pub windows_1252: bool,
    /// What is between cells; none: it is seen.
    pub delimiter: Option<char>,
    /// Whether files name their columns.
    pub head: bool,
    /// `upprop`, `skola24-guardians` or `oneroster`.
    pub layout: DropLayout,
    /// What files are called, by kind.
    pub names: BTreeMap<&'static str, Vec<String>>,
    /// Where columns are, by kind.
    pub columns: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// Words for marks.
    pub marks: BTreeMap<String, Mark>,
    /// Words for kinds of notices.
    pub notices: BTreeMap<String, NoticeKind>,
    /// What schools are called.
    pub school_names: BTreeMap<String, SchoolId>,
    /// Forms of times.
    pub times: Vec<String>,
    /// Whether unexcused minutes in an open register are told.
    pub provisional: bool,
}

/// How directory files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropLayout {
    /// Our own columns.
    Upprop,
    /// Guardians as Skola24 has them.
    Skola24Guardians,
    /// `OneRoster` 1.1, CSV.
    OneRoster,
}

/// The kinds of files with names and columns to be set: key of names, key of columns, kind, usual name.
const KINDS: [(&str, &str, &str, &str); 6] = [
    ("attendance-files", "attendance-columns", "attendance", "attendance*"),
    ("absences-files", "absences-columns", "absences", "absences*"),
    ("schedule-files", "schedule-columns", "schedule", "schedule*"),
    ("pupils-files", "pupils-columns", "pupils", "pupils*"),
    ("guardians-files", "guardians-columns", "guardians", "guardians*"),
    ("staff-files", "staff-columns", "staff", "staff*"),
];

const MARKS: [(&str, Mark); 7] = [
    ("present", Mark::Present),
    ("unexcused", Mark::Unexcused),
    ("excused", Mark::Excused),
    ("late", Mark::Late),
    ("left-early", Mark::LeftEarly),
    ("other-activity", Mark::OtherActivity),
    ("unknown", Mark::Unknown),
];

const NOTICES: [(&str, NoticeKind); 2] =
    [("notified", NoticeKind::Notified), ("leave", NoticeKind::Leave)];

impl Drop {
    pub(super) fn read_all(root: &Reader<'_>, schools: &[String]) -> BTreeMap<SourceId, Self> {
        let mut all = BTreeMap::new();
        for (name, reader) in root.tables("drop") {
            let folder = Self::read(&reader, schools);
            match url_id(&name) {
                Ok(()) => {
                    if let (Ok(id), Some(folder)) = (SourceId::new(name), folder) {
                        all.insert(id, folder);
                    }
                }
                Err(remedy) => {
                    reader
                        .error_at_head(format!("{name:?} cannot be the name of a source"), remedy);
                }
            }
            reader.finish();
        }
        all
    }

    /// None: what is required is not there.
    fn read(reader: &Reader<'_>, schools: &[String]) -> Option<Self> {
        let folder = reader.path("folder");
        let folder = reader.require("folder", folder, "\"/var/spool/upprop/attendance\"");
        let gives = Gives::read(reader);
        let layouts = [
            ("upprop", DropLayout::Upprop),
            ("skola24-guardians", DropLayout::Skola24Guardians),
            ("oneroster", DropLayout::OneRoster),
        ];
        let (mut names, mut columns) = (BTreeMap::new(), BTreeMap::new());
        for (files, places, kind, usual) in KINDS {
            let list = reader.list(files, false, "names of files, as [\"närvaro*.csv\"]", |text| {
                let good =
                    !text.is_empty() && !text.contains(['/', '\0']) && !text.starts_with('.');
                if good { Ok(text.to_owned()) } else { Err(None) }
            });
            names.insert(kind, list.unwrap_or_else(|| vec![usual.to_owned()]));
            let mapped = reader.texts(places);
            if reader.has(places) {
                columns.insert(kind, mapped);
            }
        }
        let drop = Self {
            folder: folder.unwrap_or_default(),
            gives,
            schools: allowed_schools(reader, schools),
            poll: reader.duration("poll", "1s", "1h").unwrap_or(SignedDuration::from_mins(1)),
            still: reader.duration("still", "1s", "10m").unwrap_or(SignedDuration::from_secs(5)),
            patience: reader
                .duration("patience", "1s", "1h")
                .unwrap_or(SignedDuration::from_mins(1)),
            together: reader
                .duration("together", "1s", "24h")
                .unwrap_or(SignedDuration::from_hours(2)),
            by_name: reader.choice("order", &[("time", false), ("name", true)]).unwrap_or(false),
            repeats_are_known: reader
                .choice("repeats", &[("known", true), ("by-time", false)])
                .unwrap_or(false),
            largest: reader.size("largest", "1 KiB", "16 GiB").unwrap_or(256 << 20),
            keep: reader
                .duration("keep", "1h", "3660d")
                .unwrap_or(SignedDuration::from_hours(14 * 24)),
            windows_1252: reader
                .choice("encoding", &[("utf-8", false), ("windows-1252", true)])
                .unwrap_or(false),
            delimiter: reader
                .choice(
                    "delimiter",
                    &[
                        ("auto", None),
                        (",", Some(',')),
                        (";", Some(';')),
                        ("tab", Some('\t')),
                        ("|", Some('|')),
                    ],
                )
                .flatten(),
            head: reader.boolean("head").unwrap_or(true),
            layout: reader.choice("layout", &layouts).unwrap_or(DropLayout::Upprop),
            names,
            columns,
            marks: meanings(reader, "marks", &MARKS),
            notices: meanings(reader, "notices", &NOTICES),
            school_names: school_names(reader, schools),
            times: reader
                .list("times", false, "forms of times, as [\"%d/%m/%Y %H:%M\"]", |text| {
                    if text.contains('%') { Ok(text.to_owned()) } else { Err(None) }
                })
                .unwrap_or_default(),
            provisional: reader
                .choice("provisional", &[("wait", false), ("tell", true)])
                .unwrap_or(false),
        };
        (!drop.folder.as_os_str().is_empty()).then_some(drop)
    }
}

/// Words by what they mean; letters' case does not count.
fn meanings<T: Copy>(
    reader: &Reader<'_>,
    key: &'static str,
    words: &[(&str, T)],
) -> BTreeMap<String, T> {
    let mut all = BTreeMap::new();
    for (own, word) in reader.texts(key) {
        if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == word) {
            all.insert(own.to_lowercase(), *meaning);
        } else {
            let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
            let near = did_you_mean(&word, names.iter().copied());
            let remedy = near.map_or_else(
                || format!("write one of {}", names.join(", ")),
                |near| format!("write {near:?}"),
            );
            reader.error(key, format!("`{key}` has {word:?}, which is none of its words"), remedy);
        }
    }
    all
}

fn school_names(reader: &Reader<'_>, schools: &[String]) -> BTreeMap<String, SchoolId> {
    let mut all = BTreeMap::new();
    for (name, id) in reader.texts("school-names") {
        if !schools.contains(&id) {
            let near = did_you_mean(&id, schools.iter().map(String::as_str));
            let remedy = near.map_or_else(
                || "write the id of a school in this file".to_owned(),
                |near| format!("write {near:?}"),
            );
            reader.error(
                "school-names",
                format!("`school-names` has the school {id:?}, which is not in this file"),
                remedy,
            );
        } else if let Ok(id) = SchoolId::new(id) {
            all.insert(name.to_lowercase(), id);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::config::{Loader, Report, Secrets, load_text};

    fn read(text: &str) -> (Report, String) {
        let loader =
            Loader { credentials_dir: None, base_dir: PathBuf::new(), secrets: Secrets::Skipped };
        let text = format!("[schools.a]\nname = \"A\"\nphone = \"112\"\n{text}");
        let report = load_text("u", &text, &loader);
        let all: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        (report, all.join("\n"))
    }

    #[test]
    fn a_folder_and_what_may_be_wrong_with_it() {
        let good = "[drop.f]\nfolder = \"/x\"\ngives = [\"attendance\"]\n";
        let (report, all) = read(&format!(
            "{good}marks = {{ \"O\" = \"unexcused\" }}\nschool-names = {{ \"Å-skolan\" = \"a\" }}\nattendance-columns = {{ pupil = \"Elev\" }}\n"
        ));
        let config = report.config.unwrap_or_else(|| panic!("{all}"));
        let folder = config.drop.values().next().expect("one");
        assert!(folder.marks.contains_key("o") && folder.school_names.contains_key("å-skolan"));
        assert_eq!(folder.columns["attendance"]["pupil"], "Elev");
        for (text, words) in [
            ("[drop.f]\ngives = [\"attendance\"]\n", "no `folder` in [drop.f]"),
            ("[drop.f]\nfolder = \"/x\"\n", "no `gives` in [drop.f]"),
            (&format!("{good}marks = {{ O = \"unexused\" }}\n"), "write \"unexcused\""),
            (&format!("{good}school-names = {{ X = \"b\" }}\n"), "not in this file"),
            (&format!("{good}schools = [\"b\"]\n"), "`schools`"),
            (&format!("{good}attendance-files = [\"a/b\"]\n"), "`attendance-files`"),
            (&format!("{good}stil = \"5s\"\n"), "did you mean `still`"),
            (&format!("{good}[sources.f]\nbearer-file = \"t\"\n"), "the id of a source twice"),
            (
                &good
                    .replace("attendance", "directory")
                    .replace("[drop.f]", "[directory]\nfolder = \"/y\"\n[drop.f]"),
                "gives the directory too",
            ),
        ] {
            let (report, all) = read(text);
            assert!(report.config.is_none() && all.contains(words), "{text}: {all}");
        }
    }
}
