//! What a notice says is asked again when it would leave.

use jiff::civil::date;

use super::super::notice_facts::{classes, facts};
use super::*;
use crate::delivery::testing::school;
use crate::directory::{Protection, Staff};
use crate::model::{
    Channel, EmailAddress, GroupId, Lesson, LessonId, Phone, Planned, StaffId, StaffRole,
};

fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}:00+01:00").parse().expect("time")
}

fn lesson() -> LessonId {
    LessonId::new("l").expect("id")
}

fn teacher() -> StaffId {
    StaffId::new("t").expect("id")
}

fn register() -> Register {
    let planned = Planned {
        registered: true,
        cancelled: false,
        teachers: vec![teacher()],
        groups: vec![GroupId::new("7B").expect("id")],
        also: BTreeSet::new(),
        except: BTreeSet::new(),
        modified_at: None,
    };
    let lesson = Lesson { id: lesson(), start: at("08:20"), end: at("09:20"), label: None };
    Register { planned: Some(planned), ..Register::new(lesson) }
}

fn roster() -> Roster {
    let staff = Staff {
        id: teacher(),
        school: None,
        role: StaffRole::Teacher,
        municipality: None,
        name: None,
        email: None,
        phone: Phone::new("+46701740650").ok(),
    };
    Roster { staff: [(teacher(), staff)].into(), ..Roster::default() }
}

fn live() -> School {
    School { team_email: EmailAddress::new("team@example.se").ok(), ..school() }
}

/// How a notice about a register is claimed: the reason it does not go for, or none.
fn claimed(n: &Notification, row: Register, school: &School, now: &str) -> Option<Reason> {
    let members = Members { unknown: true, ..Members::default() };
    let about = About::Register(Box::new(row), members);
    verdict(n, &about, school, None, now)
}

fn verdict(
    n: &Notification,
    about: &About<'_>,
    school: &School,
    takes_back: Option<&Notification>,
    now: &str,
) -> Option<Reason> {
    let (roster, bad) = (roster(), BTreeSet::new());
    let school = Some(school);
    let claim = Claim { now: at(now), n, school, roster: &roster, about, takes_back, bad: &bad };
    match super::claim(&claim) {
        Verdict::Send { .. } => None,
        Verdict::Defer { reason, .. } | Verdict::Drop { reason, .. } => Some(reason),
    }
}

fn nudge() -> Notification {
    let mut n = registers::nudge(&lesson(), date(2026, 11, 23), teacher(), Channel::Sms)
        .row(&live(), at("08:30"));
    n.deadline = at("09:20");
    n
}

fn alert() -> Notification {
    registers::alert(&register().lesson, date(2026, 11, 23)).row(&live(), at("09:20"))
}

#[test]
fn an_alert_does_not_leave_while_its_lesson_goes_on() {
    let (mut row, school) = (register(), live());
    assert_eq!(claimed(&alert(), row.clone(), &school, "09:21"), None);
    (row.lesson.start, row.lesson.end) = (at("09:00"), at("10:00"));
    assert_eq!(claimed(&alert(), row, &school, "09:21"), Some(Reason::Replaced));
}

#[test]
fn a_nudge_leaves_only_while_it_is_so() {
    let school = live();
    let with = |change: fn(&mut Register)| {
        let mut row = register();
        change(&mut row);
        row
    };
    let plan = |change: fn(&mut Planned)| {
        let mut row = register();
        row.planned.as_mut().map(change);
        row
    };
    for (row, now, expected) in [
        (register(), "08:30", None),
        (register(), "09:20", Some(Reason::Expired)),
        (with(|r| r.begun_at = Some(at("08:29"))), "08:30", Some(Reason::RegisterTaken)),
        (with(|r| r.closed_at = Some(at("08:29"))), "08:30", Some(Reason::RegisterTaken)),
        (with(|r| r.lesson.start = at("08:50")), "08:30", Some(Reason::Replaced)),
        (with(|r| r.lesson.end = at("08:30")), "08:31", Some(Reason::Stale)),
        (plan(|p| p.cancelled = true), "08:30", Some(Reason::LessonCancelled)),
        (plan(|p| p.registered = false), "08:30", Some(Reason::NotRegistered)),
        (plan(|p| p.teachers.clear()), "08:30", Some(Reason::Replaced)),
    ] {
        let told = format!("{row:?} {now}");
        assert_eq!(claimed(&nudge(), row, &school, now), expected, "{told}");
    }
    let nobody = About::Register(Box::new(register()), Members::default());
    assert_eq!(verdict(&nudge(), &nobody, &school, None, "08:30"), Some(Reason::NobodyToCome));
    assert_eq!(
        verdict(&nudge(), &About::Gone, &school, None, "08:30"),
        Some(Reason::NothingToCorrect)
    );
    let shadow = School { mode: Mode::Shadow, ..live() };
    assert_eq!(claimed(&nudge(), register(), &shadow, "08:30"), Some(Reason::ShadowMode));
    let by_mail = Notification { channel: Channel::Email, ..nudge() };
    assert_eq!(claimed(&by_mail, register(), &school, "08:30"), Some(Reason::NoContact));
}

