//! Whether so many pupils are missing at once that a person must look before guardians are told, what is usual, and
//! which likely causes the data shows. Pure: given who is missing, how many there are and the limits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::directory::{Roster, VolumeRules};
use crate::model::{
    AT_ONCE, Exceeded, Hold, HoldCause, HoldScope, LessonId, Missing, PupilId, SchoolId, SourceId,
    StaffId, Stand, Usual, local_date,
};

/// Fewer weeks say nothing of what is usual.
const ENOUGH_WEEKS: u32 = 3;
/// Within which one source is counted, whatever the lesson.
const BURST: SignedDuration = SignedDuration::from_mins(15);
/// All marks of a lesson within this time are one act.
const ONE_MOMENT: SignedDuration = SignedDuration::from_mins(1);

/// How many pupils there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    /// By class.
    pub classes: BTreeMap<String, u32>,
    /// Of the school.
    pub school: u32,
}

impl Sizes {
    /// Those of a school.
    pub fn of(roster: &Roster, school: &SchoolId) -> Self {
        let mut sizes = Self::default();
        for pupil in roster.pupils.get(school).into_iter().flat_map(BTreeMap::values) {
            sizes.school += 1;
            if let Some(class) = &pupil.class {
                *sizes.classes.entry(class.clone()).or_default() += 1;
            }
        }
        sizes
    }
}

/// What is above a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// Which messages are to be held.
    pub scope: HoldScope,
    /// How many pupils were counted.
    pub counted: u32,
    /// Of how many.
    pub of: u32,
    /// Above what.
    pub why: Exceeded,
}

/// Judges the lessons that begin at `start`. `missing`: those of the day about whom no hold is open and nothing was
/// decided; they alone are counted. `held`: classes that are held at these lessons already. None: nothing is unusual.
pub fn judge(
    (missing, held): (&[Missing], &BTreeSet<String>),
    start: Timestamp,
    sizes: &Sizes,
    usual: Option<Usual>,
    rules: &VolumeRules,
    now: Timestamp,
) -> Option<Excess> {
    let slot: Vec<&Missing> = at_once(missing, start).collect();
    let classes = classes_above(&slot, sizes, rules);
    let above = |m: &&&Missing| m.class.as_ref().is_some_and(|class| classes.contains(class));
    let whole = pupils(slot.iter().copied());
    let rest = pupils(slot.iter().filter(|m| !above(m)).copied());
    // One class on a trip must not keep what is true of the others; many classes are no trip of one.
    let of_any = classes.union(held).count();
    let most = of_any > 1 && of_any * 2 > sizes.classes.len();
    let counted = if most || classes.is_empty() { whole } else { rest };
    if let Some(why) = above_school(counted, sizes, usual, rules) {
        let (counted, of) = (whole, sizes.school.max(whole));
        return Some(Excess { scope: HoldScope::School, counted, of, why });
    }
    if let (false, Some(percent)) = (classes.is_empty(), rules.class) {
        let counted = pupils(slot.iter().filter(above).copied());
        let of: u32 = classes.iter().filter_map(|class| sizes.classes.get(class)).sum();
        return Some(Excess {
            scope: HoldScope::Classes(classes),
            counted,
            of: of.max(counted),
            why: Exceeded::Class(percent),
        });
    }
    by_source(missing, sizes, rules, now)
}

/// Whether those whom an open hold keeps still would be held if they were marked now.
pub fn is_above_still(
    hold: &Hold,
    missing: &[Missing],
    sizes: &Sizes,
    rules: &VolumeRules,
) -> bool {
    let kept: Vec<&Missing> = missing.iter().filter(|one| hold.stand(one) == Stand::Held).collect();
    let count = pupils(kept.iter().copied());
    let enough = count >= rules.least_of_school();
    match hold.why {
        Exceeded::Class(percent) => {
            let as_then = VolumeRules { class: Some(percent), ..*rules };
            !classes_above(&kept, sizes, &as_then).is_empty()
        }
        Exceeded::School(percent) | Exceeded::Source(percent) => {
            enough && is_above(count, sizes.school, percent)
        }
        Exceeded::Usual(times) => {
            let usual = hold.usual.map_or(0, |usual| usual.tenths);
            enough && u64::from(count) * 10 > u64::from(times) * u64::from(usual)
        }
    }
}

/// Those missing at lessons that begin at once.
fn at_once(missing: &[Missing], start: Timestamp) -> impl Iterator<Item = &Missing> {
    missing.iter().filter(move |m| m.start.duration_since(start).abs() <= AT_ONCE)
}

/// How many different pupils they are.
fn pupils<'a>(missing: impl Iterator<Item = &'a Missing>) -> u32 {
    let all: BTreeSet<&PupilId> = missing.map(|m| &m.pupil).collect();
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}

/// Whether `count` of `of` is more than so many per cent.
fn is_above(count: u32, of: u32, percent: u8) -> bool {
    u64::from(count) * 100 > u64::from(of) * u64::from(percent)
}

fn classes_above(slot: &[&Missing], sizes: &Sizes, rules: &VolumeRules) -> BTreeSet<String> {
    let Some(percent) = rules.class else { return BTreeSet::new() };
    let named: BTreeSet<&String> = slot.iter().filter_map(|m| m.class.as_ref()).collect();
    let is_over = |class: &&String| {
        let count = pupils(slot.iter().filter(|m| m.class.as_ref() == Some(*class)).copied());
        let of = sizes.classes.get(*class).copied().unwrap_or(count);
        count >= rules.least && is_above(count, of, percent)
    };
    named.into_iter().filter(is_over).cloned().collect()
}

