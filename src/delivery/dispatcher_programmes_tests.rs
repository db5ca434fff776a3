//! Reminders of programmes through stops and restarts: made late in their week when they could not be made in time, once, and
//! true when they leave.

use super::bench::{Bench, roster, school};
use super::*;
use crate::delivery::daily;
use crate::delivery::suspension::{Scope, Suspension};
use crate::directory::{ProgrammeRules, Staff};
use crate::model::{SessionRecord, StaffId, StaffRole, TermName};
use crate::programme::testing::{programme, year};

fn time(text: &str) -> Timestamp {
    format!("{text}+01:00").parse().expect("a time")
}

/// Two classes of which one has a mentor, and a session in the week of 7 December: reminded of on 30 November.
async fn bench() -> Bench {
    let mut people = roster(&[
        ("p", Protection::None, &[("g1", 605)]),
        ("q", Protection::None, &[("g2", 606)]),
        ("r", Protection::Protected, &[("g3", 607)]),
    ]);
    let kim = StaffId::new("kim").expect("id");
    let pupils = people.pupils.get_mut(&school().id).expect("pupils");
    for (pupil, class) in pupils.values_mut().zip(["4A", "4B", "4S"]) {
        pupil.class = Some(class.into());
        pupil.year = Some(4);
        pupil.mentor = (class == "4A").then(|| kim.clone());
    }
    let email = EmailAddress::new("kim@example.se").ok();
    let row = Staff {
        id: kim.clone(),
        school: None,
        role: StaffRole::Mentor,
        municipality: None,
        name: None,
        email,
        phone: None,
    };
    people.staff.insert(kim, row);
    let b = Bench::new(None, people);
    let runs = vec![Arc::new(programme(&[4], &[16]))];
    let school = School {
        calendar: Some(Arc::new(year())),
        programmes: ProgrammeRules { runs, ..ProgrammeRules::default() },
        ..school()
    };
    let roster = b.directory.load().roster.clone();
    let schools = Arc::new([(school.id.clone(), school)].into());
    b.directory.store(Arc::new(Directory { schools, roster }));
    daily::begin(&b.dispatcher.shared).await.expect("begun");
    b
}

fn to(b: &Bench) -> Vec<String> {
    let mut to: Vec<_> =
        b.mail.sent().into_iter().map(|(envelope, _)| envelope.to.expose().to_owned()).collect();
    to.sort();
    to
}

const ALL: [&str; 3] = ["kim@example.se", "team@example.se", "team@example.se"];

#[tokio::test]
async fn a_reminder_that_a_stop_kept_is_made_in_its_week_and_once() {
    for (back, told) in [
        ("2026-11-30T07:44:59", 0),
        ("2026-11-30T07:45:00", 3),
        ("2026-12-03T23:00:00", 3),
        // In the next week it is of no use.
        ("2026-12-07T07:00:00", 0),
    ] {
        let mut b = bench().await;
        b.set_to(time(back));
        daily::begin(&b.dispatcher.shared).await.expect("begun");
        b.work().await;
        assert_eq!(to(&b), ALL[..told], "{back}");
        daily::begin(&b.dispatcher.shared).await.expect("begun");
        b.set_to(time(back) + SignedDuration::from_secs(1));
        b.work().await;
        assert_eq!(
            to(&b).len(),
            if told == 0 && back.ends_with("59") { 3 } else { told },
            "{back}"
        );
    }
}

#[tokio::test]
async fn what_was_recorded_since_it_was_made_is_not_told() {
    let mut b = bench().await;
    let scope: Scope = "all".parse().expect("a scope");
    let mut unit = Unit::new(b.kv.as_ref());
    let row = Suspension::row(&scope);
    let (since, until) = (b.clock.now(), time("2026-11-30T12:00:00"));
    let suspension = Suspension { scope, reason: "x".into(), by: "uid 0".into(), since, until };
    unit.write(row, &suspension);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    b.set_to(time("2026-11-30T07:45:00"));
    b.work().await;
    assert_eq!((b.notifications().await.len(), to(&b).len()), (3, 0));
    let record = SessionRecord {
        school: school().id,
        term: TermName::of(date(2026, 11, 30)),
        programme: "7tjugo".into(),
        class: "4A".into(),
        session: 1,
        held: Some(date(2026, 11, 30)),
        moved_to: None,
        at: b.clock.now(),
        by: "uid 0".into(),
    };
    let mut unit = Unit::new(b.kv.as_ref());
    unit.write(tables::session(&record), &record);
    assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
    b.set_to(time("2026-11-30T12:00:01"));
    b.work().await;
    // That of the other class.
    assert_eq!(to(&b), ["team@example.se"]);
    let gone = b.notifications().await.into_iter().filter(|n| n.state == State::Cancelled);
    assert!(gone.clone().all(|n| n.state_reason == Some(Reason::NothingToList)));
    assert_eq!(gone.count(), 2);
}
