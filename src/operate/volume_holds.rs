//! Messages held because far too many pupils are missing at once: shown with their numbers, and released or discarded
//! by a person, whole or by class and lesson. An act is one commit of the hold's row, of a line that says who did it
//! and why, and of the row that has its messages looked at again at once.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::delivery::hold_facts::{self, HeldNow, HeldPart};
use crate::delivery::volume;
use crate::directory::Directory;
use crate::model::{
    Exceeded, Hold, HoldAct, HoldDecision, HoldId, HoldScope, HoldThen, LessonId, Missing,
    NotificationId, SchoolId, Stand, Usual, unseen::is_one_line,
};
use crate::store::ledger::{self, ROW_VERSION, Unit};
use crate::store::rows::OperatorAct;
use crate::store::{Commit, Kv, MAX_VALUE_BYTES, StoreError, codec, tables};

/// Longest reason, in bytes: it is part of a small row.
const LONGEST_REASON: usize = 200;
/// How often an act is tried against somebody who changes the same row.
const TRIES: usize = 20;

/// All holds that are kept, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Holds {
    /// [`FORMAT`].
    pub format: u32,
    /// Each.
    pub holds: Vec<InShort>,
}

/// One hold in short. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InShort {
    /// Which.
    pub id: HoldId,
    /// The school.
    pub school: SchoolId,
    /// The day of the lessons, in the school's zone.
    pub date: Date,
    /// When the lessons begin.
    pub start: Timestamp,
    /// Which messages are meant.
    pub scope: HoldScope,
    /// How many pupils were counted.
    pub counted: u32,
    /// Of how many.
    pub of: u32,
    /// What was above a limit, with that limit.
    pub why: Exceeded,
    /// What is usual, where it was looked up.
    pub usual: Option<Usual>,
    /// Since when.
    pub made_at: Timestamp,
    /// The time-out.
    pub until: Timestamp,
    /// What happens then.
    pub then: HoldThen,
    /// When it ended; none: it is open.
    pub over_at: Option<Timestamp>,
    /// What was decided, oldest first.
    pub decisions: Vec<HoldDecision>,
    /// How many messages it keeps waiting; of one that is over: 0.
    pub waiting: u32,
    /// How many pupils it keeps at this moment; of one that is over: 0.
    #[serde(default)]
    pub left: u32,
    /// Of how many pupils somebody at home may have been told before; known where one hold is shown.
    #[serde(default)]
    pub told: u32,
}

/// One hold with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shown {
    /// [`FORMAT`].
    pub format: u32,
    /// The hold.
    #[serde(flatten)]
    pub hold: InShort,
    /// Each class at each lesson.
    pub parts: Vec<Part>,
    /// Likely causes that the data shows.
    pub causes: Vec<Cause>,
    /// Messages that the act which this answers concerns; they are looked at again at once.
    #[serde(default)]
    pub concerned: u32,
}

/// One class at one lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Part {
    /// The class; none: pupils without one.
    pub class: Option<String>,
    /// The lesson.
    pub lesson: LessonId,
    /// When it begins.
    pub start: Timestamp,
    /// How many of the class are missing.
    pub pupils: u32,
    /// How many there are in the class.
    pub of: Option<u32>,
    /// `held`, `released`, `discarded`, or `free`: missing since the hold was over.
    pub stands: String,
    /// How many messages wait.
    pub waiting: u32,
}

/// A likely cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cause {
    /// As a stable word.
    pub cause: String,
    /// In words.
    pub words: String,
}

/// What is asked to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Decide {
    /// What.
    pub act: HoldAct,
    /// Of this class only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Of this lesson only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<LessonId>,
    /// Why, in the operator's words; empty: nobody said. Not for names: it is shown to whoever asks.
    #[serde(default)]
    pub reason: String,
}

impl From<&Hold> for InShort {
    fn from(hold: &Hold) -> Self {
        Self {
            id: hold.id.clone(),
            school: hold.school.clone(),
            date: hold.date,
            start: hold.start,
            scope: hold.scope.clone(),
            counted: hold.counted,
            of: hold.of,
            why: hold.why,
            usual: hold.usual,
            made_at: hold.made_at,
            until: hold.until,
            then: hold.then,
            over_at: hold.over_at,
            decisions: hold.decisions.clone(),
            waiting: 0,
            left: 0,
            told: 0,
        }
    }
}

