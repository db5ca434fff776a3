//! What one observation makes of what was known before.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::model::{Lesson, LessonReport, LessonState, Mark, Minutes};

/// What an observation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something that decisions depend on.
    Changed,
    /// Nothing: it was known already.
    Same,
    /// Nothing: a later mark is in force.
    OutOfOrder,
}

/// A mark as observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marking {
    /// The lesson as described with the mark.
    pub lesson: Lesson,
    /// The mark.
    pub mark: Mark,
    /// Minutes that came with it.
    pub minutes: Option<Minutes>,
    /// Whether the register was closed.
    pub register_closed: Option<bool>,
    /// When it was made, by the source's clock.
    pub recorded_at: Timestamp,
    /// Who made it.
    pub recorded_by: Option<String>,
}

/// How little harm a mark does: of two marks made at the same instant the one that alarms nobody
/// stands, whichever arrives first.
fn harmlessness(mark: Mark) -> u8 {
    match mark {
        Mark::Unexcused => 0,
        Mark::Unknown => 1,
        Mark::LeftEarly => 2,
        Mark::Late => 3,
        Mark::Excused => 4,
        Mark::OtherActivity => 5,
        Mark::Present => 6,
    }
}

/// What else a mark says, to be put in an order; which one means nothing.
fn details<'a>(
    lesson: &'a Lesson,
    minutes: Option<Minutes>,
    recorded_by: Option<&'a str>,
) -> impl Ord + use<'a> {
    let minutes = minutes.map(|m| (m.absent, m.scheduled));
    (minutes, recorded_by, lesson.start, lesson.end, lesson.label.as_deref())
}

/// Takes a mark: the one recorded later stands. Of two made at the same instant that say the same but
/// for their details, one stands, whichever arrives first.
pub fn mark_lesson(state: &mut LessonState, new: Marking, now: Timestamp) -> Change {
    state.register_closed |= new.register_closed == Some(true);
    if let (Some(mark), Some(recorded_at)) = (state.mark, state.recorded_at) {
        let old =
            (recorded_at, harmlessness(mark))
                .cmp(&(new.recorded_at, harmlessness(new.mark)))
                .then_with(|| {
                    details(&state.lesson, state.minutes, state.recorded_by.as_deref())
                        .cmp(&details(&new.lesson, new.minutes, new.recorded_by.as_deref()))
                });
        match old {
            Ordering::Greater => return Change::OutOfOrder,
            Ordering::Equal => return Change::Same,
            Ordering::Less => {}
        }
    }
    let same_mark = state.mark == Some(new.mark) && state.lesson == new.lesson;
    if state.mark != Some(new.mark) {
        state.received_at = now;
        state.taken_as_known = false;
    }
    state.lesson = new.lesson;
    state.mark = Some(new.mark);
    state.minutes = new.minutes;
    state.recorded_at = Some(new.recorded_at);
    state.recorded_by = new.recorded_by;
    if same_mark { Change::Same } else { Change::Changed }
}

/// Takes a teacher's report that the pupil never came. A later report replaces an earlier one; one
/// without a note does not take a note away. A new note makes it a report of now: whoever was told
/// before it came has not read it.
pub fn report_lesson(
    state: &mut LessonState,
    lesson: Lesson,
    report: LessonReport,
    now: Timestamp,
) -> Change {
    if state.mark.is_none() {
        state.lesson = lesson;
    }
    let old = state.report.take();
    let note = report.note.clone().or_else(|| old.as_ref().and_then(|o| o.note.clone()));
    let adds = note.is_some() && note != old.as_ref().and_then(|o| o.note.clone());
    let superseded = !state.report_stands();
    let new = LessonReport { note, ..report };
    let change = if old.as_ref() == Some(&new) { Change::Same } else { Change::Changed };
    state.report = Some(new);
    state.taken_as_known &= change == Change::Same;
    // What is said anew counts from now: a note must reach the team although the alert has left, and
    // a report outweighs a mark that was made before it.
    if adds || (change == Change::Changed && superseded) {
        state.reported_at = Some(now);
    }
    change
}

