//! Compaction: nothing lost by a crash at any of its steps, what was removed gone from every file, and
//! commits taken meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::runtime::Handle;

use super::{
    Batch, Kv as _, Progress, Settings, SledStore, StoreError,
    compact::{Steps, Successor},
    conformance::{done, put, rows, settings},
    crash_tests::{Rows, contents, copy, names, open},
    layers::Layers,
    rebuild,
    sled::Engine,
};

const MARKER: &str = "Marker-Ylva-Qvist";

/// Whether any file below a folder holds some bytes.
fn holds(dir: &Path, bytes: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        let content = fs::read(&path).unwrap();
        content.windows(bytes.len()).any(|window| window == bytes.as_bytes())
    })
}

async fn fill(store: &SledStore) {
    for number in 0..600 {
        done(store, put(&format!("k{number:03}"), &"v".repeat(300))).await;
    }
    done(store, put("gone", MARKER)).await;
    done(store, put("di/person", "of the directory")).await;
    let mut batch = Batch::default();
    for number in 0..200 {
        batch.delete(format!("k{number:03}").into());
    }
    done(store, batch).await;
}

async fn delete(store: &SledStore, key: &str) {
    let mut batch = Batch::default();
    batch.delete(key.into());
    done(store, batch).await;
}

async fn compact(store: &Arc<SledStore>, step: Steps) -> Result<super::Compacted, StoreError> {
    let store = store.clone();
    tokio::task::spawn_blocking(move || store.compact_in_steps(&step)).await.unwrap()
}

fn no_steps() -> Steps {
    Arc::new(|_| {})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_is_in_no_file_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = Arc::new(open(&settings));
    fill(&store).await;
    delete(&store, "gone").await;
    // Seven segments of journal, and sled has the rows.
    for _ in 0..7 {
        let store = store.clone();
        let prune = move || store.prune_journal(jiff::Timestamp::MIN);
        tokio::task::spawn_blocking(prune).await.unwrap().unwrap();
    }
    assert!(holds(&settings.store_dir(), MARKER), "removed, and still in sled's file");
    assert!(holds(&settings.journal_dir(), MARKER), "removed, and still in the journal");
    let before = rows(&*store).await;
    let report = compact(&store, no_steps()).await.unwrap();
    assert_eq!(report.rows, 401);
    assert!(!holds(dir.path(), MARKER));
    assert_eq!(rows(&*store).await, before);
    assert_eq!(names(dir.path()), ["current", "journal", "lock", "store-1"]);
    // And again, and what is written then is kept.
    done(&*store, put("later", "1")).await;
    compact(&store, no_steps()).await.unwrap();
    done(&*store, put("last", "1")).await;
    let before = rows(&*store).await;
    store.close().await.unwrap();
    drop(store);
    assert_eq!(names(dir.path()), ["current", "journal", "lock", "store-2"]);
    assert_eq!(contents(&settings).await, before);
    // The journal alone has all but the directory.
    let report = rebuild(&settings, &Progress::default()).unwrap();
    assert_eq!(report.rows, before.len() as u64 - 1);
    assert_eq!(contents(&settings).await.len(), before.len() - 1);
}

