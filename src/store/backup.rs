//! A backup: one folder with every row as it was after one group, in a form of our own that any later
//! release reads, and a page about it. The directory is left out, as it is in the journal: it is had again
//! from its source, and an old one may lack a pupil's protection.
//!
//! ```text
//! 00000000000000004711.backup   the rows, spelled as a base of the journal is
//! about.json                    when, from which program, how many rows, the file's SHA-256
//! ```
//!
//! The folder gets its name only when both are on the disk.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Progress, Snapshot, StoreError,
    compact::Ends,
    disk,
    journal::{
        JournalError,
        base::{self, Rows},
        file::Kind,
        frame::Write,
    },
    rebuild, restore,
};
use crate::model::hex;

/// The form of a backup that this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;
const ABOUT: &str = "about.json";

/// What is said of a backup beside its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct About {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The last group in it.
    pub sequence: u64,
    /// How many rows.
    pub rows: u64,
    /// Bytes of the file of rows.
    pub bytes: u64,
    /// SHA-256 of the file of rows, in hexadecimal.
    pub sha256: String,
}

/// The rows, counted; and why they ended early, if they did.
struct Counted<'a> {
    snapshot: &'a Snapshot,
    progress: &'a Progress,
    ends: Ends<'a>,
    ended: RefCell<Option<String>>,
}

impl Rows for Counted<'_> {
    fn sequence(&self) -> io::Result<u64> {
        Rows::sequence(self.snapshot)
    }

    fn rows(&self, from: &[u8], limit: usize) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        if let Some(why) = (self.ends)() {
            self.ended.replace(Some(why));
            return Err(io::Error::other("it was ended"));
        }
        let rows = self.snapshot.rows(from, limit)?;
        self.progress.step(rows.len() as u64);
        Ok(rows)
    }
}

/// Writes a backup to a folder that is not there yet, or empty. Blocks.
///
/// # Errors
/// [`StoreError::Refused`], in words; [`StoreError::Busy`] where it was to end. Nothing is left behind then.
pub fn write(
    snapshot: &Snapshot,
    dir: &Path,
    taken_at: Timestamp,
    progress: &Progress,
    ends: Ends<'_>,
) -> Result<About, StoreError> {
    let refused = |error: io::Error| {
        StoreError::Refused(format!(
            "the backup cannot be written to {}: {error}. It is written as uid {}; name a folder that this \
             user can make (under the daemon's unit only its StateDirectory, as /var/lib/upprop/backups/NAME)",
            dir.display(),
            rustix::process::geteuid().as_raw()
        ))
    };
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(StoreError::Refused(format!(
            "{} is not empty; name a folder that is not there yet",
            dir.display()
        )));
    }
    let unfinished = unfinished(dir);
    let rows = Counted { snapshot, progress, ends, ended: RefCell::default() };
    progress.begin(0);
    let written = begin(dir, &unfinished)
        .and_then(|()| fill(&rows, &unfinished, taken_at))
        .and_then(|about| {
            fs::rename(&unfinished, dir)?;
            sync_parent(dir)?;
            // Whatever happened beside: what is told to be there is there.
            let found = self::about(dir).map_err(io::Error::other)?;
            if found == about { Ok(about) } else { Err(io::Error::other("another one is there")) }
        });
    progress.end();
    written.map_err(|error| {
        // Another try removes what cannot be removed now.
        let _ = fs::remove_dir_all(&unfinished);
        match rows.ended.take() {
            Some(why) => StoreError::Busy(format!("the backup was not written: {why}")),
            None => refused(error),
        }
    })
}

fn begin(dir: &Path, unfinished: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    match fs::remove_dir_all(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(unfinished)
}

fn fill(rows: &Counted<'_>, dir: &Path, taken_at: Timestamp) -> io::Result<About> {
    let (sequence, rows) = base::write_as(Kind::Backup, dir, rows).map_err(io::Error::other)?;
    let (bytes, sha256) = digest(&Kind::Backup.path(dir, sequence))?;
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let about = About { format: FORMAT, program, taken_at, sequence, rows, bytes, sha256 };
    let mut text = serde_json::to_vec_pretty(&about)?;
    text.push(b'\n');
    disk::make_file(&dir.join(ABOUT), |file| file.write_all(&text))?;
    disk::sync_dir(dir)?;
    Ok(about)
}

/// Where a backup is until it is whole.
fn unfinished(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(disk::UNFINISHED);
    dir.with_file_name(name)
}

fn sync_parent(dir: &Path) -> io::Result<()> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    disk::sync_dir(parent.unwrap_or(Path::new(".")))
}

fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, hex(hash.finalize().as_slice())));
        }
        hash.update(&buffer[..read]);
        length += read as u64;
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// Reads what is said of a backup, without looking at its rows.
///
/// # Errors
/// [`StoreError::Refused`] where there is none, or a newer program wrote it.
pub fn about(dir: &Path) -> Result<About, StoreError> {
    let path = dir.join(ABOUT);
    let refused =
        |why: String| StoreError::Refused(format!("no backup at {}: {why}", dir.display()));
    let text = fs::read(&path).map_err(|error| refused(format!("{ABOUT}: {error}")))?;
    let form: Form =
        serde_json::from_slice(&text).map_err(|error| refused(format!("{ABOUT}: {error}")))?;
    if form.format > FORMAT {
        return Err(refused(format!(
            "a newer upprop wrote it (format {}, this binary knows {FORMAT}); install that release or a later one",
            form.format
        )));
    }
    serde_json::from_slice(&text).map_err(|error| refused(format!("{ABOUT}: {error}")))
}

/// Verifies every byte of a backup.
///
/// # Errors
/// [`StoreError::Refused`], in words, when it is not as it was written.
pub fn verify(dir: &Path) -> Result<About, StoreError> {
    let about = about(dir)?;
    let damaged = |what: String| {
        StoreError::Refused(format!(
            "the backup in {} is damaged: {what}; use another copy of it",
            dir.display()
        ))
    };
    let path = Kind::Backup.path(dir, about.sequence);
    let found = digest(&path).map_err(|error| damaged(format!("{}: {error}", path.display())))?;
    if found != (about.bytes, about.sha256.clone()) {
        return Err(damaged(format!(
            "{} has another length or SHA-256 than {ABOUT} says",
            path.display()
        )));
    }
    let mut rows = 0;
    read(dir, &about, |writes| {
        rows += writes.len() as u64;
        Ok(())
    })?;
    if rows == about.rows { Ok(about) } else { Err(damaged(format!("it holds {rows} rows"))) }
}

/// Hands the rows of a backup to `each`, some at a time.
///
/// # Errors
/// [`StoreError::Refused`] when it is damaged, or the error of `each`.
pub fn read(
    dir: &Path,
    about: &About,
    mut each: impl FnMut(Vec<Write>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let reach = base::read_as(Kind::Backup, dir, about.sequence, |frame| each(frame.writes))?;
    if reach == about.sequence {
        return Ok(());
    }
    let path = Kind::Backup.path(dir, about.sequence);
    Err(JournalError::damaged(&path, 0, "its end is that of another backup").into())
}

/// Removes backups in a folder that were taken before an instant, and what an older try left. Returns how
/// many went. Whatever is no backup stays.
///
/// # Errors
/// When the folder cannot be read; or the first one that cannot be removed, when the others are.
pub fn remove_old(folder: &Path, before: Timestamp) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removal = Removal::default();
    for entry in entries {
        let path = entry?.path();
        let old = match about(&path) {
            Ok(about) => about.taken_at < before,
            Err(_) => {
                path.extension().is_some_and(|e| e == disk::UNFINISHED) && is_older(&path, before)
            }
        };
        if old && path.is_dir() {
            removal.of(&path);
        }
    }
    removal.end()
}

/// Folders that are removed one after the other. One that stays keeps none of the others.
#[derive(Default)]
struct Removal {
    gone: usize,
    stays: Option<io::Error>,
}

impl Removal {
    fn of(&mut self, path: &Path) {
        match fs::remove_dir_all(path) {
            Ok(()) => self.gone += 1,
            Err(error) => {
                let error = io::Error::new(error.kind(), format!("{}: {error}", path.display()));
                self.stays.get_or_insert(error);
            }
        }
    }

    /// How many went, if none had to stay.
    fn end(self) -> io::Result<usize> {
        self.stays.map_or(Ok(self.gone), Err)
    }
}

/// Removes what rebuilds and restores set aside in the store's folder before an instant, and at any time what
/// those that were interrupted left: none is under way, since the folder is locked. Returns how many folders
/// went.
///
/// # Errors
/// As [`remove_old`].
pub fn remove_aside(dir: &Path, before: Timestamp) -> io::Result<usize> {
    let mut removal = Removal::default();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_aside = name.starts_with("store.before-") || name.starts_with("journal.before-");
        let is_left = [restore::FRESH[0], restore::FRESH[1], rebuild::FRESH].contains(&&*name);
        if is_left || (is_aside && is_older(&entry.path(), before)) {
            removal.of(&entry.path());
        }
    }
    removal.end()
}

/// Whether the last change of a folder's name or content was before an instant.
fn is_older(path: &Path, before: Timestamp) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // A rename moves the time of the last change, which nobody can set back.
    let changed = fs::metadata(path).ok().and_then(|m| Timestamp::from_second(m.ctime()).ok());
    changed.is_some_and(|changed| changed < before)
}
