//! A pupil's lessons as conditions look at them: everything that is counted, added up once. Pure.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::occasions::{One, is_broken_between, is_of, units};
use super::school_days::{SchoolDays, school_year_of};
use super::{Absent, Attended, Condition, History, Ladder, Span, Still, Unit};

/// What one day adds to a share.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Minutes of the lessons whose register was taken.
    pub minutes: u32,
    /// Minutes away with a valid reason, without one, late, left early.
    missed: [u32; 4],
    /// Lessons whose register was taken.
    pub taken: u32,
    /// Lessons.
    pub lessons: u32,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.minutes += other.minutes;
        self.taken += other.taken;
        self.lessons += other.lessons;
        for (sum, more) in self.missed.iter_mut().zip(other.missed) {
            *sum += more;
        }
    }

    /// Minutes missed by a kind of absence.
    pub fn missed(&self, of: Absent) -> u32 {
        let [excused, unexcused, late, left] = self.missed;
        match of {
            Absent::Excused => excused,
            Absent::Unexcused => unexcused,
            Absent::Any => excused + unexcused,
            Absent::Late => late,
            Absent::LeftEarly => left,
        }
    }
}

/// School days in a row on which the pupil was away, as of the end of one day.
#[derive(Debug, Clone, Copy)]
struct RunAt {
    day: Date,
    length: u16,
    first: Date,
}

/// A step that was reached, for conditions that follow on one.
#[derive(Debug, Clone)]
pub struct Anchor {
    /// The day.
    pub day: Date,
    /// Which time, as the firing writes it.
    pub key: String,
    /// Whether a duty of it is to be done.
    pub open: bool,
}

/// A pupil's lessons, added up.
pub struct View<'a> {
    /// The lessons.
    pub history: &'a History,
    /// The school's days.
    pub days: SchoolDays<'a>,
    units: BTreeMap<(Absent, Unit), Vec<One>>,
    runs: BTreeMap<Absent, Vec<RunAt>>,
    sums: BTreeMap<Date, Sums>,
    /// Steps reached so far, oldest first.
    pub reached: BTreeMap<String, Vec<Anchor>>,
}

impl<'a> View<'a> {
    /// Adds up what the steps of a ladder ask for.
    pub fn new(ladder: &Ladder, history: &'a History, days: SchoolDays<'a>) -> Self {
        let sums = BTreeMap::new();
        let (units, runs, reached) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut view = Self { history, days, units, runs, sums, reached };
        for step in &ladder.steps {
            view.prepare(&step.when);
        }
        view
    }

    fn prepare(&mut self, condition: &Condition) {
        match condition {
            Condition::Count(count) => self.prepare_units(count.of, count.unit),
            Condition::Every { of, unit } => self.prepare_units(*of, *unit),
            Condition::Share(_) => {
                if self.sums.is_empty() {
                    self.sums = sums(self.history);
                }
            }
            Condition::Continuous(run) => {
                if !self.runs.contains_key(&run.of) {
                    self.runs.insert(run.of, runs(self.history, self.days, run.of));
                }
            }
            Condition::After(after) => {
                if let Still::Holds(condition) = &after.still {
                    self.prepare(condition);
                }
            }
            Condition::AnyOf(all) | Condition::AllOf(all) => {
                for condition in all {
                    self.prepare(condition);
                }
            }
        }
    }

    fn prepare_units(&mut self, of: Absent, unit: Unit) {
        let (history, days) = (self.history, self.days);
        self.units.entry((of, unit)).or_insert_with(|| units(history, days, of, unit));
    }

    /// Everything of a unit.
    pub fn units(&self, of: Absent, unit: Unit) -> &[One] {
        self.units.get(&(of, unit)).map_or(&[], Vec::as_slice)
    }

