//! One row of attendance: of whom, from which lesson, and what its minutes say beside what was said before.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::book::Place;
use super::super::fault::Fault;
use super::super::marks::{self, Before, Counted, Verdict};
use super::super::notices::school_of;
use super::super::person::says_protected;
use super::super::planning;
use super::super::timetable::Scheduled;
use super::super::types::Attendance;
use super::{Attending, Round, is_possible, theirs, unread};
use crate::model::{LessonId, Mark, PupilId, SchoolId};
use crate::source::marks::{Said, Unread};
use crate::store::rows::{Cursor, LastSaid, Register};
use crate::store::{ledger, tables};

/// Rows that are to be offered.
#[derive(Default)]
pub(super) struct Offered {
    /// What somebody may have to be told of.
    pub news: Vec<Said>,
    /// What was so before the source was first asked.
    pub known: Vec<Said>,
    /// When the newest of them was changed.
    pub newest: Option<Timestamp>,
}

impl Offered {
    pub fn saw(&mut self, at: Option<Timestamp>) {
        self.newest = self.newest.max(at);
    }
}

/// Of two rows about one pupil and lesson, whether the first stands: the one changed later, and of two changed at
/// once the one that alarms nobody.
fn stands(one: &Said, other: &Said) -> bool {
    let rank = |said: &Said| (said.recorded_at, said.mark != Mark::Unexcused);
    rank(one) >= rank(other)
}

impl Attending {
    /// Reads rows of one answer; one of each pupil and lesson goes on.
    ///
    /// # Errors
    /// When a lesson cannot be asked for, or the store fails.
    pub(super) async fn read(
        &self,
        rows: Vec<Attendance>,
        place: &Place,
        cursor: &Cursor,
        only_known: bool,
        round: &mut Round,
    ) -> Result<Offered, Fault> {
        let (mut offered, now) = (Offered::default(), self.client.clock().now());
        let mut all: BTreeMap<(LessonId, PupilId), (Said, bool)> = BTreeMap::new();
        if !only_known {
            let lessons = rows.iter().filter_map(|row| row.calendar_event.as_ref());
            let ids = lessons.filter_map(|lesson| LessonId::new(lesson.id.clone()).ok());
            let (ids, directory) = (ids.collect(), self.offering.intake.directory().load_full());
            let Self { book, places, client, .. } = self;
            book.look_up(ids, &place.school, places, client, &directory, &mut round.bad).await?;
        }
        for row in rows {
            round.found.rows += 1;
            // A time that cannot be does not move the cursor.
            let modified = row.meta.modified;
            let possible = modified.is_none_or(|at| is_possible(at, now));
            offered.saw(modified.filter(|_| possible));
            if round.deleted.contains(row.id.as_str()) {
                round.found.ignored += 1;
                continue;
            }
            let read = self.one(&row, place, cursor, only_known, now, round).await?;
            let Some((said, learn)) = read else { continue };
            let key = (said.lesson.id.clone(), said.pupil.clone());
            match all.get(&key) {
                Some((other, _)) if !stands(&said, other) => {}
                _ => drop(all.insert(key, (said, learn))),
            }
        }
        for (key, (said, learn)) in all {
            round.said.insert(key);
            if learn { offered.known.push(said) } else { offered.news.push(said) }
        }
        // Whatever else is said of a pupil comes after the word that there is protection.
        for list in [&mut offered.known, &mut offered.news] {
            list.sort_by_key(|said| !said.protected);
        }
        Ok(offered)
    }

