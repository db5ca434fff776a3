//! A source that answers by a script, and who asks it for marks, for the tests beside it.

use crate::model::Mark;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::super::schedule::Schedule;
use super::super::testing::{
    Asked, Hands, Said as Answer, Scene, json as answer, scene_on, settings, source,
};
use super::*;
use crate::directory::{Directory, testing};
use crate::env::Clock as _;
use crate::intake::{Contacts, Intake};
use crate::metrics::Metrics;
use crate::model::{LessonState, Notification, State};
use crate::store::{Kv, MemoryStore, after_prefix, ledger, tables};

/// What the source has.
#[derive(Default)]
pub struct There {
    pub events: Vec<Value>,
    pub activities: Vec<Value>,
    pub rows: Vec<Value>,
    pub absences: Vec<Value>,
    /// Advance notices that are made just before marks are asked for.
    pub at_the_last_moment: Vec<Value>,
    pub deleted: Value,
    /// Lines that are answered with a status.
    pub refused: Vec<(&'static str, u16)>,
    /// The same, for one organisation.
    pub refused_for: Vec<(&'static str, &'static str, u16)>,
    /// Lessons that no listing has.
    pub elsewhere: Vec<Value>,
    /// The key that look-ups know.
    pub key: &'static str,
    pub asked: Vec<String>,
}

/// An advance notice about the first pupil.
pub fn absence(id: &str, from: i64, to: i64, modified: i64) -> Value {
    json!({
        "id": id, "meta": {"modified": at(modified)}, "student": {"id": "p"},
        "type": "Anmäld frånvaro", "startTime": at(from), "endTime": at(to),
    })
}

/// The core, the source, and who asks.
pub struct Stage {
    pub there: Arc<Mutex<There>>,
    pub scene: Scene,
    pub offering: Offering,
    pub book: Book,
    pub directory: Arc<ArcSwap<Directory>>,
    pub attending: Attending,
}

pub fn directory(pupils: &[&str]) -> Directory {
    let school = testing::settings();
    let roster = testing::roster(pupils.iter().map(|pupil| testing::pupil("s", pupil)));
    Directory { schools: Arc::new([(school.id.clone(), school)].into()), roster: Arc::new(roster) }
}

fn list(rows: &[Value]) -> Answer {
    answer(200, &json!({ "data": rows }))
}

impl There {
    pub fn answer(&mut self, asked: &Asked) -> Answer {
        self.asked.push(asked.line.clone());
        let after = |key: &str, row: &Value| {
            asked.of(key).is_none_or(|after| {
                let at: Timestamp = after.parse().expect("time");
                let modified = row["meta"]["modified"].as_str().map(str::parse::<Timestamp>);
                modified.is_none_or(|m| m.expect("time") > at)
            })
        };
        if let Some((_, status)) =
            self.refused.iter().find(|(line, _)| asked.line.starts_with(line))
        {
            return answer(*status, &json!({"code": "no", "message": "no"}));
        }
        let place = asked.of("organisation");
        if let Some((.., status)) =
            self.refused_for.iter().find(|(line, of, _)| asked.line == *line && place == Some(*of))
        {
            return answer(*status, &json!({"code": "no", "message": "no"}));
        }
        // The other school has nothing.
        if place == Some("o2") {
            return list(&[]);
        }
        match asked.line.as_str() {
            "POST /activities/lookup" => {
                let ids = asked.ids("ids");
                let such = |a: &&Value| ids.iter().any(|id| a["id"] == id.as_str());
                answer(200, &json!(self.activities.iter().filter(such).collect::<Vec<_>>()))
            }
            "POST /calendarEvents/lookup" => {
                let ids = asked.ids("ids");
                let such = |e: &&Value| ids.iter().any(|id| e["id"] == id.as_str());
                let all = self.events.iter().chain(&self.elsewhere);
                answer(200, &json!(all.filter(such).collect::<Vec<_>>()))
            }
            "GET /calendarEvents" => {
                let mut events = self.events.clone();
                if asked.of("expand") == Some("attendance") {
                    for event in &mut events {
                        let own = |row: &&Value| row["calendarEvent"]["id"] == event["id"];
                        let own: Vec<_> = self.rows.iter().filter(own).cloned().collect();
                        event["_embedded"] = json!({ "attendance": own });
                    }
                }
                list(&events)
            }
            "GET /activities" => list(&self.activities),
            "GET /attendances" => {
                self.absences.append(&mut self.at_the_last_moment);
                let rows: Vec<_> =
                    self.rows.iter().filter(|r| after("meta.modified.after", r)).cloned().collect();
                list(&rows)
            }
            "GET /absences" => {
                let rows: Vec<_> = self
                    .absences
                    .iter()
                    .filter(|r| after("meta.modified.after", r))
                    .cloned()
                    .collect();
                list(&rows)
            }
            "GET /deletedEntities" => answer(200, &json!({ "data": self.deleted })),
            "POST /attendances/lookup" => {
                let ids = asked.ids(self.key);
                if ids.is_empty() {
                    return answer(400, &json!({"code": "no", "message": "no"}));
                }
                let of = |row: &&Value| {
                    let lesson = row["calendarEvent"]["id"].as_str().expect("id");
                    let event = self.events.iter().find(|e| e["id"] == lesson);
                    let activity = event.and_then(|e| e["activity"]["id"].as_str());
                    ids.iter().any(|id| id == lesson || Some(id.as_str()) == activity)
                };
                answer(200, &json!(self.rows.iter().filter(of).collect::<Vec<_>>()))
            }
            line => {
                let id = line.strip_prefix("GET /calendarEvents/").expect(line);
                let mut all = self.events.iter().chain(&self.elsewhere);
                match all.find(|event| event["id"] == id) {
                    Some(event) => answer(200, event),
                    None => answer(404, &Value::Null),
                }
            }
        }
    }
}

/// A lesson of that minute and the hour after.
pub fn event(id: &str, start: i64, more: &Value) -> Value {
    let mut event = json!({
        "id": id, "activity": {"id": "a1"}, "meta": {"modified": at(-600)},
        "startTime": at(start), "endTime": at(start + 60),
    });
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// Minutes after seven.
pub fn at(minute: i64) -> String {
    let seven: Timestamp = "2026-11-23T07:00:00Z".parse().expect("time");
    (seven + SignedDuration::from_mins(minute)).to_string()
}

pub fn row(id: &str, pupil: &str, lesson: &str, minutes: [i64; 3], modified: i64) -> Value {
    json!({
        "id": id, "meta": {"modified": at(modified)}, "calendarEvent": {"id": lesson},
        "student": {"id": pupil}, "isReported": true, "reporter": {"id": "t"},
        "attendanceMinutes": minutes[0], "validAbsenceMinutes": minutes[1],
        "invalidAbsenceMinutes": minutes[2], "reportedTimestamp": at(modified),
    })
}

pub const MISSING: [i64; 3] = [0, 0, 60];
pub const THERE: [i64; 3] = [60, 0, 0];
pub const EXCUSED: [i64; 3] = [0, 60, 0];

impl Stage {
    pub async fn with(ways: &[Way], change: impl FnOnce(&mut There)) -> Self {
        let mut there = There {
            events: vec![event("l1", -10, &json!({})), event("l2", 60, &json!({}))],
            activities: vec![
                json!({"id": "a1", "displayName": "Ma 7B", "activityType": "Undervisning"}),
            ],
            deleted: json!({}),
            key: "calendareEvents",
            ..There::default()
        };
        change(&mut there);
        Self::on(ways, Arc::new(Mutex::new(there)), Hands::new(), Arc::new(MemoryStore::new()))
            .await
    }

    pub async fn on(
        ways: &[Way],
        there: Arc<Mutex<There>>,
        clock: Arc<Hands>,
        kv: Arc<dyn Kv>,
    ) -> Self {
        let script = there.clone();
        let answers = move |asked: &Asked| script.lock().expect("script").answer(asked);
        let scene = scene_on(settings(), answers, clock, kv);
        let directory = Arc::new(ArcSwap::from_pointee(directory(&["p", "q"])));
        let (kv, clock) = (scene.kv.clone(), scene.clock.clone());
        let intake = Intake::new(kv, clock, directory.clone(), TaskTracker::new());
        let meter = Metrics::new(scene.clock.now()).source(&source());
        let contacts: Contacts = scene.contacts.clone();
        let offering = Offering { source: source(), intake, meter, contacts };
        let book = Book::default();
        let places = vec![Place {
            school: SchoolId::new("s").expect("id"),
            organisation: Some("o1".into()),
        }];
        let asking = Asking { ways: ways.to_vec(), ..Asking::default() };
        let attending = Attending::new(
            scene.client.clone(),
            offering.clone(),
            book.clone(),
            places.clone(),
            asking,
        );
        let attending = attending.await.expect("the store");
        let stage = Self { there, scene, offering, book, directory, attending };
        stage.schedule().await;
        stage
    }

    pub async fn schedule(&self) {
        self.new_schedule().round().await.expect("a schedule");
    }

    pub fn new_schedule(&self) -> Schedule {
        let places = self.attending.places.clone();
        let (client, offering) = (self.scene.client.clone(), self.offering.clone());
        let overlap = SignedDuration::from_mins(10);
        Schedule::new(client, offering, self.book.clone(), places, overlap, true)
    }

    /// The same again after a stop.
    pub async fn restarted(self, ways: &[Way]) -> Self {
        let Self { there, scene, .. } = self;
        Self::on(ways, there, scene.clock.clone(), scene.kv.clone()).await
    }

    pub fn now(&self, change: impl FnOnce(&mut There)) {
        change(&mut self.there.lock().expect("script"));
    }

    pub async fn round(&mut self) -> Found {
        self.scene.clock.forward(SignedDuration::from_secs(15));
        self.attending.round().await.expect("a round")
    }

    pub async fn rows<T: serde::de::DeserializeOwned>(&self, table: &[u8]) -> Vec<T> {
        let rows = self.scene.kv.scan(table, &after_prefix(table), 10_000).await.expect("rows");
        rows.iter().map(|(_, value)| ledger::decode(value).expect("a row")).collect()
    }

    pub async fn marks(&self) -> Vec<Option<Mark>> {
        let lessons: Vec<LessonState> = self.rows(tables::LESSONS).await;
        lessons.into_iter().map(|lesson| lesson.mark).collect()
    }

    /// Everything that was to be said.
    pub async fn said(&self) -> Vec<Notification> {
        self.rows(tables::NOTIFICATIONS).await
    }

    /// As if everything that waits had been delivered.
    pub async fn deliver(&self) {
        use crate::store::ledger::Unit;
        for mut n in self.said().await.into_iter().filter(|n| n.state == State::Waiting) {
            n.state = State::Delivered;
            let mut unit = Unit::new(self.scene.kv.as_ref());
            unit.write(tables::notification(&n.id), &n);
            let _: crate::store::Commit = unit.commit().await.expect("written");
        }
    }

    pub fn trouble(&self, kind: &str) -> Option<String> {
        let contact = self.scene.contacts.of(&source());
        contact.troubles.get(kind).map(|trouble| trouble.what.clone())
    }
}
