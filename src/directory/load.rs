//! The folder the directory is dropped into: reads the files whole, tells whether they changed, and
//! finds the confirmation of a load that was held back.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::Loaded;
use super::csv::{Files, GUARDIANS_FILE, PUPILS_FILE, STAFF_FILE, load_csv};
use super::phone::PhoneRules;
use super::problem::{LoadError, Place, RosterProblem};
use crate::model::{SchoolId, hex};

/// Name of the file that confirms a load: the digest and nothing else.
pub const CONFIRM_FILE: &str = "confirm.txt";
/// Largest file read, in bytes: some hundred times a large municipality.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// A digest has 64 digits; a confirmation longer than this is none.
const MAX_CONFIRM: u64 = 1024;

/// What tells whether a folder's files changed: for each that is there, name, size and the times of
/// the last change of its content and of its rights (seconds and nanoseconds since 1970).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<About>);

type About = (&'static str, u64, Option<SystemTime>, (i64, i64));

/// Moves with every change of what the same files are read as, so that a new program reads them again.
const READER: u32 = 1;

/// The files of a folder as they were at one moment, unread.
pub struct Gathered {
    pupils: Vec<u8>,
    guardians: Vec<u8>,
    staff: Option<Vec<u8>>,
}

impl Gathered {
    /// Takes the files of a folder: `pupils.csv` and `guardians.csv` must be there, `staff.csv` may be.
    ///
    /// # Errors
    /// When a file is missing or cannot be read.
    pub fn from_folder(path: &Path) -> Result<Self, LoadError> {
        let mut problems = Vec::new();
        let mut read = |file: &'static str, required: bool| {
            read_file(path, file, required).unwrap_or_else(|problem| {
                problems.push(problem);
                None
            })
        };
        let (pupils, guardians) = (read(PUPILS_FILE, true), read(GUARDIANS_FILE, true));
        let staff = read(STAFF_FILE, false);
        match (pupils, guardians) {
            (Some(pupils), Some(guardians)) if problems.is_empty() => {
                Ok(Self { pupils, guardians, staff })
            }
            _ => Err(LoadError { problems }),
        }
    }

    /// What they hold and how they are read, as SHA-256 in hexadecimal: where it is that of the load in
    /// force, they need not be read.
    pub fn digest(&self, schools: &BTreeSet<SchoolId>, rules: &PhoneRules) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{READER} {} {rules:?} {schools:?}", env!("CARGO_PKG_VERSION")));
        for file in [Some(&self.pupils), Some(&self.guardians), self.staff.as_ref()] {
            // None is told from empty, and what ends one file from what begins the next.
            hash.update(file.map_or(u64::MAX, |file| file.len() as u64).to_be_bytes());
            hash.update(file.map(Vec::as_slice).unwrap_or_default());
        }
        hex(hash.finalize().as_slice())
    }

    /// Reads them.
    ///
    /// # Errors
    /// Everything that is wrong in the files.
    pub fn load(
        &self,
        schools: &BTreeSet<SchoolId>,
        rules: &PhoneRules,
        now: Timestamp,
    ) -> Result<Loaded, LoadError> {
        let staff = self.staff.as_deref();
        let files = Files { pupils: &self.pupils, guardians: &self.guardians, staff };
        load_csv(files, schools, rules, now)
    }
}

fn read_file(
    folder: &Path,
    file: &'static str,
    required: bool,
) -> Result<Option<Vec<u8>>, RosterProblem> {
    let problem = |what: String, remedy: &str| RosterProblem::at(Place::File(file), what, remedy);
    match whole(&folder.join(file), MAX_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound && !required => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(problem(
            "is not in the folder of the directory".into(),
            "put it there, or correct the folder in the configuration",
        )),
        Err(error) => {
            let what = format!("cannot be read ({})", error.kind());
            Err(problem(what, "give upprop's user the right to read it, and check the disk"))
        }
    }
}

/// Opens what is an ordinary file, and waits for nobody: whoever may write to the folder could put a
/// named pipe there, which nobody ever writes to, or a link to a device without an end.
fn open(path: &Path) -> io::Result<fs::File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::File::options().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        Err(ErrorKind::IsADirectory.into())
    } else if kind.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(ErrorKind::InvalidInput, "not an ordinary file"))
    }
}

/// A file of at most so many bytes, which it may not outgrow while it is read either.
fn whole(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let about = file.metadata()?;
    if about.len() > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// What the folder looks like now. A folder that is not there looks like an empty one.
pub fn fingerprint(path: &Path) -> Fingerprint {
    let about = |file: &'static str| {
        let about = fs::metadata(path.join(file)).ok()?;
        Some((file, about.len(), about.modified().ok(), (about.ctime(), about.ctime_nsec())))
    };
    let files = [PUPILS_FILE, GUARDIANS_FILE, STAFF_FILE, CONFIRM_FILE];
    Fingerprint(files.into_iter().filter_map(about).collect())
}