    async fn one(
        &self,
        row: &Attendance,
        place: &Place,
        cursor: &Cursor,
        only_known: bool,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<Option<(Said, bool)>, Fault> {
        let pupil = row.student.as_ref().and_then(|s| PupilId::new(s.id.clone()).ok());
        let id = row.calendar_event.as_ref().and_then(|e| LessonId::new(e.id.clone()).ok());
        let (Some(pupil), Some(id)) = (pupil, id) else {
            round.bad.add("a mark: no pupil or no lesson");
            return Ok(None);
        };
        let changed = row.meta.modified.or(row.reported_timestamp);
        if changed.is_some_and(|at| !is_possible(at, now)) {
            round.bad.add("a mark: impossible time");
            return Ok(None);
        }
        let scheduled = if only_known {
            let Some(found) = self.book.get(&id) else {
                // The whole history of an activity comes, and only these days matter.
                round.found.ignored += 1;
                return Ok(None);
            };
            found
        } else {
            let directory = self.offering.intake.directory().load_full();
            let (places, client) = (&self.places, &self.client);
            let found =
                self.book.find(&id, &place.school, places, client, &directory, &mut round.bad);
            let Some(found) = found.await? else {
                round.bad.add("a mark: of a lesson that the source does not know");
                round.unknown.push(Unread {
                    school: place.school.clone(),
                    pupil,
                    lesson: id,
                    changed,
                    row: row.id.to_string(),
                    text: unread::text(row),
                });
                return Ok(None);
            };
            found
        };
        if !scheduled.planned.registered {
            round.found.ignored += 1;
            return Ok(None);
        }
        // Pupils have lessons at other schools of ours too.
        let school = school_of(&self.offering, &scheduled.school, &pupil);
        let last = self.offering.last(&school, &pupil, &id).await?;
        let read = self.mark(row, &scheduled, &pupil, last.as_ref(), changed.unwrap_or(now), round);
        let Some((mut mark, minutes, closed)) = read else { return Ok(None) };
        if mark == Mark::Unexcused
            && scheduled.planned.cancelled
            && !self.knows_off(&scheduled, &school).await?
        {
            mark = Mark::OtherActivity;
        }
        let is_protected = row.student.as_ref().is_some_and(says_protected);
        if is_protected {
            round.protected.insert((school.clone(), pupil.clone()));
        }
        let is_history = last.is_none() && {
            let first = cursor.first_asked_at;
            let history = if cursor.whole {
                // What was there then is known by its row, now that all of it is taken. What was not may be dated so
                // much earlier, by whichever clock: one of them may be wrong.
                let first = theirs(&self.client, first).min(first);
                first.saturating_sub(self.asking.overlap).unwrap_or(first)
            } else {
                let ahead = self.offering.contacts.ahead_at_most(&self.offering.source);
                first.saturating_add(ahead.unwrap_or_default()).unwrap_or(first)
            };
            // Dated later than it is there: by a clock that was put right before the source was first asked.
            let is_stray = |at: Timestamp| !cursor.whole && at > self.offering.latest_there(now);
            changed.map_or(scheduled.lesson.end <= first, |at| at <= history || is_stray(at))
        };
        let replaces = last.as_ref().is_some_and(|last| {
            last.row.as_ref().is_none_or(|former| round.deleted.contains(former))
        });
        if closed {
            let by = row.reporter.as_ref().map(|reporter| reporter.id.to_string());
            let at = row.reported_timestamp.filter(|at| is_possible(*at, now)).or(changed);
            let at = at.unwrap_or(now);
            let lesson = &scheduled.lesson;
            let entry = (scheduled.school.clone(), lesson.clone(), at, by);
            match round.closed.get(&id) {
                Some((_, _, known, _)) if *known >= at => {}
                _ => drop(round.closed.insert(id, entry)),
            }
        }
        let said = Said {
            school,
            pupil,
            lesson: scheduled.lesson.clone(),
            mark,
            minutes,
            register_closed: Some(closed),
            recorded_at: changed,
            recorded_by: row.reporter.as_ref().map(|reporter| reporter.id.to_string()),
            row: Some(row.id.to_string()),
            replaces,
            protected: is_protected,
        };
        Ok(Some((said, is_history)))
    }

    /// Whether the core knows that a lesson does not take place. It is told, unless another source has said that it
    /// does: then guardians hear why nobody had to come.
    async fn knows_off(&self, scheduled: &Scheduled, school: &SchoolId) -> Result<bool, Fault> {
        let key = tables::register(school, &scheduled.lesson.id);
        let kv = self.offering.intake.kv().as_ref();
        let known: Option<Register> = ledger::read_good(kv, &key).await?;
        let known = known.and_then(|row| row.planned);
        if known.as_ref().is_some_and(|planned| planned.cancelled) {
            return Ok(true);
        }
        // The plan of a pupil's lesson at another school stands under that one.
        if *school != scheduled.school || (known.is_some() && !self.asking.gives_schedule) {
            return Ok(false);
        }
        planning::plan(&self.offering, scheduled).await
    }

    /// What the minutes say; none: nothing that goes on.
    fn mark(
        &self,
        row: &Attendance,
        scheduled: &Scheduled,
        pupil: &PupilId,
        last: Option<&LastSaid>,
        changed_at: Timestamp,
        round: &mut Round,
    ) -> Option<(Mark, Option<crate::model::Minutes>, bool)> {
        let own = scheduled.lengths.get(pupil).copied();
        let Some(length) = marks::length(own, scheduled.length, &scheduled.lesson) else {
            round.bad.add("a mark: of a lesson without a length");
            return None;
        };
        let counted = Counted {
            reported: row.is_reported,
            attended: row.attendance_minutes,
            valid: row.valid_absence_minutes,
            invalid: row.invalid_absence_minutes,
            other: row.other_attendance_minutes,
        };
        if let Some(why) = counted.no_sense() {
            round.bad.add(format!("a mark: {why}"));
        }
        let before = last.and_then(|last| {
            let mark = last.mark?;
            // A row that replaces another says nothing of what happened in between.
            let same = last.row.as_deref() == Some(row.id.as_str());
            same.then_some(Before { mark, minutes: last.minutes })
        });
        let lesson = &scheduled.lesson;
        let rules = &self.asking.rules;
        match marks::read(&counted, length, lesson, before.as_ref(), changed_at, rules) {
            // Counted above.
            Verdict::Bad(_) => None,
            Verdict::Provisional => {
                round.found.provisional += 1;
                let entry = (scheduled.school.clone(), scheduled.lesson.clone());
                round.begun.insert(scheduled.lesson.id.clone(), entry);
                None
            }
            // Who is not to come is not missing.
            Verdict::Mark { mark, minutes, closed } if scheduled.planned.except.contains(pupil) => {
                let mark = if mark == Mark::Unexcused { Mark::OtherActivity } else { mark };
                Some((mark, minutes, closed))
            }
            Verdict::Mark { mark: Mark::Unknown, closed, .. } => {
                round.found.empty += u64::from(closed);
                Some((Mark::Unknown, None, closed))
            }
            Verdict::Mark { mark, minutes, closed } => Some((mark, minutes, closed)),
        }
    }
}
