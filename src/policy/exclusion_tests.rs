//! Which lessons are left out, and which messages.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::calendar::{Calendar, Days};
use crate::directory::testing::settings;
use crate::model::{LessonId, SilencedTarget};

fn lesson(start: Timestamp) -> Lesson {
    let end = start + jiff::SignedDuration::from_mins(60);
    Lesson { id: LessonId::new("l").expect("id"), start, end, label: None }
}

fn silence(from: Timestamp, to: Timestamp) -> Silencing {
    Silencing {
        id: "0".repeat(12),
        school: settings().id,
        target: SilencedTarget::School,
        from,
        to,
        weekdays: Vec::new(),
        between: None,
        reason: "trip".into(),
        by: "uid 0".into(),
        since: from,
    }
}

#[test]
fn a_day_of_the_school_is_its_own_and_comes_before_a_silence() {
    let mut school = settings();
    let closed = vec![Days::new(date(2026, 11, 23), date(2026, 11, 23)).expect("days")];
    school.calendar = Some(Arc::new(Calendar { closed, ..Calendar::default() }));
    for (start, reason) in [
        // Half past midnight in Stockholm, the day before in Greenwich.
        ("2026-11-22T23:30:00Z", Some(Reason::NoSchoolDay)),
        ("2026-11-23T22:30:00Z", Some(Reason::NoSchoolDay)),
        ("2026-11-23T23:30:00Z", Some(Reason::Silenced)),
        ("2026-11-24T10:00:00Z", Some(Reason::Silenced)),
        ("2026-11-25T10:00:00Z", None),
    ] {
        let start: Timestamp = start.parse().expect("time");
        let until = "2026-11-25T00:00:00Z".parse().expect("time");
        let silences = [silence(Timestamp::UNIX_EPOCH, until)];
        assert_eq!(of_lesson(&school, &lesson(start), &silences), reason, "{start}");
    }
}

proptest! {
    #[test]
    fn more_silences_leave_out_more_and_never_less(
        start in 0_i64..1_000, spans in proptest::collection::vec((0_i64..1_000, 0_i64..300), 0..6),
    ) {
        let school = settings();
        let at = |minutes: i64| Timestamp::from_second(1_800_000_000 + minutes * 60).expect("time");
        let lesson = lesson(at(start));
        let all: Vec<Silencing> =
            spans.iter().map(|(from, long)| silence(at(*from), at(from + long))).collect();
        let mut before = None;
        for count in 0..=all.len() {
            let now = of_lesson(&school, &lesson, &all[..count]);
            prop_assert!(before.is_none() || now.is_some());
            let covers = all[..count].iter().any(|one| one.covers(&lesson, &school.zone));
            prop_assert!(now.is_some() || !covers);
            let touched = all[..count].iter().any(|one| one.from < lesson.end && lesson.start < one.to);
            prop_assert!(now.is_none() || touched);
            before = now;
        }
    }
}
