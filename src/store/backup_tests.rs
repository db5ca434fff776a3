//! What a backup leaves on the disk, and what it never does to the disk that the store is on.

use std::{fs, path::Path, sync::Arc};

use jiff::Timestamp;

use super::{
    Progress, SledStore, StoreError,
    backup::{self, About},
    conformance::{done, put, settings},
    crash_tests::{names, open},
    restore,
};

async fn back_up(store: &Arc<SledStore>, to: &Path) -> Result<About, StoreError> {
    let (store, to) = (store.clone(), to.to_owned());
    let work = move || store.back_up(&to, Timestamp::UNIX_EPOCH);
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn filled(dir: &Path) -> Arc<SledStore> {
    let store = Arc::new(open(&settings(dir)));
    for number in 0..300 {
        done(&*store, put(&format!("k{number:03}"), &"v".repeat(300))).await;
    }
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn it_never_fills_the_disk_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    let to = dir.path().join("backups/one");
    store.set_low_water(u64::MAX);
    let refused = back_up(&store, &to).await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy(_)), "{refused}");
    assert!(refused.to_string().contains("make room"), "{refused}");
    assert!(!dir.path().join("backups").exists());
    store.set_low_water(0);
    let about = back_up(&store, &to).await.unwrap();
    assert_eq!((about.rows, backup::verify(&to).unwrap()), (300, about));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_to_one_folder_one_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    for round in 0..10 {
        let to = dir.path().join(format!("backups/{round}"));
        let (one, other) = tokio::join!(back_up(&store, &to), back_up(&store, &to));
        assert_ne!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
        let refused = one.as_ref().err().or(other.as_ref().err()).unwrap().to_string();
        assert!(refused.contains("is not empty"), "{refused}");
        assert_eq!(Ok(backup::verify(&to).unwrap()), one.or(other).map_err(|e| e.to_string()));
    }
    assert!(names(&dir.path().join("backups")).iter().all(|name| !name.contains("unfinished")));
    assert_eq!(fs::read_dir(dir.path().join("backups")).unwrap().count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_where_it_is_when_the_store_is_to_be_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    store.stop_work();
    let ended = back_up(&store, &dir.path().join("backups/one")).await.unwrap_err();
    assert!(matches!(ended, StoreError::Busy(_)), "{ended}");
    assert!(ended.to_string().contains("is being closed"), "{ended}");
    assert_eq!(names(&dir.path().join("backups")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_restore_or_rebuild_left_goes_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("db"), "rows").unwrap();
    };
    let stays = ["journal", "journal.before-restore-3", "store", "store.before-rebuild-2"];
    for name in stays.iter().chain(&["store.restoring", "journal.restoring", "store.rebuilding"]) {
        make(name);
    }
    assert_eq!(backup::remove_aside(dir.path(), Timestamp::UNIX_EPOCH).unwrap(), 3);
    assert_eq!(names(dir.path()), stays);
    assert_eq!(backup::remove_aside(dir.path(), Timestamp::MAX).unwrap(), 2);
    assert_eq!(names(dir.path()), ["journal", "store"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&dir.path().join("from")).await;
    let from = dir.path().join("backup");
    back_up(&store, &from).await.unwrap();
    let into = settings(&dir.path().join("into"));
    let blocked = into.dir.join("journal.restoring");
    let mut change = |key, value| {
        // Something in the way of the journal.
        fs::write(&blocked, "").unwrap();
        vec![(key, value)]
    };
    let restored = restore::restore(&into, &from, &mut change, vec![], &Progress::default());
    let refused = restored.unwrap_err().to_string();
    assert!(!names(&into.dir).contains(&"store.restoring".to_owned()), "{refused}");
    // With nothing there before, a daemon would begin with nothing and tell everybody again.
    let opened = SledStore::open(settings(&into.dir)).map(|_| ()).unwrap_err();
    assert!(matches!(opened, StoreError::Refused(_)), "{opened}");
    assert!(opened.to_string().contains("was interrupted"), "{opened}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_removed_keeps_no_other() {
    let dir = tempfile::tempdir().unwrap();
    // A file is no folder that can be removed.
    for number in 0..8 {
        fs::write(dir.path().join(format!("store.before-{number}")), "").unwrap();
        fs::create_dir(dir.path().join(format!("journal.before-{number}"))).unwrap();
    }
    let error = backup::remove_aside(dir.path(), Timestamp::MAX).unwrap_err().to_string();
    assert!(error.contains("store.before-"), "it is named: {error}");
    assert!(names(dir.path()).iter().all(|name| name.starts_with("store")));
}
