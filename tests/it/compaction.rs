//! The store written anew while events come in, and killed in the middle of it: nothing lost, nobody told
//! twice, nobody kept waiting for long.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use jiff::SignedDuration;
use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::load::{self, say};
use crate::world::{DEADLINE, Setup, World, soon, upprop};

const EVENTS: usize = 60;
const ROUNDS: usize = 6;

fn begin(world: &World) -> Child {
    Command::new(env!("CARGO_BIN_EXE_upprop"))
        .args(["store", "compact", "--config"])
        .arg(world.config())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts")
}

fn check(world: &World) {
    let config = world.config();
    let (code, told, words) =
        upprop(&["store", "check", "--config", config.to_str().expect("a path")]);
    assert_eq!(code, 0, "{told}{words}");
}

async fn all_known(world: &World, events: &[Value]) {
    let (status, answer) = world.post(&Value::Array(events.to_vec())).await;
    let known = answer["duplicate"].as_u64();
    assert_eq!((status, known), (202, Some(events.len() as u64)), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_taken_while_the_store_is_written_anew() {
    let mut setup = Setup::default();
    load::enrol(&mut setup, EVENTS);
    let mut world = setup.start().await;
    let clock = SystemClock::new();
    let (mut events, mut longest) = (Vec::new(), SignedDuration::ZERO);
    let mut compactions = 0;
    let mut running = begin(&world);
    for i in 0..EVENTS {
        let event = world.marked(&format!("q{i}"), &format!("lesson-{i}"), "unexcused", 60);
        let before = clock.now();
        world.accept(&event).await;
        longest = longest.max(clock.now().duration_since(before));
        events.push(event);
        if let Some(status) = running.try_wait().expect("wait") {
            assert!(status.success(), "{status}\n{}", world.log());
            compactions += 1;
            running = begin(&world);
        }
    }
    let status = tokio::task::block_in_place(|| running.wait()).expect("wait");
    assert!(status.success(), "{status}");
    compactions += 1;
    world.messages(EVENTS).await;
    check(&world);
    all_known(&world, &events).await;
    world.quiet(EVENTS).await;
    assert_eq!(world.stop(), Some(0));
    check(&world);
    assert!(longest < SignedDuration::from_secs(5), "{longest:#}");
    say(format_args!(
        "compaction: {compactions} while {EVENTS} events came in, the slowest answer took {} ms",
        longest.as_millis()
    ));
}

/// Waits until there is another store than the named one, or another is current.
async fn moved(state: &Path, former: &str, current: bool) {
    let clock = SystemClock::new();
    let limit = clock.now().saturating_add(SignedDuration::try_from(DEADLINE).expect("short"));
    let limit = limit.expect("time");
    loop {
        let named = std::fs::read_to_string(state.join("current")).unwrap_or_default();
        let folders = std::fs::read_dir(state).expect("a folder").filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            (name.starts_with("store") && name != former).then_some(name)
        });
        if (current && !named.is_empty() && named != former) || (!current && folders.count() > 0) {
            return;
        }
        assert!(clock.now() < limit, "the compaction did not begin");
        clock.sleep_until(soon(&clock)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_loses_nothing() {
    let mut setup = Setup::default();
    load::enrol(&mut setup, ROUNDS * 5);
    let mut world = setup.start().await;
    let state = world.folder.path().join("state");
    let mut events = Vec::new();
    for round in 0..ROUNDS {
        for i in round * 5..round * 5 + 5 {
            let event = world.marked(&format!("q{i}"), &format!("lesson-{i}"), "unexcused", 60);
            world.accept(&event).await;
            events.push(event);
        }
        world.messages(events.len()).await;
        let former = std::fs::read_to_string(state.join("current")).unwrap_or("store".into());
        let mut running = begin(&world);
        moved(&state, &former, round % 2 == 1).await;
        world.kill();
        let _ = tokio::task::block_in_place(|| running.wait()).expect("wait");
        check(&world);
        world.start().await;
        all_known(&world, &events).await;
    }
    check(&world);
    world.quiet(events.len()).await;
}
