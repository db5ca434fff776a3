//! What every `Kv` must do, said once and asked of each of them. Uses the port alone.

use bytes::Bytes;
use futures_util::future::{join, join_all};

use super::{
    Batch, Commit, Kv, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStore, Settings,
    SledStore, StoreError, after_prefix,
};

/// Settings for a test: a low-water mark that no test machine is below, and little enough in memory that
/// sled is asked too.
pub fn settings(dir: &std::path::Path) -> Settings {
    let small = Settings { cache_bytes: 1 << 20, memtable_bytes: 4 << 10, ..Settings::new(dir) };
    Settings { low_water_bytes: 0, ..small }
}

pub fn put(key: &str, value: &str) -> Batch {
    let mut batch = Batch::default();
    batch.put(key.into(), value.to_owned());
    batch
}

pub async fn done(kv: &dyn Kv, batch: Batch) {
    assert_eq!(kv.commit(batch).await.unwrap(), Commit::Done);
}

/// Everything in a store.
pub async fn rows(kv: &dyn Kv) -> Vec<(Vec<u8>, Bytes)> {
    kv.scan(b"", &after_prefix(b""), usize::MAX).await.unwrap()
}

async fn keys(kv: &dyn Kv, from: &str, to: &str, limit: usize) -> Vec<String> {
    let rows = kv.scan(from.as_bytes(), to.as_bytes(), limit).await.unwrap();
    rows.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

async fn reads_are_ordered_and_bounded(kv: &dyn Kv) {
    assert_eq!(kv.get(b"o/a").await.unwrap(), None);
    for key in ["o/c", "o/a", "p", "o/b", "n"] {
        done(kv, put(key, key)).await;
    }
    assert_eq!(kv.get(b"o/a").await.unwrap(), Some("o/a".into()));
    assert_eq!(keys(kv, "o/", "o0", 9).await, ["o/a", "o/b", "o/c"]);
    assert_eq!(keys(kv, "o/a", "o/c", 9).await, ["o/a", "o/b"], "from is in, to is out");
    assert_eq!(keys(kv, "o/", "o0", 2).await, ["o/a", "o/b"]);
    for (from, to, limit) in [("o/", "o0", 0), ("o/b", "o/b", 9), ("o/c", "o/a", 9), ("x", "y", 9)]
    {
        assert!(keys(kv, from, to, limit).await.is_empty(), "{from}..{to}");
    }
}

async fn deleting_and_emptiness_differ(kv: &dyn Kv) {
    done(kv, put("d", "")).await;
    assert_eq!(kv.get(b"d").await.unwrap(), Some(Bytes::new()));
    let mut delete = Batch::default();
    delete.expect(b"d".to_vec(), Some(Bytes::new()));
    delete.delete(b"d".to_vec());
    done(kv, delete.clone()).await;
    assert_eq!(kv.get(b"d").await.unwrap(), None);
    assert_eq!(kv.commit(delete).await.unwrap(), Commit::Conflict, "nothing is not empty");
}

async fn a_conflict_writes_nothing(kv: &dyn Kv) {
    done(kv, put("c/old", "1")).await;
    let attempt = |was: Option<&'static str>, key: &str| {
        let mut batch = put("c/other", "2");
        batch.expect(key.into(), was.map(Bytes::from));
        kv.commit(batch)
    };
    for (was, key) in [(Some("0"), "c/old"), (None, "c/old"), (Some("1"), "c/missing")] {
        assert_eq!(attempt(was, key).await.unwrap(), Commit::Conflict);
        assert_eq!(kv.get(b"c/other").await.unwrap(), None);
    }
    assert_eq!(attempt(Some("1"), "c/old").await.unwrap(), Commit::Done);
    assert_eq!(kv.get(b"c/other").await.unwrap(), Some("2".into()));
}

async fn of_two_that_expect_the_same_one_wins(kv: &dyn Kv) {
    done(kv, put("w", "old")).await;
    let contender = |value: &str| {
        let mut batch = put("w", value);
        batch.expect(b"w".to_vec(), Some("old".into()));
        kv.commit(batch)
    };
    let (first, second) = join(contender("1"), contender("2")).await;
    assert_eq!((first.unwrap(), second.unwrap()), (Commit::Done, Commit::Conflict));
    assert_eq!(kv.get(b"w").await.unwrap(), Some("1".into()));
}

