//! Tables of who is missing and what is held, and what holds for any of them.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("time")
}

fn missing(pupil: impl std::fmt::Display, class: &str, start: i64) -> Missing {
    Missing {
        pupil: PupilId::new(format!("{class}-{pupil}")).expect("id"),
        lesson: LessonId::new(format!("l-{class}")).expect("id"),
        start: at(start),
        class: Some(class.into()).filter(|class: &String| !class.is_empty()),
        source: SourceId::new("src").ok(),
        since: at(start + 300),
    }
}

/// So many pupils of each class at a lesson that begins at 0.
fn of(counts: &[(&str, u32)]) -> Vec<Missing> {
    counts.iter().flat_map(|(class, n)| (0..*n).map(|i| missing(i, class, 0))).collect()
}

/// Twelve classes of 20 and 60 pupils without a class: a school of 300.
fn sizes() -> Sizes {
    let names = ["7A", "7B", "7C", "7D", "8A", "8B", "8C", "8D", "9A", "9B", "9C", "9D"];
    Sizes { classes: names.map(|name| (name.to_owned(), 20)).into(), school: 300 }
}

fn judged(all: &[Missing], usual: Option<Usual>, rules: &VolumeRules) -> Option<Excess> {
    judge((all, &BTreeSet::new()), at(0), &sizes(), usual, rules, at(310))
}

fn classes(names: &[&str]) -> HoldScope {
    HoldScope::Classes(names.iter().map(|name| (*name).to_owned()).collect())
}

/// What it is, who is missing, and what is held.
type Row<'a> = (&'a str, &'a [(&'a str, u32)], Option<(HoldScope, u32, u32)>);

#[test]
fn what_is_held() {
    let rules = VolumeRules::default();
    let school = HoldScope::School;
    let table: &[Row<'_>] = &[
        ("nobody", &[], None),
        ("a usual morning", &[("7A", 2), ("7B", 1), ("8A", 3)], None),
        ("half a class is not more than half", &[("8A", 10)], None),
        ("more than half of a class", &[("8A", 11)], Some((classes(&["8A"]), 11, 20))),
        (
            "three classes on a trip, and those who are missing all the same",
            &[("8A", 14), ("8B", 14), ("8C", 14), ("7A", 2), ("9A", 1)],
            Some((classes(&["8A", "8B", "8C"]), 42, 60)),
        ),
        (
            "most of the classes are the school",
            &[("7A", 20), ("7B", 20), ("7C", 20), ("7D", 20), ("8A", 20), ("8B", 20), ("8C", 20)],
            Some((school.clone(), 140, 300)),
        ),
        (
            "a share of the school that is of no one class",
            &[("7A", 9), ("7B", 9), ("7C", 9), ("8A", 9), ("8B", 10)],
            Some((school.clone(), 46, 300)),
        ),
        ("15 per cent is not more", &[("7A", 9), ("7B", 9), ("7C", 9), ("8A", 9), ("8B", 9)], None),
        ("those without a class count for the school", &[("", 46)], Some((school, 46, 300))),
    ];
    for (what, counts, expected) in table {
        let found = judged(&of(counts), None, &rules);
        let found = found.map(|excess| (excess.scope, excess.counted, excess.of));
        assert_eq!(found, *expected, "{what}");
    }
}

#[test]
fn small_classes_and_small_schools_are_left_alone_below_the_least() {
    let rules = VolumeRules::default();
    let sizes = Sizes { classes: BTreeMap::from([("1A".to_owned(), 6)]), school: 12 };
    let held = |n| {
        judge((&of(&[("1A", n)]), &BTreeSet::new()), at(0), &sizes, None, &rules, at(310)).is_some()
    };
    assert!(!held(4), "four of six");
    assert!(held(5), "five of six");
    let others = |n| {
        judge((&of(&[("", n)]), &BTreeSet::new()), at(0), &sizes, None, &rules, at(310)).is_some()
    };
    assert!(!others(9), "nine of twelve");
    assert!(others(10), "ten of twelve");
}

#[test]
fn what_is_usual_at_that_hour_is_a_limit_of_its_own() {
    let rules = VolumeRules::default();
    let many = of(&[("7A", 5), ("7B", 5), ("7C", 5)]);
    let usual = |tenths, weeks| Some(Usual { tenths, weeks });
    for (what, usual, held) in [
        ("nothing is known", None, false),
        ("two weeks are too few", usual(10, 2), false),
        ("15 are more than five times 2.9", usual(29, 3), true),
        ("and not more than five times 3", usual(30, 3), false),
        ("nobody is ever missing", usual(0, 8), true),
    ] {
        assert_eq!(judged(&many, usual, &rules).is_some(), held, "{what}");
    }
    let off = VolumeRules { usual: None, ..rules };
    assert_eq!(judged(&many, usual(0, 8), &off), None);
    assert!(asks_what_is_usual(&many, at(0), &rules) && !asks_what_is_usual(&many, at(0), &off));
    assert!(!asks_what_is_usual(&many[..9], at(0), &rules), "fewer are never held");
    assert_eq!(judged(&many[..9], usual(0, 8), &rules), None);
}

