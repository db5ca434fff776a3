//! Asks the source for marks: lists what has changed, or takes the lessons with their marks, or looks marks up, as
//! configured and as the source lets. Minutes become marks in `marks`; what is new of them goes on to `intake`.
//! A cursor moves only after what was read up to it is stored.

mod row;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::book::{Book, Place};
use super::client::Client;
use super::deleted::Deleted;
use super::fault::{Fault, kinds};
use super::marks::Rules;
use super::notices::Notices;
use super::rows::Bad;
use super::schedule::{cursor, theirs};
use super::settings::Resource;
use super::timetable::is_likely;
use crate::intake::IntakeError;
use crate::model::{
    EventId, Fact, Lesson, LessonId, Mark, NotificationId, Observation, PupilId, SchoolId,
};
use crate::source::marks::{Offering, Said, Taken};
use crate::store::StoreError;
use crate::store::rows::Cursor;

pub use ways::Way;

/// The part of the source that the cursor of deleted rows is of.
const DELETED: &str = "deleted";
/// How far ahead of us a source's clock may be: what lies beyond is no time that a row was changed at.
const AHEAD: SignedDuration = SignedDuration::from_hours(26);
/// How far back what has changed is listed where the source was asked in another way before.
const BACK: SignedDuration = SignedDuration::from_hours(48);

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
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            ways: Way::ALL.to_vec(),
            rules: Rules::default(),
            overlap: SignedDuration::from_mins(10),
            look_back: SignedDuration::from_hours(2),
            sweep: SignedDuration::from_mins(15),
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
    way: Option<Way>,
    /// What the source has refused, so that it is not asked for again and again.
    refused: BTreeSet<Way>,
    deletes: bool,
    swept: BTreeMap<SchoolId, Timestamp>,
    closed: BTreeMap<LessonId, Timestamp>,
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
    /// When the oldest row was changed that must be asked for again: its lesson may be known by then.
    again: Option<Timestamp>,
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
            way: None,
            client,
            offering,
            book,
            places,
            asking,
            notices,
            refused: BTreeSet::new(),
            deletes: true,
            swept: BTreeMap::new(),
            closed: BTreeMap::new(),
            begun: BTreeSet::new(),
            tried: None,
            bad: 0,
        })
    }

    /// The way that marks are asked for in, once it is known.
    pub fn way(&self) -> Option<Way> {
        self.way
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
        self.way = None;
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
        }
        self.tried.get_or_insert(now);
        let mut round = Round::default();
        round.found.taken = self.offering.take_kept().await?;
        // What fails for one school or part does not hold up the others.
        let mut failed = None;
        let deleted = match self.deleted(now).await {
            Err(fault @ Fault::Failed(_)) => {
                failed = Some(fault);
                Deleted::default()
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
        match notices.await {
            Ok(changed) => round.found.notices = changed,
            Err(fault @ Fault::Failed(_)) => failed = Some(fault),
            Err(fault) => return Err(fault),
        }
        for place in self.places.clone() {
            match self.of_place(&place, now, &mut round).await {
                Err(fault @ Fault::Failed(_)) => failed = Some(fault),
                done => done?,
            }
        }
        self.take_back(&mut round).await?;
        self.registers(&round).await?;
        if let Some(fault) = failed {
            self.tell(&round);
            return Err(fault);
        }
        if self.deletes && !deleted.cut_short {
            // Ids of deleted rows are worked off only now.
            let known = self.offering.cursor(DELETED).await?;
            self.offering.set_cursor(DELETED, &cursor(known, now)).await?;
        }
        self.tell(&round);
        Ok(round.found)
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

    /// What is deleted since the last round.
    async fn deleted(&mut self, now: Timestamp) -> Result<Deleted, Fault> {
        if !self.deletes {
            return Ok(Deleted::default());
        }
        let after = self.offering.cursor(DELETED).await?.and_then(|cursor| cursor.after);
        let after = theirs(&self.client, after.unwrap_or(now)).saturating_sub(self.asking.overlap);
        let after = after.unwrap_or(Timestamp::MIN);
        match self.client.deleted(after, &["Attendance", "Absence"]).await {
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
        round.again = None;
        let known = self.offering.cursor(&part).await?;
        loop {
            let next = |refused: &BTreeSet<Way>| {
                self.asking.ways.iter().copied().find(|way| !refused.contains(way))
            };
            let Some(way) = self.way.or_else(|| next(&self.refused)) else {
                let what = "marks, in any way".to_owned();
                let fault = Fault::NotOffered { status: 404, what };
                return Err(self.client.give_up(Resource::Attendances, fault));
            };
            match self.ask(way, place, known.as_ref(), now, round).await {
                Ok(newest) => {
                    if self.way.replace(way) != Some(way) {
                        let source = &self.offering.source;
                        tracing::info!(%source, way = way.as_str(), "marks are asked for in this way");
                    }
                    let after = newest.map(|at| at.min(theirs(&self.client, now)));
                    // Not past what is not stored.
                    let after = round.again.map_or(after, |again| after.map(|at| at.min(again)));
                    let after = after.max(known.as_ref().and_then(|k| k.after));
                    let first_asked_at = known.as_ref().map_or(now, |k| k.first_asked_at);
                    let next = Cursor { first_asked_at, after };
                    if known.as_ref() != Some(&next) {
                        self.offering.set_cursor(&part, &next).await?;
                    }
                    return Ok(());
                }
                Err(
                    fault @ (Fault::NotOffered { status, .. } | Fault::BadRequest { status, .. }),
                ) => {
                    self.refused.insert(way);
                    self.way = None;
                    if self.asking.ways.iter().all(|way| self.refused.contains(way)) {
                        // Nothing helps: all of it is tried again with the next round.
                        self.refused.clear();
                        return Err(self.client.give_up(way.resource(), fault));
                    }
                    let source = &self.offering.source;
                    tracing::info!(
                        %source, way = way.as_str(), status,
                        "marks cannot be asked for in this way; the next one is tried"
                    );
                }
                Err(fault) => return Err(self.client.give_up(Resource::Attendances, fault)),
            }
        }
    }

    /// Takes back the marks whose rows are deleted and not made anew.
    async fn take_back(&self, round: &mut Round) -> Result<(), Fault> {
        if round.deleted.is_empty() {
            return Ok(());
        }
        let gone = self.offering.missing().await?.into_iter().filter(|missing| {
            let deleted = missing.row.as_ref().is_some_and(|row| round.deleted.contains(row));
            deleted && !round.said.contains(&(missing.lesson.id.clone(), missing.pupil.clone()))
        });
        let gone = gone.map(withdrawn).collect();
        round.found.taken.add(self.offering.take_or_keep(gone, false).await?);
        Ok(())
    }

    /// Tells of registers that are begun and closed, once each.
    async fn registers(&mut self, round: &Round) -> Result<(), Fault> {
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

/// A mark that is not there any more: nobody knows where the pupil is.
fn withdrawn(missing: crate::source::marks::Missing) -> Said {
    Said {
        school: missing.school,
        pupil: missing.pupil,
        lesson: missing.lesson,
        mark: Mark::Unknown,
        minutes: None,
        register_closed: None,
        recorded_at: None,
        recorded_by: None,
        row: None,
        replaces: true,
    }
}

/// Whether a row can have been changed then.
pub(super) fn is_possible(at: Timestamp, now: Timestamp) -> bool {
    is_likely(at) && at <= now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX)
}
