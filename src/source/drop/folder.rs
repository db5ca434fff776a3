//! The folder itself: what lies there, whether it has come to rest, and where what is done with goes. Blocking, and
//! waits for nobody; knows nothing of what files hold.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use crate::model::hex;

/// Where files go that were taken.
pub const DONE: &str = "done";
/// Where files and rows go that could not be used.
pub const REJECTED: &str = "rejected";
/// How the name of a reason ends, behind the name of the file.
pub const REASON: &str = ".reason.txt";
/// How the name of a note ends.
pub const NOTE: &str = ".note.txt";
/// Endings of the names that programs give to what they are still writing.
const UNFINISHED: [&str; 7] =
    [".part", ".tmp", ".temp", ".filepart", ".partial", ".crdownload", "~"];
/// Files that others may read who may read the folder.
const MODE: u32 = 0o640;

/// What tells whether a file is still the one that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    node: (u64, u64),
    /// Size in bytes.
    pub size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl About {
    fn of(found: &fs::Metadata) -> Self {
        Self {
            node: (found.dev(), found.ino()),
            size: found.len(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    /// When it was written.
    pub fn written_at(&self) -> Timestamp {
        let nanos = i32::try_from(self.written.1).unwrap_or_default();
        Timestamp::new(self.written.0, nanos).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether nothing has happened to it since it was written: what was moved has changed since.
    fn is_as_written(&self) -> bool {
        self.written >= self.changed
    }

    /// Whether it is the file that the other is, unwritten since; where it lies does not matter.
    fn is_same_file(&self, other: &Self) -> bool {
        (self.node, self.size, self.written) == (other.node, other.size, other.written)
    }

    /// When it was put where it is.
    fn put_at(&self) -> Timestamp {
        Timestamp::new(self.changed.0.max(self.written.0), 0).unwrap_or(Timestamp::MAX)
    }
}

/// A file that lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Its name.
    pub name: String,
    /// Which it is.
    pub about: About,
}

/// What lies in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Ordinary files that are not being written, as far as their names say, by name.
    pub files: Vec<Lying>,
    /// How many things lie there that are no ordinary files, or have a name that is no text.
    pub odd: usize,
}

/// Looks into a folder.
///
/// # Errors
/// When it cannot be read.
pub fn list(folder: &Path) -> io::Result<Listed> {
    let mut listed = Listed::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = match entry.metadata() {
            Ok(found) => found,
            // Gone since the folder was read.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        match entry.file_name().into_string() {
            Ok(name) if is_passed_over(&name) || (found.is_dir() && is_ours(&name)) => {}
            Ok(name) if found.is_file() => {
                listed.files.push(Lying { name, about: About::of(&found) });
            }
            _ => listed.odd += 1,
        }
    }
    listed.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

fn is_ours(name: &str) -> bool {
    [DONE, REJECTED, super::people::CURRENT].contains(&name)
}

fn is_passed_over(name: &str) -> bool {
    let lower = name.to_lowercase();
    name.starts_with('.')
        || [REASON, NOTE].iter().any(|ending| lower.ends_with(ending))
        || UNFINISHED.iter().any(|ending| lower.ends_with(ending))
        || name == crate::directory::load::CONFIRM_FILE
}

/// Opens an ordinary file that is no link, and waits for nobody: whoever may write to the folder could put a named
/// pipe there, or a link to what is not theirs.
///
/// # Errors
/// When it is something else, or cannot be opened.
pub fn open(path: &Path) -> io::Result<(fs::File, About)> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let file = fs::File::options().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not an ordinary file"));
    }
    Ok((file, About::of(&found)))
}

/// What a file is now; none: it is gone.
///
/// # Errors
/// When that cannot be seen.
pub fn about(path: &Path) -> io::Result<Option<About>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(About::of(&found))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A folder in the folder, made where it is not there.
///
/// # Errors
/// When something else is there, or it cannot be made.
pub fn inner(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    match fs::create_dir(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    if fs::symlink_metadata(&path)?.is_dir() {
        Ok(path)
    } else {
        Err(io::Error::new(ErrorKind::NotADirectory, "not a folder"))
    }
}

/// A name in a folder that no other content has: the file's own where it is free, or with the beginning of the
/// digest of its content, where it then replaces the same.
fn place(folder: &Path, name: &str, digest: &str) -> PathBuf {
    let own = folder.join(name);
    if fs::symlink_metadata(&own).is_err() {
        return own;
    }
    let digest = &digest[..digest.len().min(12)];
    folder.join(match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}~{digest}.{ending}"),
        None => format!("{name}~{digest}"),
    })
}

