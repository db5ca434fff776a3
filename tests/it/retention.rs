//! What is past its time goes by itself: contacts first, then the rest; old backups too. What is young stays.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use upprop::model::{LessonState, Notification};
use upprop::store::{
    Batch, Commit, Kv as _, Settings, SledStore, after_prefix, codec, ledger, tables,
};

use crate::world::{Setup, World, upprop};

fn store(world: &World) -> SledStore {
    SledStore::open(Settings::new(world.folder.path().join("state"))).expect("it opens")
}

/// Makes every message and lesson of a store that stands still so many days older.
async fn age(world: &World, days: i64) {
    let store = store(world);
    let by = SignedDuration::from_hours(24 * days);
    let older = |at: &mut Timestamp| *at = at.saturating_sub(by).expect("time");
    let mut batch = Batch::default();
    let rows = |prefix: &'static [u8]| {
        let store = &store;
        async move { store.scan(prefix, &after_prefix(prefix), 999).await.expect("rows") }
    };
    for (key, value) in rows(tables::NOTIFICATIONS).await {
        let mut n: Notification = ledger::decode(&value).expect("a message");
        older(&mut n.created_at);
        older(&mut n.deadline);
        for attempt in &mut n.attempts {
            older(&mut attempt.started_at);
            attempt.result.iter_mut().for_each(|result| older(&mut result.at));
        }
        batch.put(key, codec::encode(ledger::ROW_VERSION, &n));
    }
    for (key, value) in rows(tables::LESSONS).await {
        let mut row: LessonState = ledger::decode(&value).expect("a lesson");
        older(&mut row.lesson.start);
        older(&mut row.lesson.end);
        older(&mut row.received_at);
        batch.put(key, codec::encode(ledger::ROW_VERSION, &row));
    }
    assert_eq!(store.commit(batch).await.expect("commit"), Commit::Done);
    store.close().await.expect("closed");
}

async fn messages(world: &World) -> Vec<Notification> {
    let store = store(world);
    let end = after_prefix(tables::NOTIFICATIONS);
    let rows = store.scan(tables::NOTIFICATIONS, &end, 999).await.expect("rows");
    rows.iter().map(|(_, value)| ledger::decode(value).expect("a message")).collect()
}

fn back_up(world: &World, name: &str) -> std::path::PathBuf {
    let folder = world.folder.path().join("state/backups").join(name);
    let config = world.config();
    let args = ["store", "backup", folder.to_str().expect("a path"), "--config"];
    let (code, _, words) = upprop(&[&args[..], &[config.to_str().expect("a path")]].concat());
    assert_eq!(code, 0, "{words}");
    folder
}

fn make_old(folder: &Path, days: i64) {
    let file = folder.join("about.json");
    let mut about: Value =
        serde_json::from_str(&fs::read_to_string(&file).expect("there")).expect("JSON");
    let at: Timestamp = about["taken-at"].as_str().expect("a time").parse().expect("a time");
    about["taken-at"] = (at - SignedDuration::from_hours(24 * days)).to_string().into();
    fs::write(&file, about.to_string()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_go_after_a_month_evidence_after_a_school_year_and_old_backups_too() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l", "unexcused", 5)).await;
    world.messages(1).await;
    let (old, young) = (back_up(&world, "old"), back_up(&world, "young"));
    assert_eq!(world.stop(), Some(0));
    make_old(&old, 31);
    make_old(&young, 29);
    age(&world, 29).await;
    assert!(messages(&world).await[0].address.is_some());

    world.start().await;
    world.logged("old backups or former stores removed", 1).await;
    assert!(!old.exists() && young.exists());
    assert_eq!(world.stop(), Some(0));
    let removed = world.lines("what is past its time was removed");
    assert_eq!(world.lines("contacts=0 evidence=0"), removed, "29 days are not a month");
    assert!(messages(&world).await[0].address.is_some());

    // Its deadline was three days after the lesson.
    age(&world, 5).await;
    world.start().await;
    // The message and its reference.
    world.logged("contacts=2 evidence=0", 1).await;
    assert_eq!(world.stop(), Some(0));
    let stripped = messages(&world).await;
    assert_eq!((stripped.len(), stripped[0].address.is_none()), (1, true));
    assert!(!stripped[0].attempts.is_empty(), "that it was told is known still");

    age(&world, 301).await;
    world.start().await;
    // The lesson, the message, its attempt, the pupil's guard.
    world.logged("contacts=0 evidence=4", 1).await;
    assert_eq!(world.stop(), Some(0));
    assert_eq!(messages(&world).await, []);
    let config = world.config();
    let (_, told, _) = upprop(&["statistics", "--config", config.to_str().expect("a path")]);
    assert!(told.contains("1  absence sms"), "the number stays: {told}");
    let (code, told, _) = upprop(&["store", "check", "--config", config.to_str().expect("a path")]);
    assert_eq!(code, 0, "{told}");
}
