//! The numbers of a week, row by row.

use jiff::civil::date;

use super::*;
use crate::ladder::read::read;
use crate::ladder::shipped;
use crate::model::{DutyEvent, NotificationId, PupilId, Reason, Retracted, SchoolId, StaffRole};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Week 47 at a school in Sweden.
fn week() -> Counted {
    Counted {
        from: at("2026-11-15T23:00:00Z"),
        to: at("2026-11-22T23:00:00Z"),
        term: date(2026, 8, 17),
    }
}

fn plan() -> Ladder {
    read(shipped("plan").expect("it ships").text).expect("a good ladder").ladder
}

fn firing(step: &str, found: &str, day: Date, retracted: bool) -> Firing {
    let (school, pupil) = (SchoolId::new("s").expect("id"), PupilId::new("p").expect("id"));
    let taken_back = Retracted { at: at(found), reason: Reason::StepNotReached };
    Firing {
        id: NotificationId::of(&[step, found]),
        school,
        pupil,
        ladder: "plan".into(),
        version: date(2026, 8, 1),
        step: step.into(),
        key: "k".into(),
        revision: 0,
        day,
        at: at(found),
        because: Vec::new(),
        retracted: retracted.then_some(taken_back),
        notifications: Vec::new(),
        duties: Vec::new(),
    }
}

fn numbers(counts: &LadderCounts) -> Vec<(&str, u64, u64, u64)> {
    let of = |row: &StepCounts| row.reached + row.taken_back + row.pupils > 0;
    let all = counts.steps.iter().filter(|row| of(row));
    all.map(|row| (row.step.as_str(), row.reached, row.taken_back, row.pupils)).collect()
}

#[test]
fn a_step_counts_in_the_week_in_which_it_was_found_and_a_pupil_at_the_furthest() {
    let mut counts = LadderCounts { steps: steps([&plan()], "sv"), ..LadderCounts::default() };
    assert!(counts.is_nothing() && counts.steps.len() >= 4);
    assert!(counts.steps.iter().all(|row| !row.title.is_empty() && row.ladder == "plan"));
    let day = date(2026, 11, 18);
    pupil(
        &mut counts,
        &[
            // The last moment of the week before, and the first and the last of this one.
            firing("each-unexcused", "2026-11-15T22:59:59Z", day, false),
            firing("each-unexcused", "2026-11-15T23:00:00Z", day, false),
            firing("each-unexcused", "2026-11-22T22:59:59Z", day, true),
            firing("each-unexcused", "2026-11-22T23:00:00Z", day, false),
            firing("third-excused", "2026-11-18T12:00:00Z", day, false),
            // Taken back: nobody stands on it.
            firing("over-a-week", "2026-11-19T12:00:00Z", day, true),
            // Of a ladder that is not followed any more.
            firing("gone", "2026-11-19T12:00:00Z", day, false),
        ],
        &week(),
    );
    let third = ("third-excused", 1, 0, 1);
    assert_eq!(numbers(&counts), [("each-unexcused", 2, 1, 0), third, ("over-a-week", 1, 1, 0)]);
    // Of the term before.
    let spring = firing("four-weeks", "2026-05-18T12:00:00Z", date(2026, 5, 18), false);
    pupil(&mut counts, &[spring], &week());
    assert_eq!(numbers(&counts).len(), 3);
    assert!(!counts.is_nothing());
}

/// How far a duty has come, what happened to it, what that counts as, and why.
type Case<'a> = (DutyState, &'a [(&'a str, DutyAct)], [u64; 5], &'a str);

fn row(state: DutyState, happened: &[(&str, DutyAct)]) -> Duty {
    let event = |(when, what): &(&str, DutyAct)| DutyEvent {
        at: at(when),
        what: *what,
        by: None,
        why: None,
        word: None,
    };
    Duty {
        id: NotificationId::of(&["duty"]),
        school: SchoolId::new("s").expect("id"),
        pupil: PupilId::new("p").expect("id"),
        firing: NotificationId::of(&["firing"]),
        ladder: "plan".into(),
        version: date(2026, 8, 1),
        step: "first".into(),
        rule: "call".into(),
        owner: StaffRole::Mentor,
        taken_by: None,
        due_at: at("2026-11-17T15:00:00Z"),
        state,
        documented_at: None,
        reminded_at: None,
        look_at: None,
        history: happened.iter().map(event).collect(),
        notifications: Vec::new(),
    }
}

#[test]
fn a_duty_counts_where_it_was_made_and_where_it_was_done() {
    use DutyAct::{Done, Made, Overdue, Restored, Retracted};
    let (monday, tuesday, friday) =
        ("2026-11-16T09:00:00Z", "2026-11-17T15:00:00Z", "2026-11-20T09:00:00Z");
    let before = "2026-11-13T09:00:00Z";
    // Made, in time, late, to be done, overdue.
    let cases: [Case<'_>; 8] = [
        (DutyState::Open, &[(monday, Made)], [1, 0, 0, 1, 0], "open"),
        (DutyState::Open, &[(before, Made)], [0, 0, 0, 1, 0], "made before"),
        (DutyState::Overdue, &[(monday, Made), (tuesday, Overdue)], [1, 0, 0, 1, 1], "overdue"),
        (DutyState::Done, &[(before, Made), (monday, Done)], [0, 1, 0, 0, 0], "in time"),
        (DutyState::Done, &[(before, Made), (before, Done)], [0, 0, 0, 0, 0], "done before"),
        (
            DutyState::Done,
            &[(monday, Made), (tuesday, Overdue), (friday, Done)],
            [1, 0, 1, 0, 0],
            "late",
        ),
        (DutyState::NotNeeded, &[(monday, Made), (tuesday, Retracted)], [1, 0, 0, 0, 0], "over"),
        (
            DutyState::Done,
            &[(before, Made), (monday, Done), (tuesday, Restored)],
            [1, 0, 0, 0, 0],
            "done by the one before it",
        ),
    ];
    for (state, happened, expected, why) in cases {
        let mut counts = LadderCounts::default();
        duty(&mut counts, &row(state, happened), true, &week());
        let of = counts.owners.get(&StaffRole::Mentor).copied().unwrap_or_default();
        let found = [counts.made, counts.in_time, counts.late, of.open, of.overdue];
        assert_eq!(found, expected, "{why}");
        assert_eq!(counts.calls, of.open, "{why}");
        let mut counts = LadderCounts::default();
        duty(&mut counts, &row(state, happened), false, &week());
        assert_eq!(counts.calls, 0, "{why}");
    }
}
