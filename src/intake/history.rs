//! One pupil's lessons as ladders ask for them, read from rows: marks with the notices, reports and silences that bear
//! on them, and lessons of the schedule that nobody has marked. Reads; decides nothing but how each was attended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, civil::Date};

use super::exclusions;
use crate::directory::{Pupil, School};
use crate::ladder::{Attended, Condition, Day, History, Ladder, Seen, Span, Still, Unmarked};
use crate::model::{
    AdvanceNotice, CaseWhat, CaseWord, GroupId, Lesson, LessonId, LessonState, Mark, PupilId,
    Reason, Register, SchoolId, Silencing, case_word, covering, local_date,
};
use crate::policy::{Standing, register, standing};
use crate::store::ledger::Unit;
use crate::store::rows::Notice;
use crate::store::{StoreError, after_prefix, tables};

/// Most lessons of one pupil that are read: more than a school year has.
const LESSONS: usize = 4_000;
/// Most notices of one pupil that are read.
const NOTICES: usize = 1_000;
/// Most lessons of a school's day.
const LESSONS_A_DAY: usize = 20_000;

/// Whether a lesson bears on any ladder: the pupil was away from some of it, or may have been.
pub fn may_count(lesson: &LessonState) -> bool {
    lesson.report.is_some()
        || matches!(
            lesson.mark,
            Some(Mark::Unexcused | Mark::Excused | Mark::Late | Mark::LeftEarly)
        )
}

/// What ladders ask of a pupil's lessons.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The first day.
    pub from: Date,
    /// The first day of which lessons are wanted too that nobody has marked; none: of none.
    pub schedule_from: Option<Date>,
}

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The pupil's own rows: while somebody waits for an answer.
    Marks,
    /// With the school's schedule, where a ladder asks for it: many rows.
    Schedule,
}

impl Wanted {
    /// What some ladders ask for on a day.
    pub fn by<'a>(ladders: impl Iterator<Item = &'a Ladder>, today: Date) -> Self {
        let mut wanted = Self { from: crate::ladder::school_year_of(today), schedule_from: None };
        for ladder in ladders {
            wanted.from = wanted.from.min(ladder.looks_back_to(today));
            for step in &ladder.steps {
                let days = by_schedule(&step.when, today, wanted.from);
                wanted.schedule_from = match (wanted.schedule_from, days) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
        }
        wanted
    }
}

/// The first day on which a condition asks for the schedule.
fn by_schedule(condition: &Condition, today: Date, all: Date) -> Option<Date> {
    match condition {
        Condition::Share(share) if share.by_schedule => Some(match share.within {
            Span::Day => today.yesterday().unwrap_or(today),
            // What was true some days ago is asked again, so that it is not taken back.
            Span::Days(_) | Span::Term | Span::SchoolYear | Span::Since(_) => all,
        }),
        Condition::After(after) => match &after.still {
            Still::Holds(condition) => by_schedule(condition, today, all),
            Still::Open => None,
        },
        Condition::AnyOf(any) | Condition::AllOf(any) => {
            any.iter().filter_map(|condition| by_schedule(condition, today, all)).min()
        }
        _ => None,
    }
}

/// What bears on lessons beside their marks.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    notices: Vec<AdvanceNotice>,
    silences: Vec<Silencing>,
}

