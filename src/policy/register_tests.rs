//! What follows from a register, as a table, and what holds of every register.

use std::collections::BTreeSet;

use jiff::civil::Time;
use proptest::prelude::*;

use super::*;
use crate::delivery::testing::school;
use crate::directory::{Protection, RegisterRules};
use crate::model::{GroupId, Lesson, LessonId};

fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}:00+01:00").parse().expect("time")
}

fn minutes(from: Timestamp, count: i64) -> Timestamp {
    from + SignedDuration::from_mins(count)
}

fn plan() -> Planned {
    Planned {
        registered: true,
        cancelled: false,
        teachers: vec![StaffId::new("t").expect("id")],
        groups: vec![GroupId::new("7B").expect("id")],
        also: BTreeSet::new(),
        except: BTreeSet::new(),
        modified_at: None,
    }
}

fn register() -> Register {
    let id = LessonId::new("l").expect("id");
    let lesson = Lesson { id, start: at("08:20"), end: at("09:20"), label: None };
    Register { planned: Some(plan()), ..Register::new(lesson) }
}

fn pupil(id: &str, class: Option<&str>, groups: &[&str]) -> Pupil {
    Pupil {
        id: PupilId::new(id).expect("id"),
        school: school().id,
        class: class.map(Into::into),
        given_name: "Alva".into(),
        family_name: None,
        birth_date: None,
        protection: Protection::None,
        mentor: None,
        phone: None,
        phone_is_mobile: true,
        email: None,
        channel: None,
        language: None,
        groups: groups.iter().map(|g| GroupId::new(*g).expect("id")).collect(),
        year: None,
        home_municipality: None,
        flagged: false,
        guardians: Vec::new(),
    }
}

fn roster(pupils: impl IntoIterator<Item = Pupil>) -> Roster {
    let of_school = pupils.into_iter().map(|pupil| (pupil.id.clone(), pupil)).collect();
    Roster { pupils: [(school().id, of_school)].into(), ..Roster::default() }
}

#[test]
fn who_is_to_come_goes_by_groups_class_and_exceptions() {
    let id = |id: &str| PupilId::new(id).expect("id");
    let roster = roster([
        pupil("by-class", Some("7B"), &[]),
        pupil("by-group", None, &["7B"]),
        pupil("elsewhere", Some("7A"), &["7A-ma"]),
        pupil("not-today", Some("7B"), &[]),
    ]);
    let of = |planned: &Planned| {
        let found = members(&roster, &school().id, planned);
        let ids: Vec<String> = found.pupils.iter().map(|p| p.id.to_string()).collect();
        (ids.join(" "), found.unknown, found.is_empty())
    };
    let usual = Planned { except: [id("not-today")].into(), ..plan() };
    assert_eq!(of(&usual), ("by-class by-group".into(), false, false));
    let also = Planned { also: [id("elsewhere")].into(), ..usual.clone() };
    assert_eq!(of(&also).0, "by-class by-group elsewhere");
    let none = Planned { groups: vec![GroupId::new("9C").expect("id")], ..plan() };
    assert_eq!(of(&none), (String::new(), false, true), "nobody is in that group");
    let nobody = Planned { groups: Vec::new(), ..plan() };
    assert_eq!(of(&nobody), (String::new(), true, false), "the plan does not say");
    let all = ["by-class", "by-group", "not-today"].map(id);
    let empty = Planned { except: all.into(), ..plan() };
    assert_eq!(of(&empty), (String::new(), false, true), "all are elsewhere");
    // A directory without groups says nothing about who is in one.
    let without = self::roster([pupil("p", Some("7A"), &[])]);
    let found = members(&without, &school().id, &none);
    assert!(found.unknown && !found.is_empty());
    let other = SchoolId::new("other").expect("id");
    assert_eq!(members(&roster, &other, &plan()), Members::default());
}

