//! Marks at lessons that nobody knows yet: what the source says is kept as it says it, until the lesson is known or
//! nobody would be told any more. They stand among the marks that wait for their pupils.

use jiff::Timestamp;

use super::Offering;
use crate::model::{Lesson, LessonId, Mark, PupilId, SchoolId};
use crate::store::ledger::Unit;
use crate::store::rows::KeptMark;
use crate::store::{Commit, StoreError, tables};

/// Most of them that one source may have waiting.
const MOST: usize = 2_000;
/// How often one is written again when others change it.
const TRIES: usize = 20;

/// What a source says of a pupil at a lesson that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The school that was asked for.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The lesson's id.
    pub lesson: LessonId,
    /// When it was last changed, by the source's clock.
    pub changed: Option<Timestamp>,
    /// The source's own id of the row.
    pub row: String,
    /// What it says, as whoever reads it understands it.
    pub text: String,
}

impl Offering {
    /// What waits of this source.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unread(&self) -> Result<Vec<Unread>, StoreError> {
        let rows = self.rows::<KeptMark>(tables::KEPT_MARKS).await?.into_iter();
        let unread = rows.filter_map(|(_, school, pupil, lesson, kept)| {
            let (changed, row) = (kept.recorded_at, kept.row.unwrap_or_default());
            kept.unread.map(|text| Unread { school, pupil, lesson, changed, row, text })
        });
        Ok(unread.collect())
    }

    /// Has these wait; durable on return. Those for which there is no room are given back.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_unread(&self, rows: Vec<Unread>) -> Result<Vec<Unread>, StoreError> {
        if rows.is_empty() {
            return Ok(rows);
        }
        let mut room = MOST.saturating_sub(self.unread().await?.len());
        let (mut left, now) = (Vec::new(), self.intake.clock().now());
        for new in rows {
            let key = self.unread_key(&new);
            let kv = self.intake.kv().as_ref();
            for _ in 0..TRIES {
                let mut unit = Unit::new(kv);
                let known: Option<KeptMark> = unit.read(&key).await?;
                let is_older = known.as_ref().is_some_and(|known| {
                    known.recorded_at.zip(new.changed).is_some_and(|(known, new)| new < known)
                });
                if is_older || known.as_ref().is_some_and(|k| k.unread.as_ref() == Some(&new.text))
                {
                    break;
                }
                if known.is_none() && room == 0 {
                    left.push(new.clone());
                    break;
                }
                let is_new = known.is_none();
                let since = known.map_or(now, |known| known.since);
                unit.write(key.clone(), &kept(&new, since));
                if unit.commit().await? == Commit::Done {
                    room -= usize::from(is_new);
                    break;
                }
            }
        }
        Ok(left)
    }

    /// Lets go of what has been read, where nothing newer waits by now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn was_read(&self, rows: &[Unread]) -> Result<(), StoreError> {
        for row in rows {
            let key = self.unread_key(row);
            let mut unit = Unit::new(self.intake.kv().as_ref());
            let known: Option<KeptMark> = unit.read(&key).await?;
            if known.and_then(|known| known.unread).as_ref() == Some(&row.text) {
                unit.delete(key);
                // Where it has changed meanwhile it is read again.
                let _: Commit = unit.commit().await?;
            }
        }
        Ok(())
    }

    fn unread_key(&self, row: &Unread) -> Vec<u8> {
        tables::kept_mark(&row.school, &row.pupil, &row.lesson, &self.source)
    }
}

fn kept(new: &Unread, since: Timestamp) -> KeptMark {
    KeptMark {
        lesson: Lesson { id: new.lesson.clone(), start: since, end: since, label: None },
        mark: Mark::Unknown,
        minutes: None,
        register_closed: None,
        recorded_at: new.changed,
        recorded_by: None,
        written_at: None,
        row: Some(new.row.clone()),
        learn: false,
        protected: false,
        unread: Some(new.text.clone()),
        since,
    }
}
