//! Words on cases: one commit, once each, and what follows of them.

use jiff::civil::date;

use super::*;
use crate::directory::{Protection, Pupil, Roster, Staff};
use crate::model::{EmailAddress, Lesson, LessonId, LessonState, Mark, StaffId};
use crate::store::MemoryStore;
use crate::store::ledger;

fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}:00+01:00").parse().expect("time")
}

fn pupil(protection: Protection) -> Pupil {
    let row = serde_json::json!({
        "id": "p", "school": "s", "given_name": "Alva", "mentor": "m", "birth_date": "2013-05-04",
    });
    Pupil { protection, ..serde_json::from_value(row).expect("a pupil") }
}

fn directory(protection: Protection, email: Option<&str>) -> Directory {
    let school = crate::delivery::testing::school();
    let pupil = pupil(protection);
    let mut roster = Roster::default();
    let mentor = Staff {
        id: StaffId::new("m").expect("id"),
        school: None,
        role: StaffRole::Mentor,
        municipality: None,
        name: None,
        email: email.map(|text| EmailAddress::new(text).expect("an address")),
        phone: None,
    };
    roster.staff.insert(mentor.id.clone(), mentor);
    roster.pupils.entry(school.id.clone()).or_default().insert(pupil.id.clone(), pupil);
    let schools = [(school.id.clone(), school)].into();
    Directory { schools: std::sync::Arc::new(schools), roster: std::sync::Arc::new(roster) }
}

fn key() -> CaseKey {
    CaseKey {
        school: SchoolId::new("s").expect("id"),
        pupil: PupilId::new("p").expect("id"),
        date: date(2026, 11, 23),
        lesson: LessonId::new("l").expect("id"),
    }
}

/// A store in which the pupil is missing from a lesson.
async fn stored() -> MemoryStore {
    let kv = MemoryStore::new();
    let key = key();
    let (id, start, end) = (key.lesson.clone(), at("08:20"), at("09:20"));
    let mut lesson = LessonState::new(Lesson { id, start, end, label: None }, start);
    (lesson.mark, lesson.missing) = (Some(Mark::Unexcused), true);
    let mut unit = Unit::new(&kv);
    unit.write(tables::lesson(&key.school, &key.pupil, key.date, &key.lesson), &lesson);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    kv
}

fn new(what: CaseWhat, which: &str) -> NewWord {
    NewWord {
        id: NotificationId::of(&["test", what.as_str(), which]),
        by: "staff:AttendanceTeam".into(),
        link: None,
        what,
        note: Some("Ringer igen.".into()),
    }
}

async fn done(kv: &MemoryStore, directory: &Directory, new: &NewWord, clock: &str) -> Written {
    let school = directory.schools.values().next().expect("one");
    record(kv, (directory, school), &key(), new, at(clock)).await.expect("the store")
}

async fn messages(kv: &MemoryStore) -> Vec<Notification> {
    let (from, to) = (tables::NOTIFICATIONS, after_prefix(tables::NOTIFICATIONS));
    let rows = kv.scan(from, &to, 99).await.expect("rows");
    rows.iter().map(|(_, row)| ledger::decode(row).expect("a message")).collect()
}

async fn count(kv: &MemoryStore, table: &[u8]) -> usize {
    kv.scan(table, &after_prefix(table), 99).await.expect("rows").len()
}

#[tokio::test]
async fn a_word_is_recorded_once_and_the_mentor_has_one_message() {
    let (kv, directory) = (stored().await, directory(Protection::None, Some("m@example.se")));
    let word = new(CaseWhat::Reached, "1");
    let Written::Done(first) = done(&kv, &directory, &word, "10:00").await else {
        panic!("it is new")
    };
    let before = kv.rows();
    assert_eq!(done(&kv, &directory, &word, "10:05").await, Written::Known(first.clone()));
    assert_eq!(kv.rows(), before, "nothing has changed");
    let all = messages(&kv).await;
    let [n] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (n.purpose, n.recipient.key().as_str()),
        (crate::model::Purpose::CaseFeedback, "staff:Mentor")
    );
    assert_eq!(first.mentor, MentorTold::By(n.id.clone()));
    assert_eq!((count(&kv, tables::CASE_WORDS).await, count(&kv, tables::AUDIT).await), (1, 1));
    let trail = kv.scan(tables::AUDIT, &after_prefix(tables::AUDIT), 9).await.expect("rows");
    let line = String::from_utf8_lossy(&trail[0].1).into_owned();
    assert!(line.contains("case reached by staff:AttendanceTeam"), "{line}");
    assert!(!line.contains("Ringer"), "a note is in its row alone: {line}");
}

