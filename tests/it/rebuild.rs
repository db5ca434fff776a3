//! The store lost and the journal kept: nothing starts until it is rebuilt, and then nobody is told
//! twice.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::load::{self, Kept, say};
use crate::world::{Setup, World, upprop};

const EVENTS: usize = 20;

/// Reports and tells, and stops.
async fn told(world: &mut World, from: usize) -> Vec<Value> {
    world.start().await;
    let event = |i| world.marked(&format!("q{i}"), &format!("lesson-{i}"), "unexcused", 60);
    let events: Vec<_> = (from..from + EVENTS).map(event).collect();
    // One after the other, so that each is a group of the journal.
    for event in &events {
        world.accept(event).await;
    }
    world.messages(from + EVENTS).await;
    assert_eq!(world.stop(), Some(0));
    events
}

fn config(world: &World) -> String {
    world.config().to_str().expect("a plain path").to_owned()
}

/// Requires that the daemon refuses to start and says how to go on.
fn assert_refused(world: &World, words: &str) {
    // A daemon that does start would run for ever.
    let ended = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_upprop"), "run", &config(world)])
        .output()
        .expect("timeout(1) runs");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(78), "{told}");
    assert!(told.contains(words) && told.contains("upprop store rebuild"), "{told}");
}

fn rebuild(world: &World) -> String {
    let (code, told, errors) = upprop(&["store", "rebuild", &config(world)]);
    assert_eq!(code, 0, "{errors}");
    told
}

/// Starts, reports everything again, and requires that nobody is told of it.
async fn assert_all_known(world: &mut World, events: &[Value]) {
    let told = world.sink.count();
    world.start().await;
    let (status, answer) = world.post(&Value::Array(events.to_vec())).await;
    assert_eq!(
        (status, answer["accepted"].as_u64(), answer["duplicate"].as_u64()),
        (202, Some(0), Some(events.len() as u64)),
        "{answer}"
    );
    world.quiet(told).await;
    assert_eq!(world.stop(), Some(0));
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status().expect("cp runs");
    assert!(copied.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_store_is_rebuilt_from_its_journal_and_nobody_is_told_twice() {
    let mut setup = Setup::default();
    load::enrol(&mut setup, EVENTS);
    let mut world = setup.prepare();
    let events = told(&mut world, 0).await;
    let state = world.folder.path().join("state");
    let before = Kept::read(&state).await;
    fs::remove_dir_all(state.join("store")).expect("deleted");

    assert_refused(&world, "the store is empty, but its journal goes to group");
    assert!(!state.join("store").exists(), "a refusal makes nothing");
    let report = rebuild(&world);
    assert!(report.contains("The store was made again"), "{report}");
    assert_eq!(Kept::read(&state).await, before);
    assert_all_known(&mut world, &events).await;
    say(format_args!(
        "rebuild: store deleted, refused, rebuilt; {EVENTS} events again: {EVENTS} duplicates, 0 told \
         twice"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_store_put_back_is_brought_up_to_date_by_its_journal() {
    let mut setup = Setup::default();
    load::enrol(&mut setup, 2 * EVENTS);
    let mut world = setup.prepare();
    let mut events = told(&mut world, 0).await;
    let state = world.folder.path().join("state");
    copy(&state.join("store"), &state.join("store.copy"));
    events.extend(told(&mut world, EVENTS).await);
    fs::remove_dir_all(state.join("store")).expect("deleted");
    fs::rename(state.join("store.copy"), state.join("store")).expect("put back");

    assert_all_known(&mut world, &events).await;
    assert_eq!(world.lines("the store is older than it was"), 1, "{}", world.log());
    assert_eq!(
        world.lines("restored_pupils=0"),
        2,
        "the copy's directory may be older too, and is not believed:\n{}",
        world.log()
    );
    say(format_args!(
        "rebuild: older copy put back, brought up to date; {0} events again: {0} duplicates, 0 told twice",
        events.len()
    ));
}
