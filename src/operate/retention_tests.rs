//! The clocks of retention: what goes when, what never goes, and that a store stays whole.

use jiff::civil::date;

use super::super::check::{self, Checked};
use super::super::counters;
use super::*;
use crate::delivery::testing::notification;
use crate::intake::case::enqueue;
use crate::model::{
    Address, Attempt, EventId, Lesson, LessonReport, Phone, Planned, ProviderId, SourceId, StaffId,
    State,
};
use crate::store::ledger::Unit;
use crate::store::rows::{Audit, Day, Seen, SentTo};
use crate::store::{Commit, MemoryStore, Progress};

const CLOCKS: Clocks = Clocks {
    contacts: SignedDuration::from_hours(30 * 24),
    evidence: SignedDuration::from_hours(330 * 24),
    counters: SignedDuration::from_hours(1100 * 24),
};

fn days_after(n: &Notification, days: i64) -> Timestamp {
    n.deadline.saturating_add(SignedDuration::from_hours(24 * days)).expect("time")
}

/// A told message with everything around it that a day leaves.
async fn a_day(kv: &MemoryStore, guardian: &str, state: State) -> Notification {
    let mut n = notification(guardian);
    let (account, phone) = (ProviderId::new("elks").expect("id"), Phone::new("+46701740605"));
    let address = Address::Phone(phone.expect("a number"));
    n.address = Some(address.clone());
    n.state = state;
    n.attempts.push(Attempt {
        started_at: n.created_at,
        account: account.clone(),
        text_sha256: Some("digest".into()),
        languages: vec![crate::model::Locale::swedish()],
        result: None,
    });
    let lesson = Lesson {
        id: n.lesson.clone(),
        start: n.created_at,
        end: n.deadline,
        label: Some("Ma 7B".into()),
    };
    let mut row = LessonState::new(lesson, n.created_at);
    row.report = Some(LessonReport { reported_by: "t1".into(), note: Some("note".into()) });
    row.recorded_by = Some("t1".into());
    row.notifications.push(n.id.clone());
    let mut unit = Unit::new(kv);
    unit.write(tables::notification(&n.id), &n);
    if state == State::Waiting {
        enqueue(&mut unit, &n);
    }
    unit.write(tables::lesson(&n.school, &n.pupil, n.date, &n.lesson), &row);
    unit.write(tables::occasion(&n.school, &n.pupil, n.date), &Day::default());
    unit.write(tables::notice_guard(&n.school, &n.pupil), &Day::default());
    unit.write(tables::reference(&account, "r1"), &n.id);
    let sent = SentTo { id: n.id.clone(), reference: None };
    unit.write(tables::sent_to(&account, &address, n.created_at, &n.id), &sent);
    let line = Audit {
        at: n.created_at,
        source: SourceId::new("src").ok(),
        event: EventId::new("e1").ok(),
        heard: "marked unexcused".into(),
        lesson: None,
        decisions: Vec::new(),
        silences: Vec::new(),
    };
    unit.write(tables::audit(&n.school, &n.pupil, n.created_at, "u"), &line);
    let planned = Planned {
        registered: true,
        cancelled: false,
        teachers: StaffId::new("t1").into_iter().collect(),
        groups: Vec::new(),
        also: [n.pupil.clone()].into(),
        except: std::collections::BTreeSet::new(),
        modified_at: None,
    };
    let register = Register { planned: Some(planned), ..Register::new(row.lesson.clone()) };
    unit.write(tables::register(&n.school, &n.lesson), &register);
    unit.write(tables::planned_on(&n.school, n.date, &n.lesson), &n.lesson);
    unit.write(tables::register_line(&n.school, &n.lesson, n.created_at, "u"), &line);
    let silence = Silence {
        noticed_at: n.created_at,
        since: None,
        lessons: 5,
        marks: true,
        unreachable: false,
        over_at: Some(n.created_at),
    };
    unit.write(tables::silence(&n.school, &SourceId::new("src").expect("id")), &silence);
    unit.write(
        tables::seen(&SourceId::new("src").expect("id"), &EventId::new("e1").expect("id")),
        &Seen { at: n.created_at },
    );
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    n
}

