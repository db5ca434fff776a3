//! The lessons of these days as a source has them, in memory: marks name a lesson and say no time. What is not in it
//! is looked for in the store, where every lesson that was ever planned is, and asked of the source by its id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use compact_str::CompactString;
use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::fault::Fault;
use super::rows::{self, Bad};
use super::settings::Resource;
use super::timetable::{self, Scheduled};
use super::types::{Activity, CalendarEvent};
use crate::directory::Directory;
use crate::model::{LessonId, SchoolId};
use crate::store::rows::Register;
use crate::store::{StoreError, ledger, tables};

/// How long a lesson that the source does not know is not asked for again.
const IN_VAIN: SignedDuration = SignedDuration::from_mins(1);
/// The same of one that the source fails to answer for, and of an activity.
const FAILED: SignedDuration = SignedDuration::from_mins(10);
/// The same of one that is asked for in vain again and again.
const IN_VAIN_AT_MOST: SignedDuration = SignedDuration::from_mins(30);
/// How long it is remembered how often one was asked for in vain.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(2);
/// Most lessons that are asked for one by one in a minute: what is left is asked for in the next.
const MOST_ONE_BY_ONE: u32 = 30;
/// How long a source that does not look lessons up is not asked to.
const NO_LOOK_UP: SignedDuration = SignedDuration::from_hours(24);
/// Most lessons that the source may fail to answer for in a minute, before it is asked for no more of them in it.
const MOST_FAILED: u32 = 3;
/// How long a lesson waits where it cannot be asked what it is of; then it is one that attendance is registered at.
const KIND_WAITS: SignedDuration = SignedDuration::from_mins(10);
/// How long after its end a lesson is kept in memory.
const KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A school unit at the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The school, as configured.
    pub school: SchoolId,
    /// The source's id of it; none: the source has one school, and is asked for everything.
    pub organisation: Option<String>,
}

impl Place {
    /// The filter that asks for this school only.
    pub fn filter(&self) -> Vec<(&'static str, &str)> {
        self.organisation.iter().map(|id| ("organisation", id.as_str())).collect()
    }
}

/// What is known.
#[derive(Debug, Default)]
struct Known {
    lessons: BTreeMap<LessonId, Arc<Scheduled>>,
    activities: BTreeMap<CompactString, Arc<Activity>>,
    /// Until when a lesson is not asked for again, and for how long it was not.
    in_vain: BTreeMap<LessonId, (Timestamp, SignedDuration)>,
    /// Until when lessons are not looked up many at a time.
    no_look_up: Option<Timestamp>,
    /// The same of what lessons are of.
    activities_in_vain: BTreeMap<CompactString, Timestamp>,
    /// Since when it cannot be asked what lessons are of.
    failing_since: Option<Timestamp>,
    /// Lessons that could not be asked for one by one, since when, and how many.
    failed: Option<(Timestamp, u32)>,
    /// Lessons that were asked for one by one, since when, and how many.
    one_by_one: Option<(Timestamp, u32)>,
}

/// The lessons of one source. Each clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Book(Arc<Mutex<Known>>);

impl Book {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a lesson is of.
    pub fn activity(&self, id: &str) -> Option<Arc<Activity>> {
        self.known().activities.get(id).cloned()
    }

    /// Puts in what lessons are of.
    pub fn add_activities(&self, activities: impl IntoIterator<Item = Activity>) {
        let mut known = self.known();
        for activity in activities {
            known.activities.insert(activity.id.clone(), Arc::new(activity));
        }
    }

    /// Puts a lesson in.
    pub fn add(&self, scheduled: Scheduled) -> Arc<Scheduled> {
        let scheduled = Arc::new(scheduled);
        let mut known = self.known();
        known.in_vain.remove(&scheduled.lesson.id);
        known.lessons.insert(scheduled.lesson.id.clone(), scheduled.clone());
        scheduled
    }

    /// A lesson that is in it.
    pub fn get(&self, id: &LessonId) -> Option<Arc<Scheduled>> {
        self.known().lessons.get(id).cloned()
    }

    /// Lessons of a school that overlap a span.
    pub fn between(
        &self,
        school: &SchoolId,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<Arc<Scheduled>> {
        let known = self.known();
        let such = known
            .lessons
            .values()
            .filter(|s| s.school == *school && s.lesson.start < to && from < s.lesson.end);
        such.cloned().collect()
    }

    /// Lets go what is long over.
    pub fn tidy(&self, now: Timestamp) {
        let oldest = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        let mut known = self.known();
        known.lessons.retain(|_, s| s.lesson.end >= oldest);
        let forgotten = now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        known.in_vain.retain(|_, (until, _)| *until > forgotten);
        known.activities_in_vain.retain(|_, until| *until > now);
    }

    /// Reads a lesson as the source sent it and puts it in.
    ///
    /// # Errors
    /// A stable word, where it is no lesson.
    pub fn read(
        &self,
        directory: &Directory,
        school: &SchoolId,
        event: &CalendarEvent,
    ) -> Result<Arc<Scheduled>, &'static str> {
        let settings = directory.schools.get(school).ok_or("school")?;
        let known = event
            .activity
            .as_ref()
            .and_then(|a| self.activity(&a.id))
            .or_else(|| event.embedded.activity.clone().map(Arc::new));
        let activity = known.as_deref();
        Ok(self.add(timetable::scheduled(school, &settings.zone, event, activity)?))
    }

