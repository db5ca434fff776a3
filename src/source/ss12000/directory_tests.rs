//! The directory kept up to date, from a source that answers by a script.

use std::collections::BTreeMap;
use std::sync::Mutex;

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::super::testing::{Asked, Said, Scene, json as answer, scene, settings, source, text};
use super::super::types::RelationType;
use super::*;
use crate::directory::{self, Directory};
use crate::env::Clock as _;
use crate::metrics::Metrics;
use crate::model::{GuardianId, Phone, PupilId, SchoolId};
use crate::store::Wake;

/// What the source has: rows by resource, and how it answers otherwise than it should.
#[derive(Clone, Default)]
struct There(Arc<Mutex<BTreeMap<String, Value>>>);

impl There {
    fn set(&self, key: &str, value: Value) {
        self.0.lock().expect("rows").insert(key.to_owned(), value);
    }

    fn get(&self, key: &str) -> Value {
        self.0.lock().expect("rows").get(key).cloned().unwrap_or_default()
    }

    /// As a server that filters by what was modified, and by id.
    fn answer(&self, asked: &Asked) -> Said {
        let line = asked.line.as_str();
        if let Some(status) = self.get(line).as_u64() {
            return text(u16::try_from(status).expect("status"), "");
        }
        let all = |name: &str| self.get(name).as_array().cloned().unwrap_or_default();
        let (method, path) = line.split_once(' ').expect("a line");
        if method == "POST" {
            let ids = asked.ids("ids");
            let rows = all("persons");
            let found = rows.into_iter().filter(|row| ids.iter().any(|id| row["id"] == *id));
            return answer(200, &json!(found.collect::<Vec<_>>()));
        }
        if path == "/deletedEntities" {
            let gone = Some(self.get("deleted")).filter(|gone| !gone.is_null());
            return answer(200, &json!({ "data": gone.unwrap_or_else(|| json!({})) }));
        }
        let name = path.trim_start_matches('/');
        let after =
            asked.of("meta.modified.after").map(|text| text.parse::<Timestamp>().expect("time"));
        let is_new = |row: &Value| {
            let modified = row["meta"]["modified"].as_str().and_then(|text| text.parse().ok());
            after.is_none_or(|after| modified.is_some_and(|modified: Timestamp| modified > after))
        };
        let kind = asked.of("relationship.entity.type");
        let of_kind = |row: &Value| match kind {
            Some("enrolment") => row.get("enrolments").is_some(),
            Some("responsibleFor.enrolment") => {
                row["id"].as_str().is_some_and(|id| id.starts_with('g'))
            }
            Some("duty") => row["id"].as_str().is_some_and(|id| id.starts_with('t')),
            _ => true,
        };
        let rows = all(name).into_iter().filter(|row| is_new(row) && of_kind(row));
        answer(200, &json!({ "data": rows.collect::<Vec<_>>(), "pageToken": null }))
    }
}

fn pupil(n: usize) -> Value {
    json!({ "id": format!("p{n}"), "givenName": "Alva", "birthDate": "2013-05-04",
        "securityMarking": "Ingen", "meta": { "modified": "2026-11-20T07:00:00Z" },
        "enrolments": [{ "enroledAt": { "id": "o1" }, "startDate": "2024-08-18" }],
        "responsibles": [{ "person": { "id": "g1" }, "relationType": "Vårdnadshavare" }] })
}

fn guardian(number: &str, modified: &str) -> Value {
    json!({ "id": "g1", "givenName": "Eva", "securityMarking": "Ingen",
        "meta": { "modified": modified }, "phoneNumbers": [{ "value": number, "type": "Hem" }] })
}

