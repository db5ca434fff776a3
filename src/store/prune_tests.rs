//! What pruning removes from the journal, and what it leaves of it: bases and the segments after them.

use std::{fs, path::Path};

use jiff::{SignedDuration, Timestamp};

use super::{
    StoreError,
    conformance::{done, put, rows, settings},
    crash_tests::{Rows, contents, filled, names, open},
    journal::{
        self, JournalError,
        file::{self, Kind},
    },
    rebuild,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_removes_the_old_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut expected = filled(&settings, &["a", "b", "c"]).await;
    let store = open(&settings);
    // Far from any clock: before every file was written, and after.
    let (long_ago, far_off) =
        (Timestamp::UNIX_EPOCH, Timestamp::MAX - SignedDuration::from_hours(1));
    let prune = |at| tokio::task::block_in_place(|| store.prune_journal(at).unwrap());
    assert_eq!(prune(long_ago), 0);
    done(&store, put("d", "1")).await;
    assert_eq!(prune(far_off), 2, "group 1 to 3, and 4");
    assert_eq!(prune(far_off), 0, "the newest stays");
    let left = names(&settings.journal_dir());
    assert_eq!(left, ["00000000000000000004.base", "00000000000000000005.segment"]);
    drop(store);
    // A segment without groups still says where the journal ends.
    let store = open(&settings);
    let mut delete = put("e", "2");
    delete.delete(b"a".to_vec());
    done(&store, delete).await;
    expected.remove(0);
    expected.extend([(b"d".to_vec(), "1".into()), (b"e".to_vec(), "2".into())]);
    drop(store);
    let report = rebuild(&settings, &super::Progress::default()).unwrap();
    assert_eq!((report.base, report.groups, report.rows), (Some(4), 1, 4));
    assert_eq!(contents(&settings).await, expected);
    let base = Kind::Base.path(&settings.journal_dir(), 4);
    let whole = fs::read(&base).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        for bytes in [&flipped, &whole[..at].to_vec()] {
            fs::write(&base, bytes).unwrap();
            let outcome = journal::replay(&settings.journal_dir(), |_| Ok::<_, JournalError>(()));
            assert!(outcome.unwrap_err().to_string().contains("damaged"), "byte {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_is_made_anew_only_when_it_must_be_and_never_fills_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = open(&settings);
    let far_off = Timestamp::MAX - SignedDuration::from_hours(1);
    let prune = || tokio::task::block_in_place(|| store.prune_journal(far_off));
    let files = || names(&settings.journal_dir());
    done(&store, put("a", "1")).await;
    assert_eq!(prune().unwrap(), 1);
    assert_eq!(files(), ["00000000000000000001.base", "00000000000000000002.segment"]);
    done(&store, put("b", "1")).await;
    store.set_low_water(u64::MAX);
    assert!(matches!(prune(), Err(StoreError::Busy(_))));
    store.set_low_water(0);
    assert_eq!(prune().unwrap(), 1, "nothing was lost by the refusal");
    assert_eq!(files(), ["00000000000000000002.base", "00000000000000000003.segment"]);
    // A base that reaches further than what goes is left as it is.
    done(&store, put("c", "1")).await;
    journal::base::write(&settings.journal_dir(), &Late { at: 3, rows: rows(&store).await })
        .unwrap();
    assert_eq!(prune().unwrap(), 1);
    assert_eq!(files(), ["00000000000000000003.base", "00000000000000000004.segment"]);
    // It waits for no long work when the store is to be closed.
    done(&store, put("d", "1")).await;
    store.stop_work();
    assert!(matches!(prune(), Err(StoreError::Busy(_))));
    let left = ["03.base", "04.segment", "05.segment"].map(|name| format!("{:0>18}{name}", ""));
    assert_eq!(files(), left);
    let expected = rows(&store).await;
    drop(store);
    rebuild(&settings, &super::Progress::default()).unwrap();
    assert_eq!(contents(&settings).await, expected);
}

/// Reads rows as they are after groups that came during the reading.
struct Late {
    at: u64,
    rows: Rows,
}
impl journal::base::Rows for Late {
    fn sequence(&self) -> std::io::Result<u64> {
        Ok(self.at)
    }
    fn rows(&self, from: &[u8], limit: usize) -> std::io::Result<Rows> {
        Ok(self.rows.iter().filter(|(key, _)| &**key >= from).take(limit).cloned().collect())
    }
}

#[tokio::test]
async fn a_base_taken_while_groups_are_written_is_level_after_replay() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    filled(&settings, &["a", "b"]).await;
    let store = open(&settings);
    let mut change = put("c", "3");
    change.delete(b"a".to_vec());
    done(&store, change).await;
    // `a` was read before group 3 removed it, `c` after group 3 wrote it.
    let seen = ["a", "b", "c"].map(|key| (key.into(), format!("value of {key}").into()));
    journal::base::write(&settings.journal_dir(), &Late { at: 2, rows: seen.into() }).unwrap();
    let expected = rows(&store).await;
    drop(store);
    // Only the base and what came after it.
    let segment = Kind::Segment.path(&settings.journal_dir(), 1);
    let third = group_bytes(&segment, 3);
    fs::remove_file(segment).unwrap();
    let rest = [&Kind::Segment.header(3)[..], &third].concat();
    fs::write(Kind::Segment.path(&settings.journal_dir(), 3), rest).unwrap();
    rebuild(&settings, &super::Progress::default()).unwrap();
    assert_eq!(contents(&settings).await, expected);
}

/// The bytes of one group of a segment that begins with group 1.
fn group_bytes(segment: &Path, sequence: u64) -> Vec<u8> {
    let bytes = fs::read(segment).unwrap();
    let mut at = file::HEADER_BYTES;
    loop {
        let (frame, length) = journal::frame::read(&bytes[at..]).unwrap();
        if frame.sequence == sequence {
            return bytes[at..at + length].to_vec();
        }
        at += length;
    }
}