impl Beside {
    /// How a lesson was attended; none: it does not count, since it was not held, or nobody was to come.
    pub fn attended(
        &self,
        lesson: &LessonState,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Option<Attended> {
        if lesson.cancelled || !covering(&self.silences, &lesson.lesson, zone).is_empty() {
            return None;
        }
        Some(match standing(lesson, &self.notices, now) {
            Standing::Missing => Attended::Unexcused,
            Standing::NotMissing { reason, .. } => match reason {
                Reason::Present | Reason::OtherActivity => Attended::Present,
                Reason::Late => Attended::Late,
                Reason::LeftEarly => Attended::LeftEarly,
                Reason::Excused | Reason::AdvanceNotice => Attended::Excused,
                Reason::LessonCancelled => return None,
                // The teacher says that the pupil never came, and nobody has marked it.
                _ if lesson.report_stands() => Attended::Unexcused,
                _ => Attended::Untaken,
            },
        })
    }
}

/// Reads a pupil's lessons. Whoever decides by them has read the guard of the pupil's notices, which every change of a
/// lesson or notice moves.
///
/// # Errors
/// When the store fails.
pub async fn of_pupil(
    unit: &mut Unit<'_>,
    school: &School,
    pupil: &Pupil,
    wanted: Wanted,
    now: Timestamp,
) -> Result<History, StoreError> {
    let today = local_date(now, &school.zone);
    let begin = school.zone.to_timestamp(wanted.from.into()).unwrap_or(Timestamp::MIN);
    let silences =
        exclusions::of_pupil(unit, &school.id, (&pupil.id, pupil.class.as_deref()), begin).await?;
    let beside = Beside { notices: notices(unit, (&school.id, &pupil.id), begin).await?, silences };
    let first = tables::day(&school.id, &pupil.id, wanted.from);
    let last = after_prefix(&tables::day(&school.id, &pupil.id, today));
    let lessons: Vec<LessonState> = unit.peek_range(&first, &last, LESSONS).await?;
    let words = words(unit, (&school.id, &pupil.id), wanted.from).await?;
    let mut known: BTreeSet<LessonId> = BTreeSet::new();
    let mut found: BTreeMap<Date, Vec<Seen>> = BTreeMap::new();
    // One that does not count was heard of all the same.
    let since = lessons.iter().map(|lesson| local_date(lesson.lesson.start, &school.zone)).min();
    for lesson in lessons.iter().filter(|lesson| lesson.lesson.start <= now) {
        known.insert(lesson.lesson.id.clone());
        if let Some(attended) = beside.attended(lesson, &school.zone, now) {
            let day = local_date(lesson.lesson.start, &school.zone);
            let attended = as_told(attended, lesson, words.get(&day));
            found.entry(day).or_default().push(seen(lesson, attended, &school.zone));
        }
    }
    let mut unmarked = Unmarked::NotRead;
    if let Some(from) = wanted.schedule_from {
        let (first, more) = planned(unit, school, pupil, (from, today), &known, now).await?;
        unmarked = Unmarked::From(first);
        for lesson in more {
            if covering(&beside.silences, &lesson.0, &school.zone).is_empty() {
                let day = local_date(lesson.0.start, &school.zone);
                let row = LessonState::new(lesson.0, now);
                found.entry(day).or_default().push(seen(&row, lesson.1, &school.zone));
            }
        }
    }
    let days: BTreeMap<Date, Day> =
        found.into_iter().map(|(date, lessons)| (date, day_of(lessons))).collect();
    let ends = school.zone.to_timestamp(today.to_datetime(school.ladders.day_ends));
    Ok(History {
        since: days.keys().next().copied().into_iter().chain(since).min().unwrap_or(today),
        days,
        unmarked,
        today,
        today_is_over: ends.is_ok_and(|ends| ends <= now),
    })
}

/// What staff have found out of each day by phoning: the word that counts.
async fn words(
    unit: &Unit<'_>,
    (school, pupil): (&SchoolId, &PupilId),
    from: Date,
) -> Result<BTreeMap<Date, CaseWord>, StoreError> {
    let first = tables::case_words(school, pupil, from);
    let last = after_prefix(&tables::of_pupil(tables::CASE_WORDS, school, pupil));
    let mut by_day: BTreeMap<Date, Vec<CaseWord>> = BTreeMap::new();
    for word in unit.peek_range::<CaseWord>(&first, &last, LESSONS).await? {
        by_day.entry(word.date).or_default().push(word);
    }
    let counts = |(day, all): (Date, Vec<CaseWord>)| {
        case_word::last_outcome(&all).map(|word| (day, word.clone()))
    };
    Ok(by_day.into_iter().filter_map(counts).collect())
}

/// How a lesson was attended, with what was found out of its day since it began: who was phoned in the morning says
/// nothing of the afternoon.
fn as_told(attended: Attended, lesson: &LessonState, word: Option<&CaseWord>) -> Attended {
    let Some(word) = word.filter(|word| lesson.lesson.start <= word.at) else { return attended };
    match (attended, word.what) {
        (Attended::Unexcused, CaseWhat::Explained) => Attended::Excused,
        // A mark that came after the word says more than it.
        (Attended::Unexcused, CaseWhat::WrongMark) if lesson.received_at <= word.at => {
            Attended::Present
        }
        _ => attended,
    }
}

/// The lessons of one day, in order.
fn day_of(mut lessons: Vec<Seen>) -> Day {
    lessons.sort_by_key(|lesson| (lesson.start, lesson.minutes, lesson.attended));
    Day { lessons }
}

fn seen(lesson: &LessonState, attended: Attended, zone: &TimeZone) -> Seen {
    let planned = lesson.lesson.end.duration_since(lesson.lesson.start).as_secs() / 60;
    let planned = u32::try_from(planned).unwrap_or_default();
    let minutes = lesson.minutes.map_or(planned, |minutes| minutes.scheduled);
    let absent = lesson.minutes.map_or(0, |minutes| minutes.absent);
    let missed = match attended {
        Attended::Excused | Attended::Unexcused if absent == 0 => minutes,
        Attended::Present | Attended::Untaken => 0,
        _ => absent,
    };
    let start = zone.to_datetime(lesson.lesson.start).time();
    Seen { start, minutes, attended, missed }
}

async fn notices(
    unit: &Unit<'_>,
    (school, pupil): (&SchoolId, &PupilId),
    begin: Timestamp,
) -> Result<Vec<AdvanceNotice>, StoreError> {
    let from = tables::notices_ending_after(school, pupil, begin);
    let to = after_prefix(&tables::notices(school, pupil));
    let rows: Vec<Notice> = unit.peek_range(&from, &to, NOTICES).await?;
    Ok(rows.into_iter().filter(|row| !row.withdrawn).map(|row| row.notice).collect())
}

/// Lessons of the schedule to which the pupil was to come and which have begun, without a mark: attended where their
/// register was taken. Besides, the first day of which a plan is kept; the last day where there is none.
async fn planned(
    unit: &Unit<'_>,
    school: &School,
    pupil: &Pupil,
    (from, to): (Date, Date),
    known: &BTreeSet<LessonId>,
    now: Timestamp,
) -> Result<(Date, Vec<(Lesson, Attended)>), StoreError> {
    let (mut found, mut first) = (Vec::new(), None);
    let mut day = from;
    while day <= to {
        let start = tables::plan_of(&school.id, day);
        let ids: Vec<LessonId> =
            unit.peek_range(&start, &after_prefix(&start), LESSONS_A_DAY).await?;
        for id in ids {
            if first.is_some() && known.contains(&id) {
                continue;
            }
            let row: Option<Register> = unit.peek(&tables::register(&school.id, &id)).await?;
            if row.as_ref().is_some_and(|row| row.planned.is_some()) {
                first = first.or(Some(day));
            }
            let is_theirs = |row: &Register| row.lesson.start <= now && is_in(row, pupil);
            let Some(row) = row.filter(|row| !known.contains(&id) && is_theirs(row)) else {
                continue;
            };
            if register::not_awaited_on_its_day(&row, school).is_some() {
                continue;
            }
            let taken = register::taken_at(&row, school).is_some();
            let attended = if taken { Attended::Present } else { Attended::Untaken };
            found.push((row.lesson, attended));
        }
        day = day.saturating_add(1.day());
    }
    Ok((first.unwrap_or(to), found))
}

/// Whether a pupil was to come, by the groups of today: who was in which before is not kept.
fn is_in(row: &Register, pupil: &Pupil) -> bool {
    let Some(planned) = &row.planned else { return false };
    let named = |id: &str| planned.groups.iter().any(|group| GroupId::as_str(group) == id);
    !planned.except.contains(&pupil.id)
        && (planned.also.contains(&pupil.id)
            || pupil.groups.iter().any(|group| named(group.as_str()))
            || pupil.class.as_deref().is_some_and(named))
}