/// Now, when it was begun, who comes; what is done, why, and how it stands.
type Row<'a> = (&'a str, Option<&'a str>, Members<'a>, Act, Option<Reason>, Option<Stood>);

#[test]
fn what_follows_as_a_table() {
    let (ordinary, mut young, mut flagged) =
        (pupil("o", None, &["7B"]), pupil("y", None, &["7B"]), pupil("f", None, &["7B"]));
    (young.year, flagged.flagged) = (Some(3), true);
    let of = |pupil| Members { pupils: vec![pupil], unknown: false };
    let nobody = Members::default();
    let unknown = Members { unknown: true, ..Members::default() };
    let (digest, tell, nudge, nothing) = (Act::Digest, Act::Tell, Act::Nudge, Act::Nothing);
    let untaken = Some(Stood::Untaken);
    let rows: Vec<Row<'_>> = vec![
        ("08:29", None, of(&young), nothing, None, None),
        ("08:30", None, of(&ordinary), nudge, Some(Reason::RegisterNotTaken), None),
        ("08:30", None, unknown.clone(), nudge, Some(Reason::RegisterNotTaken), None),
        ("08:30", None, nobody.clone(), nothing, Some(Reason::NobodyToCome), None),
        ("08:30", Some("08:22"), of(&young), nothing, Some(Reason::RegisterBegun), None),
        ("09:19", None, of(&ordinary), nudge, Some(Reason::RegisterNotTaken), None),
        ("09:20", None, of(&ordinary), digest, Some(Reason::InDigest), untaken),
        ("09:20", None, unknown, digest, Some(Reason::InDigest), untaken),
        ("09:20", None, nobody, nothing, Some(Reason::NobodyToCome), None),
        ("09:20", None, of(&young), tell, Some(Reason::RegisterUntaken), untaken),
        ("09:20", None, of(&flagged), tell, Some(Reason::RegisterUntaken), untaken),
        (
            "09:20",
            Some("08:29"),
            of(&young),
            nothing,
            Some(Reason::RegisterBegun),
            Some(Stood::InTime),
        ),
        (
            "09:20",
            Some("08:30"),
            of(&young),
            digest,
            Some(Reason::RegisterBegun),
            Some(Stood::Late),
        ),
        // Where the end is looked at late.
        (
            "09:40",
            Some("09:30"),
            of(&young),
            nothing,
            Some(Reason::RegisterBegun),
            Some(Stood::Late),
        ),
        ("13:20", None, of(&young), tell, Some(Reason::RegisterUntaken), untaken),
        ("13:21", None, of(&young), digest, Some(Reason::InDigest), untaken),
    ];
    let school = School { stale_after: SignedDuration::from_hours(4), ..school() };
    for (now, begun, members, act, reason, stood) in rows {
        let row = Register { begun_at: begun.map(at), ..register() };
        let judged = judge(&row, &members, &school, at(now));
        assert_eq!(
            (judged.act, judged.reason, judged.stood),
            (act, reason, stood),
            "{now} {begun:?}"
        );
    }
    let closed = Register { closed_at: Some(at("08:25")), ..register() };
    let judged = judge(&closed, &of(&young), &school, at("09:20"));
    assert_eq!((judged.stood, judged.reason), (Some(Stood::InTime), Some(Reason::RegisterTaken)));
}

#[test]
fn years_are_low_by_the_schools_own_rule_and_flags_count_always() {
    let of = |year, flagged| Pupil { year, flagged, ..pupil("p", None, &[]) };
    for (pupil, low, expected) in [
        (of(Some(0), false), Some((0, 3)), true),
        (of(Some(3), false), Some((0, 3)), true),
        (of(Some(4), false), Some((0, 3)), false),
        (of(Some(4), false), Some((0, 6)), true),
        (of(None, false), Some((0, 3)), false),
        (of(Some(0), false), None, false),
        (of(None, true), None, true),
    ] {
        let members = Members { pupils: vec![&pupil], unknown: false };
        assert_eq!(cannot_wait(&members, low), expected, "{pupil:?}");
    }
}

