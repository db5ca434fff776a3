//! Which lesson a row of a file means: by its own words where they are enough, else by the schedule that is stored.
//! Reads the store and writes the one row that finds a lesson by its group.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rows::{Meant, made_id};
use super::values::Bad;
use crate::model::{GroupId, Lesson, LessonId, SchoolId};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Alias, Register};
use crate::store::{Commit, Kv, MAX_BATCH_BYTES, StoreError, tables};

/// Lessons remembered while one file is read.
const MOST: usize = 20_000;

/// The schedule as one file sees it.
#[derive(Default)]
pub struct Lessons {
    known: BTreeMap<(SchoolId, LessonId), Option<Lesson>>,
    by_group: BTreeMap<(SchoolId, GroupId, Timestamp), Option<LessonId>>,
    aliases: BTreeMap<(SchoolId, LessonId), LessonId>,
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
            (Some(id), _, _) => Some(self.kept_as(kv, school, id).await?),
            (None, Some(group), Some(start)) => {
                match self.by_group(kv, school, group, start).await? {
                    Some(id) => Some(id),
                    None => self.make(kv, school, group, start).await?,
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

    /// Makes an id, and remembers it: whatever a schedule calls the lesson later, it is the same.
    async fn make(
        &mut self,
        kv: &dyn Kv,
        school: &SchoolId,
        group: &GroupId,
        start: Timestamp,
    ) -> Result<Option<LessonId>, StoreError> {
        let Some(id) = made_id(school, group, start) else { return Ok(None) };
        let mut unit = Unit::new(kv);
        unit.write(tables::group_lesson(school, group, start), &id);
        let _: Commit = unit.commit().await?;
        self.by_group.insert((school.clone(), group.clone(), start), Some(id.clone()));
        Ok(Some(id))
    }

    /// The id under which a lesson of this id is kept.
    async fn kept_as(
        &mut self,
        kv: &dyn Kv,
        school: &SchoolId,
        id: &LessonId,
    ) -> Result<LessonId, StoreError> {
        let key = (school.clone(), id.clone());
        if let Some(known) = self.aliases.get(&key) {
            return Ok(known.clone());
        }
        let alias = ledger::read_good::<Alias>(kv, &tables::alias(school, id)).await?;
        let kept = alias.map_or_else(|| id.clone(), |alias| alias.lesson);
        if self.aliases.len() >= MOST {
            self.aliases.clear();
        }
        self.aliases.insert(key, kept.clone());
        Ok(kept)
    }

    /// The id under which a planned lesson is kept: where marks came before its plan, that which they were given;
    /// where the plan has none of its own, that under which one of its groups is known to have it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle(
        &mut self,
        kv: &dyn Kv,
        school: &SchoolId,
        lesson: &Lesson,
        groups: &[GroupId],
    ) -> Result<LessonId, StoreError> {
        let known = self.kept_as(kv, school, &lesson.id).await?;
        if known != lesson.id {
            return Ok(known);
        }
        let made = |group: &GroupId| made_id(school, group, lesson.start);
        let is_made = groups.first().and_then(made).as_ref() == Some(&lesson.id);
        for group in groups {
            let Some(found) = self.by_group(kv, school, group, lesson.start).await? else {
                continue;
            };
            if found == lesson.id || is_made {
                return Ok(found);
            }
            if made(group).as_ref() == Some(&found) {
                let mut unit = Unit::new(kv);
                let alias = Alias { lesson: found.clone(), start: lesson.start };
                unit.write(tables::alias(school, &lesson.id), &alias);
                let _: Commit = unit.commit().await?;
                self.aliases.insert((school.clone(), lesson.id.clone()), found.clone());
                return Ok(found);
            }
        }
        Ok(lesson.id.clone())
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
            // The first stays: marks that name the group have gone to it.
            let row = tables::group_lesson(school, group, lesson.start);
            if unit.peek::<LessonId>(&row).await.ok().flatten().is_none() {
                unit.write(row, &lesson.id);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn id<T: TryFrom<String>>(text: &str) -> T {
        T::try_from(text.to_owned()).ok().expect("an id")
    }

    fn at(clock: &str) -> Timestamp {
        format!("2026-11-23T{clock}:00Z").parse().expect("a time")
    }

    fn by_group(group: &str) -> Meant {
        let (start, end) = (Some(at("08:10")), Some(at("09:00")));
        Meant { id: None, group: Some(id(group)), start, end, label: None }
    }

    fn by_id(text: &str) -> Meant {
        Meant { id: Some(id(text)), group: None, ..by_group("x") }
    }

    async fn found(kv: &MemoryStore, meant: &Meant) -> LessonId {
        let found = Lessons::default().find(kv, &id("s"), meant).await.expect("memory");
        found.expect("enough is said").id
    }

    /// A schedule says it; the id under which it is kept.
    async fn planned(kv: &MemoryStore, own: Option<&str>, groups: &[&str]) -> LessonId {
        let school = id("s");
        let groups: Vec<GroupId> = groups.iter().map(|group| id(group)).collect();
        let made = made_id(&school, &groups[0], at("08:10")).expect("made");
        let lesson_id = own.map_or(made, id);
        let mut lesson =
            Lesson { id: lesson_id, start: at("08:10"), end: at("09:00"), label: None };
        let mut lessons = Lessons::default();
        lesson.id = lessons.settle(kv, &school, &lesson, &groups).await.expect("memory");
        let all = [(&school, &lesson, &groups[..])];
        remember(kv, all.into_iter()).await.expect("memory");
        lesson.id
    }

    #[tokio::test]
    async fn a_lesson_that_marks_came_of_first_is_the_one_that_is_planned_later() {
        let kv = MemoryStore::default();
        let first = found(&kv, &by_group("7B")).await;
        assert_eq!(planned(&kv, Some("x"), &["7A", "7B"]).await, first);
        for meant in [by_group("7B"), by_group("7A"), by_id("x")] {
            assert_eq!(found(&kv, &meant).await, first, "{meant:?}");
        }
        // Said again, with a group more, and without an id.
        assert_eq!(planned(&kv, Some("x"), &["7A", "7B", "7C"]).await, first);
        assert_eq!(planned(&kv, None, &["7A", "7B"]).await, first);
        assert_eq!(found(&kv, &by_group("7C")).await, first);
    }

    #[tokio::test]
    async fn a_schedule_that_gives_other_ids_later_moves_no_mark() {
        let kv = MemoryStore::default();
        assert_eq!(planned(&kv, Some("x"), &["7B"]).await, id("x"));
        assert_eq!(found(&kv, &by_group("7B")).await, id("x"));
        // Half a class each: two lessons of one group at one time.
        assert_eq!(planned(&kv, Some("y"), &["7B"]).await, id("y"));
        assert_eq!(found(&kv, &by_group("7B")).await, id("x"));
        assert_eq!(found(&kv, &by_id("y")).await, id("y"));
    }
}
