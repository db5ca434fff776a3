//! An example beside a ladder: a made-up pupil's absence, and all that comes of it. Lived through day by day and compared
//! with what is expected. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::{Date, Time};

use super::Who;
use super::course::{Became, Course};
use super::history::{Attended, Day, Seen};
use super::plan::Ladder;
use crate::calendar::{Calendar, Days};
use crate::model::{PupilId, SchoolId};

/// Minutes missed of a lesson to which an example's pupil comes late, or which is left early.
const PART: u32 = 10;

/// One example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it shows, for people.
    pub title: String,
    /// Its line in the text, from 1.
    pub line: usize,
    /// The school's form.
    pub form: String,
    /// The school.
    pub school: SchoolId,
    /// The pupil's school year.
    pub year: Option<u8>,
    /// The pupil's date of birth.
    pub born: Option<Date>,
    /// The school's calendar.
    pub calendar: Calendar,
    /// The lessons of each school day from Monday to Friday: start, and minutes.
    pub lessons: Vec<(Time, u32)>,
    /// How the pupil attended, where not present.
    pub absent: Vec<Marked>,
    /// What becomes known or is done later, in the order of the days.
    pub then: Vec<Act>,
    /// All that comes of it, in the order of the days.
    pub expect: Vec<Expected>,
    /// The first day of which something is known.
    pub from: Date,
    /// The last day that is looked at.
    pub until: Date,
}

/// How some lessons were attended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// On these days.
    pub days: Days,
    /// Those that have begun before the second and end after the first; none: all of the day.
    pub between: Option<(Time, Time)>,
    /// How.
    pub attended: Attended,
    /// Only those without a valid reason.
    pub only_unexcused: bool,
}

/// Something that happens later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// On which day: after its lessons, before it is over.
    pub on: Date,
    /// What.
    pub what: What,
}

/// What can happen later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Lessons are found to have been attended otherwise.
    Mark(Marked),
    /// A duty is done.
    Done {
        /// Of which step.
        step: String,
        /// Which.
        duty: String,
    },
}

/// Something that is to come of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// On which day it is found.
    pub on: Date,
    /// Of which step.
    pub step: String,
    /// What.
    pub became: Became,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.became {
            Became::Reached => write!(f, "{} {}", self.on, self.step),
            Became::Retracted => write!(f, "{} retracted {}", self.on, self.step),
        }
    }
}

/// Where what came differs from what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It did not come.
    Missing(Expected),
    /// It came, because of these days.
    Unexpected(Expected, Vec<Date>),
    /// A duty was to be done on this day that nobody had.
    NoDuty(Date, String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(expected) => write!(f, "expected, and did not come: {expected}"),
            Self::Unexpected(got, because) => {
                let days: Vec<String> = because.iter().map(ToString::to_string).collect();
                write!(f, "came, and was not expected: {got} (because of {})", days.join(", "))
            }
            Self::NoDuty(on, duty) => write!(f, "nobody had this to do: {on} done {duty}"),
        }
    }
}

/// What came of an example.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Where it differs from what was expected; none: nowhere.
    pub differences: Vec<Difference>,
    /// Steps that it reached.
    pub reached: BTreeSet<String>,
}

impl Marked {
    fn covers(&self, start: Time, minutes: u32) -> bool {
        let Some((from, to)) = self.between else { return true };
        let end = end(start, minutes);
        start < to && from < end || start == from
    }

    fn apply(&self, lesson: &mut Seen) {
        let skip = self.only_unexcused && lesson.attended != Attended::Unexcused;
        if skip || !self.covers(lesson.start, lesson.minutes) {
            return;
        }
        lesson.attended = self.attended;
        lesson.missed = match self.attended {
            Attended::Excused | Attended::Unexcused => lesson.minutes,
            Attended::Late | Attended::LeftEarly => PART.min(lesson.minutes),
            Attended::Present | Attended::Untaken => 0,
        };
    }
}

fn end(start: Time, minutes: u32) -> Time {
    start.saturating_add(jiff::Span::new().minutes(i64::from(minutes)))
}

