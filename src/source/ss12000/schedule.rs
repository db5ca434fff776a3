//! Asks the source which lessons there are: of today and the days around it, school by school. What has changed goes
//! on to `intake`; what is unchanged costs a look at its row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};

use super::book::{Book, Place};
use super::client::Client;
use super::deleted::Deleted;
use super::fault::{Fault, Wrong, kinds};
use super::planning;
use super::rows::{self, Bad};
use super::settings::Resource;
use super::timetable::Scheduled;
use super::types::{Activity, CalendarEvent};
use crate::env::Pending;
use crate::model::{LessonId, Planned, SchoolId, local_date};
use crate::source::marks::Offering;
use crate::store::rows::{Cursor, Register};
use crate::store::{ledger, tables};

/// The part of the source that the cursor is of.
const PART: &str = "schedule";
/// Lessons that are taken side by side.
const SIDE_BY_SIDE: usize = 64;
/// Lessons whose work is prepared at once.
const TOGETHER: usize = 256;
/// How often what lessons are of is read anew.
const ANEW: SignedDuration = SignedDuration::from_hours(1);
/// Most lessons that may be gone from an answer at once, where the source does not say what is deleted: more is
/// taken for an answer that is not whole.
const MOST_GONE: (usize, f64) = (5, 0.2);
/// The trouble with an answer that is not whole.
const NOT_WHOLE: &str = "schedule-cut-short";

/// Asks for lessons.
pub struct Schedule {
    client: Client,
    offering: Offering,
    book: Book,
    places: Vec<Place>,
    overlap: SignedDuration,
    /// Whether the schedule goes to the core; else only marks are understood by it.
    given: bool,
    read: Mutex<Option<Timestamp>>,
    /// What each school's last listing held: only what was in it can be gone from the next.
    listed: Mutex<BTreeMap<SchoolId, BTreeSet<LessonId>>>,
}

/// What a source says of lessons that are deleted.
enum Gone {
    /// These.
    Said(Deleted),
    /// It does not say it at all: what is not in its listing is gone.
    NotOffered,
    /// It could not be asked now: nothing is gone.
    Unknown,
}

/// What one round found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Lessons in the answers.
    pub lessons: u64,
    /// Lessons that are otherwise than they were.
    pub changed: u64,
}

impl Schedule {
    /// Asks nothing yet.
    pub fn new(
        client: Client,
        offering: Offering,
        book: Book,
        places: Vec<Place>,
        overlap: SignedDuration,
        given: bool,
    ) -> Self {
        Self {
            client,
            offering,
            book,
            places,
            overlap,
            given,
            read: Mutex::default(),
            listed: Mutex::default(),
        }
    }

    /// Asks once for everything.
    ///
    /// # Errors
    /// See [`Fault`]: the first one. What was taken stays so, and what fails for one school or part does not hold up
    /// the others.
    pub async fn round(&self) -> Result<Found, Fault> {
        let now = self.client.clock().now();
        let (mut bad, mut found, mut failed) = (Bad::default(), Found::default(), None);
        let read = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.is_none_or(|read| now.duration_since(read) >= ANEW) {
            match self.activities(&mut bad).await {
                Err(fault @ Fault::Failed(_)) => failed = Some(fault),
                done => {
                    done?;
                    *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                }
            }
        }
        let deleted = match self.deleted().await {
            Err(fault @ Fault::Failed(_)) => {
                failed.get_or_insert(fault);
                Gone::Unknown
            }
            done => done?.map_or(Gone::NotOffered, Gone::Said),
        };
        let mut there = BTreeSet::new();
        for place in &self.places {
            match self.of_place(place, now, &deleted, &mut bad, &mut there).await {
                Ok(of_place) => {
                    found.lessons += of_place.lessons;
                    found.changed += of_place.changed;
                }
                Err(fault @ Fault::Failed(_)) => {
                    failed.get_or_insert(fault);
                }
                Err(fault) => return Err(fault),
            }
        }
        if let Gone::Said(mut deleted) = deleted {
            // Made anew under the same id.
            deleted.calendar_events.retain(|id| !there.contains(id.as_str()));
            found.changed += self.cancel_stored(&deleted.calendar_events).await?;
            if !deleted.cut_short {
                self.offering.set_cursor(PART, &cursor(self.cursor().await?, now)).await?;
            }
        }
        self.book.tidy(now);
        let source = &self.offering.source;
        match bad.wrong(Resource::CalendarEvents) {
            Some(wrong) => self.client.tell(Resource::CalendarEvents, &wrong),
            None => self.client.well(Resource::CalendarEvents, kinds::BAD_ROWS),
        }
        if found.changed > 0 {
            tracing::info!(%source, lessons = found.lessons, changed = found.changed, "schedule");
        }
        failed.map_or(Ok(found), Err)
    }

