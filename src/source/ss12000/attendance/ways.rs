//! The ways that marks can be asked for in. A listing says what has changed; the others say all marks of some lessons,
//! so that what is not among them is gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::book::Place;
use super::super::client::Client;
use super::super::fault::Fault;
use super::super::rows;
use super::super::settings::Resource;
use super::super::timetable::Scheduled;
use super::super::types::{Attendance, CalendarEvent};
use super::row::Offered;
use super::{Attending, BACK, Round, theirs};
use crate::model::{LessonId, Mark};
use crate::source::marks::{Missing, Said};
use crate::store::rows::Cursor;

/// A register may be opened so long before its lesson begins.
const EARLY: SignedDuration = SignedDuration::from_mins(10);
/// Longest lesson that is asked for in every round by its start.
const LONG: SignedDuration = SignedDuration::from_hours(3);

/// A way that marks are asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// `GET /attendances`: what has changed.
    Listing,
    /// `GET /calendarEvents?expand=attendance`: lessons with their marks.
    CalendarEvents,
    /// `POST /attendances/lookup` by lesson, spelt as the standard does.
    LookupCalendare,
    /// The same, spelt as it is meant.
    LookupCalendar,
    /// The same by activity: the whole history of each comes.
    LookupActivities,
}

impl Way {
    /// All, the best first.
    pub const ALL: [Self; 5] = [
        Self::Listing,
        Self::CalendarEvents,
        Self::LookupCalendare,
        Self::LookupCalendar,
        Self::LookupActivities,
    ];
    /// Those that look up.
    pub const LOOKUPS: [Self; 3] =
        [Self::LookupCalendare, Self::LookupCalendar, Self::LookupActivities];

    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::CalendarEvents => "calendar-events",
            Self::LookupCalendare | Self::LookupCalendar => "lookup by lesson",
            Self::LookupActivities => "lookup by activity",
        }
    }

    /// What it asks for.
    pub fn resource(self) -> Resource {
        match self {
            Self::CalendarEvents => Resource::CalendarEvents,
            _ => Resource::Attendances,
        }
    }
}