fn above_school(
    count: u32,
    sizes: &Sizes,
    usual: Option<Usual>,
    rules: &VolumeRules,
) -> Option<Exceeded> {
    if count < rules.least_of_school() {
        return None;
    }
    if let Some(percent) = rules.school
        && is_above(count, sizes.school, percent)
    {
        return Some(Exceeded::School(percent));
    }
    let (times, usual) = (rules.usual?, usual.filter(|usual| usual.weeks >= ENOUGH_WEEKS)?);
    let above = u64::from(count) * 10 > u64::from(times) * u64::from(usual.tenths);
    above.then_some(Exceeded::Usual(times))
}

fn by_source(
    missing: &[Missing],
    sizes: &Sizes,
    rules: &VolumeRules,
    now: Timestamp,
) -> Option<Excess> {
    let percent = rules.source?;
    let lately: Vec<&Missing> =
        missing.iter().filter(|m| now.duration_since(m.since) <= BURST).collect();
    let sources: BTreeSet<&SourceId> = lately.iter().filter_map(|m| m.source.as_ref()).collect();
    sources.into_iter().find_map(|source| {
        let counted = pupils(lately.iter().filter(|m| m.source.as_ref() == Some(source)).copied());
        let over = counted >= rules.least_of_school() && is_above(counted, sizes.school, percent);
        over.then(|| Excess {
            scope: HoldScope::Source(source.clone()),
            counted,
            of: sizes.school.max(counted),
            why: Exceeded::Source(percent),
        })
    })
}

/// Whether so many are missing at lessons that begin at `start` that it matters what is usual.
pub fn asks_what_is_usual(missing: &[Missing], start: Timestamp, rules: &VolumeRules) -> bool {
    rules.usual.is_some() && pupils(at_once(missing, start)) >= rules.least_of_school()
}

/// The most who were missing at once at lessons of an hour: the level of one past day.
pub fn level(missing: &[Missing], from: Timestamp, to: Timestamp) -> u32 {
    let starts: BTreeSet<Timestamp> =
        missing.iter().map(|m| m.start).filter(|start| (from..to).contains(start)).collect();
    starts.into_iter().map(|start| pupils(at_once(missing, start))).max().unwrap_or(0)
}

/// What is usual, from the levels of past weeks; none: there is no such week.
pub fn usual(levels: &[u32]) -> Option<Usual> {
    let weeks = u32::try_from(levels.len()).ok().filter(|weeks| *weeks > 0)?;
    let sum: u64 = levels.iter().map(|level| u64::from(*level)).sum();
    let tenths = u32::try_from(sum * 10 / u64::from(weeks)).unwrap_or(u32::MAX);
    Some(Usual { tenths, weeks })
}

/// One held lesson of one pupil, as far as it tells of a cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The lesson.
    pub lesson: LessonId,
    /// Who made the mark (opaque).
    pub recorded_by: Option<String>,
    /// When, by the source's clock.
    pub recorded_at: Option<Timestamp>,
}

/// What the timetable says of one held lesson.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedLesson {
    /// It is in it.
    pub planned: bool,
    /// Who teaches it.
    pub teachers: BTreeSet<StaffId>,
    /// Who teaches what is called the same to the same group at other times.
    pub usual_teachers: BTreeSet<StaffId>,
    /// Some of the group are not to come.
    pub part_elsewhere: bool,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
}

/// The likely causes that the data shows.
pub fn causes(
    evidence: &[Evidence],
    lessons: &BTreeMap<LessonId, PlannedLesson>,
    has_timetable: bool,
    (date, zone): (Date, &TimeZone),
) -> BTreeSet<HoldCause> {
    let mut found = BTreeSet::new();
    let mut by_lesson: BTreeMap<&LessonId, Vec<&Evidence>> = BTreeMap::new();
    for one in evidence {
        by_lesson.entry(&one.lesson).or_default().push(one);
    }
    for (id, marks) in by_lesson {
        let nothing = PlannedLesson::default();
        let plan = lessons.get(id).unwrap_or(&nothing);
        if has_timetable && !plan.planned {
            found.insert(HoldCause::NotPlanned);
        }
        if plan.modified_at.is_some_and(|at| local_date(at, zone) == date) {
            found.insert(HoldCause::PlanChanged);
        }
        if plan.part_elsewhere {
            found.insert(HoldCause::PartElsewhere);
        }
        let by: BTreeSet<&str> = marks.iter().filter_map(|m| m.recorded_by.as_deref()).collect();
        let planned = |who: &&str| plan.teachers.iter().any(|teacher| teacher.as_str() == *who);
        let stranger = !plan.teachers.is_empty() && !by.is_empty() && !by.iter().any(planned);
        let stands_in = !plan.teachers.is_empty()
            && !plan.usual_teachers.is_empty()
            && plan.teachers.is_disjoint(&plan.usual_teachers);
        if stranger || stands_in {
            found.insert(HoldCause::Substitute);
        }
        let times: Vec<Timestamp> = marks.iter().filter_map(|m| m.recorded_at).collect();
        let whole = times.len() == marks.len() && marks.iter().all(|m| m.recorded_by.is_some());
        if let (true, true, Some(first), Some(last)) =
            (whole && by.len() == 1, marks.len() > 2, times.iter().min(), times.iter().max())
            && last.duration_since(*first) <= ONE_MOMENT
        {
            found.insert(HoldCause::OneMoment);
        }
    }
    found
}

#[cfg(test)]
#[path = "volume_tests.rs"]
mod tests;
