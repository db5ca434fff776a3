//! The files of the directory to the rows that a directory is made of. Pure but for the reading of files; what is
//! wrong is told by file, line and column, never by what stands there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use super::file::{Open, changed};
use super::folder::{self, About};
use super::kind::Kind;
use super::oneroster;
use super::records::Stopped;
use super::settings::{Layout, Settings};
use super::values::{Bad, Cells};
use crate::directory::check::{Context, check};
use crate::directory::csv::{GROUPS, GUARDIANS_FILE, PUPILS_FILE, STAFF_FILE};
use crate::directory::phone::PhoneRules;
use crate::directory::rows::{GuardianRow, PupilRow, Rows, StaffRow};
use crate::directory::{LoadError, Loaded, Place, RosterProblem};
use crate::model::{SchoolId, hex};

/// Where the files of the directory in force are.
pub const CURRENT: &str = "current";
/// Rows read at a time.
const BATCH: usize = 10_000;

/// A file of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it holds.
    pub kind: Kind,
    /// Where it is.
    pub path: PathBuf,
    /// Which it is.
    pub about: About,
}

/// What files are read against.
#[derive(Clone)]
pub struct Around {
    /// How they are to be read.
    pub settings: Settings,
    /// The schools of the configuration.
    pub schools: BTreeSet<SchoolId>,
    /// Which numbers are taken.
    pub phone: PhoneRules,
    /// What civic numbers are made unreadable with.
    pub key: Vec<u8>,
    /// Now.
    pub now: Timestamp,
}

/// Why there is no directory.
#[derive(Debug)]
pub enum NoDirectory {
    /// This file cannot be read, or not be used.
    File(Kind, Stopped),
    /// Together they make none.
    Rows(LoadError),
}

/// All that was read.
#[derive(Default)]
pub(super) struct Read {
    pub rows: Rows,
    pub problems: Vec<RosterProblem>,
    /// Rows that concern nobody here.
    pub passed_over: usize,
    /// Files whose last line is not ended.
    pub unended: Vec<Kind>,
}

/// What the files make together.
#[derive(Debug)]
pub struct Made {
    /// The directory.
    pub loaded: Loaded,
    /// How many rows concern nobody here.
    pub passed_over: usize,
    /// Files whose last line is not ended: they may have been cut off.
    pub unended: Vec<Kind>,
}

/// The name that problems call a file by.
pub(super) fn file_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Pupils => PUPILS_FILE,
        Kind::Guardians => GUARDIANS_FILE,
        Kind::Staff => STAFF_FILE,
        Kind::Users => "users.csv",
        Kind::Orgs => "orgs.csv",
        Kind::Classes => "classes.csv",
        Kind::Enrollments => "enrollments.csv",
        Kind::Demographics => "demographics.csv",
        other => other.as_str(),
    }
}

/// Makes a directory of the files.
///
/// # Errors
/// When a file cannot be used or was changed while it was read, or they do not fit together: nothing of them is taken
/// then.
pub fn load(parts: &[Part], around: &Around) -> Result<Made, NoDirectory> {
    let read = if around.settings.writing.layout == Layout::OneRoster {
        oneroster::read(parts, around)?
    } else {
        own(parts, around)?
    };
    let Read { rows, problems, passed_over, unended } = read;
    for part in parts {
        let stopped = |stopped| NoDirectory::File(part.kind, stopped);
        let now = folder::about(&part.path).map_err(|error| stopped(Stopped::Io(error)))?;
        if now != Some(part.about) {
            return Err(stopped(changed()));
        }
    }
    let context = Context { schools: &around.schools, phone: &around.phone, now: around.now };
    let loaded = check(rows, context, problems).map_err(NoDirectory::Rows)?;
    Ok(Made { loaded, passed_over, unended })
}

