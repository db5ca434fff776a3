//! Asks the source for marks: lists what has changed, or takes the lessons with their marks, or looks marks up, as
//! configured and as the source lets. Minutes become marks in `marks`; what is new of them goes on to `intake`.
//! A cursor moves only after what was read up to it is stored.

mod gone;
mod row;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tests;
mod unread;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::book::{Book, Place};
use super::client::Client;
use super::deleted::Deleted;
use super::fault::{Fault, Wrong, kinds};
use super::marks::Rules;
use super::notices::Notices;
use super::rows::Bad;
use super::schedule::{cursor, theirs};
use super::settings::Resource;
use super::timetable::is_likely;
use crate::directory::Protection;
use crate::intake::IntakeError;
use crate::model::{
    EventId, Fact, Lesson, LessonId, NotificationId, Observation, PupilId, SchoolId,
};
use crate::source::marks::{Offering, Taken, Unread};
use crate::store::StoreError;
use crate::store::rows::Cursor;

use gone::withdrawn;
pub use ways::Way;

/// The part of the source that the cursor of deleted rows is of.
const DELETED: &str = "deleted";
/// How far ahead of us a source's clock may be: what lies beyond is no time that a row was changed at.
const AHEAD: SignedDuration = SignedDuration::from_hours(26);
/// How far back what has changed is listed where the source was asked in another way before.
const BACK: SignedDuration = SignedDuration::from_hours(48);
/// How long it is remembered that a register was told of as closed; what is told twice is known to the core.
const CLOSED_KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);
/// The trouble with pupils who are protected by their marks and not by the directory.
const PROTECTED: &str = "protected-elsewhere";
/// How long the marks of a school wait for its advance notices: without them, who is reported ill would be missing.
const NOTICES_WAITED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How long rows that are deleted wait for the marks of a school that cannot be asked for: rows that were made anew
/// may be among them.
const MARKS_WAITED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// How attendance is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// In which ways it may be, the best first: the first that the source takes is.
    pub ways: Vec<Way>,
    /// How minutes are read.
    pub rules: Rules,
    /// How much is asked for again: rows are dated when their transaction began, and seen when it ends.
    pub overlap: SignedDuration,
    /// How long after its end a lesson's marks are asked for in every round, where they are asked for by lesson.
    pub look_back: SignedDuration,
    /// How often those of all lessons of these days are.
    pub sweep: SignedDuration,
    /// Whether the source is the one that says which lessons there are.
    pub gives_schedule: bool,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            ways: Way::ALL.to_vec(),
            rules: Rules::default(),
            overlap: SignedDuration::from_mins(10),
            look_back: SignedDuration::from_hours(2),
            sweep: SignedDuration::from_mins(15),
            gives_schedule: true,
        }
    }
}

/// What one round found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Rows in the answers.
    pub rows: u64,
    /// What became of their marks.
    pub taken: Taken,
    /// Rows of open registers whose marks wait for them to be closed.
    pub provisional: u64,
    /// Rows that say nothing, though the register is closed.
    pub empty: u64,
    /// Rows of lessons that attendance is not registered at, or that are not of these days.
    pub ignored: u64,
    /// Advance notices that are new or otherwise.
    pub notices: u64,
}

/// Asks for marks.
pub struct Attending {
    client: Client,
    offering: Offering,
    book: Book,
    places: Vec<Place>,
    asking: Asking,
    notices: Notices,
    /// The way of each school, once it is known.
    ways: BTreeMap<SchoolId, Way>,
    /// What the source has refused of each, so that it is not asked for again and again.
    refused: BTreeMap<SchoolId, BTreeSet<Way>>,
    /// Schools whose notices cannot be read, since when.
    unread: BTreeMap<SchoolId, Timestamp>,
    /// Schools whose marks cannot be, since when.
    behind: BTreeMap<SchoolId, Timestamp>,
    deletes: bool,
    swept: BTreeMap<SchoolId, Timestamp>,
    /// Look-ups that a round of each school takes.
    batches: BTreeMap<SchoolId, u32>,
    closed: BTreeMap<LessonId, Timestamp>,
    /// Who is protected by what marks say, and not by the directory.
    protected: BTreeSet<(SchoolId, PupilId)>,
    begun: BTreeSet<LessonId>,
    tried: Option<Timestamp>,
    /// Bad rows of the last round: the same are read again while they are recent.
    bad: u64,
}

