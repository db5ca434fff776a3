//! The register of one lesson as an operator asks for it: how the lesson is planned, how far its register has come,
//! what was decided about it by which rule, and what became of each notice. Names no pupil.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::message::Message;
use super::why::{Line, zone_name};
use super::{FORMAT, OperateError};
use crate::delivery::suspension::Suspensions;
use crate::directory::School;
use crate::model::{
    GroupId, LessonId, Notification, NotificationId, Register, SchoolId, StaffId, Stood,
};
use crate::store::rows::Audit;
use crate::store::{Kv, after_prefix, ledger, tables};

/// Most lines of a trail that are read, newest last.
const LINES: usize = 10_000;

/// The answer to "why" about a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WhyLesson {
    /// [`FORMAT`].
    pub format: u32,
    /// Which lesson.
    pub lesson: LessonId,
    /// One for each school that knows a lesson of this id.
    pub schools: Vec<AtRegister>,
}

/// The register of the lesson at one school. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtRegister {
    /// Which school.
    pub school: SchoolId,
    /// Its zone.
    pub zone: String,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// What the lesson is called.
    pub label: Option<String>,
    /// How it is planned; none: no schedule says anything of it, or that is not kept any more.
    pub planned: Option<AtPlan>,
    /// When a mark first said that somebody has begun.
    pub begun_at: Option<Timestamp>,
    /// When it was closed, by the source's clock.
    pub closed_at: Option<Timestamp>,
    /// How it stood when the lesson was over.
    pub stood: Option<Stood>,
    /// When it is looked at next.
    pub look_at: Option<Timestamp>,
    /// The digest that tells of it.
    pub digest_at: Option<Timestamp>,
    /// What was heard and decided, oldest first.
    pub trail: Vec<Line>,
    /// Every notice that was made of it.
    pub messages: Vec<Message>,
}

/// What a schedule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtPlan {
    /// Attendance is to be registered.
    pub registered: bool,
    /// It is not held.
    pub cancelled: bool,
    /// Who teaches.
    pub teachers: Vec<StaffId>,
    /// Whose pupils are to come.
    pub groups: Vec<GroupId>,
    /// How many are to come besides.
    pub also: usize,
    /// How many of the groups are not.
    pub except: usize,
}

/// Tells why.
///
/// # Errors
/// When the store fails.
pub async fn why<'a>(
    kv: &dyn Kv,
    schools: impl Iterator<Item = &'a School>,
    lesson: &LessonId,
    now: Timestamp,
) -> Result<WhyLesson, OperateError> {
    let suspensions = Suspensions::load(kv, now).await?;
    let mut found = Vec::new();
    for school in schools {
        let key = tables::register(&school.id, lesson);
        let Some(row) = ledger::read::<Register>(kv, &key).await? else { continue };
        let from = tables::register_trail(&school.id, lesson);
        let mut trail = Vec::new();
        for (_, value) in kv.scan(&from, &after_prefix(&from), LINES).await? {
            trail.push(Line::from(&ledger::decode::<Audit>(&value)?));
        }
        let ids: BTreeSet<&NotificationId> = trail
            .iter()
            .flat_map(|line| &line.decisions)
            .filter_map(|d| d.message.as_ref())
            .collect();
        let mut messages = Vec::new();
        for id in ids {
            let n = ledger::read::<Notification>(kv, &tables::notification(id)).await?;
            messages.extend(n.as_ref().map(|n| Message::from(n).under(&suspensions, now)));
        }
        messages.sort_by_key(|message| message.created_at);
        found.push(at(school, row, trail, messages));
    }
    Ok(WhyLesson { format: FORMAT, lesson: lesson.clone(), schools: found })
}

fn at(school: &School, row: Register, trail: Vec<Line>, messages: Vec<Message>) -> AtRegister {
    let planned = row.planned.map(|planned| AtPlan {
        registered: planned.registered,
        cancelled: planned.cancelled,
        teachers: planned.teachers,
        groups: planned.groups,
        also: planned.also.len(),
        except: planned.except.len(),
    });
    AtRegister {
        school: school.id.clone(),
        zone: zone_name(school),
        start: row.lesson.start,
        end: row.lesson.end,
        label: row.lesson.label,
        planned,
        begun_at: row.begun_at,
        closed_at: row.closed_at,
        stood: row.stood,
        look_at: row.look_at,
        digest_at: row.digest_at,
        trail,
        messages,
    }
}
