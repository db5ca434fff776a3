//! Claims by the school's clock: quiet hours through both nights when clocks change, the minute of
//! an eighteenth birthday; and the order in which the rules speak.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::delivery::testing::{self, notification};
use crate::directory::phone::PhoneRules;
use crate::directory::{QuietEnd, QuietHours, TimeRules, json as rows};
use crate::model::{Channel, CorrectionKind, Lesson, LessonId, Mark, NoticeKind, SchoolId};

#[path = "claim_life_tests.rs"]
mod life;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn school(quiet: Option<(&str, &str)>) -> School {
    let time = |t: &str| t.parse().expect("a time of day");
    School {
        quiet_hours: quiet.map(|(from, to)| QuietHours { from: time(from), to: time(to) }),
        ..testing::school()
    }
}

fn roster(birth: &str, protection: &str) -> Roster {
    let body = json!({
        "pupils": [{"id": "p", "school": "s", "given-name": "Alva", "birth-date": birth,
                    "protection": protection, "phone": "070-174 06 06"}],
        "guardians": [{"pupil": "p", "school": "s", "guardian": "g1", "may-receive": true,
                       "phone": "070-174 06 05"}],
    });
    let schools = [SchoolId::new("s").expect("id")].into();
    let now = at("2026-11-23T07:00:00Z");
    let body = body.to_string();
    rows::load_json(body.as_bytes(), &schools, &PhoneRules::default(), now).expect("rows").roster
}

fn missing() -> LessonState {
    let lesson = Lesson {
        id: LessonId::new("l").expect("id"),
        start: at("2026-10-24T20:00:00+02:00"),
        end: at("2026-10-24T20:40:00+02:00"),
        label: None,
    };
    let mut state = LessonState::new(lesson, at("2026-10-24T20:05:00+02:00"));
    state.mark = Some(Mark::Unexcused);
    state.revision = 1;
    state
}

/// The verdict on the first notice to the guardian, with a deadline far away.
fn ask(school: &School, roster: &Roster, lesson: &LessonState, now: Timestamp) -> Verdict {
    let mut n = notification("g1");
    n.deadline = Timestamp::MAX;
    ask_about(&n, school, roster, lesson, now)
}

fn ask_about(
    n: &Notification,
    school: &School,
    roster: &Roster,
    lesson: &LessonState,
    now: Timestamp,
) -> Verdict {
    claim(&Claim {
        now,
        notification: n,
        school: Some(school),
        roster,
        lesson,
        notices: &[],
        told: std::slice::from_ref(n),
        protected: false,
        exclusion: None,
        accords: &[],
        is_bad: &|_| false,
    })
}

