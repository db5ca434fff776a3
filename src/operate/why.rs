//! The whole trail of a pupil's days: what was heard, from whom and when, what was decided about it and by
//! which rule, what became of each message, and which events about the pupil were refused.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::clocks::{self, Clocks};
use super::message::Message;
use super::rejected::{self, Rejected};
use super::why_acts::acts;
use super::{FORMAT, OperateError};
use crate::delivery::suspension::Suspensions;
use crate::directory::School;
use crate::intake::case_words::words_of;
use crate::model::{
    EventId, Lesson, LessonId, LessonState, Mark, NoticeKind, Notification, NotificationId,
    PupilId, Purpose, Reason, SchoolId, SourceId, local_date,
};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Audit, Notice, OperatorAct};
use crate::store::{Kv, after_prefix, tables};

/// Most lines of a trail that are read, newest last.
const LINES: usize = 100_000;
/// Most lessons of a pupil that are read.
const LESSONS: usize = 20_000;
/// Most notices that are told of.
const NOTICES: usize = 200;

/// Most days that are told of.
const MOST_DAYS: usize = 366;
/// Most days that come in beside those asked for, because something was heard about their lessons.
const BESIDE: usize = 14;
/// Days that are told of when none is named: whoever rings means today, or the day before.
pub const DAYS: usize = 2;

/// The answer to "why".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Why {
    /// [`FORMAT`].
    pub format: u32,
    /// Whom it is about.
    pub pupil: PupilId,
    /// The days it is about, oldest first; none: nothing is known of the pupil at all.
    pub days: Vec<AtDay>,
    /// Other days of which something is known, newest first, at most thirty.
    pub other_days: Vec<Date>,
    /// Advance notices that end on the first of the days or later, by their end.
    pub notices: Vec<AtNotice>,
}

impl Why {
    /// Whether anything is known of what was asked.
    pub fn is_known(&self) -> bool {
        self.days.iter().any(AtDay::is_known)
    }
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtDay {
    /// Which, in each school's zone.
    pub date: Date,
    /// One for each school that knows something of it.
    pub schools: Vec<AtSchool>,
    /// Events about the pupil that were refused that day.
    pub rejected: Vec<Rejected>,
}

impl AtDay {
    fn is_known(&self) -> bool {
        !self.schools.is_empty() || !self.rejected.is_empty()
    }
}

/// What one school knows of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtSchool {
    /// Which.
    pub school: SchoolId,
    /// Its zone: times are UTC, and people think in this one.
    pub zone: String,
    /// What was heard and decided about the day and its lessons, and that day about days that are not told
    /// of; oldest first.
    pub trail: Vec<Line>,
    /// What makes it no school day by the calendar in force, in words; none: it may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_school: Option<String>,
    /// What operators did that day to the whole of sending, or to this school's, and on any day to silences that the
    /// trail names; oldest first.
    pub acts: Vec<OperatorAct>,
    /// The lessons as they stand, in order.
    pub lessons: Vec<AtLesson>,
    /// Messages that are about no lesson: tests, oldest first.
    pub tests: Vec<Message>,
    /// Messages about steps of ladders, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Message>,
}

/// An advance notice, or that it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtNotice {
    /// At which school.
    pub school: SchoolId,
    /// Its zone.
    pub zone: String,
    /// Notified absence or leave.
    pub kind: NoticeKind,
    /// From when it holds.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// It was taken back.
    pub withdrawn: bool,
    /// When it was given or taken back, by the source's clock.
    pub recorded_at: Option<Timestamp>,
}

/// One thing heard, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// When upprop heard it.
    pub at: Timestamp,
    /// From which source; none: one of upprop's own timers, or an operator.
    pub source: Option<SourceId>,
    /// Which event of it.
    pub event: Option<EventId>,
    /// What, as a stable word.
    pub heard: String,
    /// About which lesson; none: about the day.
    pub lesson: Option<LessonId>,
    /// What was decided; empty: that nothing changes.
    pub decisions: Vec<Decided>,
    /// The ids of the silences that some of it comes of; a silence that was removed is named too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<String>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Decided {
    /// `notify`, `suppress`, `cancel`, `correct`, `keep`, `retry`.
    pub act: String,
    /// Whom it concerns; empty: everybody.
    pub recipient: String,
    /// The rule, as a stable word.
    pub reason: Reason,
    /// The rule in words.
    pub rule: String,
    /// The message made or changed.
    pub message: Option<NotificationId>,
}

