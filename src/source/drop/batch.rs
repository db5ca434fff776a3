//! Rows of one kind to observations, and those to `intake`: what is known is told from what is new, by what was
//! last said. Decides nothing.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use jiff::Timestamp;

use super::columns::Reading;
use super::kind::Kind;
use super::lessons::{self, Lessons};
use super::records::Row;
use super::rows::{self, Marked, Meant, Noticed};
use super::settings::Settings;
use super::standing::{Key, Standing, key};
use super::values::{Bad, Cells, Context};
use crate::directory::Directory;
use crate::intake::{Accepted, IntakeError};
use crate::model::{
    EventId, Fact, Lesson, LessonId, NotificationId, Observation, Planned, PupilId, SchoolId,
};
use crate::source::marks::{Offering, Said, UNREADABLE, Weighed, Written, weigh};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{LastSaid, Register};
use crate::store::{Commit, StoreError, tables};

/// Lessons or pupils that are taken side by side.
const SIDE_BY_SIDE: usize = 64;

/// One file being taken.
pub struct Batches<'a> {
    /// To whom it is offered.
    pub offering: &'a Offering,
    /// How it is to be read.
    pub settings: &'a Settings,
    /// What it is about.
    pub kind: Kind,
    /// The beginning of its digest.
    pub file: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// What was over then was so before anybody asked, if the file was written before, too.
    pub first_asked_at: Timestamp,
    /// The schedule.
    pub lessons: Lessons,
    /// Which of its rows stand.
    pub standing: Standing,
}

/// What came of some rows.
#[derive(Default)]
pub struct Came {
    /// How many were good.
    pub good: u64,
    /// How many of those said something new.
    pub new: u64,
    /// How many of the good ones wait for their pupils to be known.
    pub kept: u64,
    /// How many of the bad ones could not even be read; the door to the core has counted the others.
    pub unread: u64,
    /// Those that were not good.
    pub bad: Vec<(Row, Bad)>,
}

impl Came {
    fn add(&mut self, other: Self) {
        self.good += other.good;
        self.new += other.new;
        self.kept += other.kept;
        self.unread += other.unread;
        self.bad.extend(other.bad);
    }
}

