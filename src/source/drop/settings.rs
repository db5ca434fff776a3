//! What is told of a drop folder: where it is, what its files hold, and how they are written. Values only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::SignedDuration;

use super::columns::{Columns, Place};
use super::kind::Kind;
use super::text::Encoding;
use crate::model::{Mark, NoticeKind, SchoolId};

/// Settings of one drop folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The folder. `done` and `rejected` are in it.
    pub folder: PathBuf,
    /// Names that files of each kind have; what has no names is not taken.
    pub names: BTreeMap<Kind, Vec<Pattern>>,
    /// Which schools it may speak of; none: all.
    pub schools: Option<BTreeSet<SchoolId>>,
    /// How often the folder is looked at, for file systems that give no notice of changes.
    pub poll: SignedDuration,
    /// How long a file must be as it is before it is read.
    pub still: SignedDuration,
    /// How long one that seems cut off must be so before it is believed.
    pub patience: SignedDuration,
    /// How long files of the directory that do not fit those in force wait for the rest of their export.
    pub together: SignedDuration,
    /// In which order files of one kind are taken.
    pub order: Order,
    /// What is done with a file that holds what another held before it.
    pub repeats: Repeats,
    /// Largest file, in bytes.
    pub largest: u64,
    /// How long files that are done with are kept.
    pub keep: SignedDuration,
    /// How files are written.
    pub writing: Writing,
    /// What cells mean.
    pub meaning: Meaning,
}

/// In which order files of one kind are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one written first comes first.
    Time,
    /// By name.
    Name,
}

/// What is done with a file that holds, byte for byte, what another held before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// Nothing is new in it.
    Known,
    /// Written later, and after others of its kind, it says it anew.
    ByTime,
}

/// How files are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Writing {
    /// How bytes stand for letters, where no byte order mark says it.
    pub encoding: Encoding,
    /// What is between cells; none: comma, semicolon or tab, whichever the first line has most of.
    pub delimiter: Option<char>,
    /// Whether the first line names the columns.
    pub head: bool,
    /// Where each kind has its columns; none: under our own names.
    pub columns: BTreeMap<Kind, Columns>,
    /// How directory files are laid out.
    pub layout: Layout,
}

impl Writing {
    /// Whether files of a kind begin with a line that names their columns.
    pub fn has_head(&self, kind: Kind) -> bool {
        if self.is_skola24(kind) { false } else { self.head || kind.is_wide() }
    }

    /// Where files of a kind have their columns; none: under our own names.
    pub fn columns_of(&self, kind: Kind) -> Option<Columns> {
        if self.is_skola24(kind) {
            let names = super::kind::SKOLA24_GUARDIANS;
            let number =
                |(at, name): (usize, &str)| (name.to_owned(), Place::Numbers(vec![at + 1]));
            return Some(names.all().enumerate().map(number).collect());
        }
        self.columns.get(&kind).cloned()
    }

    /// Whether files of a kind are Skola24's guardians.
    pub fn is_skola24(&self, kind: Kind) -> bool {
        self.layout == Layout::Skola24Guardians && kind == Kind::Guardians
    }
}

/// How directory files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `pupils`, `guardians` and `staff` as in the folder of the directory.
    Upprop,
    /// The same but for `guardians`, which are as Skola24 takes them in: pupil's civic number; guardian's civic
    /// number; first name; last name; e-mail; mobile, without a head.
    Skola24Guardians,
    /// `OneRoster` 1.1, the CSV binding.
    OneRoster,
}

/// What cells mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// Words for marks beside our own, in small letters.
    pub marks: BTreeMap<String, Mark>,
    /// Words for the kind of a notice beside our own, in small letters.
    pub notices: BTreeMap<String, NoticeKind>,
    /// What schools are called in the files, in small letters.
    pub schools: BTreeMap<String, SchoolId>,
    /// Forms of times without an offset, as strftime(3) has them, tried before the usual ones.
    pub times: Vec<String>,
    /// Whether unexcused minutes in a register that is not closed are told.
    pub provisional: bool,
}

/// A name of files in which `*` stands for any text and `?` for any one character; letters' case does not count,
/// nor does the ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// When it is empty, or names a folder.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.contains(['/', '\0']) || text.starts_with('.') {
            return Err("the name of a file, in which * stands for any text, as \"attendance*\"");
        }
        Ok(Self(text.to_lowercase()))
    }

    /// Whether a file's name, with or without its ending, is one of those meant.
    pub fn is_met_by(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        meets(self.0.as_bytes(), name.as_bytes()) || meets(self.0.as_bytes(), stem.as_bytes())
    }
}

fn meets(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    // Where the last star stands, and what of the name it has been given.
    let mut star: Option<(usize, usize)> = None;
    while of < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(c) if *c == b'?' || *c == name[of] => (at, of) = (at + 1, of + 1),
            _ => {
                let Some((from, given)) = star else { return false };
                star = Some((from, given + 1));
                (at, of) = (from + 1, given + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, met) in [
            ("attendance*", "attendance.csv", true),
            ("attendance*", "Attendance_2026-11-26.CSV", true),
            ("attendance*", "old-attendance.csv", false),
            ("*närvaro*.txt", "Idag_NÄRVARO_7B.txt", true),
            ("*.txt", "a.csv", false),
            ("a?c", "abc.jsonl", true),
            ("a?c", "ac.jsonl", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("users.csv", "users.csv", true),
            ("*", "", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).expect("good").is_met_by(name),
                met,
                "{pattern} {name}"
            );
        }
        assert!(["", "a/b", ".x"].iter().all(|bad| Pattern::new(bad).is_err()));
    }
}
