//! The end of the journal: finding it at start, and adding to it. One writer; whoever holds the
//! folder's lock.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    JournalError,
    file::{self, HEADER_BYTES, Kind, Segment},
    frame::{Draft, Frame},
};
use crate::store::disk::{self, Made};

/// Where a journal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The last group it accounts for, 0 for none yet.
    pub last: u64,
    /// The groups before those of the two newest segments, or of all of them when there are fewer.
    pub before: u64,
    /// The last group that sled was known to have when the last of them was written.
    pub flushed: u64,
    /// Bytes of a torn append behind it.
    pub torn: usize,
    /// The newest segment's name and where its whole groups end; none when only a base is there.
    segment: Option<(u64, usize)>,
}

/// How many bytes of groups that sled says it has are handed out with those that it lacks: what it may
/// have had open ([`OPEN_BYTES`]) when the machine crashed, several times over.
///
/// [`OPEN_BYTES`]: crate::store::layers::OPEN_BYTES
const DOUBT_BYTES: usize = 1024 * 1024;

/// Bytes of zeros that a segment is made longer by when it is full. Writing where the file already
/// reaches needs no change of its metadata, and the disk is then done in one step.
const RESERVED_BYTES: u64 = 1024 * 1024;

/// Finds where the journal in `dir` ends, changing nothing; none when there is no journal. Reads the
/// newest segment, and of the one before it what it says of sled: those before were whole when it was
/// begun, and are read by `replay`.
///
/// # Errors
/// When it cannot be read or is damaged.
pub fn tail(dir: &Path) -> Result<Option<Tail>, JournalError> {
    let segments = file::list(dir, Kind::Segment)?;
    let Some(&first) = segments.last() else {
        let base = file::list(dir, Kind::Base)?.last().copied();
        return Ok(base.map(|last| Tail {
            last,
            before: last,
            flushed: last,
            torn: 0,
            segment: None,
        }));
    };
    let mut flushed = 0;
    if let [.., before, _] = segments[..] {
        // Damage there is told where its groups are needed.
        let _ = Segment::read(dir, before).and_then(|segment| {
            segment.groups(false, |mut frame| {
                flushed = frame.take_flushed().unwrap_or(flushed);
                Ok::<_, JournalError>(())
            })
        });
    }
    let extent = Segment::read(dir, first)?.groups(true, |mut frame| {
        flushed = frame.take_flushed().unwrap_or(flushed);
        Ok::<_, JournalError>(())
    })?;
    Ok(Some(Tail {
        last: extent.last,
        before: segments[segments.len().saturating_sub(2)] - 1,
        flushed,
        torn: extent.torn,
        segment: Some((first, extent.end)),
    }))
}

