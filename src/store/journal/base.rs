//! A base: every row of the store in one file, so that the segments before it may go and the journal
//! still holds everything.
//!
//! The rows are read while commits go on. That is sound because a group says what its keys hold
//! *afterwards*: replaying all groups after the one the base is named for gives each key its last
//! value, whether the base caught it before or after. The base's last frame is empty and carries
//! the group that was last when the reading ended; the journal must reach that far.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read as _, Write as _},
    path::Path,
};

use bytes::Bytes;

use super::{
    BULK_PREFIX, JournalError,
    file::{HEADER_BYTES, Kind, check_header},
    frame::{self, Draft, Frame},
};
use crate::store::{MAX_BATCH_BYTES, disk};

/// Rows to read at a time.
const ROWS: usize = 256;

/// What a base is made from.
pub trait Rows {
    /// The last group whose effects all reads from now on show.
    ///
    /// # Errors
    /// When the engine fails.
    fn sequence(&self) -> io::Result<u64>;

    /// At most `limit` rows with keys from `from` on, in order.
    ///
    /// # Errors
    /// When the engine fails.
    fn rows(&self, from: &[u8], limit: usize) -> io::Result<Vec<(Vec<u8>, Bytes)>>;
}

/// Writes a base and returns the group it is named for.
///
/// # Errors
/// When it cannot be written; nothing is left behind then.
pub fn write(dir: &Path, source: &impl Rows) -> Result<u64, JournalError> {
    write_as(Kind::Base, dir, source).map(|(sequence, _)| sequence)
}

/// Writes all rows in the form of a base, as a file of some kind; returns the group it is named for and
/// how many rows it holds.
///
/// # Errors
/// As [`write`].
pub fn write_as(kind: Kind, dir: &Path, source: &impl Rows) -> Result<(u64, u64), JournalError> {
    let mut count = 0;
    let sequence = source.sequence().map_err(JournalError::io(dir))?;
    let path = kind.path(dir, sequence);
    disk::make_file(&path, |file| {
        let mut file = BufWriter::new(file);
        file.write_all(&kind.header(sequence))?;
        let mut from = Vec::new();
        let mut draft = Draft::default();
        loop {
            let rows = source.rows(&from, ROWS)?;
            let Some((last, _)) = rows.last() else { break };
            from.clone_from(last);
            // The smallest key after the last one.
            from.push(0);
            for (key, value) in rows.iter().filter(|(key, _)| !key.starts_with(BULK_PREFIX)) {
                draft.push(key, Some(value));
                count += 1;
                if draft.len() > MAX_BATCH_BYTES / 2 {
                    file.write_all(&std::mem::take(&mut draft).seal(sequence))?;
                }
            }
        }
        if !draft.is_empty() {
            file.write_all(&draft.seal(sequence))?;
        }
        file.write_all(&Draft::default().seal(source.sequence()?))?;
        file.flush()
    })
    .map_err(|made| JournalError::io(&path)(made.into()))?;
    Ok((sequence, count))
}

/// Hands the rows of a base to `each`, some at a time; returns the group whose effects they may
/// already show.
///
/// # Errors
/// When it cannot be read or is damaged, or the error of `each`.
pub fn read<E: From<JournalError>>(
    dir: &Path,
    sequence: u64,
    each: impl FnMut(Frame) -> Result<(), E>,
) -> Result<u64, E> {
    read_as(Kind::Base, dir, sequence, each)
}

/// Reads a file of some kind that [`write_as`] wrote.
///
/// # Errors
/// As [`read`].
pub fn read_as<E: From<JournalError>>(
    kind: Kind,
    dir: &Path,
    sequence: u64,
    mut each: impl FnMut(Frame) -> Result<(), E>,
) -> Result<u64, E> {
    let path = kind.path(dir, sequence);
    let mut file = BufReader::new(File::open(&path).map_err(JournalError::io(&path))?);
    let mut take = |bytes: &mut Vec<u8>, length: usize| {
        let before = bytes.len();
        let taken = (&mut file).take(length as u64).read_to_end(bytes);
        taken.map_err(JournalError::io(&path))?;
        Ok::<_, JournalError>(bytes.len() - before)
    };
    let mut header = Vec::new();
    take(&mut header, HEADER_BYTES)?;
    check_header(&path, kind, sequence, &header)?;
    let mut at = HEADER_BYTES as u64;
    loop {
        let mut bytes = Vec::new();
        take(&mut bytes, frame::HEAD_BYTES)?;
        // A length that no frame has is told by `frame::read`.
        let rest = frame::rest_bytes(&bytes).unwrap_or(0);
        take(&mut bytes, rest)?;
        let (frame, length) =
            frame::read(&bytes).map_err(|bad| JournalError::damaged(&path, at, bad))?;
        at += length as u64;
        if !frame.writes.is_empty() {
            each(frame)?;
        } else if take(&mut bytes, 1)? == 0 {
            return Ok(frame.sequence);
        } else {
            return Err(JournalError::damaged(&path, at, "something follows the end").into());
        }
    }
}