/// Whether what is heard of an advance notice comes before what is known of it, as `(when, withdrawn)`.
/// Where either does not say when it was made, the order of arrival stands; of two made at the same
/// instant, the one that alarms nobody.
pub fn notice_is_late(known: (Option<Timestamp>, bool), heard: (Option<Timestamp>, bool)) -> bool {
    match (known, heard) {
        ((Some(known_at), known), (Some(heard_at), heard)) => {
            heard_at < known_at || (heard_at == known_at && heard && !known)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::LessonId;

    fn lesson() -> Lesson {
        Lesson {
            id: LessonId::new("l").expect("id"),
            start: Timestamp::from_second(1_000_000).expect("time"),
            end: Timestamp::from_second(1_003_600).expect("time"),
            label: None,
        }
    }

    const MARKS: [Mark; 7] = [
        Mark::Present,
        Mark::Unexcused,
        Mark::Excused,
        Mark::Late,
        Mark::LeftEarly,
        Mark::OtherActivity,
        Mark::Unknown,
    ];

    fn marking(second: i64, mark: usize) -> Marking {
        Marking {
            lesson: lesson(),
            mark: MARKS[mark],
            minutes: None,
            register_closed: None,
            recorded_at: Timestamp::from_second(1_000_000 + second).expect("time"),
            recorded_by: None,
        }
    }

    fn fold(markings: &[Marking]) -> (Option<Mark>, Option<Timestamp>) {
        let now = Timestamp::from_second(1_000_100).expect("time");
        let mut state = LessonState::new(lesson(), now);
        for m in markings {
            mark_lesson(&mut state, m.clone(), now);
        }
        (state.mark, state.recorded_at)
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            marks in prop::collection::vec((0i64..6, 0usize..7), 1..12),
            order in any::<prop::sample::Index>(),
        ) {
            let forward: Vec<_> = marks.iter().map(|(s, m)| marking(*s, *m)).collect();
            let mut shuffled = forward.clone();
            shuffled.rotate_left(order.index(forward.len()));
            shuffled.reverse();
            shuffled.extend(forward.iter().cloned());
            prop_assert_eq!(fold(&forward), fold(&shuffled));
        }
    }

    #[test]
    fn the_notice_made_last_stands() {
        let at = |second| Timestamp::from_second(second).ok();
        for (known, heard, late) in [
            ((at(2), true), (at(1), false), true),
            ((at(1), true), (at(2), false), false),
            ((at(1), false), (at(1), true), true),
            ((at(1), true), (at(1), false), false),
            ((at(1), true), (at(1), true), false),
            ((at(9), true), (None, false), false),
            ((None, true), (at(1), false), false),
        ] {
            assert_eq!(notice_is_late(known, heard), late, "{known:?} {heard:?}");
        }
    }

    #[test]
    fn the_harmless_mark_wins_a_tie() {
        assert_eq!(fold(&[marking(1, 1), marking(1, 0)]).0, Some(Mark::Present));
        assert_eq!(fold(&[marking(1, 0), marking(1, 1)]).0, Some(Mark::Present));
        assert_eq!(fold(&[marking(1, 0), marking(2, 1)]).0, Some(Mark::Unexcused));
    }

    #[test]
    fn a_report_that_says_more_counts_from_then() {
        let at = |second| Timestamp::from_second(second).expect("time");
        let mut state = LessonState::new(lesson(), at(1_003_600));
        let bare = LessonReport { reported_by: "t1".into(), note: None };
        let noted = LessonReport { reported_by: "t1".into(), note: Some("left at 9".into()) };
        report_lesson(&mut state, lesson(), bare.clone(), at(1_003_600));
        report_lesson(&mut state, lesson(), bare, at(1_003_650));
        assert_eq!(state.reported_at, Some(at(1_003_600)), "a repetition says nothing new");
        mark_lesson(&mut state, marking(3_700, 0), at(1_003_700));
        assert!(!state.report_stands());
        report_lesson(&mut state, lesson(), noted, at(1_003_800));
        assert_eq!(state.reported_at, Some(at(1_003_800)));
        assert!(state.report_stands());
    }

    #[test]
    fn a_report_keeps_its_note() {
        let now = Timestamp::from_second(1_003_700).expect("time");
        let mut state = LessonState::new(lesson(), now);
        let with =
            LessonReport { reported_by: "t1".into(), note: Some("seen in the corridor".into()) };
        let without = LessonReport { reported_by: "t1".into(), note: None };
        assert_eq!(report_lesson(&mut state, lesson(), with.clone(), now), Change::Changed);
        assert_eq!(report_lesson(&mut state, lesson(), without, now), Change::Same);
        assert_eq!((&state.report, state.reported_at), (&Some(with.clone()), Some(now)));
        assert!(state.report_stands());
        // Said again it is no news; another note is.
        let later = now + jiff::SignedDuration::from_mins(1);
        report_lesson(
            &mut state,
            lesson(),
            LessonReport { reported_by: "t2".into(), ..with },
            later,
        );
        assert_eq!(state.reported_at, Some(now));
        let other = LessonReport { reported_by: "t1".into(), note: Some("left by bus".into()) };
        assert_eq!(report_lesson(&mut state, lesson(), other, later), Change::Changed);
        assert_eq!(state.reported_at, Some(later));
        mark_lesson(&mut state, marking(5000, 3), now);
        assert!(!state.report_stands());
    }
}
