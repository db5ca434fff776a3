//! A base: every row of the store in one file, so that the segments before it may go and the journal
//! still holds everything.
//!
//! The rows are read while commits go on. That is sound because a group says what its keys hold
//! *afterwards*: replaying all groups after the one the base is named for gives each key its last
//! value, whether the base caught it before or after. The base's last frame is empty and carries
//! the group that was last when the reading ended; the journal must reach that far.

use std::{
    io::{self, BufWriter, Write as _},
    path::Path,
};

use bytes::Bytes;

use super::{BULK_PREFIX, JournalError, file::Kind, frame::Draft};
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
    let sequence = source.sequence().map_err(JournalError::io(dir))?;
    let path = Kind::Base.path(dir, sequence);
    disk::make_file(&path, |file| {
        let mut file = BufWriter::new(file);
        file.write_all(&Kind::Base.header(sequence))?;
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
    Ok(sequence)
}