    /// What of a unit began within two days, both included.
    pub fn units_within(&self, of: Absent, unit: Unit, (from, to): (Date, Date)) -> &[One] {
        let all = self.units(of, unit);
        let start = all.partition_point(|one| one.first.0 < from);
        let end = all.partition_point(|one| one.first.0 <= to);
        all.get(start..end).unwrap_or_default()
    }

    /// What the days from one to another add up to, both included.
    pub fn sums_within(&self, (from, to): (Date, Date)) -> Sums {
        let mut all = Sums::default();
        if from <= to {
            self.sums.range(from..=to).for_each(|(_, sums)| all.add(*sums));
        }
        all
    }

    /// The run of school days away as of the end of a day: how long it is, and its first day.
    pub fn run_at(&self, of: Absent, day: Date) -> Option<(u16, Date)> {
        let all = self.runs.get(&of)?;
        let end = all.partition_point(|run| run.day <= day);
        let run = all.get(end.checked_sub(1)?)?;
        (run.length > 0).then_some((run.length, run.first))
    }

    /// The first and the last day that a span of a day has; none: it has none.
    pub fn window(
        &self,
        span: &Span,
        day: Date,
        since: Option<(&str, Date)>,
    ) -> Option<(Date, Date)> {
        let from = match span {
            Span::Day => day,
            Span::Days(count) => day.saturating_sub(i64::from(count.saturating_sub(1)).days()),
            Span::Term => self.days.term_of(day)?.first(),
            Span::SchoolYear => school_year_of(day),
            Span::Since(step) => match since {
                Some((name, at)) if name == step => at.tomorrow().ok()?,
                _ => self.last_reached(step, day)?.day.tomorrow().ok()?,
            },
        };
        Some((from, day))
    }

    /// When a step was last reached before a day.
    pub fn last_reached(&self, step: &str, day: Date) -> Option<&Anchor> {
        self.reached.get(step)?.iter().rev().find(|anchor| anchor.day < day)
    }
}

fn sums(history: &History) -> BTreeMap<Date, Sums> {
    let mut all = BTreeMap::new();
    for (day, seen) in &history.days {
        let mut sums = Sums::default();
        for lesson in &seen.lessons {
            sums.lessons += 1;
            if lesson.attended == Attended::Untaken {
                continue;
            }
            sums.taken += 1;
            sums.minutes += lesson.minutes;
            let kind = match lesson.attended {
                Attended::Excused => 0,
                Attended::Unexcused => 1,
                Attended::Late => 2,
                Attended::LeftEarly => 3,
                Attended::Present | Attended::Untaken => continue,
            };
            sums.missed[kind] += lesson.missed.min(lesson.minutes);
        }
        all.insert(*day, sums);
    }
    all
}

/// The runs of school days away, as of each day on which they change; days that go on are left out.
fn runs(history: &History, days: SchoolDays<'_>, of: Absent) -> Vec<RunAt> {
    let tells_presence = history.tells_presence();
    let mut all: Vec<RunAt> = Vec::new();
    let mut away: Option<Date> = None;
    for (day, seen) in history.days.range(..=history.last_whole_day()) {
        let mut taken = seen.lessons.iter().filter(|l| l.attended != Attended::Untaken).peekable();
        if taken.peek().is_none() {
            continue;
        }
        if !taken.all(|lesson| lesson.attended.is_away()) {
            away = None;
            all.push(RunAt { day: *day, length: 0, first: *day });
            continue;
        }
        let goes_on =
            away.is_some_and(|last| !is_broken_between(history, days, tells_presence, last, *day));
        away = Some(*day);
        let before = all.last().copied().filter(|run| goes_on && run.length > 0);
        if !seen.lessons.iter().any(|lesson| is_of(of, lesson)) {
            // Away, and not in the way that counts: what there was goes on.
            if before.is_none() {
                all.push(RunAt { day: *day, length: 0, first: *day });
            }
            continue;
        }
        let (length, first) = before.map_or((1, *day), |run| (run.length + 1, run.first));
        all.push(RunAt { day: *day, length, first });
    }
    all
}
