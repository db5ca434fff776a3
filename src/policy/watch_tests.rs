//! Quiet by the schedule and by the hours, and that whatever happens people are told once, and of its end once.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("time")
}

fn stockholm() -> TimeZone {
    TimeZone::get("Europe/Stockholm").expect("zone")
}

#[test]
fn lessons_without_a_mark() {
    let (zone, days) = (stockholm(), BTreeSet::new());
    let now = at("2026-11-26T10:00:00Z");
    let rules = Rules { silent_after: Some(SignedDuration::from_mins(45)), ..Rules::default() };
    let off = Rules { lessons: None, ..rules.clone() };
    for (last, lessons, found) in [
        (Some("2026-11-26T08:10:00Z"), Some(31), Some(31)),
        (Some("2026-11-26T08:10:00Z"), Some(5), Some(5)),
        (Some("2026-11-26T08:10:00Z"), Some(4), None),
        (Some("2026-11-26T08:10:00Z"), Some(0), None),
        // A summer later it is missed; what nobody ever heard is not.
        (Some("2026-08-20T08:10:00Z"), Some(31), Some(31)),
        (Some("2026-06-01T08:10:00Z"), Some(31), None),
        (None, Some(31), None),
    ] {
        let seen = AtSchool {
            now,
            zone: &zone,
            last: last.map(at),
            lessons,
            days: &days,
            is_school_day: true,
        };
        let expected = found.map(|count| Quiet::Lessons { count });
        assert_eq!(silent(&seen, &rules), expected, "{last:?} {lessons:?}");
        assert_eq!(silent(&seen, &off), None, "{last:?} {lessons:?}: off");
        let closed = AtSchool { is_school_day: false, ..seen };
        assert_eq!(silent(&closed, &rules), None, "{last:?} {lessons:?}: no school");
    }
}

#[test]
fn hours_without_a_mark() {
    let zone = stockholm();
    let days = BTreeSet::from([jiff::civil::date(2026, 11, 19)]);
    let rules = Rules { silent_after: Some(SignedDuration::from_mins(45)), ..Rules::default() };
    for (now, last, minutes) in [
        // A Thursday, the one before had marks. School hours are 07:00–15:00 UTC.
        ("2026-11-26T07:44:00Z", "2026-11-25T10:00:00Z", None),
        ("2026-11-26T07:45:00Z", "2026-11-25T10:00:00Z", Some(45)),
        ("2026-11-26T09:00:00Z", "2026-11-26T08:20:00Z", None),
        ("2026-11-26T09:05:00Z", "2026-11-26T08:20:00Z", Some(45)),
        ("2026-11-26T06:00:00Z", "2026-11-25T10:00:00Z", None),
        // After the hours it does not grow.
        ("2026-11-26T22:00:00Z", "2026-11-26T14:30:00Z", None),
        ("2026-11-26T22:00:00Z", "2026-11-26T14:00:00Z", Some(60)),
        // The day after, a Friday: none came on a Friday.
        ("2026-11-27T10:00:00Z", "2026-11-26T10:00:00Z", None),
        // Two weeks later it is still a Thursday with marks; three weeks later no more.
        ("2026-12-03T10:00:00Z", "2026-11-26T10:00:00Z", Some(180)),
        ("2026-12-10T10:00:00Z", "2026-11-26T10:00:00Z", None),
        // Summer time: 08:00 is 06:00 UTC.
        ("2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z", None),
    ] {
        let seen = AtSchool {
            now: at(now),
            zone: &zone,
            last: Some(at(last)),
            lessons: None,
            days: &days,
            is_school_day: true,
        };
        let expected = minutes.map(|minutes| Quiet::Marks { minutes });
        assert_eq!(silent(&seen, &rules), expected, "{now} after {last}");
        assert_eq!(silent(&seen, &Rules::default()), None, "off unless it is asked for");
        let closed = AtSchool { is_school_day: false, ..seen };
        assert_eq!(silent(&closed, &rules), None, "{now}: no school");
    }
}

#[test]
fn a_source_that_is_asked_seldom_is_not_missed_soon() {
    let (rules, min) = (Rules::default(), SignedDuration::from_mins);
    let since = at("2026-11-26T08:00:00Z");
    for (every, after, is_missed) in
        [(1, 5, false), (1, 6, true), (60, 120, false), (60, 121, true)]
    {
        let found = unreachable(since + min(after), since, min(every), &rules);
        assert_eq!(found.is_some(), is_missed, "asked every {every} min, after {after} min");
    }
}

#[test]
fn an_all_clear_waits_longer_after_each_relapse() {
    let mut watch = Watch::default();
    let mut now = at("2026-11-26T08:00:00Z");
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let (next, step) = super::step(&watch, true, false, now);
        assert_eq!(step, Some(Step::Alert));
        watch = next;
        let well = now;
        loop {
            let (next, step) = super::step(&watch, false, true, now);
            watch = next;
            if step == Some(Step::Clear) {
                break;
            }
            now += SignedDuration::from_mins(1);
        }
        pauses.push(now.duration_since(well).as_mins());
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 120, 120]);
}

#[test]
fn what_is_neither_wrong_nor_well_changes_nothing() {
    let told = Watch { told_at: Some(at("2026-11-26T08:00:00Z")), ..Watch::default() };
    let (next, step) = step(&told, false, false, at("2026-11-26T23:00:00Z"));
    assert_eq!((next.told_at, step), (told.told_at, None), "a day's end is no all-clear");
}

proptest! {
    #[test]
    fn people_are_told_once_and_of_its_end_once_and_not_often(
        minutes in proptest::collection::vec((1_i64..30, any::<bool>(), any::<bool>()), 0..400),
    ) {
        let (mut watch, mut now) = (Watch::default(), at("2026-11-26T08:00:00Z"));
        let (mut open, mut alerts) = (false, Vec::new());
        for (pause, is_wrong, is_well) in minutes {
            now += SignedDuration::from_mins(pause);
            // A restart in between: what is stored is all that is known.
            let stored = serde_json::to_string(&watch).expect("JSON");
            let known: Watch = serde_json::from_str(&stored).expect("JSON");
            let (next, step) = super::step(&known, is_wrong, is_well && !is_wrong, now);
            match step {
                Some(Step::Alert) => {
                    prop_assert!(!open && is_wrong, "told twice, or of nothing");
                    open = true;
                    alerts.push(now);
                }
                Some(Step::Clear) => {
                    prop_assert!(open && is_well, "an all-clear of nothing");
                    open = false;
                }
                None => prop_assert!(open || !is_wrong, "not told"),
            }
            watch = next;
        }
        for alert in &alerts {
            let day = alerts.iter().filter(|other| {
                let apart = other.duration_since(*alert);
                !apart.is_negative() && apart < DAY
            });
            prop_assert!(day.count() <= 18, "a flood: {alerts:?}");
        }
    }
}
