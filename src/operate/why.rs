//! The whole trail of one pupil's day: what was heard, from whom and when, what was decided about it and by
//! which rule, what became of each message, and which events about the pupil were refused.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::message::Message;
use super::rejected::{self, Rejected};
use super::{FORMAT, OperateError};
use crate::delivery::suspension::{Scope, Suspensions};
use crate::directory::School;
use crate::model::{
    EventId, Lesson, LessonId, LessonState, Mark, Notification, NotificationId, PupilId, Reason,
    SchoolId, SourceId, local_date,
};
use crate::store::ledger;
use crate::store::rows::{Audit, OperatorAct};
use crate::store::{Kv, after_prefix, tables};

/// Most lines of a trail that are read, newest last.
const LINES: usize = 100_000;
/// Most lessons of a day.
const LESSONS: usize = 1_000;

/// The answer to "why".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Why {
    /// [`FORMAT`].
    pub format: u32,
    /// Whom it is about.
    pub pupil: PupilId,
    /// The day it is about; none: nothing is known of the pupil at all.
    pub date: Option<Date>,
    /// Other days that the trail knows, newest first, at most thirty.
    pub other_days: Vec<Date>,
    /// One for each school that knows something of that day.
    pub schools: Vec<AtSchool>,
    /// Events about the pupil that were refused that day.
    pub rejected: Vec<Rejected>,
}

/// What one school knows of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtSchool {
    /// Which.
    pub school: SchoolId,
    /// Its zone: times are UTC, and people think in this one.
    pub zone: String,
    /// What was heard and decided, oldest first.
    pub trail: Vec<Line>,
    /// What operators did that day to the whole of sending, or to this school's, oldest first.
    pub acts: Vec<OperatorAct>,
    /// The lessons as they stand, in order.
    pub lessons: Vec<AtLesson>,
    /// Messages that are about no lesson: tests, oldest first.
    pub tests: Vec<Message>,
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
    /// Every message made for it, oldest first.
    pub messages: Vec<Message>,
}

/// Tells why. Without a date: of the newest day that anything is known of.
///
/// # Errors
/// When the store fails.
pub async fn why<'a>(
    kv: &dyn Kv,
    schools: impl Iterator<Item = &'a School>,
    pupil: &PupilId,
    date: Option<Date>,
    now: Timestamp,
) -> Result<Why, OperateError> {
    let mut trails: Vec<(&School, Vec<Audit>)> = Vec::new();
    for school in schools {
        let from = tables::audit_prefix(&school.id, pupil);
        let mut lines = Vec::new();
        for (_, value) in kv.scan(&from, &after_prefix(&from), LINES).await? {
            lines.push(ledger::decode::<Audit>(&value)?);
        }
        trails.push((school, lines));
    }
    let refused = rejected::of_pupil(kv, pupil).await?;
    let suspensions = Suspensions::load(kv, now).await?;
    let utc = TimeZone::UTC;
    let zone = trails.first().map_or(&utc, |(school, _)| &school.zone);
    let mut days: BTreeSet<Date> = trails
        .iter()
        .flat_map(|(school, lines)| lines.iter().map(|line| local_date(line.at, &school.zone)))
        .collect();
    days.extend(refused.iter().map(|r| local_date(r.at, zone)));
    let date = date.or_else(|| days.last().copied());
    let mut at_schools = Vec::new();
    if let Some(date) = date {
        for (school, lines) in &trails {
            let mut lessons = lessons(kv, school, pupil, date).await?;
            for message in lessons.iter_mut().flat_map(|lesson| &mut lesson.messages) {
                *message = message.clone().under(&suspensions, now);
            }
            let of_day = |line: &&Audit| {
                local_date(line.at, &school.zone) == date
                    || line.lesson.as_ref().is_some_and(|id| lessons.iter().any(|l| l.id == *id))
            };
            let trail: Vec<Line> = lines.iter().filter(of_day).map(Line::from).collect();
            if !trail.is_empty() || !lessons.is_empty() {
                let zone = school.zone.iana_name().unwrap_or("UTC").to_owned();
                let acts = acts(kv, school, date).await?;
                let tests = tests(kv, &trail, &suspensions, now).await?;
                let school = school.id.clone();
                at_schools.push(AtSchool { school, zone, trail, acts, lessons, tests });
            }
        }
    }
    let other_days = days.iter().rev().filter(|d| Some(**d) != date).take(30).copied().collect();
    let rejected = refused.into_iter().filter(|r| Some(local_date(r.at, zone)) == date).collect();
    Ok(Why {
        format: FORMAT,
        pupil: pupil.clone(),
        date,
        other_days,
        schools: at_schools,
        rejected,
    })
}

/// The tests that a trail tells of.
async fn tests(
    kv: &dyn Kv,
    trail: &[Line],
    suspensions: &Suspensions,
    now: Timestamp,
) -> Result<Vec<Message>, OperateError> {
    let mut found = Vec::new();
    let tests = trail.iter().flat_map(|line| &line.decisions).filter(|d| d.reason == Reason::Test);
    for id in tests.filter_map(|d| d.message.as_ref()) {
        let row = ledger::read::<Notification>(kv, &tables::notification(id)).await?;
        found.extend(row.as_ref().map(|n| Message::from(n).under(suspensions, now)));
    }
    Ok(found)
}

/// What operators did on a day that concerns a school.
async fn acts(kv: &dyn Kv, school: &School, date: Date) -> Result<Vec<OperatorAct>, OperateError> {
    let mut found = Vec::new();
    ledger::each(kv, tables::OPERATOR_ACTS, |_, value| {
        let Ok(act) = ledger::decode::<OperatorAct>(value) else { return };
        let concerns = act.scope.parse().is_ok_and(|scope: Scope| scope.concerns(&school.id));
        if concerns && local_date(act.at, &school.zone) == date {
            found.push(act);
        }
    })
    .await?;
    Ok(found)
}

async fn lessons(
    kv: &dyn Kv,
    school: &School,
    pupil: &PupilId,
    date: Date,
) -> Result<Vec<AtLesson>, OperateError> {
    let from = tables::day(&school.id, pupil, date);
    let mut found = Vec::new();
    for (_, value) in kv.scan(&from, &after_prefix(&from), LESSONS).await? {
        let state: LessonState = ledger::decode(&value)?;
        let mut messages = Vec::new();
        for id in &state.notifications {
            let row = ledger::read::<Notification>(kv, &tables::notification(id)).await?;
            messages.extend(row.as_ref().map(Message::from));
        }
        let Lesson { id, start, end, .. } = state.lesson;
        found.push(AtLesson {
            id,
            start,
            end,
            mark: state.mark,
            recorded_at: state.recorded_at,
            received_at: state.received_at,
            missing: state.missing,
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
        }
    }
}
