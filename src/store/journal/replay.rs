//! Reading a journal from its beginning: everything it knows, in order, every byte verified.

use std::path::Path;

use super::{
    JournalError, base,
    file::{self, Kind, Segment},
    frame::Frame,
};

/// What a replay went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// The last group.
    pub last: u64,
    /// Groups handed out, those of the base not counted.
    pub groups: u64,
    /// The base that the replay began from; none when the segments go back to the first group.
    pub base: Option<u64>,
}

/// Hands everything in the journal to `each`, oldest first; none when there is no journal. A torn
/// append at the very end is left out, as it is at open.
///
/// # Errors
/// When the journal cannot be read, is damaged or has a gap; or the error of `each`, which may have
/// been called before.
pub fn replay<E: From<JournalError>>(
    dir: &Path,
    mut each: impl FnMut(Frame) -> Result<(), E>,
) -> Result<Option<Replayed>, E> {
    let segments = file::list(dir, Kind::Segment)?;
    let gap = |what: String| JournalError::Gap { dir: dir.to_owned(), what };
    // The groups themselves are better evidence than a base: it is used only where they are gone.
    let (base, reach) = match file::list(dir, Kind::Base)?.last() {
        Some(&at) if segments.first() != Some(&1) => (Some(at), base::read(dir, at, &mut each)?),
        _ => (None, 0),
    };
    if segments.is_empty() && base.is_none() {
        return Ok(None);
    }
    let from = base.unwrap_or(0);
    let (mut last, mut groups) = (from, 0);
    // Segments that end before the base are there for their age only.
    let begin = segments.partition_point(|&first| first <= from + 1).saturating_sub(1);
    for (index, &first) in segments.iter().enumerate().skip(begin) {
        if first > last + 1 {
            return Err(gap(format!("groups {} to {} are missing", last + 1, first - 1)).into());
        }
        if index > begin && first <= last {
            return Err(gap(format!("two segments hold group {first}")).into());
        }
        let newest = index + 1 == segments.len();
        let extent = Segment::read(dir, first)?.groups(newest, |frame| {
            if frame.sequence <= from {
                return Ok(());
            }
            groups += 1;
            each(frame)
        })?;
        last = extent.last;
    }
    if last < reach {
        return Err(gap(format!("it ends at group {last}, its base needs group {reach}")).into());
    }
    Ok(Some(Replayed { last, groups, base }))
}