/// A lesson as it stands, and its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtLesson {
    /// Which.
    pub id: LessonId,
    /// Planned start.
    pub start: Timestamp,
    /// Planned end.
    pub end: Timestamp,
    /// The mark in force.
    pub mark: Option<Mark>,
    /// When the source says it was made.
    pub recorded_at: Option<Timestamp>,
    /// When upprop first heard of it.
    pub received_at: Timestamp,
    /// Whether the pupil counts as missing.
    pub missing: bool,
    /// How long upprop took, and whether somebody at home was told on the day; none: nobody is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
    /// Every message made for it, oldest first.
    pub messages: Vec<Message>,
}

/// Which days are asked about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// The last day; none: today, and the days of lessons that something was heard about.
    pub date: Option<Date>,
    /// How many days of which anything is known, that one with them; none: one with a date, [`DAYS`] without.
    pub days: Option<usize>,
}

/// All that one school knows of the pupil.
struct Known<'a> {
    school: &'a School,
    lines: Vec<Audit>,
    lessons: BTreeMap<Date, Vec<LessonState>>,
}

impl Known<'_> {
    /// The days that a line is about: those of its lesson, or the one on which it was heard.
    fn days_of(&self, line: &Audit) -> BTreeSet<Date> {
        let heard = local_date(line.at, &self.school.zone);
        let has = |lessons: &[LessonState]| {
            lessons.iter().any(|state| line.lesson.as_ref() == Some(&state.lesson.id))
        };
        let days: BTreeSet<Date> =
            self.lessons.iter().filter(|(_, of)| has(of)).map(|(date, _)| *date).collect();
        // An id that a sender uses again means the lesson of the day.
        if days.is_empty() || days.contains(&heard) { [heard].into() } else { days }
    }

    fn all_days(&self) -> impl Iterator<Item = Date> {
        let heard = |line: &Audit| local_date(line.at, &self.school.zone);
        self.lessons.keys().copied().chain(self.lines.iter().map(heard))
    }

    /// The days of lessons that something was heard about on one of `chosen`.
    fn beside(&self, chosen: &BTreeSet<Date>) -> BTreeSet<Date> {
        let heard = |line: &&Audit| chosen.contains(&local_date(line.at, &self.school.zone));
        self.lines.iter().filter(heard).flat_map(|line| self.days_of(line)).collect()
    }

    fn trail(&self, date: Date, chosen: &BTreeSet<Date>) -> Vec<Line> {
        let belongs = |line: &&Audit| {
            let days = self.days_of(line);
            days.contains(&date)
                || (local_date(line.at, &self.school.zone) == date && days.is_disjoint(chosen))
        };
        self.lines.iter().filter(belongs).map(Line::from).collect()
    }
}

