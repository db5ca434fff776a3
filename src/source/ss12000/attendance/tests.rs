//! Marks asked for in every way, of a source that answers by a script.

mod faults;

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
use crate::model::{CorrectionKind, LessonState, Notification, Purpose, State};
use crate::store::{Kv, MemoryStore, after_prefix, ledger, tables};

/// What the source has.
#[derive(Default)]
struct There {
    events: Vec<Value>,
    activities: Vec<Value>,
    rows: Vec<Value>,
    absences: Vec<Value>,
    deleted: Value,
    /// Lines that are answered with a status.
    refused: Vec<(&'static str, u16)>,
    /// The same, for one organisation.
    refused_for: Vec<(&'static str, &'static str, u16)>,
    /// Lessons that no listing has.
    elsewhere: Vec<Value>,
    /// The key that look-ups know.
    key: &'static str,
    asked: Vec<String>,
}

/// An advance notice about the first pupil.
fn absence(id: &str, from: i64, to: i64, modified: i64) -> Value {
    json!({
        "id": id, "meta": {"modified": at(modified)}, "student": {"id": "p"},
        "type": "Anmäld frånvaro", "startTime": at(from), "endTime": at(to),
    })
}

/// The core, the source, and who asks.
struct Stage {
    there: Arc<Mutex<There>>,
    scene: Scene,
    offering: Offering,
    book: Book,
    directory: Arc<ArcSwap<Directory>>,
    attending: Attending,
}

fn directory(pupils: &[&str]) -> Directory {
    let school = testing::settings();
    let roster = testing::roster(pupils.iter().map(|pupil| testing::pupil("s", pupil)));
    Directory { schools: Arc::new([(school.id.clone(), school)].into()), roster: Arc::new(roster) }
}

fn list(rows: &[Value]) -> Answer {
    answer(200, &json!({ "data": rows }))
}

impl There {
    fn answer(&mut self, asked: &Asked) -> Answer {
        self.asked.push(asked.line.clone());
        let after = |key: &str, row: &Value| {
            asked.of(key).is_none_or(|after| {
                let at: Timestamp = after.parse().expect("time");
                let modified = row["meta"]["modified"].as_str().map(|t| t.parse::<Timestamp>());
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
fn event(id: &str, start: i64, more: &Value) -> Value {
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
fn at(minute: i64) -> String {
    let seven: Timestamp = "2026-11-23T07:00:00Z".parse().expect("time");
    (seven + SignedDuration::from_mins(minute)).to_string()
}

fn row(id: &str, pupil: &str, lesson: &str, minutes: [i64; 3], modified: i64) -> Value {
    json!({
        "id": id, "meta": {"modified": at(modified)}, "calendarEvent": {"id": lesson},
        "student": {"id": pupil}, "isReported": true, "reporter": {"id": "t"},
        "attendanceMinutes": minutes[0], "validAbsenceMinutes": minutes[1],
        "invalidAbsenceMinutes": minutes[2], "reportedTimestamp": at(modified),
    })
}

const MISSING: [i64; 3] = [0, 0, 60];
const THERE: [i64; 3] = [60, 0, 0];
const EXCUSED: [i64; 3] = [0, 60, 0];

impl Stage {
    async fn with(ways: &[Way], change: impl FnOnce(&mut There)) -> Self {
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

    async fn on(
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

    async fn schedule(&self) {
        self.new_schedule().round().await.expect("a schedule");
    }

    fn new_schedule(&self) -> Schedule {
        let places = self.attending.places.clone();
        let (client, offering) = (self.scene.client.clone(), self.offering.clone());
        let overlap = SignedDuration::from_mins(10);
        Schedule::new(client, offering, self.book.clone(), places, overlap, true)
    }

    /// The same again after a stop.
    async fn restarted(self, ways: &[Way]) -> Self {
        let Self { there, scene, .. } = self;
        Self::on(ways, there, scene.clock.clone(), scene.kv.clone()).await
    }

    fn now(&self, change: impl FnOnce(&mut There)) {
        change(&mut self.there.lock().expect("script"));
    }

    async fn round(&mut self) -> Found {
        self.scene.clock.forward(SignedDuration::from_secs(15));
        self.attending.round().await.expect("a round")
    }

    async fn rows<T: serde::de::DeserializeOwned>(&self, table: &[u8]) -> Vec<T> {
        let rows = self.scene.kv.scan(table, &after_prefix(table), 10_000).await.expect("rows");
        rows.iter().map(|(_, value)| ledger::decode(value).expect("a row")).collect()
    }

    async fn marks(&self) -> Vec<Option<Mark>> {
        let lessons: Vec<LessonState> = self.rows(tables::LESSONS).await;
        lessons.into_iter().map(|lesson| lesson.mark).collect()
    }

    /// Everything that was to be said.
    async fn said(&self) -> Vec<Notification> {
        self.rows(tables::NOTIFICATIONS).await
    }

    /// As if everything that waits had been delivered.
    async fn deliver(&self) {
        use crate::store::ledger::Unit;
        for mut n in self.said().await.into_iter().filter(|n| n.state == State::Waiting) {
            n.state = State::Delivered;
            let mut unit = Unit::new(self.scene.kv.as_ref());
            unit.write(tables::notification(&n.id), &n);
            let _: crate::store::Commit = unit.commit().await.expect("written");
        }
    }

    fn trouble(&self, kind: &str) -> Option<String> {
        let contact = self.scene.contacts.of(&source());
        contact.troubles.get(kind).map(|trouble| trouble.what.clone())
    }
}

const EVERY: [&[Way]; 5] = [
    &[Way::Listing],
    &[Way::CalendarEvents],
    &[Way::LookupCalendare],
    &[Way::LookupCalendar],
    &[Way::LookupActivities],
];

fn key_of(ways: &[Way]) -> &'static str {
    match ways[0] {
        Way::LookupActivities => "activities",
        Way::LookupCalendar => "calendarEvents",
        _ => "calendareEvents",
    }
}

#[tokio::test]
async fn in_every_way_a_mark_is_told_once_and_put_right_once() {
    for ways in EVERY {
        let mut stage = Stage::with(ways, |there| there.key = key_of(ways)).await;
        stage.round().await;
        stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
        for _ in 0..3 {
            stage.round().await;
        }
        assert_eq!(stage.said().await.len(), 1, "{ways:?}");
        stage.deliver().await;
        // A late excuse: the row is gone and another is there.
        stage.now(|there| {
            there.rows = vec![row("r2", "p", "l1", EXCUSED, 2)];
            there.deleted = json!({"attendances": ["r1"]});
        });
        for _ in 0..3 {
            stage.round().await;
        }
        let said = stage.said().await;
        let corrections: Vec<_> = said
            .iter()
            .filter(|n| n.purpose == Purpose::Correction)
            .map(|n| n.correction)
            .collect();
        assert_eq!(corrections, [Some(CorrectionKind::Excused)], "{ways:?}");
        assert_eq!(stage.marks().await, [Some(Mark::Excused)], "{ways:?}");
        let mut stage = stage.restarted(ways).await;
        assert_eq!(stage.round().await.taken.new, 0, "{ways:?}");
        assert_eq!(stage.said().await.len(), 2, "{ways:?}");
        assert_eq!(stage.trouble("bad-rows"), None);
    }
}

#[tokio::test]
async fn in_every_way_first_contact_tells_nobody() {
    for ways in EVERY {
        let stage = Stage::with(ways, |there| {
            there.key = key_of(ways);
            there.rows.push(row("r1", "p", "l1", MISSING, -2));
        });
        let mut stage = stage.await;
        assert_eq!(stage.round().await.taken.new, 1, "{ways:?}");
        let mut stage = stage.restarted(ways).await;
        stage.round().await;
        assert_eq!(stage.marks().await, [Some(Mark::Unexcused)], "{ways:?}");
        assert_eq!(stage.said().await.len(), 0, "{ways:?}");
        // What comes now is news, also of a lesson that has begun.
        stage.now(|there| there.rows.push(row("r2", "q", "l1", MISSING, 1)));
        stage.round().await;
        stage.round().await;
        assert_eq!(stage.said().await.len(), 1, "{ways:?}");
    }
}

#[tokio::test]
async fn in_every_way_a_row_that_is_gone_is_taken_back() {
    for ways in EVERY {
        let mut stage = Stage::with(ways, |there| there.key = key_of(ways)).await;
        stage.round().await;
        stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
        stage.round().await;
        stage.now(|there| {
            there.rows.clear();
            there.deleted = json!({"attendances": ["r1"]});
        });
        stage.round().await;
        let said = stage.said().await;
        assert_eq!(stage.marks().await, [Some(Mark::Unknown)], "{ways:?}");
        assert_eq!((said.len(), said[0].state), (1, State::Cancelled), "{ways:?}");
        // Made anew some rounds later, by a clock that is behind ours.
        stage.now(|there| there.rows.push(row("r2", "p", "l1", THERE, 1)));
        stage.round().await;
        assert_eq!(stage.marks().await, [Some(Mark::Present)], "{ways:?}");
    }
}

#[tokio::test]
async fn the_way_that_the_source_lets_is_found_and_kept() {
    let refused = [("GET /attendances", 403), ("GET /calendarEvents/", 404)];
    for (refused, key, way, tries) in [
        (&refused[..0], "calendareEvents", Way::Listing, 0),
        (&[("GET /attendances", 403)], "calendareEvents", Way::CalendarEvents, 1),
        (&[("GET /attendances", 405)], "calendareEvents", Way::CalendarEvents, 1),
    ] {
        let stage = Stage::with(&Way::ALL, |there| {
            there.refused = refused.to_vec();
            there.key = key;
        });
        let mut stage = stage.await;
        stage.round().await;
        stage.round().await;
        assert_eq!(stage.attending.way(), Some(way));
        let asked = stage.there.lock().expect("script").asked.clone();
        let listed = asked.iter().filter(|line| *line == "GET /attendances").count();
        assert_eq!(listed, if tries == 0 { 2 } else { tries }, "it is not asked again");
    }
    for (key, way) in [
        ("calendareEvents", Way::LookupCalendare),
        ("calendarEvents", Way::LookupCalendar),
        ("activities", Way::LookupActivities),
    ] {
        let mut stage = Stage::with(&Way::LOOKUPS, |there| there.key = key).await;
        stage.round().await;
        stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
        stage.round().await;
        assert_eq!(stage.attending.way(), Some(way));
        assert_eq!(stage.said().await.len(), 1, "{key}");
    }
    // No way at all: told, and tried again.
    let mut stage =
        Stage::with(&[Way::Listing], |there| there.refused = vec![("GET /attendances", 403)]).await;
    assert!(stage.attending.round().await.is_err());
    assert!(stage.trouble("not-let-in").is_some());
    stage.now(|there| there.refused.clear());
    stage.round().await;
    assert_eq!(stage.trouble("not-let-in"), None);
}

#[tokio::test]
async fn bad_rows_are_counted_and_make_no_mark() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| {
        let mut old = row("r3", "p", "l1", MISSING, 1);
        old["meta"]["modified"] = json!("1895-01-01T00:00:00Z");
        let mut early = row("r4", "p", "l1", MISSING, 1);
        early["meta"]["modified"] = json!("2036-01-01T00:00:00Z");
        let mut nobody = row("r5", "p", "l1", MISSING, 1);
        nobody["student"] = Value::Null;
        let nowhere = row("r6", "p", "l9", MISSING, 1);
        let mut text = row("r7", "p", "l1", MISSING, 1);
        text["invalidAbsenceMinutes"] = json!("många");
        let negative = row("r2", "p", "l1", [0, 0, -60], 1);
        there.rows = vec![negative, old, early, nobody, nowhere, text];
        there.rows.push(row("r8", "q", "l1", MISSING, 1));
    });
    stage.round().await;
    let said = stage.said().await;
    assert_eq!((said.len(), said[0].pupil.as_str()), (1, "q"));
    let bad = stage.trouble("bad-rows").expect("told");
    assert!(bad.starts_with("5 rows") || bad.starts_with("6 rows"), "{bad}");
    assert!(!bad.contains("många"), "{bad}");
    // A time far ahead does not lead the cursor away.
    stage.now(|there| there.rows = vec![row("r9", "p", "l1", MISSING, 2)]);
    stage.round().await;
    assert_eq!(stage.said().await.len(), 2);
    assert_eq!(stage.trouble("bad-rows"), None);
}

#[tokio::test]
async fn who_is_not_in_the_directory_yet_is_not_lost_with_the_cursor() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.directory.store(Arc::new(directory(&["q"])));
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    let found = stage.round().await;
    assert_eq!((found.taken.new, found.taken.kept), (0, 1));
    // Long enough for the row to be listed no more.
    stage.scene.clock.forward(SignedDuration::from_mins(30));
    stage.now(|there| there.rows = vec![row("r2", "q", "l1", THERE, 29)]);
    stage.round().await;
    stage.directory.store(Arc::new(directory(&["p", "q"])));
    stage.now(|there| there.rows.clear());
    assert_eq!(stage.round().await.taken.new, 1);
    assert_eq!(stage.said().await.len(), 1);
}

#[tokio::test]
async fn lunch_and_those_who_need_not_come_are_not_missed() {
    let exempt = json!({"studentExceptions": [{"student": {"id": "q"}, "participates": false}]});
    let stage = Stage::with(&[Way::Listing], |there| {
        there.events = vec![
            event("l1", -10, &exempt),
            event("l2", -10, &json!({"activity": {"id": "a2"}})),
            event("l3", -10, &json!({"cancelled": true})),
        ];
        there
            .activities
            .push(json!({"id": "a2", "displayName": "Lunch", "activityType": "Övrigt"}));
    });
    let mut stage = stage.await;
    stage.round().await;
    stage.now(|there| {
        there.rows = vec![
            row("r1", "q", "l1", MISSING, 1),
            row("r2", "p", "l2", MISSING, 1),
            row("r3", "p", "l3", MISSING, 1),
        ];
    });
    let found = stage.round().await;
    assert_eq!((found.ignored, stage.said().await.len()), (1, 0));
    // Whoever was told before the lesson was cancelled is put right.
    stage.now(|there| there.rows = vec![row("r4", "p", "l1", MISSING, 2)]);
    stage.round().await;
    stage.deliver().await;
    let due = async |stage: &Stage| {
        let (from, to) = (tables::ALL_DUE, after_prefix(tables::ALL_DUE));
        let rows = stage.scene.kv.scan(from, &to, 100).await.expect("rows");
        let now = stage.scene.clock.now();
        rows.iter().filter(|(key, _)| tables::due_time(key).is_some_and(|at| at <= now)).count()
    };
    let before = due(&stage).await;
    stage.now(|there| there.events[0] = event("l1", -10, &json!({"cancelled": true})));
    stage.schedule().await;
    assert_eq!(due(&stage).await, before + 1, "it is decided again");
}

#[tokio::test]
async fn notices_come_before_marks_and_follow_their_rows() {
    let mut stage = Stage::with(&[Way::Listing], |there| {
        there.absences.push(absence("n1", -60, 300, -5));
    })
    .await;
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 1)));
    assert_eq!(stage.round().await.notices, 0, "it was known");
    assert_eq!(stage.said().await.len(), 0, "it suppresses");
    // It ends before the lesson, then.
    stage.now(|there| there.absences[0] = absence("n1", -60, -30, 2));
    assert_eq!(stage.round().await.notices, 1);
    assert_eq!(stage.said().await.len(), 1);
    // A second one, which is deleted again.
    stage.now(|there| there.absences.push(absence("n2", -60, 300, 3)));
    stage.round().await;
    let waiting = |n: &&Notification| n.state == State::Waiting;
    assert_eq!(stage.said().await.iter().filter(waiting).count(), 0);
    stage.now(|there| {
        there.absences.pop();
        there.deleted = json!({"absences": ["n2"]});
    });
    let mut stage = stage.restarted(&[Way::Listing]).await;
    assert_eq!(stage.round().await.notices, 1);
    assert_eq!(stage.said().await.iter().filter(waiting).count(), 1);
    assert_eq!(stage.round().await.notices, 0);
}

#[tokio::test]
async fn a_mark_dated_before_first_contact_that_came_after_it_is_news() {
    for ways in EVERY {
        let mut stage = Stage::with(ways, |there| there.key = key_of(ways)).await;
        stage.round().await;
        // Its transaction began half a minute before it could be seen.
        stage.now(|there| there.rows.push(row("r1", "p", "l1", MISSING, 0)));
        stage.now(|there| there.rows[0]["meta"]["modified"] = json!("2026-11-23T06:59:50Z"));
        stage.round().await;
        assert_eq!(stage.said().await.len(), 1, "{ways:?}");
    }
}

#[tokio::test]
async fn a_mark_that_comes_before_its_lesson_is_taken_when_that_is_known() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l9", MISSING, 1)));
    stage.round().await;
    assert!(stage.trouble("bad-rows").is_some());
    // Other marks come meanwhile, for longer than anything is asked for again.
    stage.scene.clock.forward(SignedDuration::from_mins(20));
    stage.now(|there| there.rows.push(row("r2", "q", "l1", THERE, 20)));
    stage.round().await;
    stage.scene.clock.forward(SignedDuration::from_mins(20));
    stage.now(|there| there.events.push(event("l9", -5, &json!({}))));
    stage.round().await;
    assert_eq!(stage.said().await.len(), 1);
    assert_eq!(stage.trouble("bad-rows"), None);
}
