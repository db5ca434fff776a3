//! The few things the store asks of a file system beside reading and writing: room left, names that
//! survive a crash, and one process at a time. Knows nothing of what the files hold.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt as _, OpenOptionsExt},
    path::Path,
};

use super::StoreError;

/// What a file is called until it is whole. Such files are removed at open.
pub const UNFINISHED: &str = "unfinished";

/// Bytes that an unprivileged process may still write on the disk of `path`.
///
/// # Errors
/// When the path does not exist or its file system does not answer.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether a path, which may not be there yet, is on the disk of a folder. One that does not say is taken for
/// the same.
pub fn is_same(path: &Path, dir: &Path) -> bool {
    let there = path.ancestors().find_map(|above| {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        fs::metadata(above).ok()
    });
    match (there, fs::metadata(dir)) {
        (Some(there), Ok(dir)) => there.dev() == dir.dev(),
        _ => true,
    }
}

/// Bytes taken by the files of a folder and its subfolders. A folder that does not exist takes none.
///
/// # Errors
/// When a folder cannot be listed.
pub fn used_bytes(dir: &Path) -> io::Result<u64> {
    let mut sum = 0;
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        sum += match entry.metadata() {
            // Segments and snapshots come and go while we look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
            Ok(meta) if meta.is_dir() => used_bytes(&entry.path())?,
            Ok(meta) => meta.len(),
        };
    }
    Ok(sum)
}

/// Makes a folder and those above it, for its owner alone.
///
/// # Errors
/// When it cannot be made.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_dir)
}

/// Makes the names in a folder survive a crash: a file's own `fdatasync` does not (fsync(2)).
///
/// # Errors
/// When the disk fails.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a file under its final name only once `write` has written it and it is on the disk, so that
/// no reader ever meets half of it. The file stays open for more.
///
/// # Errors
/// When it cannot be written; nothing is left behind then, unless the last step failed: that of
/// making the new name durable, told apart by [`Made::Unsure`].
pub fn make_file(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<File, Made> {
    let unfinished = path.with_extension(UNFINISHED);
    let made = (|| {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        Ok(file)
    })();
    let file = made.map_err(|error| {
        // Whatever is left is removed at the next open; the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
        Made::Not(error)
    })?;
    path.parent().map_or(Ok(()), sync_dir).map_err(Made::Unsure)?;
    Ok(file)
}

/// How making a file failed.
#[derive(Debug, thiserror::Error)]
pub enum Made {
    /// It does not exist.
    #[error("{0}")]
    Not(io::Error),
    /// It exists now; whether it will after a crash is unknown.
    #[error("{0}")]
    Unsure(io::Error),
}

impl From<Made> for io::Error {
    fn from(made: Made) -> Self {
        match made {
            Made::Not(error) | Made::Unsure(error) => error,
        }
    }
}

/// Removes what [`make_file`] did not finish.
///
/// # Errors
/// When the folder cannot be listed or a file not removed.
pub fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == UNFINISHED) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Proof that this process alone uses the folder, until it is dropped or the process ends however
/// it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the folder for this process. sled has its own lock, but it covers neither the journal nor
/// the moments of a rebuild when sled's folder is not there.
///
/// # Errors
/// [`StoreError::Refused`] in words when another process has it or the folder cannot be used.
pub fn lock(dir: &Path) -> Result<Lock, StoreError> {
    let unusable = |error: io::Error| {
        StoreError::Refused(format!(
            "the folder {} cannot be used for the store: {error}; it must exist or be creatable, \
             and belong to the user upprop runs as",
            dir.display()
        ))
    };
    make_dir(dir).map_err(unusable)?;
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join("lock"))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.display().to_string())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Whether a write failed for want of room, which may come back.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_is_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        let refused = lock(dir.path()).unwrap_err().to_string();
        assert!(refused.contains("another upprop holds the store at"), "{refused}");
        drop(held);
        assert!(lock(dir.path()).is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_filled_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.segment");
        let made = make_file(&path, |_| Err(io::ErrorKind::StorageFull.into()));
        assert!(matches!(made, Err(Made::Not(error)) if is_full(&error)));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_on_the_disk_of_the_one_above() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_same(&dir.path().join("a/b/c"), dir.path()));
        assert!(!is_same(Path::new("/proc/a/b"), dir.path()));
        assert!(is_same(Path::new("a/b"), Path::new(".")));
    }

    #[test]
    fn room_is_told_and_a_missing_folder_takes_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free_bytes(dir.path()).unwrap() > 0);
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/file"), [0; 10]).unwrap();
        assert_eq!(used_bytes(dir.path()).unwrap(), 10);
        assert_eq!(used_bytes(&dir.path().join("missing")).unwrap(), 0);
    }
}
