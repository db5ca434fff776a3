//! Marks that wait because the directory does not know their pupil yet, and those that say that a pupil is missing,
//! while the source says so.

use jiff::{SignedDuration, Timestamp};

use super::weighing::digest;
use super::{Offering, Said, Stand, Taken, Unknown, Weighed, weigh};
use crate::model::{Lesson, LessonId, Mark, PupilId, SchoolId};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{KeptMark, Missed};
use crate::store::{Commit, StoreError, after_prefix, tables};

/// How long after a lesson's end a mark waits for its pupil to be known: nobody would be told later.
const WAITS: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Rows read at once.
const PAGE: usize = 1_000;

/// Whether nobody would be told any more.
pub(super) fn is_over(lesson: &Lesson, now: Timestamp) -> bool {
    lesson.end.saturating_add(WAITS).unwrap_or(Timestamp::MAX) < now
}

/// Whether what a file says is nothing beside what waits: the same, or older.
pub(super) fn is_known(kept: &KeptMark, said: &Said, stand: &Stand, now: Timestamp) -> bool {
    let Some(former) = stand_of(kept) else { return false };
    let before = said_of(said.school.clone(), said.pupil.clone(), kept);
    let told = |said: &Said| digest(&Said { recorded_at: None, ..said.clone() });
    let last = match weigh(&told(&before), before.recorded_at, &former, None, now) {
        Weighed::New(last) | Weighed::Later(last) => last,
        Weighed::Known => return false,
    };
    matches!(weigh(&told(said), said.recorded_at, stand, Some(&last), now), Weighed::Known)
}

fn said_of(school: SchoolId, pupil: PupilId, kept: &KeptMark) -> Said {
    let KeptMark {
        lesson,
        mark,
        minutes,
        register_closed,
        recorded_at,
        recorded_by,
        row,
        written_at,
        protected,
        ..
    } = kept.clone();
    Said {
        school,
        pupil,
        lesson,
        mark,
        minutes,
        register_closed,
        recorded_at,
        recorded_by,
        row: row.filter(|_| written_at.is_none()),
        replaces: false,
        protected,
    }
}

/// Where a file says it.
fn stand_of(kept: &KeptMark) -> Option<Stand> {
    let (file, line) = kept.row.as_deref()?.split_once(':')?;
    Some((kept.written_at?, file.to_owned(), line.parse().ok()?))
}

/// A pupil who is missing from a lesson, as the source last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The lesson.
    pub lesson: Lesson,
    /// The source's own id of the row.
    pub row: Option<String>,
}

impl Offering {
    pub(super) fn keep(
        &self,
        said: &Said,
        stand: Option<&Stand>,
        learn: bool,
        now: Timestamp,
    ) -> (Vec<u8>, KeptMark) {
        let key = tables::kept_mark(&said.school, &said.pupil, &said.lesson.id, &self.source);
        let Said {
            lesson,
            mark,
            minutes,
            register_closed,
            recorded_at,
            recorded_by,
            row,
            protected,
            ..
        } = said.clone();
        let kept = KeptMark {
            lesson,
            mark,
            minutes,
            register_closed,
            recorded_at,
            recorded_by,
            row: stand.map(|(_, file, line)| format!("{file}:{line}")).or(row),
            written_at: stand.map(|(at, ..)| *at),
            learn,
            protected,
            unread: None,
            since: now,
        };
        (key, kept)
    }

    /// Takes marks that waited, where the directory knows their pupils now. What has waited until nobody would be
    /// told of it any more is let go, as refused.
    ///
    /// # Errors
    /// When the store fails; what waits goes on waiting.
    pub async fn take_kept(&self) -> Result<Taken, StoreError> {
        let (mut taken, now) = (Taken::default(), self.intake.clock().now());
        let (mut ready, mut gone) = ([Vec::new(), Vec::new()], Vec::new());
        for (key, school, pupil, _, kept) in self.rows::<KeptMark>(tables::KEPT_MARKS).await? {
            let over = is_over(&kept.lesson, now);
            if kept.unread.is_some() && !over {
                // Whoever asks the source reads it, when the lesson is known.
            } else if over {
                let why = match kept.unread {
                    None => "pupil: not in the directory",
                    Some(_) => "lesson: not known to its source",
                };
                *taken.refused.entry(why.into()).or_default() += 1;
                self.meter.rejected(1);
                gone.push(key);
            } else if self.is_unknown(&school, &pupil) {
                taken.kept += 1;
            } else {
                let item = (said_of(school, pupil, &kept), stand_of(&kept));
                ready[usize::from(kept.learn)].push(item);
                gone.push(key);
            }
        }
        for (list, learn) in ready.into_iter().zip([false, true]) {
            if !list.is_empty() {
                taken.add(self.offer(list, learn, Unknown::Refused).await?.0);
            }
        }
        self.remember(gone.into_iter().map(|key| (key, None)).collect()).await?;
        Ok(taken)
    }