/// Whether a file is there and cannot be read: that may pass without the file changing.
pub fn is_unreadable(path: &Path) -> bool {
    [PUPILS_FILE, GUARDIANS_FILE, STAFF_FILE]
        .into_iter()
        .any(|file| open(&path.join(file)).is_err_and(|error| error.kind() != ErrorKind::NotFound))
}

/// The digest in `confirm.txt`, if there is one.
pub fn confirmation(path: &Path) -> Option<String> {
    let bytes = whole(&path.join(CONFIRM_FILE), MAX_CONFIRM).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let digest = text.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
    Some(digest).filter(|d| !d.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUPILS: &str = "id,school,given-name,protection\np1,bjork,Alva,none\n";
    const GUARDIANS: &str = "pupil,school,guardian,may-receive\np1,bjork,g1,yes\n";

    fn read(path: &Path) -> Result<Loaded, LoadError> {
        let schools = [SchoolId::new("bjork").expect("id")].into();
        let now = "2026-11-23T07:00:00Z".parse().expect("time");
        Gathered::from_folder(path)?.load(&schools, &PhoneRules::default(), now)
    }

    #[test]
    fn both_lists_must_be_there() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path();
        assert_eq!(read(path).expect_err("nothing there").problems.len(), 2);
        assert_eq!(read(&path.join("gone")).expect_err("no folder").problems.len(), 2);
        fs::write(path.join(PUPILS_FILE), PUPILS).expect("write");
        let error = read(path).expect_err("no guardians").to_string();
        assert!(error.starts_with("guardians.csv: is not in the folder"), "{error}");
        fs::write(path.join(GUARDIANS_FILE), GUARDIANS).expect("write");
        assert_eq!(read(path).expect("good").roster.pupil_count(), 1);
        fs::write(path.join(STAFF_FILE), "").expect("write");
        assert!(read(path).is_err());
        fs::remove_file(path.join(STAFF_FILE)).expect("remove");
        fs::create_dir(path.join(STAFF_FILE)).expect("a folder in place of a file");
        let error = read(path).expect_err("not a file").to_string();
        assert!(error.starts_with("staff.csv: cannot be read"), "{error}");
    }

    #[test]
    fn a_fingerprint_changes_with_the_files() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path();
        let mut former = fingerprint(path);
        assert_eq!(former, fingerprint(&path.join("gone")));
        for (file, text) in [
            (PUPILS_FILE, PUPILS),
            (GUARDIANS_FILE, GUARDIANS),
            (STAFF_FILE, "id,role\n"),
            (CONFIRM_FILE, "abc"),
            (PUPILS_FILE, "longer"),
        ] {
            fs::write(path.join(file), text).expect("write");
            let now = fingerprint(path);
            assert_ne!(now, former, "{file}");
            assert_eq!(now, fingerprint(path));
            former = now;
        }
        let later = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let file = fs::File::options().append(true).open(path.join(PUPILS_FILE)).expect("open");
        file.set_modified(later).expect("set");
        assert_ne!(fingerprint(path), former);
    }

    #[test]
    fn files_are_the_same_by_what_they_hold_and_how_they_are_read() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path();
        let digest = |schools: &[&str]| {
            let schools = schools.iter().map(|s| SchoolId::new(*s).expect("id")).collect();
            let files = Gathered::from_folder(path).expect("files");
            files.digest(&schools, &PhoneRules::default())
        };
        fs::write(path.join(PUPILS_FILE), PUPILS).expect("write");
        fs::write(path.join(GUARDIANS_FILE), GUARDIANS).expect("write");
        let first = digest(&["bjork"]);
        assert_ne!(digest(&["bjork", "al"]), first, "another school, another reading");
        fs::write(path.join(STAFF_FILE), "").expect("write");
        assert_ne!(digest(&["bjork"]), first);
        fs::remove_file(path.join(STAFF_FILE)).expect("remove");
        assert_eq!(digest(&["bjork"]), first);
        // What moves from one file to the next is not the same.
        fs::write(path.join(PUPILS_FILE), [PUPILS, GUARDIANS].concat()).expect("write");
        fs::write(path.join(GUARDIANS_FILE), "").expect("write");
        assert_ne!(digest(&["bjork"]), first);
    }

    #[test]
    fn a_confirmation_is_a_digest_alone() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(confirmation(folder.path()), None);
        for (text, digest) in [
            ("abc12\r\n", Some("abc12")),
            ("\u{feff} ABC12 \n", Some("abc12")),
            (" \n", None),
            (&"a".repeat(2000), None),
        ] {
            fs::write(folder.path().join(CONFIRM_FILE), text).expect("write");
            assert_eq!(confirmation(folder.path()).as_deref(), digest);
        }
    }
}