impl Batches<'_> {
    /// Sees rows before any is taken: which of them stand.
    pub fn look(&mut self, reading: &Reading, rows: &[Row]) {
        let intake = &self.offering.intake;
        let (directory, now) = (intake.directory().load_full(), intake.clock().now());
        for row in rows {
            if let Ok(meaning) = self.read(reading, row, &directory, now) {
                let (key, recorded_at) = meaning.about();
                self.standing.see(key, recorded_at, row.line);
            }
        }
    }

    /// Takes rows; durable on return.
    ///
    /// # Errors
    /// When the store fails, or nobody can be told from anybody yet; the file may be taken again from its start.
    pub async fn take(&mut self, reading: &Reading, rows: Vec<Row>) -> Result<Came, StoreError> {
        let intake = self.offering.intake.clone();
        let directory = intake.directory().load_full();
        if self.kind != Kind::Schedule && directory.roster.pupil_count() == 0 {
            return Err(StoreError::Busy("no directory is in force; load it first".into()));
        }
        let mut came = Came::default();
        let mut read = Vec::new();
        for row in rows {
            match self.read(reading, &row, &directory, intake.clock().now()) {
                Ok(meaning) if self.standing.is(&meaning.about().0, row.line) => {
                    read.push((row, meaning));
                }
                // Another row of the file says otherwise, and later.
                Ok(_) => came.good += 1,
                Err(bad) => {
                    came.unread += 1;
                    came.bad.push((row, bad));
                }
            }
        }
        let (mut marked, mut planned, mut noticed) = (Vec::new(), Vec::new(), Vec::new());
        for (row, meaning) in read {
            match meaning {
                Meaning::Marked(found) => marked.push((row, found)),
                Meaning::Planned(school, lesson, plan) => {
                    planned.push((row, (school, lesson, plan)));
                }
                Meaning::Noticed(found) => noticed.push((row, found)),
            }
        }
        if !marked.is_empty() {
            self.marks(marked, &mut came).await?;
        }
        if !planned.is_empty() {
            self.plans(planned, &mut came).await?;
        }
        if !noticed.is_empty() {
            self.notices(noticed, &mut came).await?;
        }
        came.bad.sort_by_key(|(row, _)| row.line);
        Ok(came)
    }

    fn read(
        &self,
        reading: &Reading,
        row: &Row,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Meaning, Bad> {
        let fields = row.fields.as_ref().map_err(|what| Bad::row(what, "export it again"))?;
        if let Some((column, what, remedy)) = reading.misfit(fields) {
            return Err(Bad { column, what, remedy });
        }
        let cells = Cells { reading, fields };
        let context = Context {
            directory,
            schools: self.settings.schools.as_ref(),
            meaning: &self.settings.meaning,
            now,
        };
        Ok(match self.kind {
            Kind::Schedule => {
                let (school, lesson, planned) = rows::planned(cells, context)?;
                Meaning::Planned(school, lesson, planned)
            }
            Kind::Absences => Meaning::Noticed(rows::noticed(cells, context)?),
            _ => Meaning::Marked(rows::marked(cells, context)?),
        })
    }

    async fn marks(&mut self, rows: Vec<(Row, Marked)>, came: &mut Came) -> Result<(), StoreError> {
        let kv = self.offering.intake.kv().clone();
        // Of the same lesson all rows are on the same side, so that their order stays.
        let mut sides: [Vec<(Row, Written)>; 2] = Default::default();
        for (row, found) in rows {
            let lesson = match self.lessons.find(kv.as_ref(), &found.school, &found.lesson).await? {
                Ok(lesson) => lesson,
                Err(bad) => {
                    came.unread += 1;
                    came.bad.push((row, bad));
                    continue;
                }
            };
            let is_history =
                self.written_at <= self.first_asked_at && lesson.end <= self.first_asked_at;
            let line = row.line;
            let said = said(found, lesson, self.settings.meaning.provisional);
            let written = Written { said, at: self.written_at, file: self.file.clone(), line };
            sides[usize::from(is_history)].push((row, written));
        }
        for (side, learn) in sides.into_iter().zip([false, true]) {
            let (rows, list): (Vec<Row>, Vec<Written>) = side.into_iter().unzip();
            if list.is_empty() {
                continue;
            }
            let (taken, refused) = self.offering.take_written(list, learn).await?;
            came.new += taken.new;
            came.kept += taken.kept;
            came.good += (rows.len() - refused.len()) as u64;
            for (place, row) in rows.into_iter().enumerate() {
                if let Some(why) = refused.get(&place) {
                    came.bad.push((row, refusal(why)));
                }
            }
        }
        Ok(())
    }

    async fn plans(
        &mut self,
        rows: Vec<(Row, (SchoolId, Lesson, Planned))>,
        came: &mut Came,
    ) -> Result<(), StoreError> {
        let kv = self.offering.intake.kv().clone();
        let mut by_lesson: BTreeMap<(SchoolId, LessonId), Vec<Plan>> = BTreeMap::new();
        for (row, (school, mut lesson, planned)) in rows {
            lesson.id = self.lessons.settle(kv.as_ref(), &school, &lesson, &planned.groups).await?;
            let key = (school, lesson.id.clone());
            by_lesson.entry(key).or_default().push((row, lesson, planned));
        }
        let groups: Vec<_> = by_lesson
            .iter()
            .flat_map(|((school, _), rows)| {
                rows.iter().map(move |(_, l, p)| (school, l, &p.groups[..]))
            })
            .collect();
        lessons::remember(kv.as_ref(), groups.into_iter()).await?;
        let work = by_lesson.into_iter().map(|((school, _), rows)| self.lesson(school, rows));
        let mut work = futures_util::stream::iter(work).buffer_unordered(SIDE_BY_SIDE);
        while let Some(done) = work.next().await {
            came.add(done?);
        }
        drop(work);
        // What was looked up before it was planned may be known now.
        self.lessons = Lessons::default();
        Ok(())
    }

    async fn lesson(
        &self,
        school: SchoolId,
        rows: Vec<(Row, Lesson, Planned)>,
    ) -> Result<Came, StoreError> {
        let intake = &self.offering.intake;
        let mut came = Came::default();
        for (row, lesson, mut planned) in rows {
            let register = tables::register(&school, &lesson.id);
            let known = ledger::read_good::<Register>(intake.kv().as_ref(), &register).await?;
            let is_known = known.is_some_and(|known| {
                let same = |former: Planned| {
                    Planned { modified_at: planned.modified_at, ..former } == planned
                };
                known.lesson == lesson && known.planned.is_some_and(same)
            });
            if is_known {
                came.good += 1;
                continue;
            }
            planned.modified_at = planned.modified_at.or(Some(self.written_at));
            let what = format!("{lesson:?} {planned:?}");
            let event = self.event(&["plan", school.as_str(), &what, &row.line.to_string()]);
            let fact = Fact::LessonPlanned { lesson, planned };
            let observation = Observation {
                source: self.offering.source.clone(),
                event,
                school: school.clone(),
                fact,
            };
            match self.accept(&observation).await? {
                Ok(new) => {
                    came.good += 1;
                    came.new += u64::from(new);
                }
                Err(why) => came.bad.push((row, refusal(&why))),
            }
        }
        Ok(came)
    }

    async fn notices(
        &mut self,
        rows: Vec<(Row, Noticed)>,
        came: &mut Came,
    ) -> Result<(), StoreError> {
        let mut by_pupil: BTreeMap<(SchoolId, PupilId), Vec<(Row, Noticed)>> = BTreeMap::new();
        for (row, found) in rows {
            let key = (found.school.clone(), found.pupil.clone());
            by_pupil.entry(key).or_default().push((row, found));
        }
        let work = by_pupil.into_values().map(|rows| self.of_pupil(rows));
        let mut work = futures_util::stream::iter(work).buffer_unordered(SIDE_BY_SIDE);
        while let Some(done) = work.next().await {
            came.add(done?);
        }
        Ok(())
    }

    /// Notices are weighed as marks are; each span and kind is a thing of its own.
    async fn of_pupil(&self, rows: Vec<(Row, Noticed)>) -> Result<Came, StoreError> {
        let intake = &self.offering.intake;
        let mut came = Came::default();
        for (row, found) in rows {
            let Noticed { school, pupil, notice, withdrawn, recorded_at } = found;
            let span = NotificationId::of(&["notice", &format!("{notice:?}")]);
            let span = LessonId::new(span.as_str()).expect("hexadecimal digits");
            let key = tables::last_said(&school, &pupil, &span, &self.offering.source);
            let known = match ledger::read::<LastSaid>(intake.kv().as_ref(), &key).await {
                Ok(known) => known,
                // Whether it is news cannot be told; the rest of the file must not wait for it.
                Err(StoreError::Damaged(why)) => {
                    tracing::error!(
                        %school, source = %self.offering.source, why,
                        "a notice is refused: what its source said before cannot be read; rebuild the store from its \
                         journal"
                    );
                    came.unread += 1;
                    came.bad.push((row, refusal(UNREADABLE)));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let now = intake.clock().now();
            let stand = (self.written_at, self.file.clone(), row.line);
            let digest = if withdrawn { "withdrawn" } else { "given" };
            let (last, is_new) = match weigh(digest, recorded_at, &stand, known.as_ref(), now) {
                Weighed::Known => {
                    came.good += 1;
                    continue;
                }
                Weighed::Later(last) => (last, false),
                Weighed::New(last) => (last, true),
            };
            if is_new {
                let changes = last.changes.to_string();
                let event = self.event(&[
                    "notice",
                    school.as_str(),
                    pupil.as_str(),
                    span.as_str(),
                    &changes,
                    digest,
                ]);
                let fact = Fact::Notified {
                    pupil,
                    notice,
                    withdrawn,
                    recorded_at: Some(last.recorded_at),
                };
                let source = self.offering.source.clone();
                match self.accept(&Observation { source, event, school, fact }).await? {
                    Ok(new) => came.new += u64::from(new),
                    Err(why) => {
                        came.bad.push((row, refusal(&why)));
                        continue;
                    }
                }
            }
            came.good += 1;
            let mut unit = Unit::new(intake.kv().as_ref());
            unit.write(key, &last);
            let _: Commit = unit.commit().await?;
        }
        Ok(came)
    }

    /// An id that is the same when the file is read again, and another in a file that was written at another time.
    fn event(&self, parts: &[&str]) -> EventId {
        let written = self.written_at.to_string();
        let all: Vec<&str> = [self.offering.source.as_str(), &written]
            .into_iter()
            .chain(parts.iter().copied())
            .collect();
        EventId::new(NotificationId::of(&all).as_str()).expect("hexadecimal digits")
    }

    /// Whether it was new; the inner error: why it can never be taken.
    async fn accept(&self, observation: &Observation) -> Result<Result<bool, String>, StoreError> {
        let Offering { intake, meter, contacts, source } = self.offering;
        match intake.accept(observation).await {
            Ok(Accepted::New) => {
                meter.accepted(None);
                contacts.news(source, None, intake.clock().now());
                Ok(Ok(true))
            }
            Ok(Accepted::Duplicate) => {
                meter.duplicate();
                Ok(Ok(false))
            }
            Err(IntakeError::Rejected(why)) => {
                meter.rejected(1);
                Ok(Err(why))
            }
            Err(IntakeError::Store(error)) => Err(error),
        }
    }
}

/// A row and what it plans.
type Plan = (Row, Lesson, Planned);

enum Meaning {
    Marked(Marked),
    Planned(SchoolId, Lesson, Planned),
    Noticed(Noticed),
}

impl Meaning {
    /// What it is about, and when it was recorded.
    fn about(&self) -> (Key, Option<Timestamp>) {
        match self {
            Self::Marked(found) => {
                let Meant { id, group, start, .. } = &found.lesson;
                let lesson = match id {
                    Some(id) => id.to_string(),
                    None => format!("{group:?} {start:?}"),
                };
                let parts = ["mark", found.school.as_str(), found.pupil.as_str(), &lesson];
                (key(&parts), found.recorded_at)
            }
            Self::Planned(school, lesson, planned) => {
                (key(&["plan", school.as_str(), lesson.id.as_str()]), planned.modified_at)
            }
            Self::Noticed(found) => {
                let span = format!("{:?}", found.notice);
                let parts = ["notice", found.school.as_str(), found.pupil.as_str(), &span];
                (key(&parts), found.recorded_at)
            }
        }
    }
}

fn said(found: Marked, lesson: Lesson, provisional: bool) -> Said {
    let length = lesson.end.duration_since(lesson.start).as_mins();
    let length = u32::try_from(length).unwrap_or_default();
    Said {
        school: found.school,
        pupil: found.pupil,
        mark: found.mark.unwrap_or_else(|| found.counted.mark(length, provisional)),
        minutes: found.counted.minutes(length),
        lesson,
        register_closed: found.register_closed,
        recorded_at: found.recorded_at,
        recorded_by: found.recorded_by,
        row: None,
        replaces: false,
        protected: false,
    }
}

/// Why the core did not take a row, without the ids that it names.
fn refusal(why: &str) -> Bad {
    if why.starts_with("pupil:") {
        let remedy = "when the directory has the pupil, put the row back";
        return Bad::at("pupil", "is not in the directory of the school", remedy);
    }
    let (what, remedy) = why.split_once("; ").unwrap_or((why, "correct it in the source"));
    Bad::row(&format!("was not taken: {what}"), remedy)
}
