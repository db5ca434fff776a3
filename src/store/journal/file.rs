//! The journal's files: their names, their headers, and reading a segment from end to end. Decides where
//! a torn append ends and damage begins; cuts nothing itself.
//!
//! ```text
//! 00000000000000000001.segment   groups from 1 on, each once and in order
//! 00000000000000000042.base      every row as it was after group 42 or later (see `base`)
//! ```
//!
//! Header, little-endian: magic (8 bytes, by kind), version u32, sequence u64 (that of the name),
//! CRC32C u32 of the 20 bytes before. Files get their name only when the header is on the disk, so a
//! header that does not fit is always damage.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    JournalError,
    frame::{self, Frame, MAX_FRAME_BYTES},
};

/// The version of files this program writes, and the newest it reads.
pub const VERSION: u32 = 1;
/// Length of every file's header.
pub const HEADER_BYTES: usize = 24;

/// What a journal file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Groups as they were committed.
    Segment,
    /// All rows, which makes the segments before it dispensable.
    Base,
    /// All rows as they were after one group: not the journal's, but of its form (see `backup`).
    Backup,
}

impl Kind {
    fn magic(self) -> [u8; 8] {
        match self {
            Self::Segment => *b"upprop-j",
            Self::Base => *b"upprop-b",
            Self::Backup => *b"upprop-k",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Base => "base",
            Self::Backup => "backup",
        }
    }

    /// Where the file of this kind and sequence is.
    pub fn path(self, dir: &Path, sequence: u64) -> PathBuf {
        dir.join(format!("{sequence:020}.{}", self.extension()))
    }

    /// A header.
    pub fn header(self, sequence: u64) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&self.magic());
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..20].copy_from_slice(&sequence.to_le_bytes());
        let checksum = crc32c::crc32c(&header[..20]);
        header[20..].copy_from_slice(&checksum.to_le_bytes());
        header
    }
}

/// The sequences in the names of all files of one kind, ascending. A folder that does not exist has
/// none; files with other names are not the journal's.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(dir: &Path, kind: Kind) -> Result<Vec<u64>, JournalError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(JournalError::io(dir))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(JournalError::io(dir))?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let Some(sequence) = stem.and_then(|stem| stem.parse().ok())
            && kind.path(dir, sequence) == path
        {
            found.push(sequence);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Checks that a file begins as the file of this kind and sequence does.
///
/// # Errors
/// When it is damaged or comes from a newer program.
pub fn check_header(
    path: &Path,
    kind: Kind,
    sequence: u64,
    bytes: &[u8],
) -> Result<(), JournalError> {
    let header = kind.header(sequence);
    let Some(found) = bytes.get(..HEADER_BYTES) else {
        return Err(JournalError::damaged(path, 0, "the header is cut short"));
    };
    if found == header {
        return Ok(());
    }
    let version = u32::from_le_bytes([found[8], found[9], found[10], found[11]]);
    let intact = crc32c::crc32c(&found[..20]).to_le_bytes() == found[20..];
    if intact && found[..8] == header[..8] && version > VERSION {
        return Err(JournalError::Newer { path: path.to_owned(), found: version });
    }
    Err(JournalError::damaged(path, 0, "the header is not that of this file"))
}

/// A segment in memory.
pub struct Segment {
    path: PathBuf,
    first: u64,
    bytes: Vec<u8>,
}

/// How far a segment's groups go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The last whole group; one before the segment's first when it has none.
    pub last: u64,
    /// Where the last whole group ends, in bytes.
    pub end: usize,
    /// Bytes after that: a torn append, which was never acknowledged.
    pub torn: usize,
}

impl Segment {
    /// Reads the segment that begins with group `first`.
    ///
    /// # Errors
    /// When it cannot be read, or see [`check_header`].
    pub fn read(dir: &Path, first: u64) -> Result<Self, JournalError> {
        let path = Kind::Segment.path(dir, first);
        let bytes = fs::read(&path).map_err(JournalError::io(&path))?;
        check_header(&path, Kind::Segment, first, &bytes)?;
        Ok(Self { path, first, bytes })
    }

    fn damaged(&self, position: usize, what: impl ToString) -> JournalError {
        JournalError::damaged(&self.path, position as u64, what)
    }

    /// Hands every group to `each`, in order. Only the newest
    /// segment may end in a torn append: a group is written after the one before it is on the disk,
    /// so what follows a torn one is nothing.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] with the position, or the error of `each`.
    pub fn groups<E: From<JournalError>>(
        &self,
        newest: bool,
        mut each: impl FnMut(Frame) -> Result<(), E>,
    ) -> Result<Extent, E> {
        let (mut end, mut next) = (HEADER_BYTES, self.first);
        while end < self.bytes.len() {
            let (frame, length) = match frame::read(&self.bytes[end..]) {
                Ok(read) => read,
                // Room that was made for groups which never came.
                Err(_) if self.bytes[end..].iter().all(|&byte| byte == 0) => break,
                Err(bad) if newest => {
                    self.check_torn(end, bad, next)?;
                    break;
                }
                Err(bad) => return Err(self.damaged(end, bad).into()),
            };
            if frame.sequence != next {
                let what = format!("holds group {} where {next} belongs", frame.sequence);
                return Err(self.damaged(end, what).into());
            }
            each(frame)?;
            end += length;
            next += 1;
        }
        Ok(Extent { last: next - 1, end, torn: self.rest(end).len() })
    }

    /// What is there from a position on, but for the zeros at the end.
    fn rest(&self, at: usize) -> &[u8] {
        let rest = &self.bytes[at..];
        &rest[..rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)]
    }

    /// Whether a bad frame can be the append that a crash interrupted.
    fn check_torn(&self, at: usize, bad: frame::Bad, sequence: u64) -> Result<(), JournalError> {
        let rest = self.rest(at);
        if bad == frame::Bad::Content || rest.len() > MAX_FRAME_BYTES {
            return Err(self.damaged(at, bad));
        }
        // A whole frame may end in zeros.
        match frame::later_frame(&self.bytes[at..], sequence) {
            Some(later) => {
                Err(self
                    .damaged(at, format!("{bad}, and a whole one follows at byte {}", at + later)))
            }
            None => Ok(()),
        }
    }
}
