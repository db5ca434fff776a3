//! Marks of sources that are asked, or that hand over whole lists: what they say again and again is told from
//! what is new, and only that goes on to `intake`. Decides nothing.
//!
//! What a source last said of a pupil at a lesson is a row, written in the commit that takes the mark.

mod kept;
mod unread;
mod weighing;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};

pub use kept::Missing;
pub use unread::Unread;
pub(super) use weighing::{Weighed, weigh};
use weighing::{digest, news};

use crate::intake::{Accepted, Beside, Contacts, Intake, IntakeError};
use crate::metrics::SourceMeter;
use crate::model::{
    EventId, Fact, Lesson, LessonId, Mark, Minutes, NotificationId, Observation, PupilId, SchoolId,
    SourceId,
};
use crate::store::ledger::Unit;
use crate::store::rows::{KeptMark, LastSaid, Missed};
use crate::store::{Commit, MAX_BATCH_BYTES, StoreError, codec, ledger, tables};

/// Pupils whose marks are taken side by side; more only lengthens the queue to the committer.
const SIDE_BY_SIDE: usize = 64;
/// Clocks that may agree are not further apart than this.
const AGREE: SignedDuration = SignedDuration::from_secs(5);
/// Why a mark is refused whose row is damaged.
pub(super) const UNREADABLE: &str =
    "the gateway cannot read what it keeps of it; its operators have been told";

/// What a source says of one pupil at one lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The lesson.
    pub lesson: Lesson,
    /// The mark.
    pub mark: Mark,
    /// Minutes, where the source counts them.
    pub minutes: Option<Minutes>,
    /// Whether the register is closed.
    pub register_closed: Option<bool>,
    /// When it was made, by the source's clock; none: the source does not say.
    pub recorded_at: Option<Timestamp>,
    /// Opaque id of who made it.
    pub recorded_by: Option<String>,
    /// The source's own id of the row.
    pub row: Option<String>,
    /// The row that was there before is gone: this one stands, however old it is.
    pub replaces: bool,
    /// It says that the pupil's personal data are protected, or may be.
    pub protected: bool,
}

/// What a file says of one pupil at one lesson, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What it says.
    pub said: Said,
    /// When the file was written: when it was said, where the row does not say.
    pub at: Timestamp,
    /// Digest of the file.
    pub file: String,
    /// Which line: of two rows of one file that say different things of one lesson, the lower stands.
    pub line: usize,
}

/// Where something stands: when the file was written, its digest, and the line.
pub(super) type Stand = (Timestamp, String, usize);

struct Item {
    place: usize,
    said: Said,
    stand: Option<Stand>,
}

type OfPupil = (Taken, BTreeMap<usize, String>, Rows);

/// What came of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Marks that were new.
    pub new: u64,
    /// Marks that were known.
    pub known: u64,
    /// Marks about pupils whom the directory does not know, which wait for it.
    pub kept: u64,
    /// Marks that could not be taken, with the reason; the first of each reason.
    pub refused: BTreeMap<String, u64>,
}

impl Taken {
    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.new += other.new;
        self.known += other.known;
        self.kept += other.kept;
        for (why, times) in other.refused {
            *self.refused.entry(why).or_default() += times;
        }
    }
}

/// Rows to be written; none: to be removed.
type Rows = Vec<(Vec<u8>, Option<Bytes>)>;

/// Who is not known to the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// Is refused, and offered again by whoever offers.
    Refused,
    /// Waits as a row.
    Kept,
}

/// Who offers, and to whom.
#[derive(Clone)]
pub struct Offering {
    /// The source.
    pub source: SourceId,
    /// The door to the core.
    pub intake: Intake,
    /// Told of every mark.
    pub meter: SourceMeter,
    /// Told of what is new.
    pub contacts: Contacts,
}

impl Offering {
    /// Takes what is new of a list; durable on return. `learn`: it was so before the source was first asked, and
    /// nobody is told.
    ///
    /// # Errors
    /// When the store fails; what was taken stays so, and the list may be offered again.
    pub async fn take(&self, list: Vec<Said>, learn: bool) -> Result<Taken, StoreError> {
        let items = list.into_iter().map(|said| (said, None)).collect();
        Ok(self.offer(items, learn, Unknown::Refused).await?.0)
    }

    /// As [`Self::take`], for a source that does not say it again: marks about pupils whom the directory does not
    /// know wait as rows, for [`Self::take_kept`].
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn take_or_keep(&self, list: Vec<Said>, learn: bool) -> Result<Taken, StoreError> {
        let items = list.into_iter().map(|said| (said, None)).collect();
        Ok(self.offer(items, learn, Unknown::Kept).await?.0)
    }

