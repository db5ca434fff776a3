//! Minutes of attendance as marks. SS 12000 has no word for what became of a pupil at a lesson, only how many
//! minutes were attended, excused and not; which end of the lesson was missed it does not say. Pure.

use jiff::Timestamp;

use crate::model::{Lesson, Mark, Minutes};

/// Most minutes one lesson can have.
const DAY: i64 = 24 * 60;

/// What to do with a mark in a register that is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provisional {
    /// Nobody is told of it before the register is closed: a class is often filled in as absent first, and put
    /// right pupil by pupil.
    #[default]
    Wait,
    /// It is a mark like any other.
    Tell,
}

/// How minutes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// From how many unexcused minutes a pupil who was there for some of the lesson counts as missing; none: only
    /// who was not there at all.
    pub alert_from: Option<u32>,
    /// Marks in registers that are open.
    pub provisional: Provisional,
}

/// Minutes of one pupil at one lesson, as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Whether the lesson is reported; none: it does not say, which is no.
    pub reported: Option<bool>,
    /// Attended.
    pub attended: Option<i64>,
    /// Missed with a valid reason.
    pub valid: Option<i64>,
    /// Missed without one.
    pub invalid: Option<i64>,
    /// Spent at another activity of the school.
    pub other: Option<i64>,
}

impl Counted {
    fn minutes(&self) -> [Option<i64>; 4] {
        [self.attended, self.valid, self.invalid, self.other]
    }

    /// Minutes that no lesson has, as a stable word: they say nothing, and the others may say enough.
    pub fn no_sense(&self) -> Option<&'static str> {
        let all = self.minutes();
        let mut given = all.iter().flatten();
        if given.clone().any(|m| *m < 0) {
            return Some("negative-minutes");
        }
        given.any(|m| *m > DAY).then_some("too-many-minutes")
    }
}

/// What was said of the same pupil and lesson before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// The mark.
    pub mark: Mark,
    /// Minutes missed and planned.
    pub minutes: Option<Minutes>,
}

/// What minutes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A mark.
    Mark {
        /// Which.
        mark: Mark,
        /// Missed and planned.
        minutes: Option<Minutes>,
        /// Whether the register is closed.
        closed: bool,
    },
    /// A mark in a register that is open still: nothing is said yet, and what was said before stands.
    Provisional,
    /// It makes no sense, and so no mark; a stable word.
    Bad(&'static str),
}

/// Minutes of a lesson that a pupil is to be there for: the pupil's own, the plan's for pupils, or from start to
/// end. None: the lesson has no length.
pub fn length(own: Option<i64>, planned: Option<i64>, lesson: &Lesson) -> Option<u32> {
    let whole = lesson.end.duration_since(lesson.start).as_mins();
    own.filter(|m| *m > 0)
        .or(planned.filter(|m| *m > 0))
        .or(Some(whole))
        .filter(|m| (1..=DAY).contains(m))
        .and_then(|m| u32::try_from(m).ok())
}

/// Reads minutes. `changed_at`: when the row was last changed, by the source's clock.
pub fn read(
    counted: &Counted,
    scheduled: u32,
    lesson: &Lesson,
    before: Option<&Before>,
    changed_at: Timestamp,
    rules: &Rules,
) -> Verdict {
    let sense = |m: Option<i64>| m.filter(|m| (0..=DAY).contains(m));
    let all = counted.minutes().map(sense);
    let number = |m: Option<i64>| u32::try_from(m.unwrap_or(0)).unwrap_or(0);
    let [there, valid, invalid, other] = all.map(number);
    if let Some(why) = counted.no_sense()
        && [there, valid, invalid, other] == [0; 4]
    {
        return Verdict::Bad(why);
    }
    let closed = counted.reported == Some(true);
    let attended = all[0];
    let mark = |mark| Verdict::Mark {
        mark,
        minutes: Some(Minutes { absent: (valid + invalid).min(1440), scheduled }),
        closed,
    };
    if invalid == 0 {
        return match (there, valid, other) {
            // Nobody has registered anything, or nothing was written: neither there nor missing.
            (0, 0, 0) => Verdict::Mark { mark: Mark::Unknown, minutes: None, closed },
            (_, 1.., _) => mark(Mark::Excused),
            (1.., ..) => mark(Mark::Present),
            (0, 0, 1..) => mark(Mark::OtherActivity),
        };
    }
    if !closed && rules.provisional == Provisional::Wait {
        return Verdict::Provisional;
    }
    // Where attended minutes are left out they may be none or not counted: then only the whole lesson counts.
    let was_there = there > 0 || other > 0 || (attended.is_none() && invalid < scheduled);
    if !was_there || invalid >= scheduled {
        return mark(Mark::Unexcused);
    }
    if let Some(Before { mark: same @ (Mark::Late | Mark::LeftEarly), minutes: Some(m) }) = before
        && m.absent == valid + invalid
    {
        // What was said of the same minutes is said again, or a row that is read twice would say two things.
        return mark(*same);
    }
    let was_missing = before.is_some_and(|before| {
        before.mark == Mark::Unexcused && before.minutes.is_none_or(|m| m.absent > valid + invalid)
    });
    if was_missing && there > 0 {
        // Missing at first and there for some of it now: came in between.
        return mark(Mark::Late);
    }
    if rules.alert_from.is_some_and(|least| invalid >= least) {
        return mark(Mark::Unexcused);
    }
    let midpoint = lesson.start + lesson.end.duration_since(lesson.start) / 2;
    let had_been_there = before.is_some_and(|before| match before.mark {
        Mark::Present | Mark::LeftEarly => true,
        Mark::Late => before.minutes.is_some_and(|m| m.absent < valid + invalid),
        _ => false,
    });
    if had_been_there && changed_at > midpoint { mark(Mark::LeftEarly) } else { mark(Mark::Late) }
}

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;