    /// Everybody whom the source says to be missing, of the last two weeks; also those whom the directory does not
    /// know yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn missing(&self) -> Result<Vec<Missing>, StoreError> {
        let rows = self.rows::<Missed>(tables::MISSED).await?;
        let missing = rows.into_iter().map(|(_, school, pupil, _, row)| Missing {
            school,
            pupil,
            lesson: row.lesson,
            row: row.row,
        });
        let kept = self.rows::<KeptMark>(tables::KEPT_MARKS).await?.into_iter();
        let kept = kept.filter(|(.., kept)| kept.mark == Mark::Unexcused);
        let kept = kept.map(|(_, school, pupil, _, kept)| Missing {
            school,
            pupil,
            lesson: kept.lesson,
            row: kept.row,
        });
        Ok(missing.chain(kept).collect())
    }

    /// Takes a cursor of the source forward, after what was read up to it is stored.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_cursor(
        &self,
        part: &str,
        cursor: &crate::store::rows::Cursor,
    ) -> Result<(), StoreError> {
        let mut unit = Unit::new(self.intake.kv().as_ref());
        unit.write(tables::cursor(&self.source, part), cursor);
        let _: Commit = unit.commit().await?;
        Ok(())
    }

    /// How far a part of the source has been read; none: it was never asked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cursor(
        &self,
        part: &str,
    ) -> Result<Option<crate::store::rows::Cursor>, StoreError> {
        ledger::read(self.intake.kv().as_ref(), &tables::cursor(&self.source, part)).await
    }

    /// The rows of this source in a table whose keys are school, pupil, lesson and source. One that cannot be read
    /// is told of and left out: it must not hold up the others.
    pub(super) async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        table: &[u8],
    ) -> Result<Vec<(Vec<u8>, SchoolId, PupilId, LessonId, T)>, StoreError> {
        let kv = self.intake.kv();
        let (mut from, to, mut found) = (table.to_vec(), after_prefix(table), Vec::new());
        let mut unreadable = 0_u64;
        loop {
            let page = kv.scan(&from, &to, PAGE).await?;
            let Some((last, _)) = page.last() else {
                self.tell_unreadable(table, unreadable);
                return Ok(found);
            };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in page {
                let Some(([school, pupil, lesson, source], _)) = tables::parts::<4>(&key) else {
                    continue;
                };
                let ids = (SchoolId::new(school), PupilId::new(pupil), LessonId::new(lesson));
                if let (Ok(school), Ok(pupil), Ok(lesson)) = ids
                    && source == self.source.as_str()
                {
                    match ledger::decode(&value) {
                        Ok(row) => found.push((key.clone(), school, pupil, lesson, row)),
                        Err(_) => unreadable += 1,
                    }
                }
            }
        }
    }

    fn tell_unreadable(&self, table: &[u8], count: u64) {
        let source = &self.source;
        let (kind, name) = if table == tables::KEPT_MARKS {
            ("unreadable-waiting", "marks that wait for their pupils")
        } else {
            ("unreadable-missing", "marks that say that a pupil is missing")
        };
        if count == 0 {
            self.contacts.well(source, kind);
            return;
        }
        let what = format!("{count} {name} cannot be read in the store and are left out");
        let remedy = "rebuild the store from its journal: `upprop store rebuild`";
        let now = self.intake.clock().now();
        if self.contacts.trouble(source, kind, what.clone(), remedy.into(), now) {
            tracing::error!(%source, kind, what, remedy, "rows of a source cannot be read");
        }
    }
}
