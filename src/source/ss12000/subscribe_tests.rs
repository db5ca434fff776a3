//! A subscription at a source that answers by a script.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio_util::task::TaskTracker;

use super::super::testing::{
    Asked, Hands, Said, Scene, json as answer, scene_on, settings, source,
};
use super::*;
use crate::directory::Directory;
use crate::env::Clock as _;
use crate::intake::{Contacts, Intake};
use crate::metrics::Metrics;
use crate::store::MemoryStore;

/// What the source does.
#[derive(Default)]
struct There {
    /// Whether the resources must be words.
    words: bool,
    /// What it answers to `POST`, if not a subscription.
    refuses: Option<u16>,
    /// Whether it has lost it.
    lost: bool,
    targets: Vec<String>,
    asked: Vec<String>,
}

fn answers(there: &mut There, asked: &Asked, clock: &Hands) -> Said {
    there.asked.push(asked.line.clone());
    let expires = clock.now() + SignedDuration::from_hours(20);
    match asked.line.as_str() {
        "POST /subscriptions" => {
            let is_word = asked.body["resourceTypes"][0].is_string();
            if let Some(status) = there.refuses {
                return answer(status, &json!({"code": "no"}));
            }
            if there.words != is_word {
                return answer(400, &json!({"code": "no"}));
            }
            there.targets.push(asked.body["target"].as_str().expect("a target").to_owned());
            answer(201, &json!({"id": "s1", "expires": expires, "target": asked.body["target"]}))
        }
        "GET /subscriptions" => {
            let all: Vec<_> = there
                .targets
                .iter()
                .map(|target| json!({"id": "s1", "target": target, "expires": expires}))
                .collect();
            answer(200, &json!({ "data": all }))
        }
        "PATCH /subscriptions/s1" | "GET /subscriptions/s1" if there.lost => {
            answer(404, &Value::Null)
        }
        "GET /subscriptions/s1" | "PATCH /subscriptions/s1" => {
            answer(200, &json!({"id": "s1", "expires": expires}))
        }
        "DELETE /subscriptions/s1" => {
            there.targets.clear();
            answer(204, &Value::Null)
        }
        line => panic!("{line}"),
    }
}

struct Stage {
    there: Arc<Mutex<There>>,
    scene: Scene,
    offering: Offering,
}

impl Stage {
    fn with(there: There) -> Self {
        let there = Arc::new(Mutex::new(there));
        let (script, clock) = (there.clone(), Hands::new());
        let hands = clock.clone();
        let script =
            move |asked: &Asked| answers(&mut script.lock().expect("script"), asked, &hands);
        let scene = scene_on(settings(), script, clock, Arc::new(MemoryStore::new()));
        let directory = Arc::new(ArcSwap::from_pointee(Directory::default()));
        let (kv, clock) = (scene.kv.clone(), scene.clock.clone());
        let intake = Intake::new(kv, clock, directory, TaskTracker::new());
        let meter = Metrics::new(scene.clock.now()).source(&source());
        let offering = Offering { source: source(), intake, meter, contacts: Contacts::default() };
        Self { there, scene, offering }
    }

    /// A look, as after a start.
    async fn looks(&self, target: Option<&str>) -> (String, Vec<String>) {
        let wanted = target.map(|target| Subscribing {
            target: SecretString::from(target.to_owned()),
            resources: vec!["Attendance", "Absence"],
        });
        let mut subscriber = Subscriber::new(self.scene.client.clone(), &self.offering, wanted);
        let words = subscriber.look_after().await.unwrap_or_else(|fault| format!("{fault:?}"));
        (words, std::mem::take(&mut self.there.lock().expect("script").asked))
    }
}

const OURS: Option<&str> = Some("https://upprop.example.se/hooks/hub/secret");

#[tokio::test]
async fn it_is_made_once_renewed_at_half_its_life_and_made_again_when_it_is_lost() {
    let stage = Stage::with(There::default());
    let (words, asked) = stage.looks(OURS).await;
    assert!(words.starts_with("subscribed until 2026-11-24T03:00"), "{words}");
    assert_eq!(asked, ["GET /subscriptions", "POST /subscriptions"]);
    // Whoever begins to look after it looks whether it is there.
    assert_eq!(stage.looks(OURS).await.1, ["GET /subscriptions/s1"]);
    stage.scene.clock.forward(SignedDuration::from_hours(11));
    assert_eq!(stage.looks(OURS).await.1, ["PATCH /subscriptions/s1"]);
    assert_eq!(stage.looks(OURS).await.1, ["GET /subscriptions/s1"]);
    {
        let mut there = stage.there.lock().expect("script");
        there.lost = true;
        there.targets.clear();
    }
    let asked = ["GET /subscriptions/s1", "PATCH /subscriptions/s1", "POST /subscriptions"];
    assert_eq!(stage.looks(OURS).await.1, asked);
    stage.scene.clock.forward(SignedDuration::from_hours(11));
    assert_eq!(stage.looks(OURS).await.1, ["PATCH /subscriptions/s1", "POST /subscriptions"]);
    // Another address, and none.
    let other = Some("https://other.example.se/hooks/hub/secret");
    let asked = ["DELETE /subscriptions/s1", "GET /subscriptions", "POST /subscriptions"];
    assert_eq!(stage.looks(other).await.1, asked);
    assert_eq!(stage.looks(None).await.1, ["DELETE /subscriptions/s1"]);
    assert!(stage.looks(None).await.1.is_empty());
}

#[tokio::test]
async fn one_that_was_made_before_a_stop_is_taken_over() {
    let targets = vec![OURS.expect("ours").to_owned()];
    let stage = Stage::with(There { targets, ..There::default() });
    let (words, asked) = stage.looks(OURS).await;
    assert_eq!((words.starts_with("subscribed"), asked), (true, vec!["GET /subscriptions".into()]));
}

#[tokio::test]
async fn sources_that_want_words_or_do_not_call_at_all() {
    let stage = Stage::with(There { words: true, ..There::default() });
    let (words, asked) = stage.looks(OURS).await;
    assert!(words.starts_with("subscribed"), "{words}");
    assert_eq!(asked.len(), 3);
    for status in [403, 404, 501] {
        let stage = Stage::with(There { refuses: Some(status), ..There::default() });
        assert_eq!(stage.looks(OURS).await.0, "not offered by the source", "{status}");
        assert!(stage.scene.troubles().is_empty());
    }
    let stage = Stage::with(There { refuses: Some(400), ..There::default() });
    assert!(stage.looks(OURS).await.0.contains("400"));
    assert_eq!(stage.scene.troubles(), ["refused"]);
}
