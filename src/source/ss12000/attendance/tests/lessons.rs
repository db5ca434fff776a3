//! Marks at lessons that are not in the schedule, or that are another school's; and schools that do not hold each
//! other up.

use super::super::super::fault::kinds;
use super::*;
use crate::directory::{Directory, School, testing};

/// The other school.
fn another() -> Place {
    Place { school: SchoolId::new("t").expect("id"), organisation: Some("o2".into()) }
}

/// The two schools, `p` and `q` at the one and `v` at the other.
fn two_schools() -> Directory {
    let settings = testing::settings();
    let other = School { id: another().school, ..settings.clone() };
    let pupils = [("s", "p"), ("s", "q"), ("t", "v")];
    let roster = testing::roster(pupils.map(|(at, id)| testing::pupil(at, id)));
    let schools = [(settings.id.clone(), settings), (other.id.clone(), other)].into();
    Directory { schools: Arc::new(schools), roster: Arc::new(roster) }
}

impl Stage {
    fn asked(&self, words: &str) -> usize {
        let there = self.there.lock().expect("script");
        there.asked.iter().filter(|line| line.starts_with(words)).count()
    }
}

#[tokio::test]
async fn lessons_that_nobody_knows_are_looked_up_together() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    let ids = ["l10", "l11", "l12", "l13", "l14", "l15", "l16"];
    stage.now(|there| {
        for id in &ids[..6] {
            there.elsewhere.push(event(id, -5, &json!({})));
        }
        let rows = ids.map(|id| row(&format!("r-{id}"), "p", id, MISSING, 1));
        there.rows = rows.into();
        there.rows.push(row("r2", "q", "l1", MISSING, 1));
    });
    let found = stage.round().await;
    assert_eq!(found.taken.new, 7);
    // Four at a time, and none by itself: what is not among them is not there.
    assert_eq!(stage.asked("POST /calendarEvents/lookup"), 2);
    assert_eq!(stage.asked("GET /calendarEvents/"), 0);
    let what = stage.trouble(kinds::BAD_ROWS).expect("told of");
    assert!(what.contains("of a lesson that the source does not know"), "{what}");
    // Not again at once.
    stage.round().await;
    assert_eq!(stage.asked("POST /calendarEvents/lookup"), 2);
    assert_eq!(stage.asked("GET /calendarEvents/"), 0);
}

#[tokio::test]
async fn where_they_cannot_be_looked_up_they_are_asked_for_one_by_one() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| {
        there.refused =
            vec![("POST /calendarEvents/lookup", 405), ("GET /calendarEvents/l11", 500)];
        there.elsewhere = ["l10", "l11", "l12"].map(|id| event(id, -5, &json!({}))).into();
        there.rows =
            ["l10", "l11", "l12"].map(|id| row(&format!("r-{id}"), "p", id, MISSING, 1)).into();
    });
    // What the source fails to answer for does not hold up the others.
    assert_eq!(stage.round().await.taken.new, 2);
    assert_eq!(stage.asked("POST /calendarEvents/lookup"), 1);
    stage.now(|there| there.refused.truncate(1));
    stage.scene.clock.forward(SignedDuration::from_mins(12));
    stage.round().await;
    assert_eq!(stage.said().await.len(), 3);
}

#[tokio::test]
async fn a_mark_waits_for_its_lesson_and_is_told_when_that_is_known() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| {
        let mut hidden = row("r2", "q", "l31", MISSING, 62);
        hidden["student"]["securityMarking"] = json!("Sekretessmarkering");
        there.rows = vec![row("r1", "p", "l30", MISSING, 62), hidden];
    });
    stage.round().await;
    assert_eq!(stage.said().await, []);
    // The source does not say it again, and the daemon starts anew.
    stage.now(|there| there.rows.clear());
    let mut stage = stage.restarted(&[Way::Listing]).await;
    stage.scene.clock.forward(SignedDuration::from_mins(100));
    stage.round().await;
    assert_eq!(stage.said().await, []);
    assert!(stage.trouble(kinds::BAD_ROWS).is_some(), "it is told of all the time");
    stage.now(|there| {
        there.elsewhere = vec![event("l30", 60, &json!({})), event("l31", 60, &json!({}))];
    });
    stage.scene.clock.forward(SignedDuration::from_mins(5));
    stage.round().await;
    let mut said = stage.said().await;
    said.sort_by(|a, b| a.pupil.cmp(&b.pupil));
    let said: Vec<_> = said.iter().map(|n| (n.pupil.as_str(), n.purpose)).collect();
    assert_eq!(said, [("p", Purpose::Absence), ("q", Purpose::StaffTask)]);
    let waits: Vec<crate::store::rows::KeptMark> = stage.rows(tables::KEPT_MARKS).await;
    assert_eq!(waits, []);
}

#[tokio::test]
async fn a_mark_that_waits_for_its_lesson_is_gone_with_its_row() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.round().await;
    stage.now(|there| there.rows.push(row("r1", "p", "l30", MISSING, 1)));
    stage.round().await;
    stage.now(|there| {
        there.rows.clear();
        there.deleted = json!({"attendances": ["r1"]});
    });
    stage.round().await;
    stage.now(|there| there.elsewhere.push(event("l30", -5, &json!({}))));
    stage.scene.clock.forward(SignedDuration::from_mins(5));
    stage.round().await;
    assert_eq!(stage.said().await, []);
}

#[tokio::test]
async fn a_pupil_of_another_school_of_ours_is_told_of_by_that_school() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.directory.store(Arc::new(two_schools()));
    stage.attending.places.push(another());
    stage.round().await;
    stage.now(|there| {
        there.elsewhere.push(event("l9", -5, &json!({"cancelled": true})));
        there.rows = vec![row("r1", "v", "l1", MISSING, 1), row("r2", "v", "l9", MISSING, 1)];
    });
    stage.round().await;
    let said = stage.said().await;
    let told: Vec<_> = said.iter().map(|n| (n.school.as_str(), n.lesson.as_str())).collect();
    assert_eq!(told, [("t", "l1")], "and nothing of the lesson that does not take place");
    // It is taken back there too.
    stage.deliver().await;
    stage.now(|there| there.rows[0] = row("r1", "v", "l1", THERE, 5));
    stage.round().await;
    assert_eq!(stage.said().await.len(), 2);
}

#[tokio::test]
async fn one_school_that_wants_to_be_left_alone_does_not_hold_up_another() {
    let mut stage = Stage::with(&[Way::Listing], |_| {}).await;
    stage.directory.store(Arc::new(two_schools()));
    stage.attending.places.insert(0, another());
    stage.round().await;
    stage.now(|there| {
        there.refused_for = vec![("GET /attendances", "o2", 429), ("GET /absences", "o2", 429)];
        there.rows = vec![row("r1", "p", "l1", MISSING, 1)];
    });
    let began = stage.scene.clock.now();
    stage.scene.clock.forward(SignedDuration::from_secs(15));
    stage.attending.round().await.expect_err("one school's");
    assert_eq!(stage.said().await.len(), 1);
    let took = stage.scene.clock.now().duration_since(began);
    assert!(took < SignedDuration::from_secs(20), "{took:?}");
    // That the others are answered does not make it well.
    assert!(stage.trouble(kinds::RATE).is_some());
    let before = stage.asked("GET /absences");
    stage.scene.clock.forward(SignedDuration::from_secs(1));
    stage.attending.round().await.expect_err("still");
    assert_eq!(stage.asked("GET /absences") - before, 1, "the pause is kept, and of one school");
    assert!(stage.trouble(kinds::RATE).is_some());
}