type Copies = Arc<Mutex<Vec<(&'static str, PathBuf, Rows)>>>;

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_loses_nothing_and_the_next_one_goes_through() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir.path().join("live"));
    let store = Arc::new(open(&settings));
    fill(&store).await;
    let copies: Copies = Arc::default();
    let step: Steps = {
        let (store, copies, handle) = (store.clone(), copies.clone(), Handle::current());
        let (from, to) = (settings.dir.clone(), dir.path().to_owned());
        Arc::new(move |name| {
            let to = to.join(name.replace(' ', "-"));
            // The committer waits there; everywhere else somebody writes.
            if matches!(name, "before the switch" | "after the switch") {
                copy(&from, &to);
            } else {
                handle.block_on(async {
                    done(&*store, put(&format!("during {name}"), "new")).await;
                    done(&*store, put("k300", name)).await;
                    delete(&store, &format!("k3{:02}", 10 + name.len())).await;
                });
                store.standing_still(|| copy(&from, &to));
            }
            let rows = handle.block_on(rows(&*store));
            copies.lock().unwrap().push((name, to, rows));
        })
    };
    compact(&store, step).await.unwrap();
    let copies = std::mem::take(&mut *copies.lock().unwrap());
    let steps: Vec<_> = copies.iter().map(|(name, ..)| *name).collect();
    let all = [
        "filled",
        "caught up",
        "before the switch",
        "after the switch",
        "switched",
        "former removed",
        "journal begun anew",
    ];
    assert_eq!(steps, all);
    for (name, to, expected) in copies {
        let killed = Settings { dir: to, ..settings.clone() };
        assert_eq!(contents(&killed).await, expected, "killed: {name}");
        let stores = names(&killed.dir).into_iter().filter(|n| n.starts_with("store")).count();
        assert_eq!(stores, 1, "one store is left: {name}");
        let store = Arc::new(open(&killed));
        compact(&store, no_steps()).await.unwrap();
        assert_eq!(rows(&*store).await, expected, "compacted again: {name}");
        drop(store);
        assert_eq!(contents(&killed).await, expected, "opened again: {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_and_reads_go_on_and_all_of_them_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = Arc::new(open(&settings));
    fill(&store).await;
    let running = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let writer = {
        let (store, running) = (store.clone(), running.clone());
        let write = async move {
            let mut number = 0_u32;
            while running.load(std::sync::atomic::Ordering::Relaxed) {
                done(&*store, put(&format!("w{:04}", number % 3000), &number.to_string())).await;
                assert_eq!(store.get(b"k599").await.unwrap().unwrap().len(), 300);
                number += 1;
            }
            number
        };
        tokio_util::task::TaskTracker::new().spawn(write)
    };
    for _ in 0..3 {
        compact(&store, no_steps()).await.unwrap();
    }
    running.store(false, std::sync::atomic::Ordering::Relaxed);
    let written = writer.await.unwrap();
    let expected = rows(&*store).await;
    let found = expected.iter().filter(|(key, _)| key.starts_with(b"w")).count();
    assert_eq!(found, written.min(3000) as usize);
    drop(store);
    assert_eq!(contents(&settings).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_it_is_not_begun() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = Arc::new(open(&settings));
    fill(&store).await;
    store.set_low_water(u64::MAX);
    let refused = compact(&store, no_steps()).await.unwrap_err();
    assert!(refused.to_string().contains("make room"), "{refused}");
    assert_eq!(names(dir.path()), ["journal", "lock", "store"]);
    store.set_low_water(0);
    compact(&store, no_steps()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_while_it_fills_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let layers = {
        let engine = Engine::open(&settings.store_dir(), &settings).unwrap();
        Arc::new(Layers::new(engine, 0, true))
    };
    let rows: Vec<_> = (0..2000).map(|n| (format!("k{n:04}").into_bytes(), "v".into())).collect();
    layers.write(
        1,
        rows.iter().map(|(key, value): &(Vec<u8>, bytes::Bytes)| (key.as_slice(), Some(value))),
    );
    let copied = std::cell::Cell::new(0);
    let full = || (copied.get() > 0).then(|| "the disk is full".to_owned());
    let filled = Successor::fill(&settings, &layers, &full, |rows| copied.set(rows));
    let error = filled.err().unwrap().to_string();
    assert!(error.contains("the disk is full"), "{error}");
    assert_eq!(names(dir.path()), ["store"]);
    assert!(Successor::fill(&settings, &layers, &|| None, |_| {}).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_one_left_takes_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = Arc::new(open(&settings));
    fill(&store).await;
    fs::create_dir(dir.path().join("store-1")).unwrap();
    fs::write(dir.path().join("store-1/db"), "half").unwrap();
    store.set_low_water(u64::MAX);
    let refused = compact(&store, no_steps()).await.unwrap_err().to_string();
    assert!(refused.contains("make room"), "{refused}");
    assert_eq!(names(dir.path()), ["journal", "lock", "store"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_where_it_is_when_the_store_is_to_be_closed() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = Arc::new(open(&settings));
    fill(&store).await;
    let expected = rows(&*store).await;
    let step: Steps = {
        let store = store.clone();
        Arc::new(move |name| {
            assert_eq!(name, "filled", "it ends before the next step");
            store.stop_work();
        })
    };
    for step in [step, Arc::new(|name| panic!("{name}"))] {
        let ended = compact(&store, step).await.unwrap_err();
        assert!(matches!(ended, StoreError::Busy(_)), "{ended}");
        assert!(ended.to_string().contains("is being closed"), "{ended}");
        assert_eq!(names(dir.path()), ["journal", "lock", "store"]);
    }
    store.close().await.unwrap();
    drop(store);
    assert_eq!(contents(&settings).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_store_goes_before_this_one_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let store = Arc::new(open(&settings));
    fill(&store).await;
    let expected = rows(&*store).await;
    drop(store);
    fs::create_dir(dir.path().join("store-7")).unwrap();
    // The journal of another time.
    let (journal, aside) = (settings.journal_dir(), dir.path().join("aside"));
    fs::rename(&journal, &aside).unwrap();
    drop(open(&super::conformance::settings(&dir.path().join("other"))));
    fs::rename(dir.path().join("other/journal"), &journal).unwrap();
    let refused = SledStore::open(settings.clone()).err().unwrap().to_string();
    assert!(refused.contains("its journal ends at"), "{refused}");
    assert!(dir.path().join("store-7").exists());
    fs::remove_dir_all(&journal).unwrap();
    fs::rename(&aside, &journal).unwrap();
    // What cannot be read.
    fs::create_dir(settings.current()).unwrap();
    let refused = SledStore::open(settings.clone()).err().unwrap().to_string();
    assert!(refused.contains("says what folder the store is"), "{refused}");
    assert!(dir.path().join("store-7").exists());
    fs::remove_dir(settings.current()).unwrap();
    assert_eq!(contents(&settings).await, expected);
    assert!(!dir.path().join("store-7").exists());
}
