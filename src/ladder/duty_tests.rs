//! The life of a duty: due times by the school's days and clock, reminders, hand-over, ticks.

use jiff::civil::date;

use super::*;
use crate::calendar::Days;
use crate::ladder::{Documents, DoneBy, Text};
use crate::model::{NotificationId, PupilId, SchoolId};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/Stockholm").expect("zone")
}

/// Autumn break in week 44.
fn calendar() -> Calendar {
    Calendar {
        terms: Days::new(date(2026, 8, 17), date(2026, 12, 18)).into_iter().collect(),
        closed: Days::new(date(2026, 10, 26), date(2026, 10, 30)).into_iter().collect(),
        ..Calendar::default()
    }
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
        day: date(2026, 11, 23),
        at: at("2026-11-23T08:00:00Z"),
        because: vec![date(2026, 11, 23)],
        retracted: None,
        notifications: Vec::new(),
        duties: vec!["call".into()],
    }
}

fn rule(due: Allowed, remind: Option<Allowed>, hand_over: Option<StaffRole>) -> DutyRule {
    DutyRule {
        id: "call".into(),
        owner: StaffRole::AttendanceTeam,
        text: Text::default(),
        due,
        remind,
        done: DoneBy::Word,
        hand_over,
        documents: None,
    }
}

#[test]
fn what_is_due_by_the_day_is_due_when_the_schools_day_ends() {
    let (zone, calendar) = (zone(), calendar());
    let hours =
        Hours { zone: &zone, calendar: Some(&calendar), day_ends: Time::constant(16, 0, 0, 0) };
    for (allowed, made, due, why) in [
        (Allowed::SameDay, "2026-11-23T08:00:00Z", "2026-11-23T15:00:00Z", "a Monday"),
        (Allowed::SameDay, "2026-11-23T15:00:00Z", "2026-11-24T15:00:00Z", "after its end"),
        (Allowed::SameDay, "2026-11-27T16:00:00Z", "2026-11-30T15:00:00Z", "a Friday evening"),
        (Allowed::SameDay, "2026-11-28T08:00:00Z", "2026-11-30T15:00:00Z", "a Saturday"),
        // Summer time ends on 25 October, and the week after it is a break.
        (Allowed::SameDay, "2026-10-23T08:00:00Z", "2026-10-23T14:00:00Z", "summer time"),
        (Allowed::SchoolDays(1), "2026-10-23T08:00:00Z", "2026-11-02T15:00:00Z", "over a break"),
        (Allowed::SchoolDays(2), "2026-11-26T08:00:00Z", "2026-11-30T15:00:00Z", "a Thursday"),
        (Allowed::SchoolDays(1), "2026-11-28T08:00:00Z", "2026-11-30T15:00:00Z", "a weekend"),
        (Allowed::SchoolDays(0), "2026-11-23T08:00:00Z", "2026-11-23T15:00:00Z", "none"),
        (Allowed::Hours(24), "2026-10-24T22:30:00Z", "2026-10-25T22:30:00Z", "hours are hours"),
    ] {
        assert_eq!(hours.due(allowed, at(made)), at(due), "{why}");
    }
}

fn seen(duty: &mut Duty, rule: &DutyRule, hours: &Hours<'_>, times: usize) -> Vec<(String, Tell)> {
    let mut found = Vec::new();
    while let Some(next) = duty.look_at.filter(|_| found.len() < times) {
        // Looked at a moment before, nothing comes of it.
        let before = next.checked_sub(SignedDuration::from_secs(1)).expect("a time");
        assert_eq!(look(&mut duty.clone(), Some(rule), hours, before), None);
        let tell = look(duty, Some(rule), hours, next).expect("something is told");
        found.push((next.to_string(), tell));
    }
    found
}

#[test]
fn one_that_nobody_does_is_reminded_of_and_handed_over_and_then_it_is_in_a_list() {
    let (zone, calendar) = (zone(), calendar());
    let hours =
        Hours { zone: &zone, calendar: Some(&calendar), day_ends: Time::constant(16, 0, 0, 0) };
    let rule =
        rule(Allowed::SchoolDays(2), Some(Allowed::SchoolDays(1)), Some(StaffRole::Principal));
    let made = at("2026-11-23T09:00:00Z");
    let mut duty = make(&firing(), &rule, None, &hours, made);
    let found = seen(&mut duty, &rule, &hours, 5);
    let found: Vec<(&str, &Tell)> = found.iter().map(|(at, tell)| (at.as_str(), tell)).collect();
    assert_eq!(
        found,
        [("2026-11-24T07:00:00Z", &Tell::DueSoon), ("2026-11-25T15:00:00Z", &Tell::HandedOver),]
    );
    assert_eq!((duty.owner, duty.state), (StaffRole::Principal, DutyState::Overdue));
    assert_eq!(duty.due_at, at("2026-11-26T15:00:00Z"), "the principal has a school day");
    assert_eq!(duty.look_at, None);
    // One that is to be looked at all the same is not, and comes to rest.
    for look_at in ["2026-11-26T15:00:00Z", "2027-01-11T07:00:00Z"] {
        let mut old = Duty { look_at: Some(at(look_at)), ..duty.clone() };
        assert_eq!(look(&mut old, Some(&rule), &hours, at(look_at)), None);
        assert_eq!(old, duty);
    }
    // However often somebody tried, its row stays small, and says when it was made.
    for hour in 0..200 {
        let tried = at("2026-12-01T09:00:00Z") + SignedDuration::from_hours(hour);
        let said = Said { at: tried, by: "uid 0", why: None };
        say(&mut duty, Say::NoAnswer, said, Some(&rule), &hours).expect("tried");
    }
    assert!(serde_json::to_vec(&duty).expect("JSON").len() < 3_600);
    assert_eq!(duty.history[0].what, DutyAct::Made);
    let said = Said { at: at("2027-02-01T09:00:00Z"), by: "uid 0", why: Some("talked") };
    say(&mut duty, Say::Done, said, Some(&rule), &hours).expect("done");
    assert_eq!((duty.state, duty.look_at), (DutyState::Done, None));
    let again = say(&mut duty, Say::Done, said, Some(&rule), &hours).expect_err("over");
    assert!(again.contains("it is done"), "{again}");
}