/// What is collected in one round.
#[derive(Default)]
struct Round {
    found: Found,
    bad: Bad,
    deleted: BTreeSet<String>,
    /// Everybody of whom a row was read, so that a row made anew is told from one that is gone.
    said: BTreeSet<(LessonId, PupilId)>,
    /// Rows whose lesson nobody knows, to be kept.
    unknown: Vec<Unread>,
    /// When the oldest row was changed that must be asked for again: its lesson may be known by then.
    again: Option<Timestamp>,
    /// Whether the source has answered for the school.
    answered: bool,
    /// Whether there may be more.
    cut: bool,
    /// Who is protected by what marks say, and not by the directory.
    protected: BTreeSet<(SchoolId, PupilId)>,
    /// Registers that somebody works on.
    begun: BTreeMap<LessonId, (SchoolId, Lesson)>,
    /// Registers that are closed.
    closed: BTreeMap<LessonId, (SchoolId, Lesson, Timestamp, Option<String>)>,
}

impl Attending {
    /// Asks nothing of the source yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn new(
        client: Client,
        offering: Offering,
        book: Book,
        places: Vec<Place>,
        asking: Asking,
    ) -> Result<Self, StoreError> {
        let notices = Notices::load(&offering).await?;
        Ok(Self {
            ways: BTreeMap::new(),
            client,
            offering,
            book,
            places,
            asking,
            notices,
            refused: BTreeMap::new(),
            unread: BTreeMap::new(),
            behind: BTreeMap::new(),
            deletes: true,
            swept: BTreeMap::new(),
            batches: BTreeMap::new(),
            closed: BTreeMap::new(),
            protected: BTreeSet::new(),
            begun: BTreeSet::new(),
            tried: None,
            bad: 0,
        })
    }

    /// The way that marks are asked for in, once it is known: of several schools' the one that costs most.
    pub fn way(&self) -> Option<Way> {
        self.ways.values().copied().max()
    }

    /// Most look-ups that a round of one school takes.
    pub fn batches(&self) -> u32 {
        self.batches.values().copied().max().unwrap_or(1)
    }

    /// Whether the source gives advance notices, as far as is known.
    pub fn has_notices(&self) -> bool {
        self.notices.are_offered()
    }

    /// Whether the source says what is deleted, as far as is known.
    pub fn has_deleted(&self) -> bool {
        self.deletes
    }

    /// What was refused is tried again from now on: servers change.
    pub fn try_all_again(&mut self) {
        self.ways.clear();
        self.refused.clear();
        self.notices.ask_again();
        self.deletes = true;
    }

    /// Asks once for everything.
    ///
    /// # Errors
    /// See [`Fault`]; what was taken stays so, and the rest is asked for again.
    pub async fn round(&mut self) -> Result<Found, Fault> {
        let now = self.client.clock().now();
        if self.tried.is_some_and(|at| now.duration_since(at) >= SignedDuration::from_hours(24)) {
            self.try_all_again();
            self.tried = Some(now);
        }
        self.tried.get_or_insert(now);
        let mut round = Round::default();
        round.found.taken = self.offering.take_kept().await?;
        // What fails for one school or part does not hold up the others.
        let mut failed = None;
        let deleted = match self.deleted(now).await {
            Err(fault @ Fault::Failed(_)) => {
                failed = Some(fault);
                Deleted { cut_short: true, ..Deleted::default() }
            }
            done => done?,
        };
        round.deleted.clone_from(&deleted.attendances);
        let notices = self.notices.round(
            &self.client,
            &self.offering,
            &self.places,
            &deleted.absences,
            self.asking.overlap,
            &mut round.bad,
        );
        let notices = notices.await?;
        round.found.notices = notices.changed;
        round.protected.extend(notices.protected);
        failed = failed.or(notices.failed);
        since(&mut self.unread, &notices.unread, now);
        let mut behind = BTreeSet::new();
        for place in self.places.clone() {
            let unread = self.unread.get(&place.school);
            if unread.is_some_and(|at| now.duration_since(*at) < NOTICES_WAITED_FOR) {
                behind.insert(place.school);
                continue;
            }
            match self.of_place(&place, now, &mut round).await {
                Err(fault @ Fault::Failed(_)) => {
                    behind.insert(place.school);
                    failed.get_or_insert(fault);
                }
                done => {
                    done?;
                    let (source, contacts) = (&self.offering.source, &self.offering.contacts);
                    contacts.marks_answered(source, &place.school, now);
                }
            }
        }
        since(&mut self.behind, &behind, now);
        behind.retain(|school| {
            let since = self.behind.get(school);
            since.is_some_and(|at| now.duration_since(*at) < MARKS_WAITED_FOR)
        });
        self.take_back(&mut round, &behind).await?;
        self.tell_protected(std::mem::take(&mut round.protected));
        self.registers(&round, now).await?;
        if self.deletes && !deleted.cut_short && behind.is_empty() {
            // Ids of deleted rows are worked off only now.
            let known = self.offering.cursor(DELETED).await?;
            self.offering.set_cursor(DELETED, &cursor(known, now)).await?;
        }
        self.tell(&round);
        failed.map_or(Ok(round.found), Err)
    }

    fn tell(&mut self, round: &Round) {
        let (source, found) = (&self.offering.source, &round.found);
        let more_bad = round.bad.count.saturating_sub(self.bad);
        self.bad = round.bad.count;
        if more_bad > 0 {
            self.offering.meter.rejected(more_bad);
        }
        match round.bad.wrong(Resource::Attendances) {
            Some(wrong) => self.client.tell(Resource::Attendances, &wrong),
            None => self.client.well(Resource::Attendances, kinds::BAD_ROWS),
        }
        if found.taken.new + found.notices + more_bad > 0 {
            tracing::info!(
                %source, rows = found.rows, new = found.taken.new, waiting = found.taken.kept,
                notices = found.notices, provisional = found.provisional, empty = found.empty,
                ignored = found.ignored, bad = round.bad.count, "attendance"
            );
        }
    }

    /// Tells that nobody is told of pupils whom the directory does not protect as it should.
    fn tell_protected(&mut self, new: BTreeSet<(SchoolId, PupilId)>) {
        self.protected.extend(new);
        let directory = self.offering.intake.directory().load_full();
        self.protected.retain(|(school, pupil)| {
            let pupil = directory.roster.pupil(school, pupil);
            pupil.is_some_and(|pupil| pupil.protection == Protection::None)
        });
        let count = self.protected.len();
        if count == 0 {
            self.client.well(Resource::Attendances, PROTECTED);
            return;
        }
        let what = format!(
            "{count} pupils have protected personal data by their marks, and not by the directory; \
             nobody is told of them, and staff get a task instead"
        );
        let remedy = "look after these pupils by hand, and load the directory anew";
        self.client.tell(Resource::Attendances, &Wrong::new(PROTECTED, what, remedy));
    }

    /// What is deleted since the last round.
    async fn deleted(&mut self, now: Timestamp) -> Result<Deleted, Fault> {
        if !self.deletes {
            return Ok(Deleted::default());
        }
        let after = self.offering.cursor(DELETED).await?.and_then(|cursor| cursor.after);
        let after = after.unwrap_or(now);
        // By the earlier clock: asked for from the future, nothing would ever be deleted.
        let after = theirs(&self.client, after).min(after).saturating_sub(self.asking.overlap);
        let after = after.unwrap_or(Timestamp::MIN);
        match self.client.impatient().deleted(after, &["Attendance", "Absence"]).await {
            Ok(deleted) => Ok(deleted),
            Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => {
                self.deletes = false;
                tracing::info!(source = %self.offering.source, "the source does not say what is deleted");
                Ok(Deleted::default())
            }
            Err(fault) => Err(fault),
        }
    }

    /// The marks of one school, in the way that the source takes.
    async fn of_place(
        &mut self,
        place: &Place,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<(), Fault> {
        let part = format!("attendance {}", place.school);
        let school = &place.school;
        let known = if let Some(known) = self.offering.cursor(&part).await? {
            known
        } else {
            // Before anything is asked: however long it takes, what is dated after now is no history.
            let first = Cursor { first_asked_at: now, after: None, whole: false };
            self.offering.set_cursor(&part, &first).await?;
            first
        };
        self.read_again(place, &known, round).await?;
        loop {
            (round.again, round.answered, round.cut) = (None, false, false);
            let refused = self.refused.get(school);
            let is_open = |way: &Way| !refused.is_some_and(|refused| refused.contains(way));
            let next = self.ways.get(school).copied();
            let next = next.or_else(|| self.asking.ways.iter().copied().find(is_open));
            let Some(way) = next else {
                let what = "marks, in any way".to_owned();
                let fault = Fault::NotOffered { status: 404, what };
                return Err(self.client.give_up(Resource::Attendances, fault));
            };
            match self.ask(way, place, &known, now, round).await {
                // Where there was nothing to ask for, it may be the wrong way.
                Ok(_) if !round.answered => return Ok(()),
                Ok(newest) => {
                    if self.ways.insert(school.clone(), way) != Some(way) {
                        let source = &self.offering.source;
                        tracing::info!(%source, %school, way = way.as_str(), "marks are asked for in this way");
                    }
                    let after = newest.map(|at| at.min(theirs(&self.client, now)));
                    // Not past what is not stored.
                    let after = round.again.map_or(after, |again| after.map(|at| at.min(again)));
                    let after = after.max(known.after.map(|at| at.min(theirs(&self.client, now))));
                    let whole = known.whole || !round.cut;
                    let next = Cursor { after, whole, ..known.clone() };
                    if known != next {
                        self.offering.set_cursor(&part, &next).await?;
                    }
                    return Ok(());
                }
                Err(
                    fault @ (Fault::NotOffered { status, .. } | Fault::BadRequest { status, .. }),
                ) => {
                    let refused = self.refused.entry(school.clone()).or_default();
                    refused.insert(way);
                    self.ways.remove(school);
                    if self.asking.ways.iter().all(|way| refused.contains(way)) {
                        // Nothing helps: all of it is tried again with the next round.
                        refused.clear();
                        return Err(self.client.give_up(way.resource(), fault));
                    }
                    let source = &self.offering.source;
                    tracing::info!(
                        %source, %school, way = way.as_str(), status,
                        "marks cannot be asked for in this way; the next one is tried"
                    );
                }
                Err(fault) => return Err(self.client.give_up(Resource::Attendances, fault)),
            }
        }
    }

    /// Takes back the marks whose rows are deleted and not made anew.
    async fn take_back(&self, round: &mut Round, behind: &BTreeSet<SchoolId>) -> Result<(), Fault> {
        if round.deleted.is_empty() {
            return Ok(());
        }
        let gone = self.offering.missing().await?.into_iter().filter(|missing| {
            let deleted = missing.row.as_ref().is_some_and(|row| round.deleted.contains(row));
            deleted
                && !behind.contains(&missing.school)
                && !round.said.contains(&(missing.lesson.id.clone(), missing.pupil.clone()))
        });
        let gone = gone.map(withdrawn).collect();
        round.found.taken.add(self.offering.take_or_keep(gone, false).await?);
        Ok(())
    }

    /// Tells of registers that are begun and closed, once each.
    async fn registers(&mut self, round: &Round, now: Timestamp) -> Result<(), Fault> {
        self.closed.retain(|_, at| now.duration_since(*at) < CLOSED_KEPT);
        for (id, (school, lesson)) in &round.begun {
            if !self.begun.contains(id) {
                let fact = Fact::RegisterBegun { lesson: lesson.clone() };
                self.register(school, &["begun", school.as_str(), id.as_str()], fact).await?;
                self.begun.insert(id.clone());
            }
        }
        for (id, (school, lesson, closed_at, closed_by)) in &round.closed {
            if self.closed.get(id) == Some(closed_at) {
                continue;
            }
            let fact = Fact::RegisterClosed {
                lesson: lesson.clone(),
                closed_at: *closed_at,
                closed_by: closed_by.clone(),
            };
            let (at, by) = (closed_at.to_string(), closed_by.as_deref().unwrap_or_default());
            self.register(school, &["closed", school.as_str(), id.as_str(), &at, by], fact).await?;
            self.closed.insert(id.clone(), *closed_at);
        }
        Ok(())
    }

    async fn register(&self, school: &SchoolId, event: &[&str], fact: Fact) -> Result<(), Fault> {
        let event = EventId::new(NotificationId::of(event).as_str()).map_err(|_| Fault::Stopped)?;
        let (source, school) = (self.offering.source.clone(), school.clone());
        let observation = Observation { source, event, school, fact };
        match self.offering.intake.accept(&observation).await {
            Ok(_) | Err(IntakeError::Rejected(_)) => Ok(()),
            Err(IntakeError::Store(error)) => Err(error.into()),
        }
    }
}

/// Remembers since when each of these is so.
fn since(known: &mut BTreeMap<SchoolId, Timestamp>, these: &BTreeSet<SchoolId>, now: Timestamp) {
    known.retain(|school, _| these.contains(school));
    for school in these {
        known.entry(school.clone()).or_insert(now);
    }
}

/// Whether a row can have been changed then.
pub(super) fn is_possible(at: Timestamp, now: Timestamp) -> bool {
    is_likely(at) && at <= now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX)
}
