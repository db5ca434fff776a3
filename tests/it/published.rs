//! The published descriptions are served, are what they claim to be, and agree with the daemon.

use serde_json::Value;

use crate::inlet::send;
use crate::world::{Setup, World};

async fn document(world: &World, path: &str) -> Value {
    let answer = send(world, &format!("GET {path}"), &[], "").await;
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_schemas_and_say_what_the_inlet_does() {
    let world = Setup::default().start().await;
    for path in ["/schemas/events.json", "/schemas/case.json"] {
        let schema = document(&world, path).await;
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        jsonschema::meta::validate(&schema).expect("a schema");
    }
    let events = jsonschema::validator_for(&document(&world, "/schemas/events.json").await);
    let events = events.expect("a schema");
    let good = world.marked("nils", "l1", "unexcused", 5);
    let mut misspelt = world.marked("nils", "l1", "unexcused", 5);
    misspelt["mark"] = "unexcussed".into();
    assert!(events.is_valid(&good) && !events.is_valid(&misspelt));
    assert_eq!((world.post(&good).await.0, world.post(&misspelt).await.0), (202, 422));
    world.messages(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_names_routes_that_are_there() {
    let world = Setup::default().start().await;
    let api = document(&world, "/openapi.json").await;
    assert!(api["openapi"].as_str().is_some_and(|v| v.starts_with("3.1")), "{}", api["openapi"]);
    assert_eq!(api["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = api["paths"].as_object().expect("paths");
    for path in ["/hooks/{source}", "/api/directory"] {
        assert!(paths.contains_key(path), "{path} is described");
    }
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys().filter(|m| m.len() <= 6) {
            let path = path.replace("{source}", "src").replace("{provider}", "elks");
            let path = path.replace("{secret}", "x");
            let line = format!("{} {path}", method.to_uppercase());
            let status = send(&world, &line, &[], "").await.status;
            // A report or a call with a wrong secret is as unknown as it is to a stranger.
            let has_secret = path.ends_with("/x");
            assert!(status != 405 && (status != 404 || has_secret), "{line}: {status}");
        }
    }
    // Every reference within the document leads somewhere.
    let text = api.to_string();
    for (at, _) in text.match_indices("\"$ref\":\"#") {
        let pointer = text[at + 9..].split('"').next().expect("an end");
        assert!(
            api.pointer(&pointer.trim_start_matches('#').replace("%7B", "{")).is_some(),
            "{pointer}"
        );
    }
}