/// Moves a file into `done` or `rejected`, if it is still the one that was looked at; the name it has there. Whoever
/// exports may put another in its place at any moment: that one is put back, and looked at by itself.
///
/// # Errors
/// When it cannot be moved; then it is where it was. `Interrupted`: it was another file.
pub fn put_aside(
    folder: &Path,
    from: &Path,
    into: &str,
    digest: &str,
    about: &About,
) -> io::Result<String> {
    let name = from.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let to = place(&inner(folder, into)?, name, digest);
    fs::rename(from, &to)?;
    let moved = About::of(&fs::symlink_metadata(&to)?);
    if !moved.is_same_file(about) {
        put_back(folder, from, &to, &moved)?;
    }
    Ok(to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

/// Lets a file take a place, if it is still the one that was looked at; another is put back.
///
/// # Errors
/// As [`put_aside`].
pub fn put_in_place(folder: &Path, from: &Path, to: &Path, about: &About) -> io::Result<()> {
    fs::rename(from, to)?;
    let moved = About::of(&fs::symlink_metadata(to)?);
    if moved.is_same_file(about) { Ok(()) } else { put_back(folder, from, to, &moved) }
}

fn put_back(folder: &Path, from: &Path, to: &Path, moved: &About) -> io::Result<()> {
    let name = from.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let back = renameat_with(CWD, to, CWD, from, RenameFlags::NOREPLACE);
    if back.is_err() {
        // A third one lies there already; this one goes beside it.
        fs::rename(to, place(folder, name, &hex(&moved.changed.1.to_be_bytes())))?;
    }
    Err(io::Error::new(ErrorKind::Interrupted, "another file was put in its place"))
}

/// A reason in `rejected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The name of the file that it is about.
    pub name: String,
    /// Its first line, of at most 200 characters.
    pub first: String,
    /// When it was written.
    pub at: Timestamp,
}

/// The reasons that were written since then and whose files lie beside them.
///
/// # Errors
/// When `rejected` cannot be read.
pub fn reasons(folder: &Path, since: Timestamp) -> io::Result<Vec<Reason>> {
    let mut found = Vec::new();
    let inner = folder.join(REJECTED);
    for entry in fs::read_dir(&inner)? {
        let Ok(full) = entry?.file_name().into_string() else { continue };
        let Some(name) = full.strip_suffix(REASON) else { continue };
        let Ok((file, about)) = open(&inner.join(&full)) else { continue };
        if about.written_at() < since || fs::symlink_metadata(inner.join(name)).is_err() {
            continue;
        }
        let mut head = Vec::new();
        file.take(1_000).read_to_end(&mut head)?;
        let text = String::from_utf8_lossy(&head);
        let first = crate::model::shown(text.lines().next().unwrap_or_default(), 200);
        found.push(Reason { name: name.to_owned(), first, at: about.written_at() });
    }
    Ok(found)
}

/// Which of these still lie in `rejected`.
pub fn still_rejected(folder: &Path, names: Vec<String>) -> BTreeSet<String> {
    let inner = folder.join(REJECTED);
    names.into_iter().filter(|name| fs::symlink_metadata(inner.join(name)).is_ok()).collect()
}

/// Writes a file that is there whole or not at all, in a folder in the folder; the name it has there. `digest`: of
/// its content.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    folder: &Path,
    into: &str,
    name: &str,
    bytes: &[u8],
    digest: Option<&str>,
) -> io::Result<String> {
    let folder = inner(folder, into)?;
    let to = digest.map_or_else(|| folder.join(name), |digest| place(&folder, name, digest));
    let (mut file, unfinished) = unfinished(&folder)?;
    file.write_all(bytes)?;
    finish(&file, &unfinished, &to)?;
    Ok(to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

/// A new file in `rejected`, under a name that is passed over until it is whole.
///
/// # Errors
/// When it cannot be made.
pub fn begin(folder: &Path) -> io::Result<(fs::File, PathBuf)> {
    unfinished(&inner(folder, REJECTED)?)
}

/// Gives a file that was begun its name; the name.
///
/// # Errors
/// When it cannot be done.
pub fn end(
    folder: &Path,
    file: &fs::File,
    unfinished: &Path,
    name: &str,
    digest: &str,
) -> io::Result<String> {
    let to = place(&inner(folder, REJECTED)?, name, digest);
    finish(file, unfinished, &to)?;
    Ok(to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

fn unfinished(folder: &Path) -> io::Result<(fs::File, PathBuf)> {
    let path = folder.join(".upprop.part");
    // Of a process that was killed.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    Ok((fs::File::options().write(true).create_new(true).mode(MODE).open(&path)?, path))
}

fn finish(file: &fs::File, unfinished: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // Past the process's mask, so that who may read the folder can read why.
    file.set_permissions(fs::Permissions::from_mode(MODE))?;
    file.sync_all()?;
    fs::rename(unfinished, to)
}

/// Removes what has lain in `done` and `rejected` since before `limit`; how many files.
///
/// # Errors
/// At the first that cannot be removed.
pub fn tidy(folder: &Path, limit: Timestamp) -> io::Result<usize> {
    let mut removed = 0;
    for inner in [DONE, REJECTED] {
        let path = folder.join(inner);
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            continue;
        }
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let found = entry.metadata()?;
            if found.is_file() && About::of(&found).put_at() < limit {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Files in `done` that were written to after they were moved there: somebody had not finished.
///
/// # Errors
/// When the folder cannot be read.
pub fn grown(folder: &Path) -> io::Result<Vec<Lying>> {
    match list(&folder.join(DONE)) {
        Ok(listed) => Ok(listed.files.into_iter().filter(|l| l.about.is_as_written()).collect()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_written_is_passed_over() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path();
        for name in [
            "b.csv",
            "a.csv",
            ".a.csv",
            "c.csv.part",
            "d.TMP",
            "e.csv.filepart",
            "f~",
            "confirm.txt",
            "a.csv.reason.txt",
        ] {
            fs::write(path.join(name), "x").expect("write");
        }
        fs::create_dir(path.join(DONE)).expect("folder");
        fs::create_dir(path.join("other")).expect("folder");
        std::os::unix::fs::symlink(path.join("a.csv"), path.join("link.csv")).expect("link");
        let listed = list(path).expect("readable");
        let names: Vec<_> = listed.files.iter().map(|l| l.name.as_str()).collect();
        assert_eq!((names, listed.odd), (vec!["a.csv", "b.csv"], 2));
        assert!(open(&path.join("link.csv")).is_err(), "a link is not followed");
        assert!(open(path).is_err() && open(&path.join("a.csv")).is_ok());
    }

    #[test]
    fn a_file_put_in_the_place_of_another_is_not_put_aside_in_its_stead() {
        let folder = tempfile::tempdir().expect("folder");
        let (path, file) = (folder.path(), folder.path().join("a.csv"));
        fs::write(&file, "1").expect("write");
        let looked_at = about(&file).expect("there").expect("there");
        fs::write(path.join("a.tmp"), "2").expect("write");
        fs::rename(path.join("a.tmp"), &file).expect("in its place");
        let error =
            put_aside(path, &file, DONE, "aaaaaaaaaaaaaaaa", &looked_at).expect_err("other");
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert_eq!(fs::read_to_string(&file).expect("it is back"), "2");
        assert!(list(&path.join(DONE)).expect("there").files.is_empty());
    }

    #[test]
    fn only_the_file_that_was_read_takes_a_place() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path();
        let (from, to) = (path.join("pupils.csv"), inner(path, "current").expect("made"));
        let to = to.join("pupils.csv");
        fs::write(&from, "1").expect("write");
        let looked_at = about(&from).expect("there").expect("there");
        fs::write(path.join("other"), "2").expect("write");
        fs::rename(path.join("other"), &from).expect("in its place");
        let error = put_in_place(path, &from, &to, &looked_at).expect_err("another");
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert_eq!(fs::read_to_string(&from).expect("it is back"), "2");
        assert!(!to.exists());
        let looked_at = about(&from).expect("there").expect("there");
        put_in_place(path, &from, &to, &looked_at).expect("the same");
        assert_eq!(fs::read_to_string(&to).expect("there"), "2");
    }

    #[test]
    fn files_are_put_aside_and_none_is_lost() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path();
        let put = |text: &str, digest: &str| {
            fs::write(path.join("a.csv"), text).expect("write");
            let about = about(&path.join("a.csv")).expect("there").expect("there");
            put_aside(path, &path.join("a.csv"), DONE, digest, &about).expect("moved")
        };
        assert_eq!(put("1", "aaaaaaaaaaaaaaaa"), "a.csv");
        assert_eq!(put("2", "bbbbbbbbbbbbbbbb"), "a~bbbbbbbbbbbb.csv");
        assert_eq!(put("2", "bbbbbbbbbbbbbbbb"), "a~bbbbbbbbbbbb.csv");
        assert_eq!(fs::read_to_string(path.join("done/a.csv")).expect("there"), "1");
        write(path, REJECTED, "a.csv.reason.txt", b"why", None).expect("written");
        write(path, REJECTED, "a.csv.reason.txt", b"because", None).expect("written");
        assert_eq!(fs::read(path.join("rejected/a.csv.reason.txt")).expect("there"), b"because");
        assert_eq!(tidy(path, Timestamp::MIN).expect("tidied"), 0);
        assert_eq!(tidy(path, Timestamp::MAX).expect("tidied"), 3);
        std::os::unix::fs::symlink("/tmp", path.join("link")).expect("link");
        assert!(inner(path, "link").is_err(), "nothing goes where a link leads");
    }
}