fn words(kv: &MemoryStore) -> String {
    kv.rows().iter().map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

async fn is_whole(kv: &MemoryStore) {
    let mut checked = Checked::new(None);
    check::rows(kv, &mut checked, &Progress::default()).await.expect("checked");
    assert_eq!(checked.problems, []);
}

#[tokio::test]
async fn contacts_go_first_then_evidence_and_numbers_stay() {
    let kv = MemoryStore::new();
    let n = a_day(&kv, "g1", State::Delivered).await;
    assert_eq!(tidy(&kv, CLOCKS, days_after(&n, 29)).await.expect("tidy"), Tidied::default());
    let tidied = tidy(&kv, CLOCKS, days_after(&n, 31)).await.expect("tidy");
    let what = "message, lesson, register, attempt, reference";
    assert_eq!((tidied.contacts, tidied.evidence), (5, 0), "{what}");
    for gone in ["46701740605", "digest", "languages", "Ma 7B", "note\"", "t1"] {
        assert!(!words(&kv).contains(gone), "{gone}");
    }
    is_whole(&kv).await;
    let kept = ledger::read::<Notification>(&kv, &tables::notification(&n.id)).await;
    assert_eq!(kept.expect("read").expect("kept").state, State::Delivered);
    assert_eq!(tidy(&kv, CLOCKS, days_after(&n, 329)).await.expect("tidy"), Tidied::default());

    let tidied = tidy(&kv, CLOCKS, days_after(&n, 335)).await.expect("tidy");
    let what = "message, lesson, day, guard, trail; register, its day, its trail, silence";
    assert_eq!((tidied.contacts, tidied.evidence), (0, 9), "{what}");
    is_whole(&kv).await;
    let left: Vec<_> = kv.rows().into_iter().map(|(key, _)| key[..3].to_vec()).collect();
    assert_eq!(left, [tables::COUNTERS, tables::SEEN], "events seen have a clock of their own");
    let counted = counters::statistics(&kv).await.expect("numbers");
    let kind = "absence sms delivered unexcused-absence".to_owned();
    assert_eq!(counted.days[0].messages, [(kind, 1)].into());
    assert_eq!(counted.days[0].date, date(2027, 1, 15).to_string());
    let tidied = tidy(&kv, CLOCKS, days_after(&n, 1103)).await.expect("tidy");
    assert_eq!(tidied.counters, 1);
}

#[tokio::test]
async fn what_something_still_happens_to_stays_whole_however_old() {
    for state in [State::Waiting, State::Sending, State::InDoubt] {
        let kv = MemoryStore::new();
        let n = a_day(&kv, "g1", state).await;
        let tidied = tidy(&kv, CLOCKS, days_after(&n, 2_000)).await.expect("tidy");
        assert!(tidied.evidence < 9, "{tidied:?}");
        let kept = ledger::read::<Notification>(&kv, &tables::notification(&n.id)).await;
        assert_eq!(kept.expect("read").expect("kept"), n);
        let lesson = tables::lesson(&n.school, &n.pupil, n.date, &n.lesson);
        assert!(kv.get(&lesson).await.expect("read").is_some(), "{state:?}");
    }
}

#[tokio::test]
async fn an_old_lesson_with_a_late_message_stays_as_long_as_the_message() {
    let kv = MemoryStore::new();
    let mut n = a_day(&kv, "g1", State::Delivered).await;
    n.created_at = days_after(&n, 100);
    n.attempts.clear();
    let mut unit = Unit::new(&kv);
    unit.write(tables::notification(&n.id), &n);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    tidy(&kv, CLOCKS, days_after(&n, 335)).await.expect("tidy");
    let lesson = tables::lesson(&n.school, &n.pupil, n.date, &n.lesson);
    assert!(kv.get(&lesson).await.expect("read").is_some());
    is_whole(&kv).await;
    tidy(&kv, CLOCKS, days_after(&n, 435)).await.expect("tidy");
    assert!(kv.get(&lesson).await.expect("read").is_none());
    is_whole(&kv).await;
}

#[tokio::test]
async fn what_was_recorded_of_a_programme_stays_as_long_as_numbers_do() {
    let kv = MemoryStore::new();
    let term = crate::model::TermName::of(date(2026, 9, 1));
    let row = SessionRecord {
        school: SchoolId::new("s").expect("id"),
        term,
        programme: "7tjugo".into(),
        class: "4A".into(),
        session: 1,
        held: Some(date(2026, 9, 10)),
        moved_to: None,
        at: "2026-09-10T10:00:00Z".parse().expect("time"),
        by: "uid 0".into(),
    };
    let mut unit = Unit::new(&kv);
    unit.write(tables::session(&row), &row);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    is_whole(&kv).await;
    let end: Timestamp = "2027-01-01T00:00:00Z".parse().expect("time");
    for (days, gone) in [(1099, 0), (1101, 1)] {
        let now = end.saturating_add(SignedDuration::from_hours(24 * days)).expect("time");
        assert_eq!(tidy(&kv, CLOCKS, now).await.expect("tidy").counters, gone, "{days}");
    }
    let mut unit = Unit::new(&kv);
    unit.write(tables::session(&SessionRecord { session: 2, ..row.clone() }), &row);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    let mut checked = Checked::new(None);
    check::rows(&kv, &mut checked, &Progress::default()).await.expect("checked");
    assert_eq!(checked.problems.len(), 1, "its key is that of another session");
}

#[tokio::test]
async fn what_was_written_beside_a_word_goes_with_contacts_and_the_word_with_evidence() {
    let kv = MemoryStore::new();
    let n = notification("g1");
    let word = CaseWord {
        id: NotificationId::of(&["w"]),
        school: n.school.clone(),
        pupil: n.pupil.clone(),
        date: n.date,
        at: n.created_at,
        by: "staff:AttendanceTeam".into(),
        link: None,
        what: crate::model::CaseWhat::Reached,
        note: Some("written beside it".into()),
        mentor: crate::model::MentorTold::NoMentor,
    };
    let mut unit = Unit::new(&kv);
    unit.write(tables::case_word(&word), &word);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    for (days, contacts, evidence, rows) in
        [(29, 0, 0, 1), (31, 1, 0, 1), (329, 0, 0, 1), (335, 0, 1, 0)]
    {
        let tidied = tidy(&kv, CLOCKS, days_after(&n, days)).await.expect("tidy");
        assert_eq!((tidied.contacts, tidied.evidence), (contacts, evidence), "after {days} days");
        assert_eq!(kv.rows().len(), rows, "after {days} days");
        assert_eq!(words(&kv).contains("written beside it"), days < 30);
        is_whole(&kv).await;
    }
}