#[test]
fn marks_of_where_the_lesson_was_before_do_not_count() {
    let school = school();
    let of = |begun: Option<&str>, closed: Option<&str>| {
        let time = |text: &str| text.parse::<Timestamp>().expect("time");
        let row = Register { begun_at: begun.map(time), closed_at: closed.map(time), ..register() };
        taken_at(&row, &school).is_some()
    };
    assert!(!of(None, None));
    assert!(of(Some("2026-11-23T08:15:00+01:00"), None), "some begin a little early");
    assert!(!of(Some("2026-11-23T06:30:00+01:00"), None), "an excuse in the morning");
    assert!(!of(Some("2026-11-20T08:25:00+01:00"), None), "the lesson was on Friday");
    assert!(!of(None, Some("2026-11-20T08:25:00+01:00")));
    assert!(of(None, Some("2026-11-23T06:25:00+01:00")), "its source's clock is two hours behind");
}

#[test]
fn a_plan_is_looked_at_when_the_register_is_due_and_history_never() {
    let school = school();
    let look = |now: &str| first_look(&register(), &school, at(now), false);
    assert_eq!(look("07:00"), Some(at("08:30")));
    assert_eq!(look("08:25"), Some(at("08:30")));
    assert_eq!(look("08:50"), Some(at("08:52")), "the marks that its source knows come first");
    assert_eq!(look("09:20"), None);
    assert_eq!(look("15:00"), None);
    let pending = first_look(&register(), &school, at("09:21"), true);
    assert_eq!(
        pending,
        Some(at("09:23")),
        "it was to be looked at, and its plan changed after its end"
    );
    for planned in [
        None,
        Some(Planned { cancelled: true, ..plan() }),
        Some(Planned { registered: false, ..plan() }),
    ] {
        let row = Register { planned, ..register() };
        assert_eq!(first_look(&row, &school, at("07:00"), true), None);
    }
    let mut short = register();
    short.lesson.end = at("08:25");
    assert_eq!(
        first_look(&short, &school, at("07:00"), false),
        Some(at("08:25")),
        "the end, at the latest"
    );
}

#[test]
fn digests_keep_to_the_wall_clock_on_days_of_23_and_25_hours() {
    let noon = [Time::constant(2, 30, 0, 0), Time::constant(15, 30, 0, 0)];
    let rules = RegisterRules { digest: noon.to_vec(), ..RegisterRules::default() };
    let school = School { registers: rules, ..school() };
    let next = |from: &str| {
        let from: Timestamp = from.parse().expect("time");
        next_digest(&school, from).expect("a digest").to_string()
    };
    assert_eq!(next("2026-11-23T10:00:00Z"), "2026-11-23T14:30:00Z");
    assert_eq!(next("2026-11-23T14:30:00Z"), "2026-11-23T14:30:00Z");
    assert_eq!(next("2026-11-23T14:30:01Z"), "2026-11-24T01:30:00Z");
    // 02.30 comes twice, and not at all.
    assert_eq!(next("2026-10-24T22:00:00Z"), "2026-10-25T00:30:00Z");
    assert_eq!(next("2026-10-25T00:30:01Z"), "2026-10-25T14:30:00Z");
    assert_eq!(next("2027-03-27T23:00:00Z"), "2027-03-28T01:30:00Z");
    assert_eq!(next("2027-03-28T01:30:01Z"), "2027-03-28T13:30:00Z");
    let rules = RegisterRules { digest: Vec::new(), ..RegisterRules::default() };
    let never = School { registers: rules, ..school };
    assert_eq!(next_digest(&never, at("08:00")), None);
}

