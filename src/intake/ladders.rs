//! A pupil's ladders, inside the unit of work that something about the pupil is decided in: which steps are reached and
//! which taken back is asked of `ladder`; here rows are read, and firings, duties, notices, due rows and the trail are
//! written with all else. Schools without ladders read nothing more.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::decide::Heard;
use super::history::{self, Depth, Wanted};
use super::steps::{self, At};
use super::{accords, duties};
use crate::directory::{Directory, Pupil, School, Version};
use crate::ladder::{Advance, History, Situation, Who, advance};
use crate::model::{
    Duty, Firing, Lesson, LessonState, Notification, NotificationId, PupilId, Purpose, Recipient,
    SchoolId, StaffRole, local_date,
};
use crate::store::ledger::Unit;
use crate::store::rows::{Day, Due, Notice as Reported};
use crate::store::tables::{self, Lane};
use crate::store::{StoreError, after_prefix};

/// Most lessons of one pupil that are looked at to see whether one was missed: more than a school year has.
const MOST: usize = 2_000;
/// After the end of the school's day, before what it comes to is looked at: marks of its last minutes have come.
const GATHER: SignedDuration = SignedDuration::from_mins(1);

/// Everything that is kept of one pupil's ladders.
#[derive(Debug, Clone, Default)]
pub struct Climbed {
    /// Steps reached, by day.
    pub firings: Vec<Firing>,
    /// Duties.
    pub duties: Vec<Duty>,
}

impl Climbed {
    /// Reads it. Whoever decides by it has read the guard of the pupil's notices.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(
        unit: &Unit<'_>,
        school: &SchoolId,
        pupil: &PupilId,
    ) -> Result<Self, StoreError> {
        let from = tables::firings(school, pupil);
        // All of them: one that was not seen would be made anew.
        let firings = unit.peek_range(&from, &after_prefix(&from), usize::MAX).await?;
        let from = tables::duties(school, pupil);
        let duties = unit.peek_range(&from, &after_prefix(&from), usize::MAX).await?;
        Ok(Self { firings, duties })
    }

    /// Those of which somebody has a duty to do.
    pub fn open(&self) -> BTreeSet<NotificationId> {
        let open = self.duties.iter().filter(|duty| duty.state.is_open());
        open.map(|duty| duty.firing.clone()).collect()
    }
}

/// What a version of a ladder is asked of.
pub fn situation<'a>(
    school: &'a School,
    pupil: &'a Pupil,
    version: Version<'a>,
    history: &'a History,
    (fired, open): (&'a [Firing], &'a BTreeSet<NotificationId>),
    now: Timestamp,
) -> Situation<'a> {
    Situation {
        ladder: version.ladder.as_ref(),
        until: version.until,
        since: school.ladders.since,
        who: Who {
            school: &school.id,
            form: &school.ladders.form,
            calendar: school.calendar.as_deref(),
            pupil: &pupil.id,
            year: pupil.year,
            birth_date: pupil.birth_date,
        },
        history,
        fired,
        open,
        now,
    }
}

/// Whether a school has ladders that may ask for anything.
pub fn has_any(school: &School) -> bool {
    !school.ladders.versions.is_empty()
}

/// Asks a pupil's ladders anew, where what is known of a lesson was changed in a way that may matter to one.
///
/// # Errors
/// When the store fails.
pub async fn after_lesson(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    pupil: &PupilId,
    (before, after): (Option<&LessonState>, &LessonState),
    heard: &Heard,
    now: Timestamp,
) -> Result<(), StoreError> {
    let says = |lesson: &LessonState| {
        (
            lesson.lesson.clone(),
            lesson.mark,
            lesson.minutes,
            lesson.report_stands(),
            lesson.cancelled,
        )
    };
    // What is taken as known is: nobody is told of it, by whatever step.
    if !has_any(school)
        || after.taken_as_known
        || before.is_some_and(|before| says(before) == says(after))
    {
        return Ok(());
    }
    let counts = history::may_count(after) || before.is_some_and(history::may_count);
    if !counts && !is_away_since(unit, school, pupil, &after.lesson).await? {
        return Ok(());
    }
    climb(unit, (directory, school), pupil, Depth::Marks, heard, now).await
}

