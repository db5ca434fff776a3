//! How far a pupil is, in a table.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::ladder::testing::{calendar, history};
use crate::ladder::{
    Absent, After, Count, Filter, Ladder, Latch, Once, Run, Share, Span, Step, Text, Who,
};
use crate::model::{PupilId, SchoolId};

fn step(id: &str, when: Condition) -> Step {
    Step {
        id: id.into(),
        title: Text::default(),
        filter: Filter { years: Some((0, 9)), ..Filter::default() },
        when,
        latch: Latch { once: Once::UntilFalseFor(1), cool_down: 0 },
        notify: Vec::new(),
        duties: Vec::new(),
    }
}

fn ladder() -> Ladder {
    let share = Condition::Share(Share {
        of: Absent::Any,
        at_least: 200,
        more_than: true,
        within: Span::Days(28),
        least_minutes: 600,
        least_taken: 800,
        by_schedule: true,
    });
    let count = |at_least, within| {
        Condition::Count(Count { of: Absent::Excused, unit: Unit::Day, at_least, within })
    };
    let still = Still::Holds(count(2, Span::Since("two".into())));
    let after = After { step: "two".into(), wait: 14, until: None, still };
    let steps = vec![
        step("two", count(2, Span::Term)),
        step("long", Condition::Continuous(Run { of: Absent::Any, at_least: 6 })),
        step("share", share),
        step("still", Condition::After(Box::new(after))),
        step("each", Condition::Every { of: Absent::Late, unit: Unit::Lesson }),
    ];
    let (name, title, source) = ("plan".into(), Text::default(), String::new());
    Ladder { name, title, from: date(2026, 8, 1), source, steps }
}

fn explained(text: &str, year: u8) -> Vec<Standing> {
    let (ladder, history, calendar) = (ladder(), history(text), calendar());
    let (school, pupil) = (SchoolId::new("bjork").unwrap(), PupilId::new("p1").unwrap());
    let who = Who {
        school: &school,
        form: "",
        calendar: Some(&calendar),
        pupil: &pupil,
        year: Some(year),
        birth_date: None,
    };
    let (fired, open, now) = (Vec::new(), BTreeSet::new(), Timestamp::UNIX_EPOCH);
    let (since, until) = (None, None);
    explain(&Situation {
        ladder: &ladder,
        since,
        until,
        who,
        history: &history,
        fired: &fired,
        open: &open,
        now,
    })
}

#[test]
fn what_is_missing_to_the_next_step() {
    let found = explained("2026-09-01 E P P P P\n2026-09-02 P P P P P", 7);
    let day = date(2026, 9, 1);
    let term = Some(date(2026, 8, 17));
    let progress: Vec<&Progress> = found.iter().map(|one| &one.progress).collect();
    let counted = Progress::Counted { have: 1, need: 2, since: term, days: vec![day] };
    assert_eq!(progress[0], &counted);
    assert_eq!(progress[1], &Progress::Running { have: 0, need: 6, since: None });
    let Progress::Shared { missed, minutes, silent, taken, .. } = progress[2] else {
        panic!("{progress:?}")
    };
    assert_eq!((*missed, *minutes, *silent, *taken), (60, 600, false, 1000));
    assert_eq!(progress[3], &Progress::NotYet { step: "two".into() });
    assert_eq!(progress[4], &Progress::Each { unit: Unit::Lesson });
    assert!(found.iter().all(|one| one.asked));
    assert!(explained("2026-09-01 E P P P P", 10).iter().all(|one| !one.asked));
}

#[test]
fn a_step_that_was_reached_starts_the_next() {
    let found = explained("2026-09-01 E P P P P\n2026-09-02 E P P P P\n2026-09-03 E P P P P", 7);
    let (reached, asked_from) = (date(2026, 9, 2), date(2026, 9, 16));
    let days = vec![date(2026, 9, 3)];
    let still = Progress::Counted { have: 1, need: 2, since: Some(date(2026, 9, 3)), days };
    let still = Some(Box::new(still));
    let follows = Progress::Follows { step: "two".into(), reached, asked_from, still };
    assert_eq!(found[3].progress, follows);
}
