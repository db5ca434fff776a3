//! The end of the journal: finding it at start, and adding to it. One writer; whoever holds the
//! folder's lock.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    JournalError,
    file::{self, HEADER_BYTES, Kind},
    frame::{Draft, Frame},
};
use crate::store::disk::{self, Made};

/// Where a journal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The last group it accounts for, 0 for none yet.
    pub last: u64,
    /// That group itself, when the newest segment holds it.
    pub group: Option<Frame>,
    /// Bytes of a torn append behind it.
    pub torn: usize,
    /// The newest segment's name and where its whole groups end; none when only a base is there.
    segment: Option<(u64, usize)>,
}

/// Finds where the journal in `dir` ends, changing nothing; none when there is no journal. Reads the
/// newest segment only: those before it were whole when it was begun, and are read by `replay`.
///
/// # Errors
/// When it cannot be read or is damaged.
pub fn tail(dir: &Path) -> Result<Option<Tail>, JournalError> {
    let Some(&first) = file::list(dir, Kind::Segment)?.last() else {
        let base = file::list(dir, Kind::Base)?.last().copied();
        return Ok(base.map(|last| Tail { last, group: None, torn: 0, segment: None }));
    };
    let mut group = None;
    let extent = file::open(dir, Kind::Segment, first)?.groups(first, true, |frame| {
        group = Some(frame);
        Ok::<_, JournalError>(())
    })?;
    Ok(Some(Tail {
        last: extent.last,
        group,
        torn: extent.torn,
        segment: Some((first, extent.end)),
    }))
}

/// Why a group was not added.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// No room. The journal is as before; a later try may succeed.
    #[error("no room for the journal: {0}")]
    Full(io::Error),
    /// What is on the disk now is unknown; nothing may be added any more.
    #[error("the journal cannot be written: {0}")]
    Failed(io::Error),
}

/// The open end of a journal.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    segment: File,
    /// Bytes in the segment.
    end: u64,
    last: u64,
    segment_bytes: u64,
}

impl Journal {
    /// Begins or goes on with the journal in `dir`, after the group that `tail` (or the caller, for
    /// a new journal) names as the last. Cuts off a torn append.
    ///
    /// # Errors
    /// When the segment cannot be made, opened or cut.
    pub fn resume(
        dir: &Path,
        tail: Option<&Tail>,
        last: u64,
        segment_bytes: u64,
    ) -> Result<Self, JournalError> {
        let (segment, end) = match tail.and_then(|tail| tail.segment.map(|at| (at, tail.torn))) {
            None => {
                let path = Kind::Segment.path(dir, last + 1);
                (
                    begin(dir, last + 1).map_err(|made| JournalError::io(&path)(made.into()))?,
                    HEADER_BYTES,
                )
            }
            Some(((first, end), torn)) => {
                let path = Kind::Segment.path(dir, first);
                let file = cut(&path, end, torn).map_err(JournalError::io(&path))?;
                (file, end)
            }
        };
        Ok(Self { dir: dir.to_owned(), segment, end: end as u64, last, segment_bytes })
    }

    /// The last group added.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Adds the next group and returns when it is on the disk.
    ///
    /// # Errors
    /// See [`AppendError`]. After [`AppendError::Failed`] the journal must be dropped.
    pub fn append(&mut self, group: Draft) -> Result<u64, AppendError> {
        let frame = group.seal(self.last + 1);
        if self.end + frame.len() as u64 > self.segment_bytes {
            self.rotate()?;
        }
        append_at(&self.segment, self.end, &frame)?;
        self.end += frame.len() as u64;
        self.last += 1;
        Ok(self.last)
    }

    /// Closes the segment, unless it is empty, and begins the next.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn rotate(&mut self) -> Result<(), AppendError> {
        if self.end > HEADER_BYTES as u64 {
            self.segment = begin(&self.dir, self.last + 1).map_err(|made| match made {
                Made::Not(error) if disk::is_full(&error) => AppendError::Full(error),
                made => AppendError::Failed(made.into()),
            })?;
            self.end = HEADER_BYTES as u64;
        }
        Ok(())
    }
}

fn begin(dir: &Path, first: u64) -> Result<File, Made> {
    disk::make_file(&Kind::Segment.path(dir, first), |file| {
        file.write_all(&Kind::Segment.header(first))
    })
}

fn cut(path: &Path, end: usize, torn: usize) -> io::Result<File> {
    let file = File::options().read(true).write(true).open(path)?;
    if torn > 0 {
        tracing::warn!(
            file = %path.display(),
            position = end,
            bytes = torn,
            "the journal ends in a group that a crash interrupted and nobody was told of: cut off"
        );
        file.set_len(end as u64)?;
        file.sync_data()?;
    }
    Ok(file)
}

/// What appending needs of a file, so that a full disk can be played in tests.
trait Medium {
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    fn set_len(&self, length: u64) -> io::Result<()>;
    fn sync_data(&self) -> io::Result<()>;
}

impl Medium for File {
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, at)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        Self::set_len(self, length)
    }
    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

/// Writes a frame at the end of a file and waits for the disk. A full disk is undone and may pass;
/// after a failed sync nobody knows what is on the disk (fsync(2), "EIO"), so that is final.
fn append_at(file: &impl Medium, end: u64, frame: &[u8]) -> Result<(), AppendError> {
    if let Err(error) = file.write_all_at(frame, end) {
        let undone = file.set_len(end).and_then(|()| file.sync_data());
        return Err(match undone {
            Ok(()) if disk::is_full(&error) => AppendError::Full(error),
            _ => AppendError::Failed(error),
        });
    }
    file.sync_data().map_err(AppendError::Failed)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A file on a disk with this much room, which may refuse to shrink or to sync.
    struct Small {
        bytes: RefCell<Vec<u8>>,
        room: usize,
        shrinks: bool,
        syncs: bool,
    }

    impl Medium for Small {
        fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
            let mut file = self.bytes.borrow_mut();
            assert_eq!(file.len() as u64, at, "no gap and no overwriting");
            let fits = bytes.len().min(self.room.saturating_sub(file.len()));
            file.extend(&bytes[..fits]);
            if fits == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        }
        fn set_len(&self, length: u64) -> io::Result<()> {
            if !self.shrinks {
                return Err(io::ErrorKind::Other.into());
            }
            self.bytes.borrow_mut().truncate(usize::try_from(length).unwrap());
            Ok(())
        }
        fn sync_data(&self) -> io::Result<()> {
            if self.syncs { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
        }
    }

    fn small(room: usize, shrinks: bool, syncs: bool) -> Small {
        Small { bytes: RefCell::new(vec![1, 2, 3]), room, shrinks, syncs }
    }

    #[test]
    fn a_full_disk_is_undone_and_may_pass() {
        let mut disk = small(5, true, true);
        assert!(matches!(append_at(&disk, 3, &[4; 4]), Err(AppendError::Full(_))));
        assert_eq!(*disk.bytes.borrow(), [1, 2, 3]);
        disk.room = 100;
        assert!(append_at(&disk, 3, &[4; 4]).is_ok());
        assert_eq!(*disk.bytes.borrow(), [1, 2, 3, 4, 4, 4, 4]);
    }

    #[test]
    fn what_cannot_be_undone_or_synced_is_final() {
        let fails =
            |disk: Small| matches!(append_at(&disk, 3, &[4; 4]), Err(AppendError::Failed(_)));
        assert!(fails(small(5, false, true)), "a torn append that stays");
        assert!(fails(small(5, true, false)), "a torn append that may come back");
        assert!(fails(small(100, true, false)), "a whole append that may not be there");
    }
}