fn quiet(hours: (&str, &str), now: &str) -> Option<String> {
    let school = school(Some(hours));
    match ask(&school, &roster("2013-05-04", "none"), &missing(), at(now)) {
        Verdict::Defer { until, reason: Reason::QuietHours } => {
            Some(until.to_zoned_datetime(school.zone).to_string())
        }
        Verdict::Send { .. } => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn quiet_hours_through_both_nights_when_clocks_change() {
    let night = ("21:00", "07:00");
    let early = ("21:00", "02:30");
    let day = ("12:00", "13:00");
    for (hours, now, until) in [
        // An ordinary night, and its edges.
        (night, "2026-11-23T20:59:59+01:00", None),
        (night, "2026-11-23T21:00:00+01:00", Some("2026-11-24T07:00:00+01:00")),
        (night, "2026-11-24T06:59:59+01:00", Some("2026-11-24T07:00:00+01:00")),
        (night, "2026-11-24T07:00:00+01:00", None),
        // To winter time: an hour longer, by the clock until seven all the same.
        (night, "2026-10-24T23:00:00+02:00", Some("2026-10-25T07:00:00+01:00")),
        (night, "2026-10-25T02:30:00+02:00", Some("2026-10-25T07:00:00+01:00")),
        (night, "2026-10-25T02:30:00+01:00", Some("2026-10-25T07:00:00+01:00")),
        (night, "2026-10-25T06:59:59+01:00", Some("2026-10-25T07:00:00+01:00")),
        (night, "2026-10-25T07:00:00+01:00", None),
        // An end that comes twice: what the clock shows as quiet is so both times.
        (early, "2026-10-25T02:15:00+02:00", Some("2026-10-25T02:30:00+02:00")),
        (early, "2026-10-25T02:30:00+02:00", None),
        (early, "2026-10-25T02:15:00+01:00", Some("2026-10-25T02:30:00+01:00")),
        (early, "2026-10-25T02:30:00+01:00", None),
        // To summer time: an hour shorter.
        (night, "2027-03-27T22:00:00+01:00", Some("2027-03-28T07:00:00+02:00")),
        (night, "2027-03-28T01:59:59+01:00", Some("2027-03-28T07:00:00+02:00")),
        (night, "2027-03-28T03:00:00+02:00", Some("2027-03-28T07:00:00+02:00")),
        (night, "2027-03-28T07:00:00+02:00", None),
        // An end that never comes is an hour later by the clock, which is when it would have been.
        (early, "2027-03-28T01:45:00+01:00", Some("2027-03-28T03:30:00+02:00")),
        (early, "2027-03-28T03:00:00+02:00", None),
        // Within one day.
        (day, "2026-11-23T11:59:59+01:00", None),
        (day, "2026-11-23T12:00:00+01:00", Some("2026-11-23T13:00:00+01:00")),
        (day, "2026-11-23T13:00:00+01:00", None),
    ] {
        let until = until.map(|u| format!("{u}[Europe/Stockholm]"));
        assert_eq!(quiet(hours, now), until, "{hours:?} at {now}");
    }
}

#[test]
fn staff_are_told_in_quiet_hours_too() {
    let mut n = notification("g1");
    n.deadline = Timestamp::MAX;
    n.purpose = Purpose::TeamAlert;
    n.channel = Channel::Email;
    n.recipient = Recipient::Staff(crate::model::StaffRole::AttendanceTeam);
    let mut school = school(Some(("21:00", "07:00")));
    school.team_email = crate::model::EmailAddress::new("team@skola.example").ok();
    let now = at("2026-11-23T22:00:00+01:00");
    let verdict = ask_about(&n, &school, &roster("2013-05-04", "none"), &missing(), now);
    assert!(matches!(verdict, Verdict::Send { .. }), "{verdict:?}");
}

#[test]
fn an_eighteenth_birthday_begins_at_midnight_where_the_school_is() {
    for (birth, now, adult) in [
        ("2008-11-23", "2026-11-22T23:59:59+01:00", false),
        ("2008-11-23", "2026-11-23T00:00:00+01:00", true),
        // The day clocks go back, and forth.
        ("2008-10-25", "2026-10-24T23:59:59+02:00", false),
        ("2008-10-25", "2026-10-25T00:00:00+02:00", true),
        ("2009-03-28", "2027-03-27T23:59:59+01:00", false),
        ("2009-03-28", "2027-03-28T00:00:00+01:00", true),
        // Born on a day that the year does not have.
        ("2008-02-29", "2026-02-28T23:59:59+01:00", false),
        ("2008-02-29", "2026-03-01T00:00:00+01:00", true),
    ] {
        let mut lesson = missing();
        lesson.lesson.start = at(now) - SignedDuration::from_mins(5);
        let verdict = ask(&school(None), &roster(birth, "none"), &lesson, at(now));
        let expected = if adult {
            Verdict::Drop { state: State::Cancelled, reason: Reason::Adult, decide_again: true }
        } else {
            let phone = crate::model::Phone::new("+46701740605").expect("phone");
            Verdict::Send { address: Address::Phone(phone), language: Locale::swedish() }
        };
        assert_eq!(verdict, expected, "born {birth}, at {now}");
    }
}

#[test]
fn a_lesson_that_was_moved_is_waited_for() {
    let lesson = missing();
    let before = at("2026-10-24T19:59:59+02:00");
    let verdict = ask(&school(None), &roster("2013-05-04", "none"), &lesson, before);
    let until = lesson.lesson.start;
    assert_eq!(verdict, Verdict::Defer { until, reason: Reason::NotBegun });
    assert!(matches!(
        ask(&school(None), &roster("2013-05-04", "none"), &lesson, until),
        Verdict::Send { .. }
    ));
}

#[test]
fn the_rules_speak_in_order() {
    let now = at("2026-10-24T22:00:00+02:00");
    let held = school(Some(("21:00", "07:00")));
    let reason =
        |school: &School, roster: &Roster, lesson: &LessonState, n: &Notification| match ask_about(
            n, school, roster, lesson, now,
        ) {
            Verdict::Send { .. } => "send".into(),
            Verdict::Defer { reason, .. } => format!("defer {reason}"),
            Verdict::Drop { reason, .. } => format!("drop {reason}"),
        };
    // Each change below comes on top of those before it.
    let (mut school, mut people, mut lesson) = (held, roster("2013-05-04", "none"), missing());
    let mut n = notification("g1");
    n.deadline = Timestamp::MAX;
    assert_eq!(reason(&school, &people, &lesson, &n), "defer quiet-hours");
    school.mode = Mode::Guests;
    assert_eq!(reason(&school, &people, &lesson, &n), "drop not-a-guest");
    people = roster("2013-05-04", "protected");
    assert_eq!(reason(&school, &people, &lesson, &n), "drop protected");
    school.mode = Mode::Shadow;
    assert_eq!(reason(&school, &people, &lesson, &n), "drop shadow-mode");
    lesson.mark = Some(Mark::Late);
    assert_eq!(reason(&school, &people, &lesson, &n), "drop late");
    n.deadline = now;
    assert_eq!(reason(&school, &people, &lesson, &n), "drop expired");
}

#[test]
fn a_notice_and_a_renewed_alarm_end_what_waits() {
    let mut n = notification("g1");
    n.deadline = Timestamp::MAX;
    let (school, people, mut lesson) = (school(None), roster("2013-05-04", "none"), missing());
    let span = |from, to| AdvanceNotice { from: at(from), to: at(to), kind: NoticeKind::Leave };
    let with = |lesson: &LessonState, notices: &[AdvanceNotice]| {
        claim(&Claim {
            now: at("2026-10-24T20:10:00+02:00"),
            notification: &n,
            school: Some(&school),
            roster: &people,
            lesson,
            notices,
            told: &[],
            protected: false,
            exclusion: None,
            accords: &[],
            is_bad: &|_| false,
        })
    };
    // Of the day after, which is an hour longer than others; and of the day itself.
    let day_after = span("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00");
    assert!(matches!(with(&lesson, &[day_after]), Verdict::Send { .. }));
    let day = span("2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00");
    assert_eq!(with(&lesson, &[day]), drop(Reason::AdvanceNotice));
    lesson.revision = 2;
    assert_eq!(with(&lesson, &[]), drop_and_decide(Reason::Replaced));
}

#[test]
fn a_correction_waits_for_what_is_on_the_wire_and_needs_something_to_correct() {
    let (school, people, mut lesson) = (school(None), roster("2013-05-04", "none"), missing());
    lesson.mark = Some(Mark::Present);
    let now = at("2026-10-24T20:10:00+02:00");
    let mut first = notification("g1");
    let mut n = notification("correction");
    n.recipient = first.recipient.clone();
    n.purpose = Purpose::Correction;
    n.correction = Some(CorrectionKind::WasThere);
    n.corrects = Some(first.id.clone());
    n.deadline = Timestamp::MAX;
    for (state, word) in [
        (State::Sending, "defer"),
        (State::Accepted, "send"),
        (State::Delivered, "send"),
        (State::InDoubt, "defer"),
        (State::Held, "send"),
        (State::Cancelled, "drop"),
        (State::Rejected, "drop"),
    ] {
        first.state = state;
        let verdict = claim(&Claim {
            now,
            notification: &n,
            school: Some(&school),
            roster: &people,
            lesson: &lesson,
            notices: &[],
            told: std::slice::from_ref(&first),
            protected: false,
            exclusion: None,
            accords: &[],
            is_bad: &|_| false,
        });
        let is = match verdict {
            Verdict::Send { .. } => "send",
            Verdict::Defer { .. } => "defer",
            Verdict::Drop { .. } => "drop",
        };
        assert_eq!(is, word, "{state:?}");
    }
}

#[test]
fn a_correction_leaves_only_when_it_is_true_and_news() {
    use CorrectionKind::{Arrived, ExcusedByMark, LeftEarly, WasThere};
    let (school, people) = (school(None), roster("2013-05-04", "none"));
    let mut first = notification("g1");
    first.state = State::Delivered;
    let correction = |id, kind, state| {
        let mut n = notification(id);
        n.recipient = first.recipient.clone();
        n.purpose = Purpose::Correction;
        (n.correction, n.corrects) = (Some(kind), Some(first.id.clone()));
        (n.state, n.deadline) = (state, Timestamp::MAX);
        n
    };
    let needless = drop_and_decide(Reason::NothingToCorrect);
    let other = drop_and_decide(Reason::Replaced);
    let changed = drop(Reason::MarkChanged);
    for (mark, before, kind, expected) in [
        (Mark::Present, None, WasThere, None),
        (Mark::Late, None, WasThere, Some(&other)),
        (Mark::Excused, None, WasThere, Some(&other)),
        (Mark::Unknown, None, WasThere, Some(&changed)),
        (Mark::Unexcused, None, WasThere, Some(&changed)),
        (Mark::Present, Some((ExcusedByMark, State::Accepted)), WasThere, None),
        (Mark::Present, Some((ExcusedByMark, State::Held)), WasThere, None),
        (Mark::Excused, Some((LeftEarly, State::Delivered)), ExcusedByMark, None),
        // What was on the wire when it was made did not arrive, or said as much.
        (Mark::Present, Some((ExcusedByMark, State::Undelivered)), WasThere, None),
        (Mark::Present, Some((Arrived, State::Delivered)), WasThere, Some(&needless)),
        (Mark::Present, Some((Arrived, State::Undelivered)), WasThere, None),
    ] {
        let mut lesson = missing();
        lesson.mark = Some(mark);
        let n = correction("second", kind, State::Waiting);
        let mut told = vec![first.clone()];
        told.extend(before.map(|(kind, state)| correction("before", kind, state)));
        told.push(n.clone());
        let ask = |told: &[Notification]| {
            claim(&Claim {
                now: at("2026-10-24T20:10:00+02:00"),
                notification: &n,
                school: Some(&school),
                roster: &people,
                lesson: &lesson,
                notices: &[],
                told,
                protected: false,
                exclusion: None,
                accords: &[],
                is_bad: &|_| false,
            })
        };
        let verdict = ask(&told);
        match expected {
            None => {
                assert!(matches!(verdict, Verdict::Send { .. }), "{mark:?} {before:?} {verdict:?}");
            }
            Some(expected) => assert_eq!(&verdict, expected, "{mark:?} {before:?} {kind:?}"),
        }
        if before.is_some() {
            told[1].state = State::Sending;
            assert!(matches!(ask(&told), Verdict::Defer { .. }), "{mark:?}: what is on the wire");
        }
    }
}

proptest! {
    #[test]
    fn quiet_hours_end_within_a_day_and_stay_ended(
        // Any time, and the two nights when clocks change.
        second in prop_oneof![
            1_790_000_000i64..1_830_000_000,
            1_792_875_600i64..1_792_918_800,
            1_806_181_200i64..1_806_217_200,
        ],
        // Configuration leaves two hours open: the night an hour is missing must not swallow them.
        from in 0u32..1440, long in 1u32..=22 * 60,
    ) {
        let clock = |m: u32| format!("{:02}:{:02}", m / 60 % 24, m % 60);
        let (from, to) = (clock(from), clock(from + long));
        let (school, now) = (school(Some((&from, &to))), Timestamp::from_second(second).unwrap());
        let quiet = school.quiet_hours.expect("hours");
        if let Some(until) = hours::quiet_until(quiet, &school, now) {
            prop_assert!(until > now);
            prop_assert!(until.duration_since(now) <= SignedDuration::from_hours(25));
            prop_assert_eq!(hours::quiet_until(quiet, &school, until), None, "{} to {}", from, to);
        }
    }
}

#[test]
fn whom_a_source_says_to_be_protected_is_written_about_to_nobody() {
    let (school, people, lesson) = (school(None), roster("2013-05-04", "none"), missing());
    let now = at("2026-10-24T20:10:00+02:00");
    let mut n = notification("g1");
    n.deadline = Timestamp::MAX;
    let with = |n: &Notification, protected| {
        claim(&Claim {
            now,
            notification: n,
            school: Some(&school),
            roster: &people,
            lesson: &lesson,
            notices: &[],
            told: &[],
            protected,
            exclusion: None,
            accords: &[],
            is_bad: &|_| false,
        })
    };
    assert!(matches!(with(&n, false), Verdict::Send { .. }));
    let dropped =
        Verdict::Drop { state: State::Cancelled, reason: Reason::Protected, decide_again: true };
    assert_eq!(with(&n, true), dropped);
    n.recipient = Recipient::Staff(crate::model::StaffRole::AttendanceTeam);
    n.purpose = Purpose::TeamAlert;
    assert_eq!(with(&n, true), dropped);
}

#[test]
fn what_is_left_out_does_not_leave_and_what_puts_right_does() {
    let (school, roster, lesson) = (school(None), roster("2013-05-04", "none"), missing());
    let now = at("2026-10-24T20:10:00+02:00");
    for reason in [Reason::NoSchoolDay, Reason::Silenced] {
        for (purpose, task, left_out) in [
            (Purpose::Absence, None, true),
            (Purpose::TeamAlert, None, true),
            (Purpose::TeamUpdate, None, true),
            (Purpose::StaffTask, Some(TaskKind::NobodyReached), true),
            (Purpose::StaffTask, Some(TaskKind::Protected), false),
            (Purpose::StaffTask, Some(TaskKind::NotPutRight), false),
            (Purpose::Correction, None, false),
        ] {
            let mut n = notification("g1");
            (n.purpose, n.task, n.deadline) = (purpose, task, Timestamp::MAX);
            let verdict = claim(&Claim {
                now,
                notification: &n,
                school: Some(&school),
                roster: &roster,
                lesson: &lesson,
                notices: &[],
                told: &[],
                protected: false,
                exclusion: Some(reason),
                accords: &[],
                is_bad: &|_| false,
            });
            let dropped = verdict == drop(reason);
            assert_eq!(dropped, left_out, "{purpose:?} {task:?} {verdict:?}");
        }
    }
}

#[test]
fn a_guardian_who_made_the_mark_is_known_when_it_leaves() {
    let mut school = school(None);
    let mut roster = roster("2013-05-04", "none");
    let mut lesson = missing();
    lesson.recorded_by = Some("t".into());
    let staff = crate::directory::Staff {
        id: crate::model::StaffId::new("t").expect("id"),
        school: None,
        role: crate::model::StaffRole::Teacher,
        municipality: None,
        name: None,
        email: None,
        phone: roster.guardians.values().next().and_then(|guardian| guardian.phone.clone()),
    };
    roster.staff.insert(staff.id.clone(), staff);
    let now = at("2026-10-24T20:10:00+02:00");
    assert!(matches!(ask(&school, &roster, &lesson, now), Verdict::Send { .. }));
    school.mutes_marking_guardian = true;
    assert_eq!(ask(&school, &roster, &lesson, now), drop(Reason::MadeTheMark));
    lesson.recorded_by = Some("another".into());
    assert!(matches!(ask(&school, &roster, &lesson, now), Verdict::Send { .. }));
}

#[test]
fn at_the_end_of_quiet_hours_a_school_may_want_nothing_sent() {
    let (people, lesson) = (roster("2013-05-04", "none"), missing());
    let mut school = school(Some(("20:00", "07:00")));
    let (night, morning) = (at("2026-10-24T20:10:00+02:00"), at("2026-10-25T07:00:00+01:00"));
    let mut n = notification("g1");
    n.deadline = Timestamp::MAX;
    let reason = |n: &Notification, school: &School, now| match ask_about(
        n, school, &people, &lesson, now,
    ) {
        Verdict::Send { .. } => "sent".to_owned(),
        Verdict::Defer { reason, .. } | Verdict::Drop { reason, .. } => reason.as_str(),
    };
    school.time = TimeRules { quiet_end: QuietEnd::Drop, ..TimeRules::default() };
    assert_eq!(reason(&n, &school, night), "quiet-hours");
    assert_eq!(reason(&n, &school, morning), "sent", "it did not wait");
    n.state_reason = Some(Reason::QuietHours);
    assert_eq!(reason(&n, &school, morning), "quiet-hours-over");
    for quiet_end in [QuietEnd::Past, QuietEnd::Send] {
        school.time.quiet_end = quiet_end;
        assert_eq!(reason(&n, &school, morning), "sent", "{quiet_end:?}");
    }
}
