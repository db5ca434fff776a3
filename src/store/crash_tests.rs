//! What opening and rebuilding do after crashes and faults, played by writing the files that such a
//! crash leaves. Crashes of real processes are tested from outside.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    Batch, Kv, Progress, RebuildReport, Settings, SledStore, StoreError,
    conformance::{done, put, rows, settings},
    journal::{
        self, AppendError, Journal,
        file::{self, Kind},
        frame::Draft,
    },
    rebuild,
    sled::{Engine, FORMAT},
};

pub(super) type Rows = Vec<(Vec<u8>, Bytes)>;

pub(super) fn open(settings: &Settings) -> SledStore {
    SledStore::open(settings.clone()).unwrap()
}

fn refusal(settings: &Settings) -> String {
    match SledStore::open(settings.clone()) {
        Err(StoreError::Refused(words)) => words,
        Err(other) => panic!("refused as {other:?}"),
        Ok(_) => panic!("opened"),
    }
}

/// A store with one group per key, closed.
pub(super) async fn filled(settings: &Settings, keys: &[&str]) -> Rows {
    let store = open(settings);
    for key in keys {
        done(&store, put(key, &format!("value of {key}"))).await;
    }
    rows(&store).await
}

pub(super) async fn contents(settings: &Settings) -> Rows {
    rows(&open(settings)).await
}

/// Adds a group to the journal alone, as a crash between journal and sled leaves it. Returns where
/// it begins.
fn journal_one_more(settings: &Settings, key: &str) -> usize {
    let dir = settings.journal_dir();
    let tail = journal::tail(&dir).unwrap();
    let before = used(&newest_segment(settings));
    let last = tail.as_ref().unwrap().last;
    let mut journal = Journal::resume(&dir, tail.as_ref(), last, u64::MAX).unwrap();
    let mut frame = Draft::default();
    frame.push(key.as_bytes(), Some(b"journalled"));
    journal.append(frame).unwrap();
    before
}

/// Bytes of a segment up to the zeros that wait for more groups.
fn used(segment: &Path) -> usize {
    let bytes = fs::read(segment).unwrap();
    let mut at = file::HEADER_BYTES;
    while let Ok((_, length)) = journal::frame::read(&bytes[at..]) {
        at += length;
    }
    at
}

/// A segment without those zeros.
fn cut(segment: &Path) -> Vec<u8> {
    let mut bytes = fs::read(segment).unwrap();
    bytes.truncate(used(segment));
    bytes
}

fn newest_segment(settings: &Settings) -> PathBuf {
    let dir = settings.journal_dir();
    Kind::Segment.path(&dir, *file::list(&dir, Kind::Segment).unwrap().last().unwrap())
}

pub(super) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_group_only_the_journal_has_is_rolled_forward() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let mut expected = filled(&settings, &["a", "b"]).await;
    journal_one_more(&settings, "c");
    expected.push((b"c".to_vec(), "journalled".into()));
    assert_eq!(contents(&settings).await, expected);
    // And the sequence moved with it: the next group goes on from there.
    filled(&settings, &["d"]).await;
    assert_eq!(journal::tail(&settings.journal_dir()).unwrap().unwrap().last, 4);
}

/// Adds groups to the journal alone, of some 4 KiB each, in so many more segments.
fn journal_many_more(settings: &Settings, count: usize, segments: usize) {
    let dir = settings.journal_dir();
    let tail = journal::tail(&dir).unwrap();
    let last = tail.as_ref().unwrap().last;
    let mut journal = Journal::resume(&dir, tail.as_ref(), last, u64::MAX).unwrap();
    for number in 0..count {
        if number % (count / (segments + 1)) == 0 && number > 0 {
            journal.rotate().unwrap();
        }
        let mut frame = Draft::default();
        frame.push(format!("many{number:03}").as_bytes(), Some(&[b'x'; 4000]));
        journal.append(frame).unwrap();
    }
}

