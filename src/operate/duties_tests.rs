//! Duties at rest: what the clocks of retention take, what a restore makes of them, and what a tick may say.

use jiff::civil::date;

use super::super::restore::{Settled, Settling};
use super::super::retention::{Clocks, tidy};
use super::*;
use crate::directory::Roster;
use crate::model::{DutyAct, DutyEvent, Firing};
use crate::store::MemoryStore;
use jiff::SignedDuration;
use std::sync::Arc;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn firing() -> Firing {
    let (school, pupil) = (SchoolId::new("s").expect("id"), PupilId::new("p").expect("id"));
    Firing {
        id: Firing::id_of(&school, &pupil, ("plan", "first"), "k", 0),
        school,
        pupil,
        ladder: "plan".into(),
        version: date(2026, 8, 1),
        step: "first".into(),
        key: "k".into(),
        revision: 0,
        day: date(2026, 9, 14),
        at: at("2026-09-14T08:00:00Z"),
        because: vec![date(2026, 9, 14)],
        retracted: None,
        notifications: Vec::new(),
        duties: vec!["call".into(), "open".into()],
    }
}

fn duty(rule: &str, state: DutyState) -> Duty {
    let firing = firing();
    let event = |what| DutyEvent {
        at: firing.at,
        what,
        by: Some("anna".into()),
        why: Some("talked".into()),
        word: None,
    };
    Duty {
        id: Duty::id_of(&firing.id, rule),
        school: firing.school.clone(),
        pupil: firing.pupil.clone(),
        firing: firing.id.clone(),
        ladder: "plan".into(),
        version: firing.version,
        step: "first".into(),
        rule: rule.into(),
        owner: StaffRole::AttendanceTeam,
        taken_by: Some("anna".into()),
        due_at: firing.at,
        state,
        documented_at: None,
        reminded_at: None,
        look_at: state.is_open().then_some(firing.at),
        history: vec![event(DutyAct::Made), event(DutyAct::Taken)],
        notifications: Vec::new(),
    }
}

async fn store() -> MemoryStore {
    let kv = MemoryStore::new();
    let mut unit = Unit::new(&kv);
    unit.write(tables::firing(&firing()), &firing());
    for row in [duty("call", DutyState::Done), duty("open", DutyState::Open)] {
        unit.write(tables::duty(&row), &row);
    }
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    kv
}

async fn kept(kv: &MemoryStore) -> (Vec<Duty>, usize) {
    let (mut duties, mut firings) = (Vec::new(), 0);
    ledger::each(kv, tables::DUTIES, |_, row| duties.push(ledger::decode(row).expect("a duty")))
        .await
        .expect("rows");
    ledger::each(kv, tables::FIRINGS, |_, _| firings += 1).await.expect("rows");
    (duties, firings)
}

#[tokio::test]
async fn an_open_duty_is_never_forgotten_by_itself_and_keeps_its_step() {
    let kv = store().await;
    let day = |days: i64| SignedDuration::from_hours(24 * days);
    let clocks = Clocks { contacts: day(30), evidence: day(330), counters: day(1100) };
    tidy(&kv, clocks, firing().at + day(40)).await.expect("tidied");
    let (duties, firings) = kept(&kv).await;
    assert_eq!((duties.len(), firings), (2, 1));
    for row in duties {
        let words = row.history.iter().any(|event| event.by.is_some() || event.why.is_some());
        assert_eq!(words, row.state.is_open(), "what staff wrote goes with contacts");
        assert_eq!(row.taken_by.is_some(), row.state.is_open());
    }
    tidy(&kv, clocks, firing().at + day(400)).await.expect("tidied");
    let (duties, firings) = kept(&kv).await;
    let [open] = &duties[..] else { panic!("{duties:?}") };
    assert_eq!((open.state, firings), (DutyState::Open, 1));
    let mut unit = Unit::new(&kv);
    unit.write(tables::duty(open), &Duty { state: DutyState::Done, ..open.clone() });
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    tidy(&kv, clocks, firing().at + day(400)).await.expect("tidied");
    tidy(&kv, clocks, firing().at + day(400)).await.expect("tidied");
    assert_eq!(kept(&kv).await, (Vec::new(), 0));
}

#[tokio::test]
async fn one_put_back_from_a_backup_stays_open_and_says_so() {
    let kv = store().await;
    let now = at("2026-09-20T08:00:00Z");
    let mut settling =
        Settling { taken_at: firing().at, now, account: &|_| None, settled: Settled::default() };
    for (key, value) in kv.rows() {
        for (key, value) in settling.row(key, value) {
            let Ok(row) = ledger::decode::<Duty>(&value) else { continue };
            assert!(key.starts_with(tables::DUTIES));
            assert_eq!(row.has(DutyAct::PutBack), row.state.is_open());
        }
    }
    assert_eq!(settling.settled, Settled { duties: 1, ..Settled::default() });
}

#[tokio::test]
async fn what_is_said_of_a_duty_is_held_to_its_bounds() {
    let kv = store().await;
    let school = crate::delivery::testing::school();
    let directory = Directory {
        schools: Arc::new([(school.id.clone(), school)].into()),
        roster: Arc::new(Roster::default()),
    };
    let now = at("2026-09-14T09:00:00Z");
    let told = |say, why: &str| Told { say, by: None, why: Some(why.into()) };
    let number = duty("open", DutyState::Open).number();
    for (name, told, words) in [
        ("1234567", told(Say::Done, "x"), "no duty has that number"),
        (&number, told(Say::Done, &"x".repeat(201)), "at most 200 characters"),
        (&number, told(Say::Done, "two\nlines"), "in one line"),
        (&number, told(Say::NotNeeded, " "), "say why it need not be done"),
    ] {
        let error = act(&kv, &directory, name, &told, "uid 0", now).await.expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
    }
    let done = act(&kv, &directory, &number, &told(Say::Done, "talked"), "uid 0", now).await;
    let done = done.expect("ticked");
    assert_eq!((done.state, done.history.len()), (DutyState::Done, 3));
    assert_eq!(done.history[2].by.as_deref(), Some("uid 0"));
    let all = list(&kv, &directory, &Which::default()).await.expect("a list");
    assert!(all.duties.is_empty());
    let which = Which { all: true, ..Which::default() };
    assert_eq!(list(&kv, &directory, &which).await.expect("a list").duties.len(), 2);
}