impl From<&HeldPart> for Part {
    fn from(part: &HeldPart) -> Self {
        let stands = match part.stand {
            Stand::Free => "free",
            Stand::Held => "held",
            Stand::Released => "released",
            Stand::Discarded => "discarded",
        };
        Self {
            class: part.class.clone(),
            lesson: part.lesson.clone(),
            start: part.start,
            pupils: part.pupils,
            of: part.of,
            stands: stands.into(),
            waiting: part.waiting,
        }
    }
}

/// Every hold that is kept, or only those that are open, newest first.
///
/// # Errors
/// When the store fails.
pub async fn list(kv: &dyn Kv, only_open: bool) -> Result<Vec<InShort>, OperateError> {
    let mut all = rows(kv).await?;
    all.retain(|hold| !only_open || hold.over_at.is_none());
    all.sort_by_key(|hold| std::cmp::Reverse(hold.made_at));
    let unit = Unit::new(kv);
    let mut found = Vec::new();
    for hold in &all {
        let mut short = InShort::from(hold);
        if hold.over_at.is_none() {
            let all = concerned(kv, hold).await?;
            short.left = hold.kept(&all);
            for one in all {
                let waiting = volume::waiting(&unit, &hold.school, hold.date, &one).await?;
                short.waiting += u32::try_from(waiting.len()).unwrap_or(u32::MAX);
            }
        }
        found.push(short);
    }
    Ok(found)
}

/// One hold, with everything.
///
/// # Errors
/// [`OperateError::NotNow`] when there is none of that id, or the store's.
pub async fn show(kv: &dyn Kv, directory: &Directory, id: &HoldId) -> Result<Shown, OperateError> {
    let hold = find(kv, id).await?;
    let school = directory.schools.get(&hold.school);
    let now = hold_facts::look(kv, &directory.roster, school, &hold).await?;
    Ok(shown(&hold, &now, 0))
}

fn shown(hold: &Hold, now: &HeldNow, concerned: u32) -> Shown {
    let causes = now
        .causes
        .iter()
        .map(|cause| Cause { cause: cause.as_str().into(), words: cause.in_words().into() });
    let mut short = InShort::from(hold);
    short.waiting = now.parts.iter().map(|part| part.waiting).sum();
    let kept = now.parts.iter().filter(|part| part.stand == Stand::Held);
    short.left = kept.map(|part| part.pupils).sum();
    short.told = now.told;
    Shown {
        format: FORMAT,
        hold: short,
        parts: now.parts.iter().map(Part::from).collect(),
        causes: causes.collect(),
        concerned,
    }
}