#[tokio::test]
async fn all_groups_that_sled_did_not_have_are_rolled_forward() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    filled(&settings, &["a", "b"]).await;
    journal_many_more(&settings, 1000, 1);
    assert_eq!(contents(&settings).await.len(), 1002);
    assert_eq!(contents(&settings).await.len(), 1002, "and once more");
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill_at_any_moment() {
    for (segment, memtable) in
        [(1, 8 << 20), (4 << 10, 8 << 20), (4 << 10, 8 << 10), (16 << 20, 8 << 20)]
    {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            journal_segment_bytes: segment,
            memtable_bytes: memtable,
            ..settings(&dir.path().join("live"))
        };
        let store = open(&settings);
        for number in 0..60 {
            done(&store, put(&format!("k{:02}", number % 40), &"v".repeat(900))).await;
            if number % 20 == 19 {
                // What a kill leaves: the files as they are, and nothing of what is in memory.
                let killed =
                    Settings { dir: dir.path().join(number.to_string()), ..settings.clone() };
                store.standing_still(|| copy(&settings.dir, &killed.dir));
                let what = format!("segments of {segment}, {memtable} in memory, after {number}");
                assert_eq!(contents(&killed).await, rows(&store).await, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn more_groups_than_sled_may_lack_are_refused_and_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    filled(&settings, &["a", "b"]).await;
    journal_many_more(&settings, 300, 2);
    let words = refusal(&settings);
    assert!(words.contains("ends at group 2") && words.contains("goes to group 302"), "{words}");
    assert!(words.contains("upprop store rebuild"), "{words}");
    let report = rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!((report.groups, report.last, report.rows), (302, 302, 302));
    assert_eq!(contents(&settings).await.len(), 302);
}

#[tokio::test]
async fn what_a_crash_left_of_the_last_groups_is_made_whole() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let expected = filled(&settings, &["a", "b", "c"]).await;
    let store = open(&settings);
    done(&store, put("di/x", "new")).await;
    drop(store);
    // sled says that it has all groups, and lacks rows of one of them.
    let engine = Engine::open(&settings.store_dir(), &settings).unwrap();
    engine.apply_writes(4, &[(b"b".to_vec(), None)]).unwrap();
    engine.make_durable().unwrap();
    drop(engine);
    let mut rows = contents(&settings).await;
    assert_eq!(rows.pop(), Some((b"di/x".to_vec(), "new".into())));
    assert_eq!(rows, expected);
    // In sled too: the journal may go on without them.
    let engine = Engine::open(&settings.store_dir(), &settings).unwrap();
    assert_eq!(engine.get(b"b").unwrap(), Some("value of b".into()));
}

#[tokio::test]
async fn an_older_copy_is_brought_up_to_date_without_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir.path().join("live"));
    let store = open(&settings);
    done(&store, put("di/x", "old")).await;
    done(&store, put("a", "1")).await;
    store.close().await.unwrap();
    drop(store);
    let older = dir.path().join("older");
    copy(&settings.store_dir(), &older);
    let store = open(&settings);
    // The last thing that happens: what only sled has.
    done(&store, put("b", "2")).await;
    done(&store, put("di/x", "new")).await;
    let mixed = Settings { dir: dir.path().join("mixed"), ..settings.clone() };
    copy(&older, &mixed.store_dir());
    store.standing_still(|| copy(&settings.journal_dir(), &mixed.journal_dir()));
    let expected = [(b"a".to_vec(), "1".into()), (b"b".to_vec(), "2".into())];
    assert_eq!(contents(&mixed).await, expected);
    // A kill alone takes nothing of it.
    let killed = Settings { dir: dir.path().join("killed"), ..settings.clone() };
    store.standing_still(|| copy(&settings.dir, &killed.dir));
    assert_eq!(contents(&killed).await, rows(&store).await);
}

#[tokio::test]
async fn what_only_the_store_knows_is_newer_than_the_journals_word() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = open(&settings);
    let mut mixed = put("di/x", "old");
    mixed.put(b"a".to_vec(), "1");
    done(&store, mixed).await;
    done(&store, put("di/x", "new")).await;
    drop(store);
    let expected = [(b"a".to_vec(), "1".into()), (b"di/x".to_vec(), "new".into())];
    assert_eq!(contents(&settings).await, expected);
}

#[tokio::test]
async fn a_torn_append_is_cut_off_wherever_it_tore() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let expected = filled(&settings, &["a", "b"]).await;
    let start = journal_one_more(&settings, "c");
    let segment = newest_segment(&settings);
    let whole = cut(&segment);
    for cut in start..whole.len() {
        // A crash may leave the file short, or long with zeros where nothing arrived.
        for length in [cut, whole.len(), whole.len() + 4096] {
            let mut torn = whole[..cut].to_vec();
            torn.resize(length.max(cut), 0);
            fs::write(&segment, torn).unwrap();
            assert_eq!(contents(&settings).await, expected, "cut at {cut}, {length} long");
            let left = fs::read(&segment).unwrap();
            assert!(left.starts_with(&whole[..start]), "what was whole stays");
            assert!(left[start..].iter().all(|&byte| byte == 0), "the rest is gone");
        }
    }
    filled(&settings, &["d"]).await;
    assert_eq!(contents(&settings).await.len(), 3);
}