#[tokio::test]
async fn of_two_at_once_both_are_recorded_and_one_after_the_other_decided() {
    let (kv, directory) = (stored().await, directory(Protection::None, Some("m@example.se")));
    let school = directory.schools.values().next().expect("one");
    let mut first = Unit::new(&kv);
    let (reached, other) = (new(CaseWhat::Reached, "1"), new(CaseWhat::Reached, "2"));
    write(&mut first, (&directory, school), &key(), &reached, at("10:00")).await.expect("written");
    let mut second = Unit::new(&kv);
    write(&mut second, (&directory, school), &key(), &other, at("10:00")).await.expect("written");
    assert_eq!(first.commit().await.expect("commit"), Commit::Done);
    assert_eq!(second.commit().await.expect("commit"), Commit::Conflict);
    let Written::Done(word) = done(&kv, &directory, &other, "10:00").await else { panic!("new") };
    assert_eq!(word.mentor, MentorTold::NoNews, "the mentor knows");
    assert_eq!((messages(&kv).await.len(), count(&kv, tables::CASE_WORDS).await), (1, 2));
    // The same one twice at once: whoever comes second finds the first.
    let third = new(CaseWhat::NoAnswer, "3");
    let (mut a, mut b) = (Unit::new(&kv), Unit::new(&kv));
    for unit in [&mut a, &mut b] {
        let written = write(unit, (&directory, school), &key(), &third, at("10:01")).await;
        assert!(matches!(written, Ok(Written::Done(_))));
    }
    let done = [a.commit().await.expect("commit"), b.commit().await.expect("commit")];
    assert_eq!(done, [Commit::Done, Commit::Conflict]);
}

#[tokio::test]
async fn what_the_mentor_has_not_been_sent_yet_gives_way_to_the_last_word() {
    let (kv, directory) = (stored().await, directory(Protection::None, Some("m@example.se")));
    done(&kv, &directory, &new(CaseWhat::NoAnswer, "1"), "10:00").await;
    done(&kv, &directory, &new(CaseWhat::Note, "2"), "10:01").await;
    done(&kv, &directory, &new(CaseWhat::WrongMark, "3"), "10:02").await;
    let mut all = messages(&kv).await;
    all.sort_by_key(|n| n.created_at);
    let states: Vec<_> = all.iter().map(|n| (n.state, n.state_reason)).collect();
    assert_eq!(states, [(State::Cancelled, Some(Reason::Replaced)), (State::Waiting, None)]);
    assert_eq!(count(&kv, b"du/").await, 1, "only the last is due");
    let unit = Unit::new(&kv);
    let key = key();
    let words = words_of(&unit, &key.school, &key.pupil, key.date).await.expect("words");
    let what: Vec<_> = words.iter().map(|word| word.what).collect();
    assert_eq!(what, [CaseWhat::NoAnswer, CaseWhat::Note, CaseWhat::WrongMark]);
}

#[tokio::test]
async fn nothing_is_recorded_where_nothing_may_be_and_nobody_told_where_nobody_is() {
    let word = new(CaseWhat::Reached, "1");
    for (protection, reason) in [
        (Protection::Protected, Reason::Protected),
        (Protection::Unknown, Reason::ProtectionUnknown),
    ] {
        let (kv, directory) = (stored().await, directory(protection, Some("m@example.se")));
        let before = kv.rows();
        assert_eq!(done(&kv, &directory, &word, "10:00").await, Written::Hidden(reason));
        assert_eq!(kv.rows(), before);
    }
    let (kv, without) = (stored().await, directory(Protection::None, None));
    let Written::Done(word) = done(&kv, &without, &word, "10:00").await else { panic!("new") };
    assert_eq!((word.mentor, messages(&kv).await.len()), (MentorTold::NoMentor, 0));
    let empty = MemoryStore::new();
    let gone = done(&empty, &without, &new(CaseWhat::Reached, "2"), "10:00").await;
    assert_eq!(gone, Written::NoCase);
}
