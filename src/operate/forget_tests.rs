//! Erasing while others write: nothing that is there afterwards is told as erased.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use super::*;
use crate::delivery::testing::notification;
use crate::intake::case::enqueue;
use crate::model::{EventId, Lesson, LessonState, Planned, SourceId};
use crate::operate::export::export;
use crate::store::rows::{Missed, Seen};
use crate::store::{Batch, Health, MemoryStore, Pending};

/// A store in which somebody else writes while rows of a table are removed, so many times.
struct Busy {
    kv: MemoryStore,
    table: &'static [u8],
    /// Whether the commit is in the way of the other one; or the other one comes right after it.
    conflict: bool,
    times: AtomicU32,
}

impl Busy {
    async fn with(table: &'static [u8], conflict: bool, times: u32) -> Self {
        let kv = MemoryStore::new();
        lesson(&kv, "told", State::Delivered).await;
        Self { kv, table, conflict, times: times.into() }
    }

    fn left(&self) -> usize {
        let ours = |key: &[u8]| {
            OF_PUPIL.iter().any(|(_, table)| key.starts_with(table))
                || key.starts_with(tables::NOTIFICATIONS)
                || key.starts_with(tables::ALL_DUE)
        };
        self.kv.rows().iter().filter(|(key, _)| ours(key)).count()
    }
}

impl Kv for Busy {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        self.kv.get(key)
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        self.kv.scan(from, to, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        Box::pin(async move {
            let removes =
                batch.write.iter().any(|(key, v)| v.is_none() && key.starts_with(self.table));
            let left = self.times.load(Ordering::Relaxed);
            if !removes || left == 0 {
                return self.kv.commit(batch).await;
            }
            self.times.store(left - 1, Ordering::Relaxed);
            if self.conflict {
                return Ok(Commit::Conflict);
            }
            let done = self.kv.commit(batch).await;
            lesson(&self.kv, &format!("event {left}"), State::Waiting).await;
            done
        })
    }

    fn health(&self) -> Health {
        self.kv.health()
    }
}

/// A lesson with a message.
async fn lesson(kv: &MemoryStore, guardian: &str, state: State) {
    let mut n = notification(guardian);
    n.state = state;
    let lesson = Lesson { id: n.lesson.clone(), start: n.created_at, end: n.deadline, label: None };
    let mut row = LessonState::new(lesson, n.created_at);
    row.notifications.push(n.id.clone());
    let mut unit = Unit::new(kv);
    unit.write(tables::notification(&n.id), &n);
    if state == State::Waiting {
        enqueue(&mut unit, &n);
    }
    unit.write(tables::lesson(&n.school, &n.pupil, n.date, &n.lesson), &row);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
}

async fn forgotten(kv: &Busy) -> Result<Forgotten, OperateError> {
    let n = notification("told");
    forget(kv, (&n.school, &n.pupil), true, "uid 0", n.deadline).await
}

#[tokio::test]
async fn what_others_write_meanwhile_is_erased_too() {
    for table in [tables::LESSONS, tables::NOTIFICATIONS] {
        for conflict in [true, false] {
            let kv = Busy::with(table, conflict, 2).await;
            let done = forgotten(&kv).await.expect("all of it");
            assert_eq!(kv.left(), 0, "{conflict}");
            assert_eq!(done.erased["messages"], if conflict { 1 } else { 3 });
            assert_eq!(done.called_back, if conflict { 0 } else { 2 });
        }
    }
}

#[tokio::test]
async fn plans_of_lessons_name_the_pupil_no_more() {
    let kv = Busy::with(tables::LESSONS, false, 0).await;
    let n = notification("told");
    let other = PupilId::new("other").expect("id");
    let lesson = Lesson { id: n.lesson.clone(), start: n.created_at, end: n.deadline, label: None };
    let planned = Planned {
        registered: true,
        cancelled: false,
        teachers: Vec::new(),
        groups: Vec::new(),
        also: [n.pupil.clone(), other.clone()].into(),
        except: [n.pupil.clone()].into(),
        modified_at: None,
    };
    let key = tables::register(&n.school, &n.lesson);
    let mut unit = Unit::new(&kv.kv);
    unit.write(key.clone(), &Register { planned: Some(planned), ..Register::new(lesson) });
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    let done = forgotten(&kv).await.expect("all of it");
    assert_eq!(done.erased["plans of lessons"], 1);
    let row: Register = ledger::read(&kv, &key).await.expect("store").expect("a register");
    let planned = row.planned.expect("a plan");
    assert_eq!((planned.also, planned.except), ([other].into(), std::collections::BTreeSet::new()));
}