#[tokio::test]
async fn a_flipped_bit_is_never_taken_for_a_torn_append() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let expected = filled(&settings, &["a", "b", "c"]).await;
    let segment = newest_segment(&settings);
    let whole = cut(&segment);
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&segment, &flipped).unwrap();
        let words = refusal(&settings);
        // In the last group it looks torn, but sled was closed in peace and has that group.
        let expected = words.contains("damaged") || words.contains("journal ends at group 2");
        assert!(expected, "bit in byte {at}: {words}");
        assert_eq!(fs::read(&segment).unwrap(), flipped, "the evidence is left alone");
    }
    fs::write(&segment, &whole).unwrap();
    assert_eq!(contents(&settings).await, expected);
}

#[tokio::test]
async fn the_position_of_damage_is_told_and_the_journal_can_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let expected = filled(&settings, &["a", "b", "c"]).await;
    let segment = newest_segment(&settings);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[file::HEADER_BYTES + 12] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let words = refusal(&settings);
    assert!(words.contains(&format!("at byte {}", file::HEADER_BYTES)), "{words}");
    assert!(rebuild(&settings, &Progress::default()).unwrap_err().to_string().contains("damaged"));
    // The remedy in the words works.
    fs::rename(settings.journal_dir(), dir.path().join("journal.aside")).unwrap();
    assert_eq!(contents(&settings).await, expected);
    let report = rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!((report.base, report.groups, report.rows), (Some(3), 0, 3));
    assert_eq!(contents(&settings).await, expected);
}

#[tokio::test]
async fn a_journal_that_ends_too_early_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    filled(&settings, &["a", "b"]).await;
    let old = fs::read(newest_segment(&settings)).unwrap();
    filled(&settings, &["c"]).await;
    fs::write(newest_segment(&settings), old).unwrap();
    let words = refusal(&settings);
    assert!(words.contains("to group 3") && words.contains("ends at group 2"), "{words}");
    assert!(words.contains("aside"), "{words}");
}

#[tokio::test]
async fn a_lost_store_is_refused_untouched_and_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let expected = filled(&settings, &["a", "b", "c"]).await;
    fs::remove_dir_all(settings.store_dir()).unwrap();
    let words = refusal(&settings);
    assert!(words.contains("goes to group 3") && words.contains("store rebuild"), "{words}");
    assert!(!settings.store_dir().exists());
    let report = rebuild(&settings, &Progress::default()).unwrap();
    let expected_report = RebuildReport { groups: 3, last: 3, base: None, rows: 3, kept: None };
    assert_eq!(report, expected_report);
    assert_eq!(contents(&settings).await, expected);
}

#[tokio::test]
async fn a_damaged_store_is_refused_in_words_and_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let expected = filled(&settings, &["a", "b"]).await;
    // sled writes a snapshot when it opens what another run left.
    assert_eq!(contents(&settings).await, expected);
    let snapshot = names(&settings.store_dir()).into_iter().find(|name| name.starts_with("snap."));
    fs::write(settings.store_dir().join(snapshot.unwrap()), b"not a snapshot").unwrap();
    assert!(refusal(&settings).contains("upprop store rebuild"));
    let report = rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!(report.kept, Some(dir.path().join("store.before-rebuild-2")));
    assert_eq!(contents(&settings).await, expected);
    // Again over a sound one: the same, and nothing kept before is overwritten.
    let again = rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!(again.kept, Some(dir.path().join("store.before-rebuild-2-2")));
    assert_eq!(contents(&settings).await, expected);
}

#[tokio::test]
async fn a_rebuild_may_be_interrupted_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let expected = filled(&settings, &["a", "b"]).await;
    let (store, fresh) = (settings.store_dir(), dir.path().join("store.rebuilding"));
    // While the new store is written: half a sled, with a row that never was.
    let half = Engine::open(&fresh, &settings).unwrap();
    half.apply_writes(1, &[(b"half".to_vec(), Some("x".into()))]).unwrap();
    drop(half);
    assert_eq!(contents(&settings).await, expected, "the old one is still the store");
    rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!(contents(&settings).await, expected);
    // Between the two renames.
    fs::rename(&store, dir.path().join("store.before-rebuild-2-9")).unwrap();
    fs::create_dir(&fresh).unwrap();
    assert!(refusal(&settings).contains("store rebuild"));
    rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!(contents(&settings).await, expected);
    assert!(!fresh.exists());
}

