//! `upprop simulate --journal`: the journal of a daemon that has run is lived through again, and tells as many as it told;
//! under other rules, others.

use std::fs;

use serde_json::Value;

use crate::world::{Setup, World, upprop};

fn simulate(world: &World, more: &[&str]) -> Value {
    let path = |name: &str| world.folder.path().join(name).display().to_string();
    let (state, people, json) = (path("state"), path("directory"), path("simulated.json"));
    let args = ["simulate", "--journal", &state, "--directory", &people, "--json", &json];
    let (code, out, err) = upprop(&[&args[..], &["--exact", "--undelivered", "0%"], more].concat());
    assert_eq!(code, 0, "{out}{err}");
    let json: Value = serde_json::from_str(&fs::read_to_string(json).expect("JSON")).expect("JSON");
    json["runs"][0]["figures"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_tells_as_many_as_the_daemon_did() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 60)).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 60)).await;
    let told = world.messages(3).await.len();
    world.accept(&world.marked("alva", "l1", "present", 1)).await;
    // Both of her guardians.
    world.messages(5).await;
    assert_eq!(world.stop(), Some(0));
    let config = world.config().display().to_string();
    let figures = simulate(&world, &["--config", &config]);
    assert_eq!(figures["marks"], 3, "{figures:#}");
    assert_eq!(figures["alarms"], Value::from(told), "{figures:#}");
    assert!(figures["corrected"].as_u64().is_some_and(|count| count >= 1), "{figures:#}");
    // The store is as it was: it can be started again.
    world.start().await;
    assert_eq!(world.stop(), Some(0));
}