impl Attending {
    /// Asks in one way, and offers what comes. The newest change that was seen.
    pub(super) async fn ask(
        &mut self,
        way: Way,
        place: &Place,
        cursor: &Cursor,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<Option<Timestamp>, Fault> {
        if way == Way::Listing {
            return self.list(place, cursor, now, round).await;
        }
        // At first contact everything that may come later must be known.
        let swept = self.swept.get(&place.school);
        let sweep =
            !cursor.whole || swept.is_none_or(|at| now.duration_since(*at) >= self.asking.sweep);
        let back = if sweep { BACK } else { self.asking.look_back };
        let from = now.saturating_sub(back).unwrap_or(Timestamp::MIN);
        let to = now.saturating_add(EARLY).unwrap_or(Timestamp::MAX);
        let missing = self.offering.missing().await?;
        if way == Way::CalendarEvents {
            // They are asked for by their start.
            let from = from.saturating_sub(LONG).unwrap_or(Timestamp::MIN);
            self.lessons(place, cursor, (from, to), &missing, round).await?;
        } else {
            let lessons = self.book.between(&place.school, from, to);
            if !sweep {
                let size = self.client.settings().lookup_size.max(1);
                let batches = lessons.len().div_ceil(size).max(1);
                let batches = u32::try_from(batches).unwrap_or(u32::MAX);
                self.batches.insert(place.school.clone(), batches);
            }
            self.look_up(way, place, cursor, lessons, &missing, round).await?;
        }
        if sweep && round.answered {
            self.swept.insert(place.school.clone(), now);
        }
        Ok(None)
    }

    /// Who asks for the marks of a school: with several, none is waited for.
    fn asker(&self, place: &Place) -> Client {
        match self.places.len() {
            0 | 1 => self.client.clone(),
            _ => self.client.for_school(place.organisation.as_deref()),
        }
    }

    /// What has changed since the cursor.
    async fn list(
        &mut self,
        place: &Place,
        cursor: &Cursor,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<Option<Timestamp>, Fault> {
        let earliest = now.saturating_sub(BACK).unwrap_or(Timestamp::MIN);
        let after = match cursor {
            // Not later than it is there: its clock may have been put right since.
            Cursor { after: Some(after), .. } => theirs(&self.client, now).min(*after),
            Cursor { whole: false, .. } => theirs(&self.client, earliest),
            // Asked in another way until now, or nothing has ever changed.
            cursor => theirs(&self.client, cursor.first_asked_at.max(earliest)),
        };
        let after = after.saturating_sub(self.asking.overlap).unwrap_or(Timestamp::MIN).to_string();
        let mut query = place.filter();
        query.push(("meta.modified.after", &after));
        let mut pages = self.asker(place).pages(Resource::Attendances, &query);
        let (mut newest, mut cut) = (None, false);
        while let Some(page) = pages.next_of_some(&mut cut).await? {
            let read = rows::read::<Attendance>(page, &mut round.bad);
            let offered = self.read(read, place, cursor, false, round).await?;
            newest = newest.max(offered.newest);
            self.offer(offered, place, round).await?;
        }
        (round.answered, round.cut) = (true, cut);
        // Where there may be more, the cursor stays.
        Ok(newest.filter(|_| !cut))
    }

    /// Lessons with their marks.
    async fn lessons(
        &mut self,
        place: &Place,
        cursor: &Cursor,
        (from, to): (Timestamp, Timestamp),
        missing: &[Missing],
        round: &mut Round,
    ) -> Result<(), Fault> {
        let (from, to) = (from.to_string(), to.to_string());
        let mut query = place.filter();
        query.push(("startTime.onOrAfter", &from));
        query.push(("startTime.onOrBefore", &to));
        query.push(("expand", "attendance"));
        let mut pages = self.asker(place).pages(Resource::CalendarEvents, &query);
        let directory = self.offering.intake.directory().load_full();
        let (mut some, mut with_marks, mut cut) = (false, false, false);
        while let Some(page) = pages.next_of_some(&mut cut).await? {
            let (mut lessons, mut marks) = (BTreeSet::new(), Vec::new());
            let events = rows::read::<CalendarEvent>(page, &mut round.bad);
            self.book.ask_activities(&self.client, &events, &mut round.bad).await?;
            for event in events {
                some = true;
                let own = event.embedded.attendance.clone();
                let Some(own) = own else { continue };
                with_marks = true;
                match self.book.read(&directory, &place.school, &event) {
                    Ok(found) => {
                        lessons.insert(found.lesson.id.clone());
                        // Which lesson they are of is said by where they stand.
                        marks.extend(own.into_iter().map(|mut mark| {
                            mark.calendar_event.get_or_insert_with(|| of_lesson(&event.id));
                            mark
                        }));
                    }
                    Err(why) => round.bad.add(format!("a lesson: {why}")),
                }
            }
            gone(missing, &lessons, &marks, round);
            let offered = self.read(marks, place, cursor, false, round).await?;
            self.offer(offered, place, round).await?;
        }
        round.answered = true;
        if some && !with_marks {
            let what = "GET /calendarEvents with marks".to_owned();
            return Err(Fault::NotOffered { status: 200, what });
        }
        Ok(())
    }

    /// Marks of lessons, or of what they are of.
    async fn look_up(
        &mut self,
        way: Way,
        place: &Place,
        cursor: &Cursor,
        lessons: Vec<Arc<Scheduled>>,
        missing: &[Missing],
        round: &mut Round,
    ) -> Result<(), Fault> {
        let by_activity = way == Way::LookupActivities;
        let key = match way {
            Way::LookupActivities => "activities",
            Way::LookupCalendar => "calendarEvents",
            _ => "calendareEvents",
        };
        let registered = lessons.iter().filter(|s| s.planned.registered);
        let ids: BTreeSet<String> = if by_activity {
            registered.clone().filter_map(|s| Some(s.activity.as_ref()?.to_string())).collect()
        } else {
            registered.clone().map(|s| s.lesson.id.to_string()).collect()
        };
        let ids: Vec<String> = ids.into_iter().collect();
        for batch in ids.chunks(self.client.settings().lookup_size.max(1)) {
            let asked = batch.iter().cloned();
            let mut lookup = self.asker(place).lookup(Resource::Attendances, key, asked, &[]);
            let mut read: Vec<Attendance> = Vec::new();
            while let Some(part) = lookup.next().await? {
                let mut part = rows::read::<Attendance>(part, &mut round.bad);
                if by_activity {
                    // The whole history comes, and is not held: only these days matter.
                    let all = part.len();
                    part.retain(|row| self.may_be_of_these_days(row));
                    let gone = (all - part.len()) as u64;
                    round.found.rows += gone;
                    round.found.ignored += gone;
                }
                read.extend(part);
            }
            round.answered = true;
            let is_asked = |s: &&Arc<Scheduled>| {
                let id =
                    if by_activity { s.activity.as_deref() } else { Some(s.lesson.id.as_str()) };
                id.is_some_and(|id| batch.iter().any(|asked| asked == id))
            };
            let whole: BTreeSet<LessonId> =
                registered.clone().filter(is_asked).map(|s| s.lesson.id.clone()).collect();
            let stray = |row: &Attendance| {
                row.calendar_event.as_ref().is_some_and(|e| batch.iter().all(|id| *id != e.id))
            };
            if !by_activity && read.iter().any(stray) {
                // It has passed over the key that it does not know, and answers with everything.
                let what = format!("POST /attendances/lookup by {key}");
                return Err(Fault::NotOffered { status: 200, what });
            }
            gone(missing, &whole, &read, round);
            let offered = self.read(read, place, cursor, by_activity, round).await?;
            self.offer(offered, place, round).await?;
        }
        Ok(())
    }

    fn may_be_of_these_days(&self, row: &Attendance) -> bool {
        let lesson = row.calendar_event.as_ref().and_then(|e| LessonId::new(e.id.clone()).ok());
        lesson.is_none_or(|id| self.book.get(&id).is_some())
    }

    /// Whether somebody is missing who was not.
    async fn alarms(&self, news: &[Said]) -> Result<bool, Fault> {
        for said in news.iter().filter(|said| said.mark == Mark::Unexcused) {
            let last = self.offering.last(&said.school, &said.pupil, &said.lesson.id).await?;
            if last.is_none_or(|last| last.mark != Some(Mark::Unexcused)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn offer(
        &mut self,
        offered: Offered,
        place: &Place,
        round: &mut Round,
    ) -> Result<(), Fault> {
        self.keep_unknown(round).await?;
        if self.alarms(&offered.news).await? {
            let (client, overlap) = (self.asker(place), self.asking.overlap);
            let more = self.notices.once_more(&client, &self.offering, place, overlap);
            round.found.notices += more.await?;
        }
        for (list, learn) in [(offered.known, true), (offered.news, false)] {
            if list.is_empty() {
                continue;
            }
            let taken = self.offering.take_or_keep(list, learn).await?;
            for why in taken.refused.keys() {
                round.bad.add(format!("a mark: {}", why.split(':').next().unwrap_or_default()));
            }
            round.found.taken.add(taken);
        }
        Ok(())
    }
}

fn of_lesson(id: &compact_str::CompactString) -> super::super::types::Ref {
    super::super::types::Ref { id: id.clone(), security_marking: None }
}

/// Rows of those who were missing that a whole answer about their lesson does not have.
fn gone(missing: &[Missing], lessons: &BTreeSet<LessonId>, rows: &[Attendance], round: &mut Round) {
    let there: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let gone = missing
        .iter()
        .filter(|missing| lessons.contains(&missing.lesson.id))
        .filter_map(|missing| missing.row.as_deref())
        .filter(|row| !there.contains(row));
    round.deleted.extend(gone.map(str::to_owned));
}