/// What a file calls the schools that it speaks of; nothing where it names none.
///
/// # Errors
/// When it cannot be read or used.
pub fn schools(part: &Part, around: &Around) -> Result<BTreeSet<String>, NoDirectory> {
    let column = match part.kind {
        Kind::Users => "orgSourcedIds",
        Kind::Orgs => "sourcedId",
        Kind::Classes | Kind::Enrollments => "schoolSourcedId",
        Kind::Demographics => return Ok(BTreeSet::new()),
        _ => "school",
    };
    let (mut found, mut read) = (BTreeSet::new(), Read::default());
    each(part, around, &mut read, |_, row| {
        found.extend(row.get(column).map(std::borrow::Cow::into_owned));
        Ok(())
    })?;
    Ok(found)
}

/// Goes through the rows of a file.
pub(super) fn each(
    part: &Part,
    around: &Around,
    read: &mut Read,
    mut show: impl FnMut(Place, Cells<'_>) -> Result<(), Bad>,
) -> Result<bool, NoDirectory> {
    let stopped = |stopped| NoDirectory::File(part.kind, stopped);
    let writing = &around.settings.writing;
    let mut open = Open::new(&part.path, part.about, part.kind, writing).map_err(stopped)?;
    loop {
        let rows = open.batch(BATCH).map_err(stopped)?;
        if rows.is_empty() {
            if !open.is_ended() {
                read.unended.push(part.kind);
            }
            return Ok(open.reading.has("protection"));
        }
        for row in rows {
            let place = Place::Line(file_name(part.kind), row.line);
            let shown = match &row.fields {
                Err(what) => Err(Bad::row(what, "export it again")),
                Ok(fields) => match open.reading.misfit(fields) {
                    Some((column, what, remedy)) => Err(Bad { column, what, remedy }),
                    None => show(place, Cells { reading: &open.reading, fields }),
                },
            };
            if let Err(bad) = shown {
                let column = bad.column.map(|column| format!("in {column}: ")).unwrap_or_default();
                read.problems.push(RosterProblem::at(
                    place,
                    format!("{column}{}", bad.what),
                    bad.remedy,
                ));
            }
        }
    }
}

/// Our own columns, and Skola24's guardians.
fn own(parts: &[Part], around: &Around) -> Result<Read, NoDirectory> {
    let mut read = Read::default();
    let mut by_civic: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.kind == Kind::Pupils) {
        let mut pupils = Vec::new();
        let had = each(part, around, &mut read, |place, row| {
            let (school, id) = (school(row, around), text(row, "id"));
            if let Some(number) = row.get("civic-number").and_then(|text| civic(&text)) {
                by_civic.entry(number).or_default().push((school.clone(), id.clone()));
            }
            pupils.push((place, pupil(row, school, id)));
            Ok(())
        })?;
        read.rows.had_protection_column |= had;
        read.rows.pupils.extend(pupils);
    }
    read.rows.pupils_incomplete = !read.problems.is_empty();
    if around.settings.writing.layout == Layout::Skola24Guardians && by_civic.is_empty() {
        let what = "has no civic-number, by which Skola24's guardians find their pupils";
        let remedy = "export the column civic-number; it is used for that alone and not kept";
        read.problems.push(RosterProblem::at(Place::File(PUPILS_FILE), what, remedy));
    }
    for part in parts.iter().filter(|part| part.kind == Kind::Guardians) {
        let (mut guardians, mut passed_over) = (Vec::new(), 0);
        let is_skola24 = around.settings.writing.is_skola24(part.kind);
        each(part, around, &mut read, |place, row| {
            if !is_skola24 {
                guardians.push((place, guardian(row, school(row, around))));
                return Ok(());
            }
            let number = |column: &str| {
                civic(&row.required(column)?).ok_or_else(|| {
                    Bad::at(column, "is no civic number", "write it with ten or twelve digits")
                })
            };
            let children = by_civic.get(&number("pupil-civic-number")?);
            let id = unreadable(&number("civic-number")?, &around.key);
            passed_over += usize::from(children.is_none());
            for (school, pupil) in children.into_iter().flatten() {
                guardians.push((place, skola24(row, school, pupil, &id)));
            }
            Ok(())
        })?;
        read.passed_over += passed_over;
        read.rows.guardians.extend(guardians);
    }
    for part in parts.iter().filter(|part| part.kind == Kind::Staff) {
        let mut staff = Vec::new();
        each(part, around, &mut read, |place, row| {
            // Who is of no school is of all of them: it is not filled in.
            let school = row.get("school").map(|_| school(row, around));
            staff.push((
                place,
                StaffRow {
                    id: text(row, "id"),
                    school,
                    role: text(row, "role"),
                    name: some(row, "name"),
                    email: some(row, "email"),
                    phone: some(row, "phone"),
                    municipality: some(row, "municipality"),
                },
            ));
            Ok(())
        })?;
        read.rows.staff.extend(staff);
    }
    Ok(read)
}

