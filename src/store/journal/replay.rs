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
        let extent = Segment::read(dir, first)?.groups(newest, |mut frame| {
            if frame.sequence <= from {
                return Ok(());
            }
            frame.take_flushed();
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

#[cfg(test)]
mod tests {
    use std::{cell::Cell, fs, io};

    use bytes::Bytes;

    use super::{
        super::{
            AppendError, Journal,
            base::{self, Rows},
            frame::{self, Draft, MAX_FRAME_BYTES},
        },
        *,
    };

    /// A journal with these groups, each of one row, in segments that begin where told.
    fn journal(dir: &Path, last: u64, begins: &[u64]) -> Result<(), AppendError> {
        let mut journal = Journal::resume(dir, None, 0, u64::MAX).unwrap();
        for group in 1..=last {
            if begins.contains(&group) {
                journal.rotate()?;
            }
            journal.append(draft(group))?;
        }
        Ok(())
    }

    fn draft(group: u64) -> Draft {
        let mut draft = Draft::default();
        draft.push(&group.to_be_bytes(), Some(b"group"));
        draft
    }

    /// A store that is at `begin` when a base of it is begun and at `end` when it is done.
    struct Store {
        begin: u64,
        end: u64,
        asked: Cell<bool>,
    }

    impl Rows for Store {
        fn sequence(&self) -> io::Result<u64> {
            Ok(if self.asked.replace(true) { self.end } else { self.begin })
        }
        fn rows(&self, from: &[u8], limit: usize) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
            let keys =
                ["di/bulk".to_owned()].into_iter().chain((0..300).map(|n| format!("k{n:03}")));
            let rows = keys.map(|key| (key.into_bytes(), Bytes::from_static(b"base")));
            Ok(rows.filter(|(key, _)| &**key >= from).take(limit).collect())
        }
    }

    fn base(dir: &Path, begin: u64, end: u64) {
        base::write(dir, &Store { begin, end, asked: Cell::new(false) }).unwrap();
    }

    /// The groups handed out and the number of rows that came from a base.
    fn replayed(dir: &Path) -> Result<(Vec<u64>, usize, Option<Replayed>), JournalError> {
        let (mut groups, mut rows) = (Vec::new(), 0);
        let end = replay(dir, |frame| {
            match frame.writes[0].1.as_deref() {
                Some(b"base") => rows += frame.writes.len(),
                _ => groups.push(frame.sequence),
            }
            Ok::<_, JournalError>(())
        })?;
        Ok((groups, rows, end))
    }

    fn remove(dir: &Path, first: u64) {
        fs::remove_file(Kind::Segment.path(dir, first)).unwrap();
    }

    #[test]
    fn all_groups_come_once_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(replayed(dir.path()).unwrap(), (vec![], 0, None));
        journal(dir.path(), 6, &[3, 5]).unwrap();
        base(dir.path(), 4, 5);
        let end = Replayed { last: 6, groups: 6, base: None };
        assert_eq!(replayed(dir.path()).unwrap(), (vec![1, 2, 3, 4, 5, 6], 0, Some(end)));
    }

    #[test]
    fn a_base_stands_in_for_what_was_removed_and_bulk_rows_are_not_in_it() {
        let dir = tempfile::tempdir().unwrap();
        journal(dir.path(), 6, &[3, 5]).unwrap();
        base(dir.path(), 5, 6);
        remove(dir.path(), 1);
        // What the base makes dispensable is not even read.
        fs::write(Kind::Segment.path(dir.path(), 3), b"damaged").unwrap();
        let end = Replayed { last: 6, groups: 1, base: Some(5) };
        assert_eq!(replayed(dir.path()).unwrap(), (vec![6], 300, Some(end)));
    }

    #[test]
    fn gaps_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        journal(dir.path(), 6, &[3, 5]).unwrap();
        let gap = |words: &str| {
            let error = replayed(dir.path()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        remove(dir.path(), 1);
        gap("groups 1 to 2 are missing");
        base(dir.path(), 3, 8);
        gap("it ends at group 6, its base needs group 8");
        base(dir.path(), 4, 4);
        remove(dir.path(), 3);
        assert!(replayed(dir.path()).is_ok());
        fs::rename(Kind::Base.path(dir.path(), 4), Kind::Base.path(dir.path(), 3)).unwrap();
        gap("damaged");
    }

    #[test]
    fn what_no_crash_explains_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let first = Kind::Segment.path(dir.path(), 1);
        journal(dir.path(), 2, &[]).unwrap();
        // Without the zeros that wait for more groups.
        let length = file::HEADER_BYTES
            + [1, 2].map(|group| draft(group).seal(group).len()).iter().sum::<usize>();
        let whole = fs::read(&first).unwrap()[..length].to_vec();
        let damage = |after: &[u8], words: &str| {
            fs::write(&first, [&whole[..], after].concat()).unwrap();
            let error = replayed(dir.path()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(error.contains(&format!("at byte {}", whole.len())), "{error}");
        };
        damage(&draft(5).seal(5), "holds group 5 where 3 belongs");
        damage(&draft(2).seal(2), "holds group 2 where 3 belongs");
        damage(&vec![1; MAX_FRAME_BYTES + 1], "impossible length");
        let torn = &draft(3).seal(3)[..frame::HEAD_BYTES + 9];
        damage(&[torn, &draft(4).seal(4)].concat(), "a whole one follows");
        // A group of bulk rows alone ends in zeros.
        damage(&[torn, &Draft::default().seal(4)].concat(), "a whole one follows");
        // Room for more is no damage.
        fs::write(&first, [&whole[..], &vec![0; MAX_FRAME_BYTES + 1]].concat()).unwrap();
        assert_eq!(replayed(dir.path()).unwrap().0, [1, 2]);
        // A torn end is one only where nothing was begun after it.
        fs::write(&first, [&whole, torn].concat()).unwrap();
        assert_eq!(replayed(dir.path()).unwrap().0, [1, 2]);
        fs::write(Kind::Segment.path(dir.path(), 3), Kind::Segment.header(3)).unwrap();
        assert!(replayed(dir.path()).unwrap_err().to_string().contains("cut short"));
    }
}