#[test]
fn an_alert_leaves_while_it_is_so_and_its_all_clear_only_to_whom_it_was_told() {
    let school = live();
    let taken = Register { begun_at: Some(at("09:31")), ..register() };
    assert_eq!(claimed(&alert(), register(), &school, "09:20"), None);
    assert_eq!(claimed(&alert(), taken.clone(), &school, "09:32"), Some(Reason::RegisterTaken));
    let mute = School { team_email: None, ..live() };
    assert_eq!(claimed(&alert(), register(), &mute, "09:20"), Some(Reason::NoContact));

    let clear = registers::taken(&register().lesson, date(2026, 11, 23)).row(&school, at("09:31"));
    let of = |row: &Register, told: Option<State>| {
        let told = told.map(|state| Notification { state, ..alert() });
        let about = About::Register(Box::new(row.clone()), Members::default());
        verdict(&clear, &about, &school, told.as_ref(), "09:32")
    };
    assert_eq!(of(&taken, Some(State::Accepted)), None);
    assert_eq!(of(&taken, Some(State::Sending)), Some(Reason::InDoubt), "until that is known");
    for never in [None, Some(State::Cancelled), Some(State::Rejected)] {
        assert_eq!(of(&taken, never), Some(Reason::NothingToCorrect), "{never:?}");
    }
    assert_eq!(of(&register(), Some(State::Accepted)), Some(Reason::RegisterNotTaken));
}

#[test]
fn a_silence_is_told_while_it_lasts() {
    let school = live();
    let row = Silence {
        noticed_at: at("10:00"),
        since: None,
        lessons: 3,
        marks: true,
        unreachable: false,
        over_at: None,
    };
    let over = Silence { over_at: Some(at("10:30")), ..row.clone() };
    let newer = Silence { noticed_at: at("11:00"), ..row.clone() };
    let source = SourceId::new("s").expect("id");
    let team = &[StaffRole::AttendanceTeam];
    let made = |purpose, now| {
        notice::of_silence(&school, &source, &over, purpose, team, at(now)).remove(0)
    };
    let alert = made(Purpose::SourceAlert, "10:00");
    for (row, expected) in
        [(&row, None), (&over, Some(Reason::SourceHeard)), (&newer, Some(Reason::SourceHeard))]
    {
        let about = About::Silence(row.clone());
        assert_eq!(verdict(&alert, &about, &school, None, "11:01"), expected, "{row:?}");
    }
    let clear = made(Purpose::SourceClear, "10:30");
    let told = Notification { state: State::Delivered, ..alert };
    for (row, expected) in
        [(&over, None), (&row, Some(Reason::SourceSilent)), (&newer, Some(Reason::SourceSilent))]
    {
        let about = About::Silence(row.clone());
        assert_eq!(verdict(&clear, &about, &school, Some(&told), "11:01"), expected, "{row:?}");
    }
}

#[test]
fn a_class_that_nobody_may_know_of_is_not_named_by_its_pupils() {
    let of = |id: &str, class: &str, protection| crate::directory::Pupil {
        id: crate::model::PupilId::new(id).expect("id"),
        school: school().id,
        class: Some(class.into()),
        given_name: "Alva".into(),
        family_name: None,
        birth_date: None,
        protection,
        mentor: None,
        phone: None,
        phone_is_mobile: true,
        email: None,
        channel: None,
        language: None,
        groups: Vec::new(),
        year: None,
        home_municipality: None,
        flagged: false,
        guardians: Vec::new(),
    };
    let (open, hidden) = (of("a", "7B", Protection::None), of("b", "7C", Protection::Protected));
    let unknown = of("c", "7D", Protection::Unknown);
    let members = Members { pupils: vec![&open, &hidden, &unknown], unknown: false };
    assert_eq!(classes(&members), "7B");
    let school = live();
    let about = About::Register(Box::new(register()), members);
    let facts = facts(&roster(), &school, &alert(), &about, at("09:20")).expect("facts");
    let NoticeFacts::Register(facts) = facts else { panic!("of a register") };
    assert_eq!((facts.pupils, facts.pupils_known, facts.class.as_str()), (3, true, "7B"));
    assert_eq!((facts.day.as_str(), facts.teacher.as_str()), ("", "t"));
}
