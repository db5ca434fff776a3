//! Words and the duty to phone: in any order, the last word and the duty agree.

use jiff::civil::{Date, Time, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::duty::{self, Hours, Said, Tell};
use super::super::{Allowed, DutyRule, Text};
use super::*;
use crate::ladder::DoneBy;
use crate::model::{Firing, MentorTold, PupilId, SchoolId, StaffRole};

const DAYS: [Date; 2] = [date(2026, 11, 23), date(2026, 11, 24)];

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
        day: DAYS[1],
        at: at("2026-11-24T08:00:00Z"),
        because: DAYS.to_vec(),
        retracted: None,
        notifications: Vec::new(),
        duties: vec!["call".into()],
    }
}

fn rule(hand_over: Option<StaffRole>) -> DutyRule {
    DutyRule {
        id: "call".into(),
        owner: StaffRole::AttendanceTeam,
        text: Text::default(),
        due: Allowed::SameDay,
        remind: None,
        done: DoneBy::HomeReached,
        hand_over,
        documents: None,
    }
}

fn word(what: CaseWhat, day: Date, at: Timestamp) -> CaseWord {
    CaseWord {
        id: NotificationId::of(&[what.as_str(), &day.to_string(), &at.to_string()]),
        school: firing().school,
        pupil: firing().pupil,
        date: day,
        at,
        by: "staff:AttendanceTeam".into(),
        link: None,
        what,
        note: None,
        mentor: MentorTold::NoNews,
    }
}

/// A day of a school, and a duty in it.
struct Desk {
    zone: TimeZone,
    rule: DutyRule,
    duty: Duty,
    cases: [Vec<CaseWord>; 2],
}

impl Desk {
    fn new(hand_over: Option<StaffRole>) -> Self {
        let zone = TimeZone::get("Europe/Stockholm").expect("zone");
        let rule = rule(hand_over);
        let hours = Hours { zone: &zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) };
        let duty = duty::make(&firing(), &rule, None, &hours, firing().at);
        Self { zone, rule, duty, cases: [Vec::new(), Vec::new()] }
    }

    fn by<T>(&mut self, act: impl FnOnce(&mut Duty, &DutyRule, &Hours<'_>) -> T) -> T {
        let hours =
            Hours { zone: &self.zone, calendar: None, day_ends: Time::constant(16, 0, 0, 0) };
        act(&mut self.duty, &self.rule, &hours)
    }

    fn say(&mut self, say: Say, now: Timestamp, word: Option<NotificationId>) {
        let said = Said { at: now, by: "anna", why: None };
        let done = self.by(|duty, rule, hours| duty::say(duty, say, said, Some(rule), hours));
        if done.is_ok() {
            self.duty.history.last_mut().expect("an event").word = word;
        }
    }

    /// As intake has it.
    fn word(&mut self, case: usize, what: CaseWhat, now: Timestamp) -> Option<Tell> {
        let word = word(what, DAYS[case], now);
        self.cases[case].push(word.clone());
        let mut told = None;
        if follows(&self.duty, what) == Follows::Reopened && is_untrue(&self.duty, &self.cases) {
            told = self.by(|duty, rule, hours| duty::reopen(duty, Some(rule), hours, now));
        }
        if let Follows::Said(say) = follows(&self.duty, what) {
            self.say(say, now, Some(word.id));
        }
        told
    }

    fn look(&mut self, now: Timestamp) -> Option<Tell> {
        self.by(|duty, rule, hours| duty::look(duty, Some(rule), hours, now))
    }
}

#[test]
fn what_was_put_right_in_time_is_due_as_it_was() {
    let mut desk = Desk::new(Some(StaffRole::Principal));
    let due = (desk.duty.due_at, desk.duty.look_at);
    assert_eq!(desk.word(1, CaseWhat::Reached, at("2026-11-24T09:00:00Z")), None);
    assert_eq!((desk.duty.state, desk.duty.look_at), (DutyState::Done, None));
    assert_eq!(desk.word(1, CaseWhat::NoAnswer, at("2026-11-24T09:05:00Z")), None);
    assert_eq!(desk.duty.state, DutyState::Open);
    assert_eq!((desk.duty.due_at, desk.duty.look_at), due);
    let acts: Vec<DutyAct> = desk.duty.history.iter().map(|event| event.what).collect();
    let last = [DutyAct::Done, DutyAct::Reopened, DutyAct::NoAnswer];
    assert_eq!(acts[1..], last, "its history says so");
    // And what is due comes after all.
    assert_eq!(desk.look(at("2026-11-24T15:00:00Z")), Some(Tell::HandedOver));
}

