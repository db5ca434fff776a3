//! Marks asked for in every way, of a source that answers by a script.

mod faults;
mod lessons;

use crate::model::Mark;
use std::sync::Arc;

use serde_json::{Value, json};

use super::stage::{EXCUSED, MISSING, Stage, THERE, absence, directory, event, row};
use super::*;
use crate::env::Clock as _;
use crate::model::{CorrectionKind, Notification, Purpose, State};
use crate::store::rows::Due;
use crate::store::{after_prefix, ledger, tables};

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
        assert_eq!(corrections, [Some(CorrectionKind::ExcusedByMark)], "{ways:?}");
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
    // What waits for its lesson is told of as long as it waits.
    stage.now(|there| {
        there.rows = vec![row("r9", "p", "l1", MISSING, 2)];
        there.deleted = json!({"attendances": ["r6"]});
    });
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
        let of_pupils = rows.iter().filter(|(key, value)| {
            let due: Due = ledger::decode(value).expect("a row");
            let is_due = tables::due_time(key).is_some_and(|at| at <= now);
            is_due && matches!(due, Due::LessonEnd { .. })
        });
        of_pupils.count()
    };
    let before = due(&stage).await;
    stage.now(|there| there.events[0] = event("l1", -10, &json!({"cancelled": true})));
    stage.schedule().await;
    assert_eq!(due(&stage).await, before + 2, "it is decided again of both");
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
