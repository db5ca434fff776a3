//! Protection that appears with a reload: what is kept of the messages that have left says no more where they went, and
//! the same after a restart.

use std::fs;

use serde_json::Value;

use crate::world::{Setup, World, upprop};

/// The addresses of all messages in a document.
fn addresses(document: &Value, found: &mut Vec<Value>) {
    match document {
        Value::Object(map) => {
            if map.contains_key("purpose") && map.contains_key("state") {
                found.push(map.get("address").cloned().unwrap_or(Value::Null));
            }
            map.values().for_each(|value| addresses(value, found));
        }
        Value::Array(all) => all.iter().for_each(|value| addresses(value, found)),
        _ => {}
    }
}

/// What is kept of the pupil's messages: where each went.
fn kept(world: &World) -> Vec<Value> {
    let config = world.config();
    let config = config.to_str().expect("a path");
    let (code, out, err) = upprop(&["export", "nils", "--school", "s1", "--config", config]);
    assert_eq!(code, 0, "{out}{err}");
    let document: Value = serde_json::from_str(&out).expect("JSON");
    let mut found = Vec::new();
    addresses(&document, &mut found);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_a_reload_takes_redacts_whoever_is_protected_by_it() {
    let mut world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    world.logged("state=\"delivered\"", 1).await;
    assert_eq!(kept(&world), ["+46701740607"]);
    // In another folder, so that nothing but the reload can have taken it.
    let folder = world.folder.path();
    fs::create_dir(folder.join("moved")).expect("a folder");
    for file in ["pupils.csv", "guardians.csv", "staff.csv"] {
        let text = fs::read_to_string(folder.join("directory").join(file)).expect("a file");
        let text = text.replace(
            "nils,s1,7B,Nils,Test,2012-01-15,none",
            "nils,s1,7B,Nils,Test,2012-01-15,protected",
        );
        fs::write(folder.join("moved").join(file), text).expect("written");
    }
    let text = fs::read_to_string(world.config()).expect("the configuration");
    let text = text.replace("folder = \"directory\"", "folder = \"moved\"");
    fs::write(world.config(), text).expect("written");
    let config = world.config();
    let (code, out, err) = upprop(&["reload", "--config", config.to_str().expect("a path")]);
    assert_eq!(code, 0, "{out}{err}\n{}", world.log());
    world.logged("was redacted", 1).await;
    assert_eq!(kept(&world), [Value::Null]);
    world.kill();
    world.start().await;
    assert_eq!(kept(&world), [Value::Null]);
}