#[test]
fn what_was_put_right_too_late_is_overdue_and_told_of_once() {
    for (hand_over, tell, next) in [
        (Some(StaffRole::Principal), Tell::HandedOver, "2026-11-26T15:00:00Z"),
        (None, Tell::Overdue, "2026-11-26T07:00:00Z"),
    ] {
        let mut desk = Desk::new(hand_over);
        desk.word(1, CaseWhat::Reached, at("2026-11-24T09:00:00Z"));
        let late = at("2026-11-25T09:00:00Z");
        assert_eq!(desk.word(1, CaseWhat::NoAnswer, late), Some(tell));
        assert_eq!(desk.duty.state, DutyState::Overdue);
        assert_eq!(desk.duty.look_at, Some(at(next)));
        assert_eq!(desk.look(late), None, "once");
    }
    // One that was handed over before stays with whom it was.
    let mut desk = Desk::new(Some(StaffRole::Principal));
    assert_eq!(desk.look(at("2026-11-24T15:00:00Z")), Some(Tell::HandedOver));
    desk.word(1, CaseWhat::Reached, at("2026-11-24T15:10:00Z"));
    assert_eq!(desk.word(1, CaseWhat::NoAnswer, at("2026-11-24T15:20:00Z")), Some(Tell::Overdue));
    assert_eq!(desk.duty.owner, StaffRole::Principal);
    assert_eq!(desk.duty.look_at, Some(at("2026-11-25T15:00:00Z")), "due as it was");
}

#[test]
fn what_was_done_otherwise_is_not_touched() {
    let mut desk = Desk::new(None);
    desk.word(1, CaseWhat::NoAnswer, at("2026-11-24T09:00:00Z"));
    desk.say(Say::Done, at("2026-11-24T09:10:00Z"), None);
    let done = desk.duty.clone();
    desk.word(1, CaseWhat::Reached, at("2026-11-24T09:20:00Z"));
    desk.word(1, CaseWhat::NoAnswer, at("2026-11-24T09:30:00Z"));
    assert_eq!(desk.duty, done);
    let mut desk = Desk::new(None);
    desk.say(Say::NotNeeded, at("2026-11-24T09:10:00Z"), None);
    desk.word(1, CaseWhat::NoAnswer, at("2026-11-24T09:30:00Z"));
    assert_eq!(desk.duty.state, DutyState::NotNeeded);
}

proptest! {
    #[test]
    fn no_order_of_words_leaves_duty_and_last_word_in_disagreement(
        acts in proptest::collection::vec((0_usize..7, 0_usize..2, 1_i64..400), 1..12),
        hands_over in any::<bool>(),
    ) {
        let mut desk = Desk::new(hands_over.then_some(StaffRole::Principal));
        let mut now = firing().at;
        for (act, case, minutes) in acts {
            now += SignedDuration::from_mins(minutes);
            match CaseWhat::ALL.get(act) {
                Some(what) => { desk.word(case, *what, now); }
                None if act == 5 => desk.say(Say::Done, now, None),
                None => { desk.look(now); }
            }
            let last = |words: &Vec<CaseWord>| case_word::last_outcome(words).map(|w| w.what);
            let lasts = desk.cases.each_ref().map(last);
            let said = |what: CaseWhat| lasts.contains(&Some(what));
            let known = said(CaseWhat::Reached) || said(CaseWhat::Explained);
            let by_hand = !desk.duty.state.is_open() && done_by(&desk.duty).is_none();
            if known {
                prop_assert!(!desk.duty.state.is_open(), "{lasts:?} {:?}", desk.duty);
            } else if lasts.iter().flatten().all(|what| *what == CaseWhat::NoAnswer) {
                prop_assert!(desk.duty.state.is_open() || by_hand, "{lasts:?} {:?}", desk.duty);
            }
            // Whatever is open is looked at again.
            prop_assert_eq!(desk.duty.state.is_open(), desk.duty.look_at.is_some());
        }
    }
}
