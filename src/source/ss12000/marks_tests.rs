//! Minutes as marks: the table, what came before, and what no minutes may ever be read as.

use proptest::prelude::*;

use super::*;
use crate::model::LessonId;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + minute * 60).expect("time")
}

fn lesson() -> Lesson {
    let id = LessonId::new("l").expect("id");
    Lesson { id, start: at(0), end: at(60), label: None }
}

/// Whether it is reported, and minutes: attended, valid, invalid, other; `-` for nothing.
fn counted(cells: &str) -> Counted {
    let words: Vec<&str> = cells.split(' ').collect();
    let minutes = |i: usize| words[i].parse().ok();
    let reported = (words[0] != "-").then(|| words[0] == "yes");
    Counted {
        reported,
        attended: minutes(1),
        valid: minutes(2),
        invalid: minutes(3),
        other: minutes(4),
    }
}

fn word(verdict: Verdict) -> String {
    match verdict {
        Verdict::Mark { mark, .. } => {
            serde_json::to_value(mark).expect("a word").as_str().expect("text").into()
        }
        Verdict::Provisional => "wait".into(),
        Verdict::Bad(why) => why.into(),
    }
}

#[test]
fn the_table() {
    for (cells, wait, tell, from_20) in [
        // Not reported: nothing, or what is in the register so far.
        ("no - - - -", "unknown", "unknown", "unknown"),
        ("- - - - -", "unknown", "unknown", "unknown"),
        ("no 0 0 0 0", "unknown", "unknown", "unknown"),
        ("no 0 - 60 -", "wait", "unexcused", "wait"),
        ("- 0 - 60 -", "wait", "unexcused", "wait"),
        ("no 60 0 0 -", "present", "present", "present"),
        ("no 0 60 0 -", "excused", "excused", "excused"),
        // Reported.
        ("yes 0 0 60 0", "unexcused", "unexcused", "unexcused"),
        ("yes - - 60 -", "unexcused", "unexcused", "unexcused"),
        ("yes 0 - 45 -", "unexcused", "unexcused", "unexcused"),
        ("yes - - 45 -", "late", "late", "unexcused"),
        ("yes - - 10 -", "late", "late", "late"),
        ("yes 5 - 60 -", "unexcused", "unexcused", "unexcused"),
        ("yes 50 - 10 -", "late", "late", "late"),
        ("yes 40 - 20 -", "late", "late", "unexcused"),
        ("yes 0 - 20 40", "late", "late", "unexcused"),
        ("yes 0 40 20 -", "unexcused", "unexcused", "unexcused"),
        ("yes 0 60 0 -", "excused", "excused", "excused"),
        ("yes 30 30 - -", "excused", "excused", "excused"),
        ("yes - - - 60", "other_activity", "other_activity", "other_activity"),
        ("yes 20 - - 40", "present", "present", "present"),
        ("yes 60 0 0 0", "present", "present", "present"),
        // Vendors need not add up to the lesson.
        ("yes 75 - - -", "present", "present", "present"),
        ("yes - - - -", "unknown", "unknown", "unknown"),
        ("yes 0 0 0 0", "unknown", "unknown", "unknown"),
        // What makes no sense says nothing.
        ("yes -5 -5 60 -", "unexcused", "unexcused", "unexcused"),
        ("yes -5 - 30 -", "late", "late", "unexcused"),
        ("yes 60 - -5 -", "present", "present", "present"),
        ("yes - - -60 -", "negative-minutes", "negative-minutes", "negative-minutes"),
        ("yes 0 0 5000 -", "too-many-minutes", "too-many-minutes", "too-many-minutes"),
    ] {
        let read = |alert_from, provisional| {
            let rules = Rules { alert_from, provisional };
            word(read(&counted(cells), 60, &lesson(), None, at(70), &rules))
        };
        let found = (
            read(None, Provisional::Wait),
            read(None, Provisional::Tell),
            read(Some(20), Provisional::Wait),
        );
        assert_eq!(found, (wait.into(), tell.into(), from_20.into()), "{cells:?}");
    }
}