/// Whether a pupil was away on the day of a lesson or later, or a step was reached then: that the pupil was at the
/// lesson may tell that otherwise.
async fn is_away_since(
    unit: &Unit<'_>,
    school: &School,
    pupil: &PupilId,
    lesson: &Lesson,
) -> Result<bool, StoreError> {
    let day = local_date(lesson.start, &school.zone);
    let from = tables::firings_from(&school.id, pupil, day);
    let to = after_prefix(&tables::firings(&school.id, pupil));
    if !unit.peek_range::<Firing>(&from, &to, 1).await?.is_empty() {
        return Ok(true);
    }
    let from = tables::day(&school.id, pupil, day);
    let to = after_prefix(&tables::lessons(&school.id, pupil));
    let lessons: Vec<LessonState> = unit.peek_range(&from, &to, MOST).await?;
    Ok(lessons.iter().any(history::may_count))
}

/// Asks a pupil's ladders anew when a notice came or went, where it touches a lesson that may count.
///
/// # Errors
/// When the store fails.
pub async fn after_notice(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    pupil: &PupilId,
    reported: &Reported,
    heard: &Heard,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !has_any(school) {
        return Ok(());
    }
    let notice = &reported.notice;
    let from = local_date(notice.from, &school.zone);
    let to = local_date(notice.to.min(now), &school.zone);
    if to < from {
        return Ok(());
    }
    let first = tables::day(&school.id, pupil, from);
    let last = after_prefix(&tables::day(&school.id, pupil, to));
    let lessons: Vec<LessonState> = unit.peek_range(&first, &last, MOST).await?;
    if lessons.iter().any(|lesson| history::may_count(lesson) && notice.touches(&lesson.lesson)) {
        climb(unit, (directory, school), pupil, Depth::Marks, heard, now).await?;
    }
    Ok(())
}

/// Asks a pupil's ladders and writes what is new. Nothing is committed yet. What is asked of the schedule, and not read
/// now, is asked when the school's day is over.
///
/// # Errors
/// When the store fails.
pub async fn climb(
    unit: &mut Unit<'_>,
    (directory, school): (&Directory, &School),
    pupil: &PupilId,
    depth: Depth,
    heard: &Heard,
    now: Timestamp,
) -> Result<(), StoreError> {
    let today = local_date(now, &school.zone);
    let versions = school.ladders.begun(today);
    if versions.is_empty() {
        return Ok(());
    }
    // Two decisions about one pupil cannot both stand.
    accords::touch(unit, &school.id, pupil).await?;
    let mut climbed = Climbed::read(unit, &school.id, pupil).await?;
    let Some(who) = directory.roster.pupil(&school.id, pupil) else {
        return duties::pupil_left(unit, directory, school, pupil, &climbed.duties, now).await;
    };
    let mut wanted = Wanted::by(versions.iter().map(|version| version.ladder.as_ref()), today);
    if depth == Depth::Marks {
        wanted.schedule_from = None;
    }
    let history = history::of_pupil(unit, school, who, wanted, now).await?;
    let hidden = is_hidden(unit, school, Some(who), pupil, now).await?;
    let mut look = Look::default();
    for version in versions {
        let open = climbed.open();
        let situation = situation(school, who, version, &history, (&climbed.firings, &open), now);
        let found = advance(&situation);
        look.add(&found);
        let at = At { directory, school, pupil: who, hidden, ladder: version.ladder, now };
        look.at_once |= steps::apply(unit, &at, found, &mut climbed, heard).await?;
    }
    look_again(unit, school, pupil, &look, &history, now).await
}

/// When a pupil's ladders are looked at again.
#[derive(Debug, Default)]
struct Look {
    tonight: bool,
    day: Option<Date>,
    /// There was more than fits in a commit.
    at_once: bool,
}