    /// The lessons of one school. Those that are in its listing come to `there`.
    async fn of_place(
        &self,
        place: &Place,
        now: Timestamp,
        deleted: &Gone,
        bad: &mut Bad,
        there: &mut BTreeSet<String>,
    ) -> Result<Found, Fault> {
        let mut found = Found::default();
        let Some((from, to)) = self.window(&place.school, now) else { return Ok(found) };
        let listed = self.listed().get(&place.school).cloned().unwrap_or_default();
        let before = self.book.between(&place.school, from, to);
        let (lessons, all) = self.lessons(place, (from, to), bad).await?;
        found.lessons = lessons.len() as u64;
        let mut ids: BTreeSet<LessonId> = lessons.iter().map(|s| s.lesson.id.clone()).collect();
        there.extend(ids.iter().map(ToString::to_string));
        found.changed = self.take(lessons).await?;
        let mut gone: Vec<_> =
            before.iter().filter(|s| !ids.contains(&s.lesson.id)).cloned().collect();
        match deleted {
            Gone::Said(deleted) => {
                gone.retain(|s| deleted.calendar_events.contains(s.lesson.id.as_str()));
            }
            Gone::NotOffered => {
                // Others were asked for by their ids, and belong to what is not listed here.
                gone.retain(|s| listed.contains(&s.lesson.id) && !s.planned.cancelled);
                if !(all && self.is_whole(place, listed.len(), gone.len())) {
                    ids.extend(gone.drain(..).map(|s| s.lesson.id.clone()));
                }
            }
            Gone::Unknown => {
                ids.extend(gone.drain(..).map(|s| s.lesson.id.clone()));
                ids.retain(|id| listed.contains(id) || there.contains(id.as_str()));
            }
        }
        found.changed += self.cancel(gone).await?;
        self.listed().insert(place.school.clone(), ids);
        Ok(found)
    }

    fn listed(&self) -> MutexGuard<'_, BTreeMap<SchoolId, BTreeSet<LessonId>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Yesterday's midnight to that after tomorrow, by the school's clock.
    fn window(&self, school: &SchoolId, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let directory = self.offering.intake.directory().load();
        let zone = directory.schools.get(school)?.zone.clone();
        let today = local_date(now, &zone);
        let day = |days: i64| {
            let day = today.checked_add(jiff::Span::new().days(days)).ok()?;
            Some(day.to_zoned_datetime(zone.clone()).ok()?.timestamp())
        };
        Some((day(-1)?, day(2)?))
    }