#[tokio::test]
async fn a_rebuild_needs_the_folder_for_itself_and_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    filled(&settings, &["a"]).await;
    let held = open(&settings);
    assert!(
        rebuild(&settings, &Progress::default())
            .unwrap_err()
            .to_string()
            .contains("another upprop")
    );
    drop(held);
    fs::remove_dir_all(settings.journal_dir()).unwrap();
    assert!(
        rebuild(&settings, &Progress::default()).unwrap_err().to_string().contains("no journal")
    );
    assert_eq!(contents(&settings).await.len(), 1);
}

#[tokio::test]
async fn a_missing_segment_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { journal_segment_bytes: 1, ..settings(dir.path()) };
    filled(&settings, &["a", "b", "c"]).await;
    fs::remove_file(Kind::Segment.path(&settings.journal_dir(), 2)).unwrap();
    let words = rebuild(&settings, &Progress::default()).unwrap_err().to_string();
    assert!(words.contains("groups 2 to 2 are missing"), "{words}");
    assert_eq!(contents(&settings).await.len(), 3, "the old store stands");
}

#[tokio::test]
async fn a_newer_store_or_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    filled(&settings, &["a"]).await;
    let segment = newest_segment(&settings);
    let whole = fs::read(&segment).unwrap();
    let mut newer = whole.clone();
    newer[8..12].copy_from_slice(&(file::VERSION + 1).to_le_bytes());
    let checksum = crc32c::crc32c(&newer[..20]).to_le_bytes();
    newer[20..24].copy_from_slice(&checksum);
    fs::write(&segment, newer).unwrap();
    assert!(refusal(&settings).contains("newer upprop"));
    fs::write(&segment, whole).unwrap();
    Engine::open(&settings.store_dir(), &settings).unwrap().set_format(FORMAT + 1);
    let words = refusal(&settings);
    assert!(words.contains("newer upprop") && words.contains("knows 1"), "{words}");
}

#[tokio::test]
async fn bulk_rows_stay_out_of_the_journal_unless_a_batch_needs_them() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = open(&settings);
    done(&store, put("di/pupil", "only in the store")).await;
    let mut mixed = put("di/mixed", "in both");
    mixed.put(b"x".to_vec(), "x");
    done(&store, mixed).await;
    drop(store);
    let journal = fs::read(newest_segment(&settings)).unwrap();
    let holds = |words: &[u8]| journal.windows(words.len()).any(|window| window == words);
    assert!(!holds(b"only in the store") && holds(b"in both"));
    assert_eq!(contents(&settings).await.len(), 3);
    rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!(contents(&settings).await, [(b"x".to_vec(), "x".into())]);
}

#[tokio::test]
async fn after_a_fault_nothing_more_is_written_and_the_daemon_is_told() {
    let dir = tempfile::tempdir().unwrap();
    // Each group begins a segment, so a journal folder that is gone is a fault at once.
    let settings = Settings { journal_segment_bytes: 1, ..settings(dir.path()) };
    let store = open(&settings);
    done(&store, put("a", "1")).await;
    fs::rename(settings.journal_dir(), dir.path().join("elsewhere")).unwrap();
    let first = store.commit(put("b", "1")).await;
    assert!(matches!(&first, Err(StoreError::Failed(why)) if why.contains("journal")), "{first:?}");
    assert!(store.failed().await.contains("journal"));
    fs::rename(dir.path().join("elsewhere"), settings.journal_dir()).unwrap();
    for batch in [put("c", "1"), Batch::default()] {
        assert!(matches!(store.commit(batch).await, Err(StoreError::Failed(_))));
    }
    let health = store.health();
    assert!(!health.writable && health.why.unwrap().contains("journal"));
    assert_eq!(store.get(b"a").await.unwrap(), Some("1".into()), "reads go on");
    drop(store);
    assert_eq!(contents(&settings).await.len(), 1, "a restart recovers");
}

#[test]
fn a_failed_append_is_told_apart_from_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::resume(dir.path(), None, 0, 1).unwrap();
    assert_eq!(journal.append(Draft::default()).unwrap(), 1);
    fs::remove_dir_all(dir.path()).unwrap();
    assert!(matches!(journal.append(Draft::default()), Err(AppendError::Failed(_))));
    assert_eq!(journal.last(), 1);
}