impl Look {
    fn add(&mut self, found: &Advance) {
        self.tonight |= found.look_tonight || found.unasked;
        self.day = match (self.day, found.look_again) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Whether nothing may be said of a pupil: protected, perhaps so, said to be by a source, or not in the directory.
///
/// # Errors
/// When the store fails.
pub async fn is_hidden(
    unit: &Unit<'_>,
    school: &School,
    known: Option<&Pupil>,
    pupil: &PupilId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if known.is_none_or(|known| known.protection != crate::directory::Protection::None) {
        return Ok(true);
    }
    let guard: Option<Day> = unit.peek(&tables::notice_guard(&school.id, pupil)).await?;
    let said = guard.and_then(|day| day.protected_at);
    Ok(said.is_some_and(|at| now.duration_since(at) < super::case::PROTECTED_FOR))
}

/// Tells the principal instead of somebody who may not be told of a pupil any more.
///
/// # Errors
/// When the store fails.
pub async fn redirect(
    unit: &mut Unit<'_>,
    school: &School,
    n: &Notification,
    now: Timestamp,
) -> Result<(), StoreError> {
    let recipient = Recipient::Staff(StaffRole::Principal);
    if n.recipient == recipient || n.purpose == Purpose::LadderRetracted {
        return Ok(());
    }
    let Some(mut firing) = firing_of(unit, n).await? else { return Ok(()) };
    let new = steps::notice(school, &firing, n.purpose, n.reason, recipient, "", now);
    let (was, mut decisions) = (firing.notifications.len(), Vec::new());
    steps::make(unit, new, None, &mut firing.notifications, &mut decisions).await?;
    if firing.notifications.len() > was {
        unit.write(tables::firing(&firing), &firing);
    }
    Ok(())
}

/// The step that a message of a ladder is about.
///
/// # Errors
/// When the store fails.
pub async fn firing_of(
    unit: &mut Unit<'_>,
    n: &Notification,
) -> Result<Option<Firing>, StoreError> {
    let Ok(id) = NotificationId::parse(n.lesson.as_str()) else { return Ok(None) };
    unit.read(&tables::firing_of(&n.school, &n.pupil, n.date, &id)).await
}

/// Has the pupil's ladders looked at when that may come out otherwise by time alone.
async fn look_again(
    unit: &mut Unit<'_>,
    school: &School,
    pupil: &PupilId,
    look: &Look,
    history: &History,
    now: Timestamp,
) -> Result<(), StoreError> {
    let end_of = |day: Date| {
        let ends = school.zone.to_timestamp(day.to_datetime(school.ladders.day_ends)).ok()?;
        ends.checked_add(GATHER).ok()
    };
    // Where the day is over already, at once.
    let tonight = end_of(history.today).filter(|_| look.tonight).map(|ends| ends.max(now));
    let later = look.day.and_then(end_of);
    let at_once = look.at_once.then_some(now);
    let at = [tonight, later, at_once].into_iter().flatten().min();
    let guard = tables::notice_guard(&school.id, pupil);
    let mut row: Day = unit.read(&guard).await?.unwrap_or_default();
    if row.ladders_at == at {
        // Written again all the same: its time may have come this moment.
        if let Some(at) = at {
            due(unit, school, pupil, at);
        }
        return Ok(());
    }
    if let Some(former) = row.ladders_at {
        unit.delete(due_key(school, pupil, former));
    }
    if let Some(at) = at {
        due(unit, school, pupil, at);
    }
    row.ladders_at = at;
    unit.write(guard, &row);
    Ok(())
}

fn due_key(school: &School, pupil: &PupilId, at: Timestamp) -> Vec<u8> {
    let unique = NotificationId::of(&["ladders", school.id.as_str(), pupil.as_str()]);
    tables::due(Lane::Timer, at, unique.as_str())
}

fn due(unit: &mut Unit<'_>, school: &School, pupil: &PupilId, at: Timestamp) {
    let row = Due::Ladder { school: school.id.clone(), pupil: pupil.clone() };
    unit.write(due_key(school, pupil, at), &row);
}