#[test]
fn what_was_said_before_tells_which_end_was_missed() {
    let before = |mark, absent| Before { mark, minutes: Some(Minutes { absent, scheduled: 60 }) };
    let rows = [
        // Missing first, and there in the end: came late, however late.
        (before(Mark::Unexcused, 60), (20, 40), 30, None, "late"),
        (before(Mark::Unexcused, 60), (20, 40), 70, Some(15), "late"),
        // Still missing as long as before: nothing has changed.
        (before(Mark::Unexcused, 40), (20, 40), 70, Some(15), "unexcused"),
        // There first.
        (before(Mark::Present, 0), (50, 10), 50, None, "left_early"),
        (before(Mark::Present, 0), (50, 10), 10, None, "late"),
        (before(Mark::Present, 0), (20, 40), 50, Some(30), "unexcused"),
        (before(Mark::Late, 5), (40, 20), 50, None, "left_early"),
        (before(Mark::Late, 20), (40, 20), 50, None, "late"),
        (before(Mark::LeftEarly, 10), (40, 20), 80, None, "left_early"),
        (before(Mark::Excused, 60), (40, 20), 50, None, "late"),
    ];
    for (before, (attended, invalid), minute, alert_from, expected) in rows {
        let cells = counted(&format!("yes {attended} - {invalid} -"));
        let rules = Rules { alert_from, ..Rules::default() };
        let found = word(read(&cells, 60, &lesson(), Some(&before), at(minute), &rules));
        assert_eq!(found, expected, "{before:?} {attended} {invalid} at {minute}");
    }
}

#[test]
fn a_lesson_is_as_long_as_it_is_for_the_pupil() {
    assert_eq!(length(None, None, &lesson()), Some(60));
    assert_eq!(length(None, Some(45), &lesson()), Some(45));
    assert_eq!(length(Some(30), Some(45), &lesson()), Some(30));
    assert_eq!(length(Some(0), Some(-4), &lesson()), Some(60));
    let backwards = Lesson { start: at(60), end: at(0), ..lesson() };
    assert_eq!(length(None, None, &backwards), None);
    let endless = Lesson { end: at(60 * 30), ..lesson() };
    assert_eq!(length(None, None, &endless), None);
}

fn minutes() -> impl Strategy<Value = Option<i64>> {
    proptest::option::weighted(
        0.8,
        prop_oneof![Just(0), -5..100_i64, Just(i64::MIN), Just(i64::MAX)],
    )
}

#[test]
fn a_row_with_more_minutes_than_the_lesson_has_says_the_same_when_it_is_read_again() {
    let cells = Counted {
        reported: Some(true),
        attended: Some(1),
        valid: Some(17),
        invalid: Some(58),
        other: None,
    };
    let rules = Rules { alert_from: Some(1), provisional: Provisional::Wait };
    let first = read(&cells, 59, &lesson(), None, at(0), &rules);
    let Verdict::Mark { mark: Mark::Unexcused, minutes, .. } = first else { panic!("{first:?}") };
    let before = Before { mark: Mark::Unexcused, minutes };
    assert_eq!(read(&cells, 59, &lesson(), Some(&before), at(0), &rules), first);
}

proptest! {
    #[test]
    fn nobody_is_missing_without_unexcused_minutes(
        reported in proptest::option::of(any::<bool>()), attended in minutes(), valid in minutes(),
        invalid in minutes(), other in minutes(), scheduled in 1..200_u32, alert_from in proptest::option::of(1..90_u32),
        tell in any::<bool>(), minute in -10..100_i64, before in proptest::option::of((0..7_usize, 0..90_u32)),
    ) {
        const MARKS: [Mark; 7] = [
            Mark::Present, Mark::Unexcused, Mark::Excused, Mark::Late, Mark::LeftEarly,
            Mark::OtherActivity, Mark::Unknown,
        ];
        let provisional = if tell { Provisional::Tell } else { Provisional::Wait };
        let rules = Rules { alert_from, provisional };
        let before = before.map(|(mark, absent)| Before {
            mark: MARKS[mark],
            minutes: Some(Minutes { absent, scheduled: 60 }),
        });
        let cells = Counted { reported, attended, valid, invalid, other };
        let verdict = read(&cells, scheduled, &lesson(), before.as_ref(), at(minute), &rules);
        if let Verdict::Mark { mark, minutes, .. } = verdict {
            let again = Before { mark, minutes };
            let again = read(&cells, scheduled, &lesson(), Some(&again), at(minute), &rules);
            prop_assert_eq!(again, verdict, "a row that is read twice");
        }
        if let Verdict::Mark { mark: Mark::Unexcused, closed, .. } = verdict {
            prop_assert!(invalid.is_some_and(|m| (1..=1440).contains(&m)));
            prop_assert!(closed || tell);
            let missed = invalid.unwrap_or(0);
            let gone = attended == Some(0) && !other.is_some_and(|m| (1..=1440).contains(&m));
            let long = alert_from.is_some_and(|least| missed >= i64::from(least));
            prop_assert!(gone || long || missed >= i64::from(scheduled));
        }
        if [attended, valid, invalid, other].into_iter().flatten().all(|m| m < 0) && invalid.is_some() {
            prop_assert_eq!(verdict, Verdict::Bad("negative-minutes"));
        }
    }
}