    async fn activities(&self, bad: &mut Bad) -> Result<(), Fault> {
        let mut cut = false;
        for place in &self.places {
            let mut pages = self.client.pages(Resource::Activities, &place.filter());
            loop {
                match pages.next_of_some(&mut cut).await {
                    Ok(Some(page)) => self.book.add_activities(rows::read::<Activity>(page, bad)),
                    Ok(None) => break,
                    // Lessons may bring theirs with them.
                    Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => return Ok(()),
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(())
    }

    /// The lessons of one school, and whether they are all there are.
    async fn lessons(
        &self,
        place: &Place,
        (from, to): (Timestamp, Timestamp),
        bad: &mut Bad,
    ) -> Result<(Vec<Arc<Scheduled>>, bool), Fault> {
        let last = to.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(to);
        let (from, last) = (from.to_string(), last.to_string());
        let mut query = place.filter();
        query.push(("startTime.onOrAfter", &from));
        query.push(("startTime.onOrBefore", &last));
        // With several schools, none is waited for.
        let client = match self.places.len() {
            0 | 1 => self.client.clone(),
            _ => self.client.for_school(place.organisation.as_deref()),
        };
        let mut pages = client.pages(Resource::CalendarEvents, &query);
        let (mut events, mut cut): (Vec<CalendarEvent>, bool) = (Vec::new(), false);
        loop {
            match pages.next_of_some(&mut cut).await {
                Ok(Some(page)) => events.extend(rows::read::<CalendarEvent>(page, bad)),
                Ok(None) => break,
                Err(fault) => return Err(self.client.give_up(Resource::CalendarEvents, fault)),
            }
        }
        self.book.ask_activities(&self.client, &events, bad).await?;
        let directory = self.offering.intake.directory().load_full();
        let mut lessons: BTreeMap<LessonId, Arc<Scheduled>> = BTreeMap::new();
        for event in &events {
            match self.book.read(&directory, &place.school, event) {
                Ok(found) => drop(lessons.insert(found.lesson.id.clone(), found)),
                Err(why) => bad.add(format!("a lesson: {why}")),
            }
        }
        Ok((lessons.into_values().collect(), !cut))
    }

    async fn cursor(&self) -> Result<Option<Cursor>, Fault> {
        Ok(self.offering.cursor(PART).await?)
    }

    /// Ids of lessons that are deleted since the last round; none: the source does not say.
    async fn deleted(&self) -> Result<Option<Deleted>, Fault> {
        let now = self.client.clock().now();
        let after = self.cursor().await?.and_then(|cursor| cursor.after).unwrap_or(now);
        // By the earlier clock: asked for from the future, nothing would ever be deleted.
        let after = theirs(&self.client, after).min(after).saturating_sub(self.overlap);
        match self
            .client
            .impatient()
            .deleted(after.unwrap_or(Timestamp::MIN), &["CalendarEvent"])
            .await
        {
            Ok(deleted) => Ok(Some(deleted)),
            Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Whether so many lessons can be gone.
    #[expect(clippy::cast_precision_loss, reason = "lessons of a school are few")]
    fn is_whole(&self, place: &Place, before: usize, gone: usize) -> bool {
        let (few, share) = MOST_GONE;
        let whole = gone <= few || (gone as f64) <= before as f64 * share;
        if whole {
            self.client.well(Resource::CalendarEvents, NOT_WHOLE);
        } else {
            let what = format!(
                "{gone} of {before} lessons of school {} are gone from its schedule at once; they are \
                 taken to take place",
                place.school
            );
            let remedy =
                "look at the schedule in the school system; restart the daemon if it is right";
            self.client.tell(Resource::CalendarEvents, &Wrong::new(NOT_WHOLE, what, remedy));
        }
        whole
    }

    /// These lessons do not take place.
    async fn cancel(&self, gone: Vec<Arc<Scheduled>>) -> Result<u64, Fault> {
        let cancelled = gone.iter().filter(|s| !s.planned.cancelled).map(|s| {
            let planned = Planned { cancelled: true, modified_at: None, ..s.planned.clone() };
            Arc::new(Scheduled { planned, ..Scheduled::clone(s) })
        });
        let cancelled: Vec<_> = cancelled.collect();
        let changed = self.take(cancelled.clone()).await?;
        // Only what is stored: else it would not be cancelled with the next round either.
        for scheduled in cancelled {
            self.book.add(Scheduled::clone(&scheduled));
        }
        Ok(changed)
    }

    /// The same for those that were planned before the daemon started.
    async fn cancel_stored(&self, deleted: &BTreeSet<String>) -> Result<u64, Fault> {
        let mut gone = Vec::new();
        for id in deleted {
            let Ok(id) = LessonId::new(id.as_str()) else { continue };
            for place in &self.places {
                let row = tables::register(&place.school, &id);
                let kv = self.offering.intake.kv().as_ref();
                let Some(register) = ledger::read_good::<Register>(kv, &row).await? else {
                    continue;
                };
                if let Some(planned) = register.planned.filter(|planned| !planned.cancelled) {
                    gone.push(Arc::new(Scheduled {
                        school: place.school.clone(),
                        lesson: register.lesson,
                        planned,
                        activity: None,
                        length: None,
                        lengths: BTreeMap::new(),
                    }));
                }
            }
        }
        self.cancel(gone).await
    }

    /// Takes what is otherwise than it was.
    async fn take(&self, lessons: Vec<Arc<Scheduled>>) -> Result<u64, Fault> {
        if !self.given {
            return Ok(0);
        }
        let mut changed = 0;
        // What waits for its turn takes room too, and a school has thousands of lessons.
        for some in lessons.chunks(TOGETHER) {
            // Boxed, or the compiler cannot tell that they may be sent to another thread.
            let mut work: Vec<Pending<'_, Result<bool, Fault>>> = Vec::with_capacity(some.len());
            for scheduled in some {
                work.push(Box::pin(planning::plan(&self.offering, scheduled)));
            }
            let mut work = futures_util::stream::iter(work).buffer_unordered(SIDE_BY_SIDE);
            while let Some(done) = work.next().await {
                changed += u64::from(done?);
            }
        }
        Ok(changed)
    }
}

/// An instant of ours by the source's clock.
pub(super) fn theirs(client: &Client, at: Timestamp) -> Timestamp {
    let ahead = client.contacts().of(&client.settings().source).clock_ahead_seconds.unwrap_or(0);
    at.saturating_add(SignedDuration::from_secs(ahead)).unwrap_or(at)
}

/// The cursor after a part was read whole at `now`.
pub(super) fn cursor(known: Option<Cursor>, now: Timestamp) -> Cursor {
    let first_asked_at = known.map_or(now, |known| known.first_asked_at);
    Cursor { first_asked_at, after: Some(now), whole: true }
}