/// The groups of the two newest segments that came after group `known`, and the last ones up to it,
/// oldest first.
///
/// # Errors
/// When they cannot be read or are damaged; damage in the older one counts only where it is needed.
pub fn since(dir: &Path, known: u64) -> Result<Vec<Frame>, JournalError> {
    let segments = file::list(dir, Kind::Segment)?;
    let mut groups = VecDeque::new();
    let mut doubt = 0;
    for (index, &first) in segments.iter().enumerate().skip(segments.len().saturating_sub(2)) {
        let is_newest = index + 1 == segments.len();
        let read = Segment::read(dir, first).and_then(|segment| {
            segment.groups(is_newest, |mut frame| {
                frame.take_flushed();
                if frame.sequence <= known {
                    doubt += frame.bytes();
                }
                groups.push_back(frame);
                while doubt > DOUBT_BYTES {
                    doubt -= groups.pop_front().map_or(0, |frame: Frame| frame.bytes());
                }
                Ok::<_, JournalError>(())
            })
        });
        match read {
            Ok(_) => {}
            Err(error) if !is_newest && segments[index + 1] <= known + 1 => {
                tracing::warn!(%error, "a closed segment is damaged; the store has its groups");
                groups.clear();
                doubt = 0;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(groups.into())
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
pub struct Journal {
    dir: PathBuf,
    segment: Box<dyn Medium>,
    /// Bytes of groups in the segment.
    end: u64,
    /// The first group of the segment.
    begins: u64,
    /// How far the file reaches: zeros from `end` on.
    reserved: u64,
    /// How many zeros are added at a time.
    reserve: u64,
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
        let (segment, begins, end) = match tail
            .and_then(|tail| tail.segment.map(|at| (at, tail.torn)))
        {
            None => {
                let path = Kind::Segment.path(dir, last + 1);
                (
                    begin(dir, last + 1).map_err(|made| JournalError::io(&path)(made.into()))?,
                    last + 1,
                    HEADER_BYTES,
                )
            }
            Some(((first, end), torn)) => {
                let path = Kind::Segment.path(dir, first);
                let file = cut(&path, end, torn).map_err(JournalError::io(&path))?;
                (file, first, end)
            }
        };
        let (segment, end) = (Box::new(segment), end as u64);
        // Zeros of a former life are as good; that they are there is only a matter of speed.
        let reserved = segment.metadata().map_or(end, |meta| meta.len().max(end));
        let dir = dir.to_owned();
        let reserve = RESERVED_BYTES.min(segment_bytes);
        Ok(Self { dir, segment, end, begins, reserved, reserve, last, segment_bytes })
    }

    /// A journal that ends in a medium of the test's choice.
    #[cfg(test)]
    pub fn on(segment: impl Medium + 'static) -> Self {
        let segment = Box::new(segment);
        let (dir, segment_bytes) = (PathBuf::new(), u64::MAX);
        Self { dir, segment, end: 0, begins: 1, reserved: 0, reserve: 0, last: 0, segment_bytes }
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
        if self.rotates_for(&group) {
            self.rotate()?;
        }
        let frame = group.seal(self.last + 1);
        let end = self.end + frame.len() as u64;
        if end > self.reserved && self.reserve > 0 {
            match self.reserve(end) {
                // Room for this group alone is enough.
                Ok(()) | Err(AppendError::Full(_)) => {}
                Err(failed) => return Err(failed),
            }
        }
        // What fails is undone by cutting the file, its zeros too.
        append_at(&*self.segment, self.end, &frame).inspect_err(|_| self.reserved = self.end)?;
        self.reserved = self.reserved.max(end);
        self.end = end;
        self.last += 1;
        Ok(self.last)
    }

    /// The first group of the running segment, whether it is there yet or not.
    pub fn begins(&self) -> u64 {
        self.begins
    }

    /// Whether this group would begin a new segment.
    pub fn rotates_for(&self, group: &Draft) -> bool {
        self.end > HEADER_BYTES as u64 && self.end + group.len() as u64 > self.segment_bytes
    }

    /// Makes the segment longer, so that it reaches beyond `end`.
    fn reserve(&mut self, end: u64) -> Result<(), AppendError> {
        let from = self.reserved;
        let to = (end + self.reserve).min(self.segment_bytes.max(end));
        let zeros = vec![0; usize::try_from(to - from).unwrap_or(0)];
        append_at(&*self.segment, from, &zeros)?;
        self.reserved = to;
        Ok(())
    }

    /// Closes the segment, unless it is empty, and begins the next.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn rotate(&mut self) -> Result<(), AppendError> {
        if self.end > HEADER_BYTES as u64 {
            let segment = begin(&self.dir, self.last + 1).map_err(|made| match made {
                Made::Not(error) if disk::is_full(&error) => AppendError::Full(error),
                made => AppendError::Failed(made.into()),
            })?;
            // The zeros are no longer needed; left behind by a crash they do no harm.
            if let Err(error) = self.segment.set_len(self.end) {
                tracing::debug!(%error, "a closed segment keeps its zeros");
            }
            self.segment = Box::new(segment);
            self.begins = self.last + 1;
            self.end = HEADER_BYTES as u64;
            self.reserved = self.end;
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
pub trait Medium: Send {
    /// Writes all of it, or fails having written some.
    ///
    /// # Errors
    /// When the disk is full or fails.
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Cuts the file.
    ///
    /// # Errors
    /// When the disk fails.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// Returns when content and length are on the disk.
    ///
    /// # Errors
    /// When the disk fails; what is on it is unknown then.
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

/// Writes at the end of what a file holds and waits for the disk. A full disk is undone and may pass;
/// after a failed sync nobody knows what is on the disk (fsync(2), "EIO"), so that is final.
fn append_at(file: &dyn Medium, end: u64, bytes: &[u8]) -> Result<(), AppendError> {
    if let Err(error) = file.write_all_at(bytes, end) {
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
    use super::{super::small::Small, *};

    #[test]
    fn a_full_disk_is_undone_and_may_pass() {
        let disk = Small::new(25);
        let mut journal = Journal::on(disk.clone());
        assert_eq!(journal.append(Draft::default()).unwrap(), 1);
        assert!(matches!(journal.append(Draft::default()), Err(AppendError::Full(_))));
        assert_eq!((disk.length(), journal.last()), (20, 1));
        disk.set_room(100);
        assert_eq!(journal.append(Draft::default()).unwrap(), 2);
        assert_eq!(disk.length(), 40);
    }

    #[test]
    fn what_cannot_be_undone_or_synced_is_final() {
        let (no_room, room) = (Small::new(5), Small::new(100));
        let torn = Small::new(5);
        torn.stop_shrinking();
        no_room.stop_syncing();
        room.stop_syncing();
        let cases = [
            ("a torn append that stays", torn),
            ("a torn append that may come back", no_room),
            ("a whole append that may not be there", room),
        ];
        for (what, disk) in cases {
            let outcome = Journal::on(disk).append(Draft::default());
            assert!(matches!(outcome, Err(AppendError::Failed(_))), "{what}");
        }
    }
}
