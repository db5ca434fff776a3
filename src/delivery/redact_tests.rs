//! What goes when protection appears, and what stays.

use super::*;
use crate::delivery::testing::notification;
use crate::model::{Address, Attempt, Lesson, LessonReport, Locale, Phone, ProviderId};
use crate::store::MemoryStore;
use crate::store::ledger;
use crate::store::rows::Due;

fn at(hours: i64) -> Timestamp {
    notification("g1").created_at + SignedDuration::from_hours(hours)
}

/// A lesson with a label and a teacher's words, and a message in a state.
async fn told(kv: &MemoryStore, guardian: &str, state: State) -> Notification {
    let mut n = notification(guardian);
    n.state = state;
    n.lesson = crate::model::LessonId::new(format!("l-{guardian}")).expect("id");
    n.address = Some(Address::Phone(Phone::new("+46701740605").expect("a number")));
    n.reference = Some("r1".into());
    n.attempts.push(Attempt {
        started_at: n.created_at,
        account: ProviderId::new("elks").expect("id"),
        text_sha256: Some("digest".into()),
        languages: vec![Locale::swedish()],
        result: None,
    });
    let (id, label) = (n.lesson.clone(), Some("Ma 7B".to_owned()));
    let lesson = Lesson { id, start: n.created_at, end: n.deadline, label };
    let mut row = LessonState::new(lesson, n.created_at);
    row.report = Some(LessonReport { reported_by: "t1".into(), note: Some("a note".into()) });
    row.recorded_by = Some("t1".into());
    row.notifications.push(n.id.clone());
    let mut unit = Unit::new(kv);
    unit.write(tables::notification(&n.id), &n);
    unit.write(tables::lesson(&n.school, &n.pupil, n.date, &n.lesson), &row);
    unit.write(tables::reference(&n.attempts[0].account, "r1"), &n.id);
    assert!(matches!(unit.commit().await, Ok(Commit::Done)));
    n
}

async fn due(kv: &MemoryStore) -> Vec<(Vec<u8>, Due)> {
    let rows = kv.scan(tables::ALL_DUE, &after_prefix(tables::ALL_DUE), 10).await.expect("rows");
    rows.iter().map(|(key, row)| (key.clone(), ledger::decode(row).expect("a row"))).collect()
}

async fn redacted_at(kv: &MemoryStore, now: Timestamp) {
    let n = notification("g1");
    let mut unit = Unit::new(kv);
    redaction::ask(&mut unit, (&n.school, &n.pupil), now);
    assert!(matches!(unit.commit().await, Ok(Commit::Done)));
    let (key, _) = due(kv).await.remove(0);
    run(kv, &key, (&n.school, &n.pupil), now).await.expect("done");
}

async fn now_is(kv: &MemoryStore, n: &Notification) -> Notification {
    ledger::read(kv, &tables::notification(&n.id)).await.expect("row").expect("there")
}

#[tokio::test]
async fn what_is_over_loses_its_address_and_teachers_words_at_once() {
    for state in
        [State::Delivered, State::Undelivered, State::Rejected, State::Cancelled, State::Expired]
    {
        let kv = MemoryStore::new();
        let n = told(&kv, "g1", state).await;
        redacted_at(&kv, at(1)).await;
        let after = now_is(&kv, &n).await;
        assert_eq!((after.address, after.state), (None, state));
        assert!(after.attempts[0].text_sha256.is_none() && after.attempts[0].languages.is_empty());
        assert_eq!((after.reference.as_deref(), after.attempts.len()), (Some("r1"), 1));
        let key = tables::lesson(&n.school, &n.pupil, n.date, &n.lesson);
        let row: LessonState = ledger::read(&kv, &key).await.expect("row").expect("there");
        assert_eq!((row.lesson.label, row.recorded_by), (None, None));
        let report = row.report.expect("that it was reported stays");
        assert_eq!((report.reported_by.as_str(), report.note), ("", None));
        assert!(due(&kv).await.is_empty(), "{state:?}");
    }
}

#[tokio::test]
async fn what_is_under_way_keeps_its_address_until_it_is_over() {
    for (state, long_after) in [
        (State::Accepted, true),
        (State::Held, true),
        (State::InDoubt, false),
        (State::Sending, false),
        (State::Waiting, false),
    ] {
        let kv = MemoryStore::new();
        let (n, over) = (told(&kv, "g1", state).await, told(&kv, "g2", State::Delivered).await);
        redacted_at(&kv, at(1)).await;
        assert!(now_is(&kv, &n).await.address.is_some(), "{state:?}");
        assert!(now_is(&kv, &over).await.address.is_none(), "the other is over");
        let reference = tables::reference(&n.attempts[0].account, "r1");
        assert!(kv.get(&reference).await.expect("store").is_some(), "a report still finds it");
        let again = due(&kv).await;
        assert_eq!(tables::due_time(&again[0].0), Some(at(2)), "{state:?}");
        let key = again[0].0.clone();
        run(&kv, &key, (&n.school, &n.pupil), at(49)).await.expect("done");
        assert_eq!(now_is(&kv, &n).await.address.is_none(), long_after, "{state:?}");
        assert_eq!(due(&kv).await.is_empty(), long_after, "{state:?}");
    }
}

#[tokio::test]
async fn other_pupils_and_schools_keep_theirs() {
    let kv = MemoryStore::new();
    let n = told(&kv, "g1", State::Delivered).await;
    let other = PupilId::new("p1").expect("id");
    redacted_of(&kv, &n.school, &other).await;
    redacted_of(&kv, &SchoolId::new("s2").expect("id"), &n.pupil).await;
    assert!(now_is(&kv, &n).await.address.is_some());
}

async fn redacted_of(kv: &MemoryStore, school: &SchoolId, pupil: &PupilId) {
    let mut unit = Unit::new(kv);
    redaction::ask(&mut unit, (school, pupil), at(1));
    assert!(matches!(unit.commit().await, Ok(Commit::Done)));
    let (key, _) = due(kv).await.remove(0);
    run(kv, &key, (school, pupil), at(1)).await.expect("done");
}

#[tokio::test]
async fn what_was_written_beside_words_on_cases_goes_and_the_words_stay() {
    let kv = MemoryStore::new();
    let n = told(&kv, "g1", State::Delivered).await;
    let word = CaseWord {
        id: crate::model::NotificationId::of(&["w"]),
        school: n.school.clone(),
        pupil: n.pupil.clone(),
        date: n.date,
        at: n.created_at,
        by: "staff:AttendanceTeam".into(),
        link: None,
        what: crate::model::CaseWhat::Reached,
        note: Some("at her aunt's".into()),
        mentor: crate::model::MentorTold::NoMentor,
    };
    let mut unit = Unit::new(&kv);
    unit.write(tables::case_word(&word), &word);
    assert!(matches!(unit.commit().await, Ok(Commit::Done)));
    redacted_at(&kv, at(1)).await;
    let after: Option<CaseWord> = ledger::read(&kv, &tables::case_word(&word)).await.expect("row");
    assert_eq!(after, Some(CaseWord { note: None, ..word }));
}