async fn one_sees_what_the_one_before_it_wrote(kv: &dyn Kv) {
    let step = |from: u32| {
        let mut batch = put("s", &(from + 1).to_string());
        let was = (from > 0).then(|| Bytes::from(from.to_string()));
        batch.expect(b"s".to_vec(), was);
        kv.commit(batch)
    };
    for outcome in join_all((0..50).map(step)).await {
        assert_eq!(outcome.unwrap(), Commit::Done);
    }
    assert_eq!(kv.get(b"s").await.unwrap(), Some("50".into()));
}

async fn an_empty_batch_waits_and_a_question_answers(kv: &dyn Kv) {
    let (written, barrier) = join(kv.commit(put("b", "1")), kv.commit(Batch::default())).await;
    assert_eq!((written.unwrap(), barrier.unwrap()), (Commit::Done, Commit::Done));
    let mut question = Batch::default();
    question.expect(b"b".to_vec(), Some("1".into()));
    done(kv, question.clone()).await;
    question.expect(b"b/none".to_vec(), Some("1".into()));
    assert_eq!(kv.commit(question).await.unwrap(), Commit::Conflict);
}

async fn limits_are_kept(kv: &dyn Kv) {
    let sized = |key: usize, value: usize| {
        let mut batch = Batch::default();
        batch.put(vec![b'l'; key], vec![0; value]);
        batch
    };
    done(kv, sized(MAX_KEY_BYTES, MAX_VALUE_BYTES)).await;
    let mut large = Batch::default();
    for row in 0..=MAX_BATCH_BYTES / MAX_VALUE_BYTES {
        large.put(format!("l/{row}").into(), vec![0; MAX_VALUE_BYTES]);
    }
    let too_large = [sized(MAX_KEY_BYTES + 1, 0), sized(1, MAX_VALUE_BYTES + 1), large.clone()];
    for batch in too_large {
        assert!(matches!(kv.commit(batch).await, Err(StoreError::TooLarge { .. })));
    }
    assert!(keys(kv, "l/", "l0", 1).await.is_empty());
    large.write.retain(|key, _| key < &b"l/46".to_vec());
    done(kv, large).await;
}

async fn conforms(kv: &dyn Kv) {
    reads_are_ordered_and_bounded(kv).await;
    deleting_and_emptiness_differ(kv).await;
    a_conflict_writes_nothing(kv).await;
    of_two_that_expect_the_same_one_wins(kv).await;
    one_sees_what_the_one_before_it_wrote(kv).await;
    an_empty_batch_waits_and_a_question_answers(kv).await;
    limits_are_kept(kv).await;
    assert!(kv.health().writable);
}

#[tokio::test]
async fn memory_conforms() {
    conforms(&MemoryStore::new()).await;
}

#[tokio::test]
async fn sled_conforms() {
    let dir = tempfile::tempdir().unwrap();
    conforms(&SledStore::open(settings(dir.path())).unwrap()).await;
}

#[tokio::test]
async fn below_the_low_water_mark_it_is_busy_until_room_returns() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(settings(dir.path())).unwrap();
    done(&store, put("k", "1")).await;
    store.set_low_water(u64::MAX);
    let health = store.health();
    assert!(!health.writable && health.why.unwrap().contains("low-water"));
    assert!(matches!(store.commit(put("k", "2")).await, Err(StoreError::Busy(_))));
    done(&store, Batch::default()).await;
    assert_eq!(store.get(b"k").await.unwrap(), Some("1".into()));
    store.set_low_water(0);
    done(&store, put("k", "2")).await;
    assert!(store.health().writable);
}

#[tokio::test]
async fn a_closed_store_takes_nothing_and_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(settings(dir.path())).unwrap();
    let (written, closed) = join(store.commit(put("k", "1")), store.close()).await;
    assert_eq!((written.unwrap(), closed.is_ok()), (Commit::Done, true));
    let late = store.commit(put("k", "2")).await.unwrap_err().to_string();
    assert!(late.contains("closed"), "{late}");
    let second = SledStore::open(settings(dir.path())).err().unwrap().to_string();
    assert!(second.contains("another upprop holds the store"), "{second}");
    drop(store);
    let again = SledStore::open(settings(dir.path())).unwrap();
    assert_eq!(again.get(b"k").await.unwrap(), Some("1".into()));
}