#[tokio::test]
async fn what_sources_said_and_plans_that_name_the_pupil_are_handed_out() {
    let (kv, n) = (MemoryStore::new(), notification("told"));
    let lesson = Lesson { id: n.lesson.clone(), start: n.created_at, end: n.deadline, label: None };
    let planned = Planned {
        registered: true,
        cancelled: false,
        teachers: Vec::new(),
        groups: Vec::new(),
        also: [n.pupil.clone(), PupilId::new("other").expect("id")].into(),
        except: std::collections::BTreeSet::new(),
        modified_at: None,
    };
    let source = SourceId::new("src").expect("id");
    let missed = Missed { lesson: lesson.clone(), row: Some("row-7".into()), at: n.created_at };
    let mut unit = Unit::new(&kv);
    unit.write(tables::missed(&n.school, &n.pupil, &n.lesson, &source), &missed);
    let other = PupilId::new("other").expect("id");
    unit.write(tables::missed(&n.school, &other, &n.lesson, &source), &missed);
    let register = Register { planned: Some(planned), ..Register::new(lesson) };
    unit.write(tables::register(&n.school, &n.lesson), &register);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    let told = export(&kv, (&n.school, &n.pupil), true, n.deadline).await.expect("told");
    assert_eq!(told.said.len(), 1);
    let said = &told.said[0];
    assert_eq!((said.what.as_str(), said.of.len()), ("missing", 2));
    assert!(said.row.to_string().contains("row-7"), "{}", said.row);
    let [plan] = told.plans.as_slice() else { panic!("{:?}", told.plans) };
    assert!(plan.also && !plan.except);
    assert!(!serde_json::to_string(&told).expect("JSON").contains("other"));
}

#[tokio::test]
async fn where_there_is_no_end_of_it_that_is_said() {
    for conflict in [true, false] {
        let kv = Busy::with(tables::LESSONS, conflict, u32::MAX).await;
        let refused = forgotten(&kv).await.expect_err("not all of it");
        assert!(matches!(refused, OperateError::NotNow(_)), "{refused}");
        assert!(refused.to_string().contains("run it again"), "{refused}");
        assert!(kv.left() > 0);
        let erased = kv.kv.rows().iter().filter(|(key, _)| key.starts_with(tables::ERASED)).count();
        assert_eq!(erased, 1, "what was erased is written down");
        kv.times.store(0, Ordering::Relaxed);
        forgotten(&kv).await.expect("the rest");
        assert_eq!(kv.left(), 0);
    }
}

#[tokio::test]
async fn of_another_schools_pupil_of_the_same_id_nothing_goes() {
    let (source, pupil) = (SourceId::new("src").expect("id"), PupilId::new("12").expect("id"));
    let now = notification("g").created_at;
    let [here, there] = ["s1", "s2"].map(|id| SchoolId::new(id).expect("id"));
    // School, pupil, id of the event, and whether it goes: where there are more schools, or none but this.
    let events = [
        (Some(&here), Some("12"), "e", (true, true)),
        (Some(&there), Some("12"), "e", (false, false)),
        (Some(&here), Some("121"), "2026-11-12-881", (false, false)),
        (Some(&here), None, "2026-11-12-881", (false, false)),
        (Some(&here), None, "pupil:12:3", (true, true)),
        (Some(&there), None, "pupil:12:3", (false, false)),
        (None, Some("12"), "e", (false, true)),
        (None, Some("13"), "e", (false, false)),
    ];
    for only in [false, true] {
        let kv = MemoryStore::new();
        let mut unit = Unit::new(&kv);
        for (index, (school, about, event, _)) in (0..).zip(&events) {
            let row = Rejection {
                at: now,
                source: source.clone(),
                event: Some((*event).into()),
                school: school.cloned(),
                pupil: about.and_then(|id| PupilId::new(id).ok()),
                why: "mark: is missing".into(),
            };
            unit.write(tables::rejected(&source, now, index), &row);
        }
        for event in ["2026-11-12-881", "12/1"] {
            let event = EventId::new(event).expect("id");
            unit.write(tables::seen(&source, &event), &Seen { at: Timestamp::UNIX_EPOCH });
        }
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        let told = export(&kv, (&here, &pupil), only, now).await.expect("told").refused.len();
        assert_eq!(told, if only { 2 } else { 1 });
        let done = forget(&kv, (&here, &pupil), only, "uid 0", now).await.expect("done");
        let goes = |(more, one): (bool, bool)| if only { one } else { more };
        let gone: u64 = events.iter().map(|(.., fate)| u64::from(goes(*fate))).sum();
        assert_eq!(done.erased["refused events"], gone, "{only}");
        assert_eq!(done.remains.len(), usize::from(!only), "{:?}", done.remains);
        assert_eq!(done.young_ids, 2, "they stay, and that is said");
        let seen = kv.rows().iter().filter(|(key, _)| key.starts_with(tables::SEEN)).count();
        assert_eq!(seen, 2);
    }
}

#[test]
fn an_id_is_named_only_as_a_word() {
    let pupil = PupilId::new("p1").expect("id");
    for (text, named) in [
        ("p1", true),
        ("2026-p1-x", true),
        ("p12", false),
        ("ap1", false),
        ("x", false),
        ("pupil: p1 is not", true),
    ] {
        assert_eq!(names(text, &pupil), named, "{text}");
    }
}
