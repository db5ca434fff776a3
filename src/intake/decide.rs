//! Decide one case inside a unit of work: evaluate, write the plan, write the trail.

use jiff::Timestamp;

use super::case::Case;
use super::{further, volume};
use crate::directory::{Directory, School};
use crate::model::{EventId, LessonId, PupilId, Reason, SchoolId, SourceId};
use crate::policy::{self, Plan};
use crate::store::ledger::{self, Unit};
use crate::store::rows::{Audit, Decision};
use crate::store::{MAX_VALUE_BYTES, codec, tables};

/// Most silences that a line names.
const SILENCES: usize = 8;

/// What made a decision necessary, for the trail.
#[derive(Debug, Clone)]
pub struct Heard {
    /// From whom; none for our own timers.
    pub source: Option<SourceId>,
    /// Which event.
    pub event: Option<EventId>,
    /// As a stable word.
    pub what: String,
}

impl Heard {
    /// One of our own timers or findings.
    pub fn own(what: &str) -> Self {
        Self { source: None, event: None, what: what.into() }
    }
}

/// Evaluates policy on a case and writes the difference. Nothing is committed yet.
pub fn decide(
    unit: &mut Unit<'_>,
    directory: &Directory,
    school: &School,
    mut case: Case,
    heard: &Heard,
    now: Timestamp,
) -> Plan {
    let mut plan = policy::evaluate(&case.situation(school, &directory.roster, now));
    if plan.decisions.iter().any(|d| d.reason == Reason::Silenced) {
        plan.silences = case.silences(school);
    }
    let key = case.key.clone();
    let pupil = directory.roster.pupil(&key.school, &key.pupil);
    let class = pupil.and_then(|pupil| pupil.class.as_ref());
    let excluded = case.exclusion(school).is_some();
    volume::note(unit, &mut case, &plan, class, excluded, heard, now);
    if case.lesson.missing && !plan.missing {
        further::look_at(unit, (school, &case.accords), &key, case.day.missing.iter(), now);
    }
    case.apply(unit, &plan);
    trail(unit, &key.school, &key.pupil, Some(&key.lesson), heard, &plan, now);
    plan
}

/// Writes one line of a pupil's trail.
pub fn trail(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    pupil: &PupilId,
    lesson: Option<&LessonId>,
    heard: &Heard,
    plan: &Plan,
    now: Timestamp,
) {
    let decisions = plan
        .decisions
        .iter()
        .map(|d| Decision {
            act: d.act.into(),
            recipient: d.recipient.as_ref().map(crate::model::Recipient::key).unwrap_or_default(),
            reason: d.reason,
            notification: d.notification.clone(),
        })
        .take(16)
        .collect();
    let mut line = Audit {
        at: now,
        source: heard.source.clone(),
        event: heard.event.clone(),
        heard: heard.what.clone(),
        lesson: lesson.cloned(),
        decisions,
        silences: plan.silences.iter().take(SILENCES).cloned().collect(),
    };
    // Long ids of many guardians; the notifications themselves tell the rest.
    while codec::encode(ledger::ROW_VERSION, &line).len() > MAX_VALUE_BYTES
        && line.decisions.pop().is_some()
    {}
    let unique = crate::model::NotificationId::of(&[
        heard.source.as_ref().map_or("", SourceId::as_str),
        heard.event.as_ref().map_or("", EventId::as_str),
        &heard.what,
        lesson.map_or("", LessonId::as_str),
    ]);
    unit.write(tables::audit(school, pupil, now, unique.as_str()), &line);
}