fn there() -> There {
    let there = There::default();
    there.set("organisations", json!([{ "id": "o1" }]));
    there.set("groups", json!([{ "id": "c", "groupType": "Klass", "displayName": "7B",
        "organisation": { "id": "o1" }, "meta": { "modified": "2026-11-20T07:00:00Z" },
        "groupMemberships": (0..12).map(|n| json!({ "person": { "id": format!("p{n}") } })).collect::<Vec<_>>() }]));
    there.set("duties", json!([]));
    let mut persons: Vec<Value> = (0..12).map(pupil).collect();
    persons.push(guardian("070-174 06 05", "2026-11-20T07:00:00Z"));
    there.set("persons", json!(persons));
    there
}

struct World {
    there: There,
    scene: Scene,
    sync: Sync,
    directory: Arc<ArcSwap<Directory>>,
}

fn school() -> SchoolId {
    SchoolId::new("bjork").expect("id")
}

fn world(there: There, way: Way) -> World {
    let answers = there.clone();
    let scene = scene(settings(), move |asked| answers.answer(asked));
    let directory = Arc::new(ArcSwap::from_pointee(Directory::default()));
    let metrics = Arc::new(Metrics::new(scene.clock.now()));
    let feed = Arc::new(RosterFeed::new(
        scene.kv.clone(),
        scene.clock.clone(),
        directory.clone(),
        directory::Settings { source: Some(source()), ..directory::Settings::default() },
        Arc::new(Wake::default()),
        TaskTracker::new(),
        metrics,
    ));
    let plan = Plan {
        schools: [(school(), ("o1".to_owned(), TimeZone::UTC))].into(),
        relations: vec![RelationType::Guardian],
        phone: directory::phone::PhoneRules::default(),
    };
    let schedule = Schedule {
        poll: SignedDuration::from_mins(10),
        full: Time::constant(4, 0, 0, 0),
        zone: TimeZone::UTC,
        persons: way,
    };
    let sync = Sync::new(scene.client.clone(), plan, schedule, feed);
    World { there, scene, sync, directory }
}

impl World {
    fn pupils(&self) -> usize {
        self.directory.load().roster.pupil_count()
    }

    fn number(&self) -> Option<String> {
        let directory = self.directory.load();
        let guardian = directory.roster.guardians.get(&GuardianId::new("g1").expect("id"))?;
        guardian.phone.as_ref().map(Phone::expose).map(str::to_owned)
    }

    async fn cursor(&self) -> Option<Timestamp> {
        let key = tables::cursor(&source(), "directory");
        let row: Option<Cursor> =
            crate::store::ledger::read(self.scene.kv.as_ref(), &key).await.expect("store");
        row.and_then(|row| row.after)
    }

    fn later(&self) {
        self.scene.clock.forward(SignedDuration::from_mins(10));
    }
}

#[tokio::test]
async fn read_whole_then_what_has_changed() {
    let mut world = world(there(), Way::Auto);
    world.sync.once().await.expect("read");
    assert_eq!((world.pupils(), world.number().as_deref()), (12, Some("+46701740605")));
    assert_eq!(world.cursor().await, "2026-11-23T04:00:00Z".parse().ok(), "three hours back");
    let before = world.scene.asked().len();

    world.later();
    let mut persons = world.there.get("persons");
    persons[12] = guardian("070-174 06 06", "2026-11-23T07:05:00Z");
    world.there.set("persons", persons);
    world.sync.once().await.expect("read");
    assert_eq!(world.number().as_deref(), Some("+46701740606"), "the pupil's row did not move");
    assert_eq!(world.cursor().await, "2026-11-23T07:05:00Z".parse().ok());
    let asked = world.scene.asked().split_off(before);
    let lists =
        asked.iter().filter(|a| a.line.starts_with("GET") && a.line != "GET /deletedEntities");
    for list in lists {
        let after = list.of("meta.modified.after").expect("only what has changed");
        assert_eq!(after, "2026-11-23T03:50:00Z", "with an overlap");
    }

    world.later();
    world.there.set("deleted", json!({ "persons": ["p11", "px"], "groups": [] }));
    world.sync.once().await.expect("read");
    assert_eq!(world.pupils(), 11, "who is deleted is gone");
    assert!(world.scene.troubles().is_empty(), "{:?}", world.scene.troubles());
}