/// Tells why.
///
/// # Errors
/// When the store fails.
pub async fn why<'a>(
    kv: &dyn Kv,
    schools: impl Iterator<Item = &'a School>,
    pupil: &PupilId,
    asked: Asked,
    now: Timestamp,
) -> Result<Why, OperateError> {
    let mut at = Vec::new();
    for school in schools {
        at.push(known(kv, school, pupil).await?);
    }
    let refused = rejected::of_pupil(kv, pupil).await?;
    let suspensions = Suspensions::load(kv, now).await?;
    let utc = TimeZone::UTC;
    let zone = at.first().map_or(&utc, |known| &known.school.zone);
    let mut days: BTreeSet<Date> = at.iter().flat_map(Known::all_days).collect();
    days.extend(refused.iter().map(|r| local_date(r.at, zone)));
    let mut chosen = choose(&days, asked, local_date(now, zone));
    if asked.date.is_none() {
        let beside: BTreeSet<Date> = at.iter().flat_map(|known| known.beside(&chosen)).collect();
        let new: Vec<Date> = beside.difference(&chosen).copied().collect();
        chosen.extend(new.into_iter().rev().take(BESIDE));
    }
    let mut told = Vec::new();
    for date in &chosen {
        let mut at_schools = Vec::new();
        for known in &at {
            let trail = known.trail(*date, &chosen);
            let of_day: &[LessonState] = known.lessons.get(date).map_or(&[], Vec::as_slice);
            let mut lessons = lessons(kv, (known, pupil), (*date, of_day), now).await?;
            for message in lessons.iter_mut().flat_map(|lesson| &mut lesson.messages) {
                *message = message.clone().under(&suspensions, now);
            }
            if !trail.is_empty() || !lessons.is_empty() {
                let (school, zone) = (known.school.id.clone(), zone_name(known.school));
                let silences = trail.iter().flat_map(|line| &line.silences);
                let silences: Vec<&str> = silences.map(String::as_str).collect();
                let acts = acts(kv, known.school, *date, &silences).await?;
                let no_school = no_school(known.school, *date);
                let tests = told_of(kv, &trail, is_test, &suspensions, now).await?;
                let steps = told_of(kv, &trail, is_of_ladder, &suspensions, now).await?;
                at_schools.push(AtSchool {
                    school,
                    zone,
                    trail,
                    no_school,
                    acts,
                    lessons,
                    tests,
                    steps,
                });
            }
        }
        let rejected = refused.iter().filter(|r| local_date(r.at, zone) == *date).cloned();
        let day = AtDay { date: *date, schools: at_schools, rejected: rejected.collect() };
        // All that was heard on it may stand under the days of its lessons.
        if day.is_known() || asked.date == Some(*date) {
            told.push(day);
        }
    }
    let mut notices = Vec::new();
    for known in &at {
        notices.extend(notices_of(kv, known.school, pupil, chosen.first().copied()).await?);
    }
    Ok(Why {
        format: FORMAT,
        pupil: pupil.clone(),
        days: told,
        other_days: days.iter().rev().filter(|d| !chosen.contains(d)).take(30).copied().collect(),
        notices,
    })
}

/// What makes a day no school day, with the calendar's name.
fn no_school(school: &School, date: Date) -> Option<String> {
    let calendar = school.calendar.as_ref()?;
    let why = calendar.no_school(date)?;
    Some(format!("calendar {}: {}", calendar.name, why.in_words()))
}

fn is_test(n: &Notification) -> bool {
    n.purpose == Purpose::Test
}

fn is_of_ladder(n: &Notification) -> bool {
    n.purpose.is_of_ladder()
}

/// The messages about no lesson that a trail tells of, each once.
async fn told_of(
    kv: &dyn Kv,
    trail: &[Line],
    is_meant: fn(&Notification) -> bool,
    suspensions: &Suspensions,
    now: Timestamp,
) -> Result<Vec<Message>, OperateError> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    // Those of lessons stand with their lessons.
    let lines = trail.iter().filter(|line| line.lesson.is_none());
    for id in lines.flat_map(|line| &line.decisions).filter_map(|d| d.message.as_ref()) {
        if !seen.insert(id) {
            continue;
        }
        let row = ledger::read::<Notification>(kv, &tables::notification(id)).await?;
        let row = row.filter(is_meant);
        found.extend(row.as_ref().map(|n| Message::from(n).under(suspensions, now)));
    }
    Ok(found)
}

/// The days to tell of: the newest that are known, up to the date or today; where all are to come, the first.
fn choose(known: &BTreeSet<Date>, asked: Asked, today: Date) -> BTreeSet<Date> {
    let count = asked.days.unwrap_or(if asked.date.is_some() { 1 } else { DAYS });
    let count = count.clamp(1, MOST_DAYS);
    match asked.date {
        Some(date) => {
            let before = known.range(..date).rev().take(count - 1).copied();
            before.chain([date]).collect()
        }
        None if known.first().is_some_and(|first| *first > today) => {
            known.iter().take(count).copied().collect()
        }
        None => known.range(..=today).rev().take(count).copied().collect(),
    }
}

async fn known<'a>(
    kv: &dyn Kv,
    school: &'a School,
    pupil: &PupilId,
) -> Result<Known<'a>, OperateError> {
    let from = tables::audit_prefix(&school.id, pupil);
    let mut lines = Vec::new();
    for (_, value) in kv.scan(&from, &after_prefix(&from), LINES).await? {
        lines.push(ledger::decode::<Audit>(&value)?);
    }
    let from = tables::lessons(&school.id, pupil);
    let mut lessons: BTreeMap<Date, Vec<LessonState>> = BTreeMap::new();
    for (key, value) in kv.scan(&from, &after_prefix(&from), LESSONS).await? {
        if let Some(date) = tables::lesson_date(&key) {
            lessons.entry(date).or_default().push(ledger::decode(&value)?);
        }
    }
    Ok(Known { school, lines, lessons })
}

