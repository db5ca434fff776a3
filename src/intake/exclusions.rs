//! The silences that a school has asked for, as rows: those that concern one pupil, read in the commit that depends on
//! them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::directory::{Pupil, School};
use crate::model::{Lesson, PupilId, SchoolId, SilencedTarget, Silencing, covering};
use crate::store::rows::Day;
use crate::store::{StoreError, after_prefix, ledger::Unit, tables};

/// Most silences of one target that have not ended: as many are read for one decision.
pub const MOST: usize = 200;

/// The silences that end after an instant and are of the school, of the pupil's class or of the pupil. The unit's
/// commit fails if any of the school's silences changes meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn of_pupil(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    (pupil, class): (&PupilId, Option<&str>),
    after: Timestamp,
) -> Result<Vec<Silencing>, StoreError> {
    // Most schools have never had one.
    if unit.read::<Day>(&tables::silencing_guard(school)).await?.is_none() {
        return Ok(Vec::new());
    }
    let class = class.map(|class| SilencedTarget::Class(class.to_owned()));
    let targets = [Some(SilencedTarget::School), class, Some(SilencedTarget::Pupil(pupil.clone()))];
    let mut found = Vec::new();
    for target in targets.into_iter().flatten() {
        found.extend(of_target(unit, school, &target, after).await?);
    }
    Ok(found)
}

/// The silences of one target that end after an instant, the first to end first.
///
/// # Errors
/// When the store fails.
pub async fn of_target(
    unit: &Unit<'_>,
    school: &SchoolId,
    target: &SilencedTarget,
    after: Timestamp,
) -> Result<Vec<Silencing>, StoreError> {
    let from = tables::silencings_ending_after(school, target, after);
    let to = after_prefix(&tables::silencings(school, target));
    match unit.peek_range(&from, &to, MOST).await {
        // A message too many is better than none: what cannot be read silences nobody.
        Err(StoreError::Damaged(why)) => {
            tracing::error!(
                %school, why,
                "a silence of the school cannot be read, so none like it holds; see `upprop store check`"
            );
            Ok(Vec::new())
        }
        read => read,
    }
}

/// Those of `pupils` who are silenced at a lesson, with their school, their class or alone.
///
/// # Errors
/// When the store fails.
pub async fn silenced_at<'a>(
    unit: &Unit<'_>,
    school: &School,
    pupils: impl Iterator<Item = &'a Pupil>,
    lesson: &Lesson,
) -> Result<BTreeSet<PupilId>, StoreError> {
    let mut found = BTreeSet::new();
    if unit.peek::<Day>(&tables::silencing_guard(&school.id)).await?.is_none() {
        return Ok(found);
    }
    let mut known: BTreeMap<SilencedTarget, Vec<Silencing>> = BTreeMap::new();
    for pupil in pupils {
        let class = pupil.class.clone().map(SilencedTarget::Class);
        let alone = Some(SilencedTarget::Pupil(pupil.id.clone()));
        let targets: Vec<SilencedTarget> =
            [Some(SilencedTarget::School), class, alone].into_iter().flatten().collect();
        for target in &targets {
            if !known.contains_key(target) {
                let all = of_target(unit, &school.id, target, lesson.start).await?;
                known.insert(target.clone(), all);
            }
        }
        let all = targets.iter().filter_map(|target| known.get(target)).flatten();
        if !covering(all, lesson, &school.zone).is_empty() {
            found.insert(pupil.id.clone());
        }
    }
    Ok(found)
}

/// Moves the counter that decisions about a school's lessons depend on.
///
/// # Errors
/// When the store fails.
pub async fn touch(unit: &mut Unit<'_>, school: &SchoolId) -> Result<(), StoreError> {
    let guard = tables::silencing_guard(school);
    let mut counter: Day = unit.read(&guard).await?.unwrap_or_default();
    counter.changes += 1;
    unit.write(guard, &counter);
    Ok(())
}