#[tokio::test]
async fn nothing_of_a_reading_that_fails_half_way_is_offered() {
    let there = there();
    there.set("GET /duties", json!(401));
    let mut world = world(there, Way::Auto);
    assert!(world.sync.once().await.is_err());
    assert_eq!((world.pupils(), world.cursor().await), (0, None));
    assert_eq!(world.scene.troubles(), ["not-let-in"]);
    world.there.set("GET /duties", Value::Null);
    world.sync.once().await.expect("read");
    assert_eq!(world.pupils(), 12);
    assert!(world.scene.troubles().is_empty());
}

#[tokio::test]
async fn half_the_pupils_gone_is_held_back_until_somebody_says_so() {
    let mut world = world(there(), Way::Auto);
    world.sync.once().await.expect("read");
    let all = world.there.get("persons");
    let half: Vec<Value> = all.as_array().expect("rows").iter().skip(6).cloned().collect();
    world.there.set("persons", json!(half));
    // All is read again at four.
    world.scene.clock.forward(SignedDuration::from_hours(24));
    let cursor = world.cursor().await;
    world.sync.once().await.expect("read");
    assert_eq!((world.pupils(), world.cursor().await), (12, cursor), "the former one stays");
    assert_eq!(world.scene.troubles(), ["directory"]);
    let trouble = &world.scene.contacts.of(&source()).troubles["directory"];
    let waiting = world.sync.feed.waiting().await.expect("one waits");
    assert!(trouble.remedy.contains(&waiting.digest), "{}", trouble.remedy);
    assert_eq!(waiting.pupils, 6);
    assert!(world.sync.feed.confirm("other", "uid 0").await.expect("store").is_none());
    let offer = world.sync.feed.confirm(&waiting.digest, "uid 0").await.expect("store");
    assert!(matches!(offer, Some(Offer::Taken { .. })), "{offer:?}");
    assert_eq!(world.pupils(), 6);
    assert!(world.sync.feed.waiting().await.is_none());
    world.later();
    world.sync.once().await.expect("read");
    assert!(world.scene.troubles().is_empty(), "and the trouble is over");
}

#[tokio::test]
async fn persons_who_cannot_be_listed_are_looked_up() {
    for (way, status) in [(Way::Auto, 403), (Way::Lookup, 500)] {
        let there = there();
        there.set("GET /persons", json!(status));
        let mut world = world(there, way);
        world.sync.once().await.expect("read");
        assert_eq!((world.pupils(), world.number().as_deref()), (12, Some("+46701740605")));
        let looked_up = world.scene.asked();
        let ids: Vec<_> = looked_up
            .iter()
            .filter(|a| a.line == "POST /persons/lookup")
            .map(|a| a.ids("ids").len())
            .collect();
        assert_eq!(ids, [4, 4, 4, 1], "in batches, and guardians after them");
        // Who is protected from now on is known within six turns, though nothing says that the row has moved.
        let mut persons = world.there.get("persons");
        persons[11]["securityMarking"] = json!("Sekretessmarkering");
        world.there.set("persons", persons);
        for _ in 0..6 {
            world.later();
            world.sync.once().await.expect("read");
        }
        let directory = world.directory.load();
        let pupil = directory.roster.pupil(&school(), &PupilId::new("p11").expect("id"));
        assert_eq!(pupil.expect("a pupil").protection, directory::Protection::Protected);
        assert!(world.scene.troubles().is_empty());
    }
    let there = there();
    there.set("GET /persons", json!(403));
    let mut world = world(there, Way::List);
    assert!(world.sync.once().await.is_err());
    assert_eq!(world.scene.troubles(), ["not-let-in"]);
}