    /// A lesson, wherever it is known: here, in the store, or at the source. None: nobody knows it.
    ///
    /// # Errors
    /// See [`Fault`]: the source or the store could not be asked.
    pub async fn find(
        &self,
        id: &LessonId,
        asked_for: &SchoolId,
        places: &[Place],
        client: &Client,
        directory: &Directory,
        bad: &mut Bad,
    ) -> Result<Option<Arc<Scheduled>>, Fault> {
        if let Some(found) = self.get(id) {
            return Ok(Some(found));
        }
        if let Some(found) = self.stored(id, places, client).await? {
            return Ok(Some(self.add(found)));
        }
        let now = client.clock().now();
        if !self.may_ask(id, now) || !self.may_ask_for_one(now) {
            return Ok(None);
        }
        // One lesson that cannot be asked for does not hold up the others.
        let client = client.impatient();
        let found = match client.get(Resource::CalendarEvents, id.as_str(), &[]).await {
            Ok(found) => found,
            Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => None,
            Err(Fault::Failed(_)) => {
                self.has_failed(id, now);
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        let event = rows::read::<CalendarEvent>(found.into_iter().collect(), bad).pop();
        if let Some(event) = &event {
            match self.ask_activities(&client, std::slice::from_ref(event), bad).await {
                Err(Fault::Failed(_)) => {
                    self.in_vain(id, now, IN_VAIN);
                    return Ok(None);
                }
                done => done?,
            }
        }
        let school = event.as_ref().and_then(|event| self.school_of(event, places));
        let school = school.unwrap_or_else(|| asked_for.clone());
        let read = event.map(|event| self.read(directory, &school, &event));
        match read {
            Some(Ok(found)) => Ok(Some(found)),
            Some(Err(why)) => {
                bad.add(format!("a lesson: {why}"));
                self.in_vain(id, now, IN_VAIN);
                Ok(None)
            }
            None => {
                self.in_vain(id, now, IN_VAIN);
                Ok(None)
            }
        }
    }

    /// Asks for lessons that nobody knows, many at a time, so that [`Self::find`] finds them. What cannot be had so is
    /// left to it.
    ///
    /// # Errors
    /// See [`Fault`]: the store could not be asked.
    pub async fn look_up(
        &self,
        ids: BTreeSet<LessonId>,
        asked_for: &SchoolId,
        places: &[Place],
        client: &Client,
        directory: &Directory,
        bad: &mut Bad,
    ) -> Result<(), Fault> {
        let now = client.clock().now();
        let mut unknown = BTreeSet::new();
        for id in ids {
            if self.get(&id).is_some() || !self.may_ask(&id, now) {
                continue;
            }
            match self.stored(&id, places, client).await? {
                Some(found) => drop(self.add(found)),
                None => drop(unknown.insert(id)),
            }
        }
        let is_refused = self.known().no_look_up.is_some_and(|until| now < until);
        // One alone is as well asked for by itself.
        if unknown.len() < 2 || is_refused {
            return Ok(());
        }
        let client = client.impatient();
        let asked = unknown.iter().map(ToString::to_string);
        let mut lookup = client.lookup(Resource::CalendarEvents, "ids", asked, &[]);
        let (mut events, mut refused_for) = (Vec::new(), None);
        loop {
            match lookup.next().await {
                Ok(Some(page)) => events.extend(rows::read::<CalendarEvent>(page, bad)),
                Ok(None) => break,
                Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => {
                    refused_for = Some(NO_LOOK_UP);
                    break;
                }
                Err(Fault::Failed(_) | Fault::TooMuch) => {
                    refused_for = Some(FAILED);
                    break;
                }
                Err(fault) => return Err(fault),
            }
        }
        self.known().no_look_up = refused_for.and_then(|span| now.saturating_add(span).ok());
        events
            .retain(|event| LessonId::new(event.id.clone()).is_ok_and(|id| unknown.contains(&id)));
        match self.ask_activities(&client, &events, bad).await {
            // What they are of may be known a little later.
            Err(Fault::Failed(_)) => events.clear(),
            done => done?,
        }
        for event in &events {
            let school = self.school_of(event, places).unwrap_or_else(|| asked_for.clone());
            if let Err(why) = self.read(directory, &school, event) {
                bad.add(format!("a lesson: {why}"));
            }
        }
        if refused_for.is_none() {
            for id in unknown.iter().filter(|id| self.get(id).is_none()) {
                self.in_vain(id, now, IN_VAIN);
            }
        }
        Ok(())
    }

    /// Whether a lesson may be asked for now.
    fn may_ask(&self, id: &LessonId, now: Timestamp) -> bool {
        self.known().in_vain.get(id).is_none_or(|(until, _)| *until <= now)
    }

    /// Whether one more may be asked for by itself.
    fn may_ask_for_one(&self, now: Timestamp) -> bool {
        let mut known = self.known();
        let is_over = |since: Timestamp| now.duration_since(since) >= IN_VAIN;
        known.failed = known.failed.filter(|(since, _)| !is_over(*since));
        known.one_by_one = known.one_by_one.filter(|(since, _)| !is_over(*since));
        if known.failed.is_some_and(|(_, count)| count >= MOST_FAILED) {
            return false;
        }
        let (_, asked) = known.one_by_one.get_or_insert((now, 0));
        *asked += 1;
        *asked <= MOST_ONE_BY_ONE
    }

    fn in_vain(&self, id: &LessonId, now: Timestamp, span: SignedDuration) {
        let mut known = self.known();
        let former = known.in_vain.get(id).map_or(SignedDuration::ZERO, |(_, span)| *span);
        let span = span.max((former * 2).min(IN_VAIN_AT_MOST));
        let until = now.saturating_add(span).unwrap_or(Timestamp::MAX);
        known.in_vain.insert(id.clone(), (until, span));
    }

    fn has_failed(&self, id: &LessonId, now: Timestamp) {
        self.in_vain(id, now, FAILED);
        self.known().failed.get_or_insert((now, 0)).1 += 1;
    }

    /// Asks what lessons are of, where that is not known. A source that does not let it be asked, or fails for long,
    /// has lessons all the same: without a name and a teacher, and attendance is taken to be registered at them.
    ///
    /// # Errors
    /// See [`Fault`]: it may be known a little later.
    pub async fn ask_activities(
        &self,
        client: &Client,
        events: &[CalendarEvent],
        bad: &mut Bad,
    ) -> Result<(), Fault> {
        let now = client.clock().now();
        let ids: BTreeSet<String> = {
            let known = self.known();
            let is_asked = |id: &&str| {
                !known.activities.contains_key(*id)
                    && known.activities_in_vain.get(*id).is_none_or(|until| *until <= now)
            };
            events
                .iter()
                .filter(|event| event.embedded.activity.is_none())
                .filter_map(|event| Some(event.activity.as_ref()?.id.as_str()))
                .filter(is_asked)
                .map(str::to_owned)
                .collect()
        };
        if ids.is_empty() {
            return Ok(());
        }
        let mut lookup = client.lookup(Resource::Activities, "ids", ids.iter().cloned(), &[]);
        loop {
            match lookup.next().await {
                Ok(Some(page)) => self.add_activities(rows::read::<Activity>(page, bad)),
                Ok(None) | Err(Fault::NotOffered { .. } | Fault::BadRequest { .. }) => break,
                Err(fault @ Fault::Failed(_)) => {
                    let since = *self.known().failing_since.get_or_insert(now);
                    let waits = now.duration_since(since) < KIND_WAITS;
                    return if waits { Err(fault) } else { Ok(()) };
                }
                Err(fault) => return Err(fault),
            }
        }
        let until = now.saturating_add(FAILED).unwrap_or(Timestamp::MAX);
        let mut known = self.known();
        known.failing_since = None;
        for id in ids {
            if !known.activities.contains_key(id.as_str()) {
                known.activities_in_vain.insert(id.into(), until);
            }
        }
        Ok(())
    }

    /// The school of what a lesson is of, where that is known.
    fn school_of(&self, event: &CalendarEvent, places: &[Place]) -> Option<SchoolId> {
        let activity = self.activity(&event.activity.as_ref()?.id)?;
        let organisation = &activity.organisation.as_ref()?.id;
        let such = |place: &&Place| place.organisation.as_deref() == Some(organisation.as_str());
        places.iter().find(such).map(|place| place.school.clone())
    }

    /// A lesson that was planned before, by whatever source.
    async fn stored(
        &self,
        id: &LessonId,
        places: &[Place],
        client: &Client,
    ) -> Result<Option<Scheduled>, StoreError> {
        for place in places {
            let row = tables::register(&place.school, id);
            let register: Option<Register> = ledger::read_good(client.kv().as_ref(), &row).await?;
            // Marks alone make a row too, of a lesson as they say it.
            if let Some(Register { lesson, planned: Some(planned), .. }) = register {
                return Ok(Some(Scheduled {
                    school: place.school.clone(),
                    lesson,
                    planned,
                    activity: None,
                    length: None,
                    lengths: BTreeMap::new(),
                }));
            }
        }
        Ok(None)
    }
}