    /// Takes what is new of what a file says; durable on return. Which could not be taken, by their place in the
    /// list, and why. Marks about pupils whom the directory does not know wait as rows, for [`Self::take_kept`],
    /// unless they would be let go at once. The list may be offered again, whole or in part, in any order.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn take_written(
        &self,
        list: Vec<Written>,
        learn: bool,
    ) -> Result<(Taken, BTreeMap<usize, String>), StoreError> {
        let items =
            list.into_iter().map(|Written { said, at, file, line }| (said, Some((at, file, line))));
        self.offer(items.collect(), learn, Unknown::Kept).await
    }

    async fn offer(
        &self,
        list: Vec<(Said, Option<Stand>)>,
        learn: bool,
        unknown: Unknown,
    ) -> Result<(Taken, BTreeMap<usize, String>), StoreError> {
        let mut by_pupil: BTreeMap<(SchoolId, PupilId), Vec<Item>> = BTreeMap::new();
        for (place, (said, stand)) in list.into_iter().enumerate() {
            let key = (said.school.clone(), said.pupil.clone());
            by_pupil.entry(key).or_default().push(Item { place, said, stand });
        }
        let (mut taken, mut rows, mut refused) = (Taken::default(), Vec::new(), BTreeMap::new());
        let work = by_pupil.into_values().map(|items| self.of_pupil(items, learn, unknown));
        let mut work = futures_util::stream::iter(work).buffer_unordered(SIDE_BY_SIDE);
        let mut failed = None;
        while let Some(done) = work.next().await {
            match done {
                Ok((some, which, written)) => {
                    taken.add(some);
                    refused.extend(which);
                    rows.extend(written);
                }
                Err(error) => failed = Some(error),
            }
        }
        self.remember(rows).await?;
        failed.map_or(Ok((taken, refused)), Err)
    }

    async fn of_pupil(
        &self,
        items: Vec<Item>,
        learn: bool,
        unknown: Unknown,
    ) -> Result<OfPupil, StoreError> {
        let kv = self.intake.kv().as_ref();
        let (mut taken, mut refused) = (Taken::default(), BTreeMap::new());
        let mut written: BTreeMap<Vec<u8>, Option<Bytes>> = BTreeMap::new();
        let mut rows: BTreeMap<Vec<u8>, LastSaid> = BTreeMap::new();
        for Item { place, said, stand } in items {
            let key = tables::last_said(&said.school, &said.pupil, &said.lesson.id, &self.source);
            let known = match rows.get(&key) {
                Some(row) => Some(row.clone()),
                None => match ledger::read::<LastSaid>(kv, &key).await {
                    Ok(known) => known,
                    // Whether it is news cannot be told; the marks of others must not wait for it.
                    Err(StoreError::Damaged(why)) => {
                        tracing::error!(
                            school = %said.school, source = %self.source, why,
                            "a mark is refused: what its source said before cannot be read; rebuild the store \
                             from its journal"
                        );
                        self.meter.rejected(1);
                        let words = UNREADABLE.to_owned();
                        refused.insert(place, words.clone());
                        *taken.refused.entry(words).or_default() += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            let now = self.intake.clock().now();
            let weighed = match &stand {
                None => news(&said, known.as_ref(), now, self.latest_there(now))
                    .map_or(Weighed::Known, Weighed::New),
                Some(stand) => {
                    let told = Said { recorded_at: None, ..said.clone() };
                    weigh(&digest(&told), said.recorded_at, stand, known.as_ref(), now)
                }
            };
            let new = match weighed {
                Weighed::New(new) => {
                    LastSaid { mark: Some(said.mark), minutes: said.minutes, ..new }
                }
                Weighed::Known => {
                    taken.known += 1;
                    continue;
                }
                Weighed::Later(row) => {
                    taken.known += 1;
                    let later = codec::encode(ledger::ROW_VERSION, &row);
                    written.insert(key.clone(), Some(later));
                    rows.insert(key, row);
                    continue;
                }
            };
            let is_late = stand.is_some() && kept::is_over(&said.lesson, now);
            if unknown == Unknown::Kept && !is_late && self.is_unknown(&said.school, &said.pupil) {
                if self.wait(&said, stand.as_ref(), learn, &mut written, now).await? {
                    taken.kept += 1;
                } else {
                    taken.known += 1;
                }
                continue;
            }
            let row = codec::encode(ledger::ROW_VERSION, &new);
            let mut beside = vec![self.missed(&said, now), (key.clone(), Some(row))];
            if said.replaces {
                // What waited is gone too.
                let Said { school, pupil, lesson, .. } = &said;
                beside.push((tables::kept_mark(school, pupil, &lesson.id, &self.source), None));
            }
            let (recorded, school) = (said.recorded_at, said.school.clone());
            let protected = said.protected;
            let observation = self.observation(said, &new);
            let with = Beside { learn, protected, rows: &beside };
            match self.intake.accept_beside(&observation, with).await {
                Ok(Accepted::New) => {
                    taken.new += 1;
                    self.tell(recorded, learn, &school, now);
                    // What was to be written of it is older.
                    written.remove(&key);
                }
                Ok(Accepted::Duplicate) => {
                    taken.known += 1;
                    written.extend(beside);
                }
                Err(IntakeError::Rejected(why)) => {
                    // It is offered again with the next list: the directory may know the pupil by then.
                    self.meter.rejected(1);
                    refused.insert(place, why.clone());
                    *taken.refused.entry(why).or_default() += 1;
                    continue;
                }
                Err(IntakeError::Store(StoreError::Damaged(why))) => {
                    tracing::error!(source = %self.source, why, "a mark is refused: a row cannot be read");
                    self.meter.rejected(1);
                    refused.insert(place, UNREADABLE.to_owned());
                    *taken.refused.entry(UNREADABLE.to_owned()).or_default() += 1;
                    continue;
                }
                Err(IntakeError::Store(error)) => return Err(error),
            }
            rows.insert(key, new);
        }
        Ok((taken, refused, written.into_iter().collect()))
    }

    /// Has a mark wait for its pupil. False: a newer one waits.
    async fn wait(
        &self,
        said: &Said,
        stand: Option<&Stand>,
        learn: bool,
        written: &mut BTreeMap<Vec<u8>, Option<Bytes>>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (key, row) = self.keep(said, stand, learn, now);
        let former = match written.get(&key) {
            Some(Some(row)) => ledger::decode::<KeptMark>(row).ok(),
            Some(None) => None,
            None => {
                let stored = self.intake.kv().get(&key).await?;
                stored.and_then(|row| ledger::decode(&row).ok())
            }
        };
        let is_older = former.is_some_and(|k| match stand {
            Some(stand) => kept::is_known(&k, said, stand, now),
            None => row.recorded_at.zip(k.recorded_at).is_some_and(|(new, former)| new < former),
        });
        if is_older && !said.replaces {
            return Ok(false);
        }
        written.insert(key, Some(codec::encode(ledger::ROW_VERSION, &row)));
        Ok(true)
    }

    /// A mark was new.
    fn tell(&self, recorded: Option<Timestamp>, learn: bool, school: &SchoolId, now: Timestamp) {
        let Self { source, contacts, .. } = self;
        // What was so before the source was first asked was not on its way, and one without a time says nothing.
        let delay = recorded.filter(|_| !learn).map(|recorded| {
            let ahead = contacts.ahead(source).unwrap_or_default();
            now.duration_since(recorded).saturating_add(ahead)
        });
        self.meter.accepted(delay);
        if let Some(delay) = delay {
            contacts.delay(source, delay, now);
        }
        contacts.news(source, recorded, now);
        contacts.attendance(source, school, now);
    }

    /// The latest that it can be by the source's clock.
    pub fn latest_there(&self, now: Timestamp) -> Timestamp {
        let ahead = self.contacts.ahead_at_most(&self.source).unwrap_or(AGREE);
        now.saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// What a source last said of a pupil at a lesson.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last(
        &self,
        school: &SchoolId,
        pupil: &PupilId,
        lesson: &LessonId,
    ) -> Result<Option<LastSaid>, StoreError> {
        let key = tables::last_said(school, pupil, lesson, &self.source);
        ledger::read(self.intake.kv().as_ref(), &key).await
    }

    fn is_unknown(&self, school: &SchoolId, pupil: &PupilId) -> bool {
        let directory = self.intake.directory().load();
        // With no directory at all nobody is known, and intake says so.
        directory.schools.contains_key(school)
            && directory.roster.pupil_count() > 0
            && directory.roster.pupil(school, pupil).is_none()
    }

    /// The row of a pupil who is missing, or that there is none.
    fn missed(&self, said: &Said, now: Timestamp) -> (Vec<u8>, Option<Bytes>) {
        let key = tables::missed(&said.school, &said.pupil, &said.lesson.id, &self.source);
        let row = (said.mark == Mark::Unexcused).then(|| {
            let row = Missed { lesson: said.lesson.clone(), row: said.row.clone(), at: now };
            codec::encode(ledger::ROW_VERSION, &row)
        });
        (key, row)
    }

    fn observation(&self, said: Said, new: &LastSaid) -> Observation {
        let event = NotificationId::of(&[
            self.source.as_str(),
            said.school.as_str(),
            said.pupil.as_str(),
            said.lesson.id.as_str(),
            &new.changes.to_string(),
            &new.digest,
        ]);
        Observation {
            source: self.source.clone(),
            event: EventId::new(event.as_str()).expect("hexadecimal digits"),
            school: said.school,
            fact: Fact::Marked {
                pupil: said.pupil,
                lesson: said.lesson,
                mark: said.mark,
                minutes: said.minutes,
                register_closed: said.register_closed,
                recorded_at: new.recorded_at,
                recorded_by: said.recorded_by,
            },
        }
    }

    async fn remember(&self, rows: Rows) -> Result<(), StoreError> {
        let kv = self.intake.kv();
        let mut unit = Unit::new(kv.as_ref());
        for (key, row) in rows {
            match row {
                Some(row) => unit.write_raw(key, row),
                None => unit.delete(key),
            }
            if unit.bytes() > MAX_BATCH_BYTES / 2 {
                let _: Commit = unit.commit().await?;
                unit = Unit::new(kv.as_ref());
            }
        }
        if unit.bytes() > 0 {
            let _: Commit = unit.commit().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "marks_tests.rs"]
mod list_tests;
#[cfg(test)]
mod tests;