#[tokio::test]
async fn missing_protection_and_missing_schools_are_told() {
    let there = there();
    let mut persons = there.get("persons");
    for person in persons.as_array_mut().expect("rows") {
        person.as_object_mut().expect("row").remove("securityMarking");
    }
    there.set("persons", persons);
    let mut without = world(there, Way::Auto);
    without.sync.once().await.expect("read");
    let directory = without.directory.load();
    let pupil = directory.roster.pupil(&school(), &PupilId::new("p1").expect("id"));
    assert_eq!(pupil.expect("a pupil").protection, directory::Protection::Unknown);

    let unread = super::tests::there();
    unread.set("GET /organisations", json!(403));
    let mut unread = world(unread, Way::Auto);
    unread.sync.once().await.expect("configuration names it by its id");
    assert_eq!((unread.pupils(), unread.scene.troubles().len()), (12, 0));

    let elsewhere = super::tests::there();
    elsewhere.set("organisations", json!([{ "id": "o2" }]));
    let mut elsewhere = world(elsewhere, Way::Auto);
    assert!(elsewhere.sync.once().await.is_err());
    assert_eq!(elsewhere.scene.troubles(), ["directory"]);

    let nobody = super::tests::there();
    nobody.set("persons", json!([]));
    let mut nobody = world(nobody, Way::Auto);
    nobody.sync.once().await.expect("read");
    assert_eq!(nobody.scene.troubles(), ["directory"], "an empty directory is not put in force");
}

#[tokio::test]
async fn a_bad_row_is_told_and_the_others_are_taken() {
    let there = there();
    let mut persons = there.get("persons");
    persons[3]["enrolments"][0]["startDate"] = json!("i höstas");
    persons.as_array_mut().expect("rows").push(Value::Null);
    there.set("persons", persons);
    let mut world = world(there, Way::Auto);
    world.sync.once().await.expect("read");
    assert_eq!(world.pupils(), 11);
    assert_eq!(world.scene.troubles(), ["bad-rows"]);
    let trouble = world.scene.contacts.of(&source()).troubles["bad-rows"].clone();
    assert!(trouble.what.contains("1 row of /persons"), "{}", trouble.what);
    assert!(!trouble.what.contains("höstas"), "{}", trouble.what);
}

#[test]
fn changes_are_asked_for_from_the_newest_row_on_but_not_from_long_ago_nor_from_the_future() {
    let at = |text: &str| text.parse::<Timestamp>().expect("time");
    let theirs = at("2026-11-23T07:00:00Z");
    for (newest, expected) in [
        (Some("2026-11-23T06:58:00Z"), "2026-11-23T06:58:00Z"),
        (Some("2026-11-23T05:00:00Z"), "2026-11-23T05:00:00Z"),
        (Some("2026-08-20T05:00:00Z"), "2026-11-23T04:00:00Z"),
        (Some("2026-11-23T09:00:00Z"), "2026-11-23T07:00:00Z"),
        (None, "2026-11-23T07:00:00Z"),
    ] {
        assert_eq!(from_where(newest.map(at), theirs), at(expected), "{newest:?}");
    }
}

#[test]
fn all_is_read_again_at_its_hour() {
    let zone = TimeZone::get("Europe/Stockholm").expect("zone");
    let schedule = Schedule {
        poll: SignedDuration::from_mins(10),
        full: Time::constant(2, 30, 0, 0),
        zone,
        persons: Way::Auto,
    };
    for (now, expected) in [
        ("2026-11-23T00:00:00Z", "2026-11-23T01:30:00Z"),
        ("2026-11-23T01:30:00Z", "2026-11-24T01:30:00Z"),
        ("2026-11-23T12:00:00Z", "2026-11-24T01:30:00Z"),
        // 02:30 does not come on the day that clocks go forward.
        ("2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z"),
    ] {
        let at = next(&schedule, now.parse().expect("time"));
        assert_eq!(at, expected.parse().expect("time"), "{now}");
    }
}