#[test]
fn one_without_hand_over_stays_with_its_owner() {
    let zone = zone();
    let hours = Hours { zone: &zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) };
    // Made too late for its reminder.
    let rule = rule(Allowed::SameDay, Some(Allowed::SameDay), None);
    let mut duty = make(&firing(), &rule, None, &hours, at("2026-11-27T09:00:00Z"));
    let found = seen(&mut duty, &rule, &hours, 3);
    let found: Vec<(&str, &Tell)> = found.iter().map(|(at, tell)| (at.as_str(), tell)).collect();
    assert_eq!(found, [("2026-11-27T15:00:00Z", &Tell::Overdue),]);
    assert_eq!(duty.owner, StaffRole::AttendanceTeam);
}

#[test]
fn what_it_leaves_in_writing_is_ticked_by_itself() {
    let zone = zone();
    let hours = Hours { zone: &zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) };
    let documents = Documents { place: Text::default(), tell: vec![StaffRole::Mentor] };
    let rule = DutyRule { documents: Some(documents), ..rule(Allowed::SchoolDays(1), None, None) };
    let made = at("2026-11-26T09:00:00Z");
    let mut duty = make(&firing(), &rule, None, &hours, made);
    let said = |text| Said { at: at(text), by: "anna", why: None };
    say(&mut duty, Say::Take, said("2026-11-26T10:00:00Z"), Some(&rule), &hours).expect("taken");
    assert_eq!((duty.state, duty.taken_by.as_deref()), (DutyState::Taken, Some("anna")));
    say(&mut duty, Say::NoAnswer, said("2026-11-26T11:00:00Z"), Some(&rule), &hours).expect("open");
    assert!(duty.state.is_open());
    let mut written_first = duty.clone();
    say(&mut duty, Say::Done, said("2026-11-27T09:00:00Z"), Some(&rule), &hours).expect("done");
    assert_eq!(seen(&mut duty, &rule, &hours, 9), []);
    say(&mut duty, Say::Documented, said("2026-11-30T09:00:00Z"), Some(&rule), &hours)
        .expect("documented");
    assert_eq!(duty.look_at, None);
    let (one, other) = (Say::Documented, Say::Done);
    say(&mut written_first, one, said("2026-11-27T08:00:00Z"), Some(&rule), &hours).expect("first");
    say(&mut written_first, other, said("2026-11-27T09:00:00Z"), Some(&rule), &hours)
        .expect("then");
    assert_eq!(written_first.look_at, None);
}

#[test]
fn one_that_is_taken_back_is_not_needed_and_is_restored_as_it_was() {
    let zone = zone();
    let hours = Hours { zone: &zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) };
    let rule = rule(Allowed::SameDay, None, None);
    let now = at("2026-11-23T09:00:00Z");
    let mut open = make(&firing(), &rule, None, &hours, now);
    let mut done = open.clone();
    say(&mut done, Say::Done, Said { at: now, by: "anna", why: None }, Some(&rule), &hours)
        .expect("done");
    assert!(end(&mut open, DutyAct::Retracted, now));
    assert!(!end(&mut done, DutyAct::Retracted, now), "what is done stays done");
    assert_eq!((open.state, open.look_at), (DutyState::NotNeeded, None));
    assert!(!end(&mut open, DutyAct::Retracted, now));
    let again = Firing { id: NotificationId::of(&["again"]), revision: 1, ..firing() };
    let later = at("2026-11-24T09:00:00Z");
    let restored = make(&again, &rule, Some(&open), &hours, later);
    assert_eq!(restored.state, DutyState::Open);
    assert_eq!(restored.due_at, at("2026-11-24T15:00:00Z"));
    assert!(restored.has(DutyAct::Retracted) && restored.has(DutyAct::Restored));
    let kept = make(&again, &rule, Some(&done), &hours, later);
    assert_eq!((kept.state, kept.look_at), (DutyState::Done, None));
}

#[test]
fn what_was_overdue_when_it_was_put_back_is_not_hurried() {
    let zone = zone();
    let hours = Hours { zone: &zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) };
    let rule = rule(Allowed::SameDay, None, None);
    let mut duty = make(&firing(), &rule, None, &hours, at("2026-11-23T09:00:00Z"));
    // Nobody looked for a week: it is told of once.
    let late = at("2026-11-30T09:00:00Z");
    assert_eq!(look(&mut duty, Some(&rule), &hours, late), Some(Tell::Overdue));
    assert_eq!(duty.look_at, None);
    assert_eq!(look(&mut duty, Some(&rule), &hours, late), None);
}