fn some(row: Cells<'_>, column: &str) -> Option<String> {
    row.get(column).map(std::borrow::Cow::into_owned)
}

fn text(row: Cells<'_>, column: &str) -> String {
    some(row, column).unwrap_or_default()
}

/// The school as the configuration has it; where none is named, the only one there is.
fn school(row: Cells<'_>, around: &Around) -> String {
    let Some(text) = row.get("school") else {
        let mut named = around.settings.schools.as_ref().unwrap_or(&around.schools).iter();
        return match (named.next(), named.next()) {
            (Some(only), None) => only.to_string(),
            _ => String::new(),
        };
    };
    let called = around.settings.meaning.schools.get(&text.to_lowercase());
    called.map_or_else(|| text.into_owned(), ToString::to_string)
}

fn pupil(row: Cells<'_>, school: String, id: String) -> PupilRow {
    PupilRow {
        id,
        school,
        class: some(row, "class"),
        given_name: text(row, "given-name"),
        family_name: some(row, "family-name"),
        birth_date: some(row, "birth-date"),
        protection: some(row, "protection"),
        mentor: some(row, "mentor"),
        phone: some(row, "phone"),
        email: some(row, "email"),
        channel: some(row, "channel"),
        language: some(row, "language"),
        groups: text(row, "groups").split(GROUPS).map(str::to_owned).collect(),
        year: some(row, "year"),
        flagged: some(row, "flagged"),
        home_municipality: some(row, "home-municipality"),
    }
}

fn guardian(row: Cells<'_>, school: String) -> GuardianRow {
    GuardianRow {
        pupil: text(row, "pupil"),
        school,
        guardian: text(row, "guardian"),
        name: some(row, "name"),
        phone: some(row, "phone"),
        email: some(row, "email"),
        channel: some(row, "channel"),
        language: some(row, "language"),
        household: some(row, "household"),
        may_receive: text(row, "may-receive"),
        from: some(row, "from"),
        to: some(row, "to"),
        deny: some(row, "deny"),
        deny_from: some(row, "deny-from"),
        deny_to: some(row, "deny-to"),
    }
}

/// Whoever is in that file is a guardian; whether anybody is told is decided by the pupil's protection, which comes
/// from elsewhere.
fn skola24(row: Cells<'_>, school: &str, pupil: &str, id: &str) -> GuardianRow {
    let name = [some(row, "first-name"), some(row, "last-name")];
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
    GuardianRow {
        pupil: pupil.to_owned(),
        school: school.to_owned(),
        guardian: id.to_owned(),
        name: Some(name).filter(|name| !name.is_empty()),
        phone: some(row, "phone"),
        email: some(row, "email"),
        may_receive: "yes".into(),
        ..GuardianRow::default()
    }
}

/// The last ten of a civic number, with or without its century and its dash.
fn civic(text: &str) -> Option<String> {
    let plain: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_number = matches!(plain.len(), 10 | 12) && plain[..6].iter().all(char::is_ascii_digit);
    is_number.then(|| plain[plain.len() - 10..].iter().collect::<String>().to_uppercase())
}

/// An id that says nothing of the number it is made of, to whoever has not the key.
fn unreadable(civic: &str, key: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(civic.as_bytes());
    let digest = mac.finalize().into_bytes();
    format!("g-{}", &hex(&digest[..12]))
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;