impl Example {
    /// Whether it has lessons on a day.
    pub fn has_school(&self, day: Date) -> bool {
        let in_term = self.calendar.terms.iter().any(|term| term.contains(day));
        let weekday = day.weekday().to_monday_one_offset();
        weekday <= 5 && in_term && self.calendar.is_school_day(day)
    }

    /// The starts of the lessons that a mark is about, on the school days among its days.
    pub fn lessons_of(&self, marked: &Marked) -> usize {
        let lessons =
            self.lessons.iter().filter(|(start, minutes)| marked.covers(*start, *minutes));
        let days = days(marked.days.first(), marked.days.last());
        days.filter(|day| self.has_school(*day)).count() * lessons.count()
    }

    fn day(&self, date: Date) -> Day {
        if !self.has_school(date) {
            return Day::default();
        }
        let present = |&(start, minutes): &(Time, u32)| Seen {
            start,
            minutes,
            attended: Attended::Present,
            missed: 0,
        };
        let mut lessons: Vec<Seen> = self.lessons.iter().map(present).collect();
        for marked in self.absent.iter().filter(|marked| marked.days.contains(date)) {
            for lesson in &mut lessons {
                marked.apply(lesson);
            }
        }
        Day { lessons }
    }

    /// Lives through it, and compares.
    pub fn run(&self, ladder: &Ladder) -> Outcome {
        let pupil = PupilId::new("elev").expect("a good id");
        let who = Who {
            school: &self.school,
            form: &self.form,
            calendar: Some(&self.calendar),
            pupil: &pupil,
            year: self.year,
            birth_date: self.born,
        };
        let mut course = Course::new(ladder, who, self.from);
        let mut differences = Vec::new();
        for date in days(self.from, self.until) {
            self.live(&mut course, date, &mut differences);
        }
        let reached = course.happened.iter().filter(|one| one.became == Became::Reached);
        let reached = reached.map(|one| one.step.clone()).collect();
        differences.extend(self.compare(&course));
        Outcome { differences, reached }
    }

    /// One day: it is asked when the pupil is found not to be there, after each thing that becomes known, and when the day
    /// is over.
    fn live(&self, course: &mut Course<'_>, date: Date, differences: &mut Vec<Difference>) {
        let day = self.day(date);
        for (at, lesson) in day.lessons.iter().enumerate() {
            if lesson.attended != Attended::Present {
                course.know(date, Day { lessons: day.lessons[..=at].to_vec() });
                course.ask(date, false);
            }
        }
        course.know(date, day);
        for act in self.then.iter().filter(|act| act.on == date) {
            match &act.what {
                What::Mark(marked) => {
                    for marked_day in days(marked.days.first(), marked.days.last()) {
                        let mut known = course.known(marked_day);
                        for lesson in &mut known.lessons {
                            marked.apply(lesson);
                        }
                        course.know(marked_day, known);
                    }
                }
                What::Done { step, duty } => {
                    if !course.done(step, duty) {
                        differences.push(Difference::NoDuty(date, format!("{step}/{duty}")));
                    }
                }
            }
            course.ask(date, false);
        }
        course.ask(date, true);
    }

    fn compare(&self, course: &Course<'_>) -> Vec<Difference> {
        let mut wanted: BTreeMap<&Expected, usize> = BTreeMap::new();
        for expected in &self.expect {
            *wanted.entry(expected).or_default() += 1;
        }
        let mut found = Vec::new();
        for one in &course.happened {
            let got = Expected { on: one.on, step: one.step.clone(), became: one.became };
            match wanted.get_mut(&got).filter(|count| **count > 0) {
                Some(count) => *count -= 1,
                None => found.push((one.on, Difference::Unexpected(got, one.because.clone()))),
            }
        }
        for (expected, count) in wanted {
            let missing = || (expected.on, Difference::Missing(expected.clone()));
            found.extend(std::iter::repeat_with(missing).take(count));
        }
        found.sort_by_key(|(on, _)| *on);
        found.into_iter().map(|(_, difference)| difference).collect()
    }
}

/// The days from one to another, both included.
pub(super) fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    from.series(jiff::Span::new().days(1)).take_while(move |day| *day <= to)
}
