//! What is told of a hold: which classes and lessons, how many of each, what is usual, and the likely causes that the
//! data shows. No pupil is named.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan as _, civil::Date};

use super::volume;
use crate::directory::{Roster, School};
use crate::model::{
    GroupId, Hold, HoldCause, LessonId, LessonState, Missing, Notification, Planned, PupilId,
    Purpose, Register, SchoolId, StaffId, Stand,
};
use crate::policy::volume::{Evidence, PlannedLesson, Sizes, causes};
use crate::store::ledger::Unit;
use crate::store::{Kv, StoreError, after_prefix, tables};

/// Days of the timetable that are looked at.
const DAYS: i64 = 14;
/// Lessons of a group that are looked at.
const LESSONS_OF_GROUP: usize = 400;

/// One class at one lesson that a hold is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPart {
    /// The class; none: pupils without one.
    pub class: Option<String>,
    /// The lesson.
    pub lesson: LessonId,
    /// What it is called.
    pub label: Option<String>,
    /// When it begins.
    pub start: Timestamp,
    /// How many of the class are missing.
    pub pupils: u32,
    /// How many there are in the class; none: there is no class.
    pub of: Option<u32>,
    /// What was decided of it; `Held`: nothing yet.
    pub stand: Stand,
    /// How many messages wait.
    pub waiting: u32,
    /// Of how many of them somebody at home may have been told.
    pub told: u32,
}

/// What is told of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldNow {
    /// Each class at each lesson, in order.
    pub parts: Vec<HeldPart>,
    /// Of how many pupils somebody at home may have been told already.
    pub told: u32,
    /// Likely causes.
    pub causes: BTreeSet<HoldCause>,
}

/// Looks at a hold, and at all whom it is about.
///
/// # Errors
/// When the store fails.
pub async fn look(
    kv: &dyn Kv,
    roster: &Roster,
    school: Option<&School>,
    hold: &Hold,
) -> Result<HeldNow, StoreError> {
    let unit = Unit::new(kv);
    let sizes = Sizes::of(roster, &hold.school);
    let mut missing = volume::missing_on(kv, &hold.school, hold.date).await?;
    missing.retain(|one| hold.concerns(one));
    let mut parts: BTreeMap<(Timestamp, LessonId, Option<String>, Stand), HeldPart> =
        BTreeMap::new();
    let (mut evidence, mut counted) = (Vec::new(), BTreeSet::<(LessonId, PupilId)>::new());
    let mut told: BTreeSet<PupilId> = BTreeSet::new();
    for one in &missing {
        let key = tables::lesson(&hold.school, &one.pupil, hold.date, &one.lesson);
        let state: Option<LessonState> = unit.peek(&key).await?;
        let stand = hold.stand(one);
        let part = parts.entry((one.start, one.lesson.clone(), one.class.clone(), stand));
        let part = part.or_insert_with(|| HeldPart {
            class: one.class.clone(),
            lesson: one.lesson.clone(),
            label: state.as_ref().and_then(|state| state.lesson.label.clone()),
            start: one.start,
            pupils: 0,
            of: one.class.as_ref().and_then(|class| sizes.classes.get(class).copied()),
            stand,
            waiting: 0,
            told: 0,
        });
        if counted.insert((one.lesson.clone(), one.pupil.clone())) {
            part.pupils += 1;
        }
        let (mut waits, mut is_told) = (0, false);
        for id in state.iter().flat_map(|state| &state.notifications) {
            let n: Option<Notification> = unit.peek(&tables::notification(id)).await?;
            let home = n.filter(|n| n.purpose == Purpose::Absence);
            waits += u32::from(home.as_ref().is_some_and(volume::is_kept));
            is_told |= home.is_some_and(|n| n.may_have_arrived());
        }
        part.waiting += waits;
        if is_told && stand != Stand::Released {
            part.told += 1;
            told.insert(one.pupil.clone());
        }
        evidence.extend(state.map(|state| Evidence {
            lesson: one.lesson.clone(),
            recorded_by: state.recorded_by,
            recorded_at: state.recorded_at,
        }));
    }
    let told = u32::try_from(told.len()).unwrap_or(u32::MAX);
    let Some(school) = school else {
        let causes = BTreeSet::new();
        return Ok(HeldNow { parts: parts.into_values().collect(), told, causes });
    };
    let mut lessons = BTreeMap::new();
    for lesson in missing.iter().map(|one: &Missing| &one.lesson).collect::<BTreeSet<_>>() {
        let row: Option<Register> = unit.peek(&tables::register(&hold.school, lesson)).await?;
        if let Some(row) = row {
            lessons.insert(lesson.clone(), planned(&unit, school, &row).await?);
        }
    }
    let has_timetable = has_timetable(kv, &hold.school, hold.date).await?;
    let day = (hold.date, &school.zone);
    let causes = causes(&evidence, &lessons, has_timetable, day);
    Ok(HeldNow { parts: parts.into_values().collect(), told, causes })
}

/// Whether other lessons are planned on the day, or lately.
async fn has_timetable(kv: &dyn Kv, school: &SchoolId, date: Date) -> Result<bool, StoreError> {
    let from = tables::plan_of(school, date.saturating_sub(DAYS.days()));
    let to = after_prefix(&tables::plan_of(school, date));
    Ok(!kv.scan(&from, &to, 1).await?.is_empty())
}

async fn planned(
    unit: &Unit<'_>,
    school: &School,
    row: &Register,
) -> Result<PlannedLesson, StoreError> {
    let Some(plan) = &row.planned else { return Ok(PlannedLesson::default()) };
    Ok(PlannedLesson {
        planned: true,
        teachers: plan.teachers.iter().cloned().collect(),
        usual_teachers: usual_teachers(unit, school, row, plan).await?,
        part_elsewhere: !plan.except.is_empty(),
        modified_at: plan.modified_at,
    })
}

/// Who teaches the same group what is called the same, at other times of the weeks around.
async fn usual_teachers(
    unit: &Unit<'_>,
    school: &School,
    row: &Register,
    plan: &Planned,
) -> Result<BTreeSet<StaffId>, StoreError> {
    let mut found = BTreeSet::new();
    let (Some(label), Some(group)) = (&row.lesson.label, plan.groups.first()) else {
        return Ok(found);
    };
    for id in of_group(unit, &school.id, group, row.lesson.start).await? {
        if id == row.lesson.id {
            continue;
        }
        let other: Option<Register> = unit.peek(&tables::register(&school.id, &id)).await?;
        let Some(other) = other.filter(|other| other.lesson.label.as_ref() == Some(label)) else {
            continue;
        };
        found.extend(other.planned.into_iter().flat_map(|plan| plan.teachers));
    }
    Ok(found)
}

async fn of_group(
    unit: &Unit<'_>,
    school: &SchoolId,
    group: &GroupId,
    around: Timestamp,
) -> Result<Vec<LessonId>, StoreError> {
    let span = jiff::SignedDuration::from_hours(24 * DAYS);
    let from = around.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let to = around.saturating_add(span).unwrap_or(Timestamp::MAX);
    let (from, to) =
        (tables::group_lesson(school, group, from), tables::group_lesson(school, group, to));
    unit.peek_range(&from, &to, LESSONS_OF_GROUP).await
}