proptest! {
    /// Whatever is planned, marked and looked at: a register is asked for while the lesson goes on, told of when it
    /// is over, never when it is taken or not awaited, and each at most once where nothing changes.
    #[test]
    fn each_is_asked_for_and_told_of_at_most_once(
        length in 1i64..180,
        after in 1i64..120,
        begun in proptest::option::of(-90i64..400),
        closed in proptest::option::of(-90i64..400),
        known in -300i64..300,
        late in 0i64..90,
        (registered, cancelled, flagged, unknown, some) in any::<(bool, bool, bool, bool, bool)>(),
        year in proptest::option::of(0u8..10),
    ) {
        let start = at("08:20");
        let rules = RegisterRules {
            after: SignedDuration::from_mins(after),
            ..RegisterRules::default()
        };
        let school = School { registers: rules, ..school() };
        let someone = Pupil { year, flagged, ..pupil("p", None, &[]) };
        let pupils = if some { vec![&someone] } else { Vec::new() };
        let members = Members { pupils, unknown };
        let mut row = register();
        row.lesson.end = minutes(start, length);
        row.planned = Some(Planned { registered, cancelled, ..plan() });
        let mut look = first_look(&row, &school, minutes(start, known), false);
        let (mut nudges, mut told, mut looks) = (0, 0, 0);
        while let Some(due) = look {
            // The machine may be busy, or have been off.
            let now = minutes(due, late);
            looks += 1;
            prop_assert!(looks <= 3, "it goes on for ever");
            let heard = |minute: Option<i64>| {
                minute.map(|m| minutes(start, m)).filter(|at| *at <= now)
            };
            (row.begun_at, row.closed_at) = (heard(begun), heard(closed));
            let judged = judge(&row, &members, &school, now);
            let taken = taken_at(&row, &school);
            match judged.act {
                Act::Nudge => {
                    nudges += 1;
                    prop_assert!(taken.is_none() && now < row.lesson.end);
                    prop_assert!(now >= ask_at(&row, &school));
                }
                Act::Tell => {
                    told += 1;
                    prop_assert!(taken.is_none() && now >= row.lesson.end);
                    prop_assert!(cannot_wait(&members, school.registers.low_grades));
                }
                Act::Digest => {
                    told += 1;
                    prop_assert!(now >= row.lesson.end && judged.stood != Some(Stood::InTime));
                }
                Act::Nothing => {}
            }
            prop_assert!(!cancelled && registered, "nobody waits for it");
            prop_assert!(judged.act == Act::Nothing || taken.is_some() || !members.is_empty());
            prop_assert_eq!(judged.look_at.is_none(), now >= row.lesson.end);
            prop_assert!(judged.look_at.is_none_or(|at| at > now));
            look = judged.look_at;
        }
        prop_assert!(nudges <= 1 && told <= 1, "{} nudges, told {} times", nudges, told);
        let over = minutes(start, known) >= row.lesson.end;
        prop_assert!(!over || looks == 0, "history");
    }
}

#[test]
fn no_register_is_waited_for_on_a_day_without_school() {
    let (mut school, register) = (school(), register());
    let pupils = [pupil("p", Some("7B"), &[])];
    let members = Members { pupils: pupils.iter().collect(), unknown: false };
    let closed = |day: &str| {
        let closed = vec![crate::calendar::Days::parse(day).expect("days")];
        Some(std::sync::Arc::new(crate::calendar::Calendar { closed, ..Default::default() }))
    };
    for (day, act, reason) in [
        ("2026-11-23", Act::Nothing, Reason::NoSchoolDay),
        ("2026-11-24", Act::Nudge, Reason::RegisterNotTaken),
    ] {
        school.calendar = closed(day);
        let judged = judge(&register, &members, &school, at("08:40"));
        assert_eq!((judged.act, judged.reason), (act, Some(reason)), "{day}");
        // One that was left for the digest before the calendar said so.
        let digest = at("15:30");
        let left =
            Register { stood: Some(Stood::Late), digest_at: Some(digest), ..register.clone() };
        assert_eq!(is_in_digest(&left, &school, digest), act == Act::Nudge, "{day}");
    }
}
