//! Which lesson a row of a file means: by its own words where they are enough, else by the schedule that is stored.
//! Reads the store and writes the one row that finds a lesson by its group.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rows::{Meant, made_id};
use super::values::Bad;
use crate::model::{GroupId, Lesson, LessonId, SchoolId};
use crate::store::ledger::{self, Unit};
use crate::store::rows::Register;
use crate::store::{Commit, Kv, MAX_BATCH_BYTES, StoreError, tables};

/// Lessons remembered while one file is read.
const MOST: usize = 20_000;

/// The schedule as one file sees it.
#[derive(Default)]
pub struct Lessons {
    known: BTreeMap<(SchoolId, LessonId), Option<Lesson>>,
    by_group: BTreeMap<(SchoolId, GroupId, Timestamp), Option<LessonId>>,
}

impl Lessons {
    /// The lesson; the inner error: the row does not say enough, and the schedule does not either.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(
        &mut self,
        kv: &dyn Kv,
        school: &SchoolId,
        meant: &Meant,
    ) -> Result<Result<Lesson, Bad>, StoreError> {
        let id = match (&meant.id, &meant.group, meant.start) {
            (Some(id), _, _) => Some(id.clone()),
            (None, Some(group), Some(start)) => {
                match self.by_group(kv, school, group, start).await? {
                    Some(id) => Some(id),
                    None => made_id(school, std::slice::from_ref(group), start),
                }
            }
            _ => None,
        };
        let Some(id) = id else {
            return Ok(Err(Bad::row("names no lesson", "export its id, or a group and a start")));
        };
        if let (Some(start), Some(end), Some(_)) = (meant.start, meant.end, &meant.id) {
            return Ok(Ok(Lesson { id, start, end, label: meant.label.clone() }));
        }
        if let Some(lesson) = self.planned(kv, school, &id).await? {
            let label = meant.label.clone().or(lesson.label);
            return Ok(Ok(Lesson { label, ..lesson }));
        }
        Ok(match (meant.start, meant.end) {
            (Some(start), Some(end)) => Ok(Lesson { id, start, end, label: meant.label.clone() }),
            _ => Err(Bad::at(
                if meant.id.is_some() { "lesson" } else { "group" },
                "is of no lesson in the schedule, and the row does not say when it starts and ends",
                "hand over the schedule first, or export start and end too",
            )),
        })
    }

    async fn planned(
        &mut self,
        kv: &dyn Kv,
        school: &SchoolId,
        id: &LessonId,
    ) -> Result<Option<Lesson>, StoreError> {
        let key = (school.clone(), id.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let row = ledger::read_good::<Register>(kv, &tables::register(school, id)).await?;
        let lesson = row.filter(|row| row.planned.is_some()).map(|row| row.lesson);
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(key, lesson.clone());
        Ok(lesson)
    }

    async fn by_group(
        &mut self,
        kv: &dyn Kv,
        school: &SchoolId,
        group: &GroupId,
        start: Timestamp,
    ) -> Result<Option<LessonId>, StoreError> {
        let key = (school.clone(), group.clone(), start);
        if let Some(known) = self.by_group.get(&key) {
            return Ok(known.clone());
        }
        let row = tables::group_lesson(school, group, start);
        let id = ledger::read_good::<LessonId>(kv, &row).await?;
        if self.by_group.len() >= MOST {
            self.by_group.clear();
        }
        self.by_group.insert(key, id.clone());
        Ok(id)
    }
}

/// Writes by which groups lessons can be found.
///
/// # Errors
/// When the store fails; what was written stays so.
pub async fn remember(
    kv: &dyn Kv,
    lessons: impl Iterator<Item = (&SchoolId, &Lesson, &[GroupId])>,
) -> Result<(), StoreError> {
    let mut unit = Unit::new(kv);
    for (school, lesson, groups) in lessons {
        for group in groups {
            unit.write(tables::group_lesson(school, group, lesson.start), &lesson.id);
        }
        if unit.bytes() > MAX_BATCH_BYTES / 2 {
            let _: Commit = unit.commit().await?;
            unit = Unit::new(kv);
        }
    }
    if unit.bytes() > 0 {
        let _: Commit = unit.commit().await?;
    }
    Ok(())
}