#[test]
fn one_source_is_counted_over_all_lessons() {
    let rules = VolumeRules::default();
    // Ten minutes apart and more, a fortieth of the school each.
    let spread = |n: i64| -> Vec<Missing> {
        let one = |i: i64| Missing { since: at(300), ..missing(i, "", i * 1200) };
        (0..n).map(one).collect()
    };
    assert_eq!(judged(&spread(75), None, &rules), None, "a quarter");
    let excess = judged(&spread(76), None, &rules).expect("more than a quarter");
    assert_eq!((excess.counted, excess.of, excess.why), (76, 300, Exceeded::Source(25)));
    let later = |seconds: i64| {
        judge((&spread(76), &BTreeSet::new()), at(0), &sizes(), None, &rules, at(300 + seconds))
    };
    assert!(later(900).is_some());
    assert_eq!(later(901), None, "a quarter of an hour ago");
    let off = VolumeRules { source: None, ..rules };
    assert_eq!(judged(&spread(200), None, &off), None);
}

#[test]
fn levels_and_their_average() {
    let hour = |from: i64| (at(from), at(from + 3600));
    let mut all = of(&[("7A", 3)]);
    all.extend((0..2).map(|i| missing(i, "7B", 600)));
    all.extend((0..4).map(|i| missing(i, "7C", 1900)));
    let (from, to) = hour(0);
    assert_eq!(level(&all, from, to), 5, "together, as they begin ten minutes apart");
    let (from, to) = hour(3600);
    assert_eq!(level(&all, from, to), 0);
    assert_eq!(usual(&[]), None);
    assert_eq!(usual(&[1, 2]), Some(Usual { tenths: 15, weeks: 2 }));
}

#[test]
fn causes_are_named_where_the_data_shows_them() {
    let zone = TimeZone::UTC;
    let lesson = LessonId::new("l").expect("id");
    let marks = |by: &str, apart: i64| -> Vec<Evidence> {
        let one = |i: i64| Evidence {
            lesson: lesson.clone(),
            recorded_by: Some(by.to_owned()).filter(|by| !by.is_empty()),
            recorded_at: Some(at(i * apart)),
        };
        (0..3).map(one).collect()
    };
    let who = |ids: &[&str]| ids.iter().map(|id| StaffId::new(*id).expect("id")).collect();
    let plan = |teachers: &[&str], usual: &[&str]| PlannedLesson {
        planned: true,
        teachers: who(teachers),
        usual_teachers: who(usual),
        ..PlannedLesson::default()
    };
    let day = date(2027, 1, 15);
    let found = |marks: &[Evidence], plan: Option<PlannedLesson>, timetable: bool| {
        let lessons: BTreeMap<LessonId, PlannedLesson> =
            plan.map(|plan| (lesson.clone(), plan)).into_iter().collect();
        causes(marks, &lessons, timetable, (day, &zone)).into_iter().collect::<Vec<_>>()
    };
    let (substitute, moment) = (HoldCause::Substitute, HoldCause::OneMoment);
    assert_eq!(found(&marks("", 60), None, false), [], "nothing is known");
    assert_eq!(found(&marks("", 60), None, true), [HoldCause::NotPlanned]);
    assert_eq!(found(&marks("t1", 31), Some(plan(&["t1"], &[])), true), []);
    assert_eq!(found(&marks("t1", 30), Some(plan(&["t1"], &[])), true), [moment]);
    assert_eq!(found(&marks("t2", 31), Some(plan(&["t1"], &[])), true), [substitute]);
    assert_eq!(found(&marks("t2", 31), Some(plan(&["t2"], &["t1"])), true), [substitute]);
    assert_eq!(found(&marks("t2", 31), Some(plan(&["t1", "t2"], &["t1"])), true), []);
    let changed = PlannedLesson { modified_at: Some(at(-60)), ..plan(&[], &[]) };
    assert_eq!(found(&marks("", 60), Some(changed), true), [HoldCause::PlanChanged]);
    let before = PlannedLesson { modified_at: Some(at(-86_400)), ..plan(&[], &[]) };
    assert_eq!(found(&marks("", 60), Some(before), true), []);
    let part = PlannedLesson { part_elsewhere: true, ..plan(&[], &[]) };
    assert_eq!(found(&marks("", 60), Some(part), true), [HoldCause::PartElsewhere]);
}

prop_compose! {
    fn anybody()(
        pupil in 0..60u32,
        class in prop::sample::select(vec!["7A", "8A", "8B", ""]),
        start in prop::sample::select(vec![0i64, 300, 900]),
    ) -> Missing {
        missing(pupil, class, start)
    }
}

proptest! {
    #[test]
    fn fewer_than_the_least_are_never_held(all in prop::collection::vec(anybody(), 0..5)) {
        prop_assert_eq!(judged(&all, Some(Usual { tenths: 0, weeks: 8 }), &VolumeRules::default()), None);
    }

    #[test]
    fn without_limits_nothing_is_held(all in prop::collection::vec(anybody(), 0..200)) {
        prop_assert_eq!(judged(&all, Some(Usual { tenths: 0, weeks: 8 }), &VolumeRules::off()), None);
    }

    #[test]
    fn one_more_never_lifts_a_hold(
        all in prop::collection::vec(anybody(), 0..200),
        more in anybody(),
    ) {
        let rules = VolumeRules::default();
        if judged(&all, None, &rules).is_some() {
            let more: Vec<Missing> = all.into_iter().chain([more]).collect();
            prop_assert!(judged(&more, None, &rules).is_some());
        }
    }

    #[test]
    fn a_hold_counts_no_more_than_there_are_and_each_pupil_once(
        all in prop::collection::vec(anybody(), 0..200),
    ) {
        if let Some(excess) = judged(&all, None, &VolumeRules::default()) {
            prop_assert!(excess.counted <= excess.of && excess.counted <= pupils(all.iter()));
            let doubled: Vec<Missing> = all.iter().chain(&all).cloned().collect();
            prop_assert_eq!(judged(&doubled, None, &VolumeRules::default()), Some(excess));
        }
    }
}