/// Releases or discards a hold, or a part of it.
///
/// # Errors
/// [`OperateError::NotNow`] in words when there is no such hold or part, or it is over; or the store's.
pub async fn decide(
    kv: &dyn Kv,
    directory: &Directory,
    id: &HoldId,
    asked: &Decide,
    by: &str,
    now: Timestamp,
) -> Result<Shown, OperateError> {
    let reason = asked.reason.trim();
    if reason.len() > LONGEST_REASON || !is_one_line(reason) {
        return Err(OperateError::NotNow(format!(
            "the reason is one line of at most {LONGEST_REASON} bytes, as \"8A-8C are on a trip\""
        )));
    }
    for _ in 0..TRIES {
        let known = find(kv, id).await?;
        let key = tables::hold(&known.school, known.date, id);
        let mut unit = Unit::new(kv);
        let Some(mut hold) = unit.read::<Hold>(&key).await? else { continue };
        if let Some(over_at) = hold.over_at {
            let last = hold.decisions.last().map_or_else(
                || " (the register was mended)".to_owned(),
                |last| format!(" ({} by {})", last.act.as_str(), last.by),
            );
            return Err(OperateError::NotNow(format!(
                "hold {id} is over since {over_at} (UTC){last}; what was decided stays so"
            )));
        }
        let all = concerned(kv, &hold).await?;
        let decision = HoldDecision {
            act: asked.act,
            class: asked.class.clone(),
            lesson: asked.lesson.clone(),
            at: now,
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        let whole = decision.class.is_none() && decision.lesson.is_none();
        let is_of_part = |one: &&Missing| {
            asked.class.as_ref().is_none_or(|class| one.class.as_ref() == Some(class))
                && asked.lesson.as_ref().is_none_or(|lesson| *lesson == one.lesson)
                && hold.stand(one) == Stand::Held
        };
        let part: Vec<Missing> = all.iter().filter(is_of_part).cloned().collect();
        if part.is_empty() && !whole {
            return Err(no_part(&hold, &all));
        }
        let mut concerned = 0;
        for one in &part {
            let waiting = volume::waiting(&unit, &hold.school, hold.date, one).await?;
            concerned += u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        }
        unit.decided(asked.act.as_str(), decision.reason());
        hold.decisions.push(decision);
        if whole || all.iter().all(|one| hold.stand(one) != Stand::Held) {
            hold.over_at = Some(now);
        }
        if codec::encode(ROW_VERSION, &hold).len() > MAX_VALUE_BYTES {
            return Err(OperateError::NotNow(
                "more was decided about this hold than can be kept; decide about the rest of it as a whole".into(),
            ));
        }
        unit.write(key, &hold);
        volume::look_at(&mut unit, &hold, now);
        write_act(&mut unit, &hold, asked, reason, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::warn!(
                school = %hold.school, hold = %hold.id, act = asked.act.as_str(), by, concerned,
                "somebody has decided about a hold"
            );
            let school = directory.schools.get(&hold.school);
            let after = hold_facts::look(kv, &directory.roster, school, &hold).await?;
            return Ok(shown(&hold, &after, concerned));
        }
    }
    Err(StoreError::Busy("somebody else changes the same hold; try again".into()).into())
}

/// Says which parts there are.
fn no_part(hold: &Hold, all: &[Missing]) -> OperateError {
    let open = || all.iter().filter(|one| hold.stand(one) == Stand::Held);
    let classes: std::collections::BTreeSet<&str> =
        open().filter_map(|one| one.class.as_deref()).collect();
    let lessons: std::collections::BTreeSet<&str> = open().map(|one| one.lesson.as_str()).collect();
    let joined =
        |all: std::collections::BTreeSet<&str>| all.into_iter().collect::<Vec<_>>().join(", ");
    OperateError::NotNow(format!(
        "nothing is held of that class and lesson; held are classes {} at lessons {}",
        joined(classes),
        joined(lessons)
    ))
}

/// All whom a hold is about.
async fn concerned(kv: &dyn Kv, hold: &Hold) -> Result<Vec<Missing>, OperateError> {
    let mut all = volume::missing_on(kv, &hold.school, hold.date).await?;
    all.retain(|one| hold.concerns(one));
    Ok(all)
}

async fn rows(kv: &dyn Kv) -> Result<Vec<Hold>, OperateError> {
    let mut all = Vec::new();
    ledger::each(kv, tables::HOLDS, |_, value| {
        // One that cannot be read is told of by `store check`.
        all.extend(ledger::decode::<Hold>(value).ok());
    })
    .await?;
    Ok(all)
}

async fn find(kv: &dyn Kv, id: &HoldId) -> Result<Hold, OperateError> {
    let found = rows(kv).await?.into_iter().find(|hold| hold.id == *id);
    found.ok_or_else(|| {
        OperateError::NotNow(format!(
            "there is no hold {id}; `upprop holds list` shows those there are"
        ))
    })
}

fn write_act(
    unit: &mut Unit<'_>,
    hold: &Hold,
    asked: &Decide,
    reason: &str,
    by: &str,
    now: Timestamp,
) {
    let class = asked.class.as_ref().map(|class| format!(", class {class}")).unwrap_or_default();
    let lesson = asked.lesson.as_ref().map(|id| format!(", lesson {id}")).unwrap_or_default();
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let scope = format!("school:{}", hold.school);
    let line = OperatorAct {
        at: now,
        by: by.to_owned(),
        act: format!("hold-{}", asked.act.as_str()),
        scope,
        reason: format!("hold {}{class}{lesson}{why}", hold.id),
        until: None,
    };
    let unique = NotificationId::of(&[&line.act, &line.reason, by]);
    unit.write(tables::operator_act(now, unique.as_str()), &line);
}