pub(super) fn zone_name(school: &School) -> String {
    school.zone.iana_name().unwrap_or("UTC").to_owned()
}

async fn notices_of(
    kv: &dyn Kv,
    school: &School,
    pupil: &PupilId,
    since: Option<Date>,
) -> Result<Vec<AtNotice>, OperateError> {
    let all = tables::notices(&school.id, pupil);
    let since = since.and_then(|date| date.to_zoned_datetime(school.zone.clone()).ok());
    let from = since.map_or_else(
        || all.clone(),
        |since| tables::notices_ending_after(&school.id, pupil, since.timestamp()),
    );
    let mut found = Vec::new();
    for (_, value) in kv.scan(&from, &after_prefix(&all), NOTICES).await? {
        let Notice { notice, withdrawn, recorded_at } = ledger::decode(&value)?;
        found.push(AtNotice {
            school: school.id.clone(),
            zone: zone_name(school),
            kind: notice.kind,
            from: notice.from,
            to: notice.to,
            withdrawn,
            recorded_at,
        });
    }
    Ok(found)
}

async fn lessons(
    kv: &dyn Kv,
    (known, pupil): (&Known<'_>, &PupilId),
    (date, states): (Date, &[LessonState]),
    now: Timestamp,
) -> Result<Vec<AtLesson>, OperateError> {
    let words = words_of(&Unit::new(kv), &known.school.id, pupil, date).await?;
    let mut found = Vec::new();
    for state in states {
        let mut told = Vec::new();
        for id in &state.notifications {
            told.extend(ledger::read::<Notification>(kv, &tables::notification(id)).await?);
        }
        let day = (date, &known.school.zone);
        let clocks = clocks::of(state, (&told, &words), known.lines.iter(), day, now);
        let messages = told.iter().map(Message::from).collect();
        let Lesson { id, start, end, .. } = state.lesson.clone();
        found.push(AtLesson {
            id,
            start,
            end,
            mark: state.mark,
            recorded_at: state.recorded_at,
            received_at: state.received_at,
            missing: state.missing,
            clocks,
            messages,
        });
    }
    found.sort_by_key(|lesson| lesson.start);
    Ok(found)
}

impl From<&Audit> for Line {
    fn from(line: &Audit) -> Self {
        let decided = line.decisions.iter().map(|d| Decided {
            act: d.act.clone(),
            recipient: d.recipient.clone(),
            reason: d.reason,
            rule: d.reason.in_words().to_owned(),
            message: d.notification.clone(),
        });
        Self {
            at: line.at,
            source: line.source.clone(),
            event: line.event.clone(),
            heard: line.heard.clone(),
            lesson: line.lesson.clone(),
            decisions: decided.collect(),
            silences: line.silences.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_newest_days_are_chosen_and_those_to_come_only_when_there_are_no_others() {
        let day = |n| date(2026, 11, n);
        let known: BTreeSet<Date> = [day(20), day(23), day(25), day(30)].into();
        let chosen = |on: Option<i8>, days, today| {
            let asked = Asked { date: on.map(day), days };
            let chosen = choose(&known, asked, day(today));
            chosen.iter().map(|d| d.day()).collect::<Vec<i8>>()
        };
        assert_eq!(chosen(None, None, 26), [23, 25]);
        assert_eq!(chosen(None, None, 30), [25, 30]);
        assert_eq!(chosen(None, Some(9), 26), [20, 23, 25]);
        assert_eq!(chosen(None, None, 19), [20, 23]);
        assert_eq!(chosen(Some(24), None, 26), [24]);
        assert_eq!(chosen(Some(25), Some(2), 26), [23, 25]);
        assert_eq!(chosen(Some(25), Some(0), 26), [25]);
        assert_eq!(choose(&BTreeSet::new(), Asked::default(), day(1)), BTreeSet::new());
    }
}
