//! Duties as people at the school see them: listed, shown, taken on and ticked. Each change is one commit of the duty, of
//! who is told, and of a line in the pupil's trail. What somebody writes is for staff, and goes with contacts.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::directory::{Directory, Protection, School};
use crate::intake::duties;
use crate::intake::duty_words::LONGEST_WHY;
use crate::ladder::DoneBy;
use crate::ladder::duty::{Said, Say};
use crate::model::unseen::is_one_line;
use crate::model::{Duty, DutyState, NotificationId, PupilId, SchoolId, StaffRole};
use crate::store::ledger::{self, Unit};
use crate::store::{Commit, Kv, StoreError, tables};

/// Longest name, in characters.
const LONGEST_NAME: usize = 80;
/// How often an act is tried against somebody who changes the same pupil's rows.
const TRIES: usize = 20;

/// Which duties are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Which {
    /// Of one school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
    /// Of one role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<StaffRole>,
    /// Those not done in time only.
    #[serde(default)]
    pub overdue: bool,
    /// Those that are over too.
    #[serde(default)]
    pub all: bool,
}

/// What somebody says of a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// What.
    pub say: Say,
    /// Who, as they call themselves; none: the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, for staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Duties, the first due first. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Duties {
    /// [`FORMAT`].
    pub format: u32,
    /// They.
    pub duties: Vec<Shown>,
}

/// One duty. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shown {
    /// [`FORMAT`].
    pub format: u32,
    /// What people call it by.
    pub number: String,
    /// Its whole id.
    pub id: NotificationId,
    /// The school.
    pub school: SchoolId,
    /// The school's zone.
    pub zone: String,
    /// The pupil.
    pub pupil: PupilId,
    /// The ladder.
    pub ladder: String,
    /// Its version.
    pub version: Date,
    /// The step.
    pub step: String,
    /// What is to be done, in the school's language.
    pub what: String,
    /// Who has it.
    pub owner: StaffRole,
    /// Who has taken it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// By when.
    pub due_at: Timestamp,
    /// How far it has come.
    pub state: DutyState,
    /// Where it is documented; none: it leaves nothing in writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Since when that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documented_at: Option<Timestamp>,
    /// What has happened to it, oldest first.
    pub history: Vec<Happened>,
    /// What was told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<NotificationId>,
}

/// Something that happened to a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What, in words.
    pub what: String,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A duty as it is shown.
pub fn shown(row: &Duty, school: Option<&School>) -> Shown {
    let rule = school.and_then(|school| duties::rule_of(school, row));
    let locale = school.map_or("sv", |school| school.locale.as_str());
    let happened = |event: &crate::model::DutyEvent| Happened {
        at: event.at,
        what: event.what.in_words(),
        by: event.by.clone(),
        why: event.why.clone(),
    };
    Shown {
        format: FORMAT,
        number: row.number(),
        id: row.id.clone(),
        school: row.school.clone(),
        zone: school.map(super::why::zone_name).unwrap_or_default(),
        pupil: row.pupil.clone(),
        ladder: row.ladder.clone(),
        version: row.version,
        step: row.step.clone(),
        what: rule.map_or(row.rule.as_str(), |rule| rule.text.of(locale)).to_owned(),
        owner: row.owner,
        taken_by: row.taken_by.clone(),
        due_at: row.due_at,
        state: row.state,
        place: rule
            .and_then(|rule| rule.documents.as_ref())
            .map(|documents| documents.place.of(locale).to_owned()),
        documented_at: row.documented_at,
        history: row.history.iter().map(happened).collect(),
        messages: row.notifications.clone(),
    }
}

/// The duties that are asked for.
///
/// # Errors
/// When the store fails.
pub async fn list(
    kv: &dyn Kv,
    directory: &Directory,
    which: &Which,
) -> Result<Duties, OperateError> {
    let prefix = match &which.school {
        Some(school) => tables::duties_at(school),
        None => tables::DUTIES.to_vec(),
    };
    let mut found: Vec<Duty> = Vec::new();
    ledger::each(kv, &prefix, |_, value| {
        // One that cannot be read: `store check` tells of it.
        let row = ledger::decode::<Duty>(value).ok();
        found.extend(row.filter(|row| {
            (which.all || row.state.is_open())
                && which.owner.is_none_or(|owner| owner == held_by(directory, row))
                && (!which.overdue || row.state == DutyState::Overdue)
        }));
    })
    .await?;
    found.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
    let duties = found.iter().map(|row| shown_now(directory, row)).collect();
    Ok(Duties { format: FORMAT, duties })
}

/// Who has a duty now: of a pupil who is, or may be, protected by the directory the principal.
fn held_by(directory: &Directory, row: &Duty) -> StaffRole {
    let known = directory.roster.pupil(&row.school, &row.pupil);
    let hidden = known.is_some_and(|pupil| pupil.protection != Protection::None);
    if hidden { StaffRole::Principal } else { row.owner }
}

fn shown_now(directory: &Directory, row: &Duty) -> Shown {
    let owner = held_by(directory, row);
    Shown { owner, ..shown(row, directory.schools.get(&row.school)) }
}

/// Those that are called by a number, or by their whole id.
async fn named(kv: &dyn Kv, name: &str) -> Result<Duty, OperateError> {
    let name = name.trim();
    let mut found: Vec<Duty> = Vec::new();
    ledger::each(kv, tables::DUTIES, |_, value| {
        let row = ledger::decode::<Duty>(value).ok();
        found.extend(row.filter(|row| {
            row.number().eq_ignore_ascii_case(name) || row.id.as_str().eq_ignore_ascii_case(name)
        }));
    })
    .await?;
    match (found.pop(), found.pop()) {
        (Some(row), None) => Ok(row),
        (Some(one), Some(other)) => Err(OperateError::NotNow(format!(
            "two duties have that number: say {} or {}",
            one.id, other.id
        ))),
        (None, _) => Err(OperateError::NotNow(
            "no duty has that number; `upprop duty list` shows those that are open, and with --all the others".into(),
        )),
    }
}

/// One duty.
///
/// # Errors
/// [`OperateError::NotNow`] when none is called so, or the store's.
pub async fn show(kv: &dyn Kv, directory: &Directory, name: &str) -> Result<Shown, OperateError> {
    let row = named(kv, name).await?;
    Ok(shown_now(directory, &row))
}

/// Writes down what somebody says of a duty.
///
/// # Errors
/// [`OperateError::NotNow`] in words where it cannot be, or the store's.
pub async fn act(
    kv: &dyn Kv,
    directory: &Directory,
    name: &str,
    told: &Told,
    operator: &str,
    now: Timestamp,
) -> Result<Shown, OperateError> {
    let by = one_line("--by", told.by.as_deref(), LONGEST_NAME)?.unwrap_or(operator);
    let why = one_line("--why", told.why.as_deref(), LONGEST_WHY)?;
    let known = named(kv, name).await?;
    let Some(school) = directory.schools.get(&known.school) else {
        return Err(OperateError::NotNow(format!(
            "its school, {}, is not in the configuration",
            known.school
        )));
    };
    let is_call =
        duties::rule_of(school, &known).is_none_or(|rule| rule.done == DoneBy::HomeReached);
    if told.say == Say::NoAnswer && !is_call {
        let words =
            "it is no call, so there is no answer to wait for; say take, done or not-needed";
        return Err(OperateError::NotNow(words.into()));
    }
    if told.say == Say::NotNeeded && why.is_none() {
        let words = "say why it need not be done: add --why TEXT";
        return Err(OperateError::NotNow(words.into()));
    }
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let Some(mut row) = unit.read::<Duty>(&tables::duty(&known)).await? else { break };
        let said = Said { at: now, by, why };
        let done = duties::record(&mut unit, directory, school, &mut row, told.say, said).await?;
        done.map_err(OperateError::NotNow)?;
        if unit.commit().await? == Commit::Done {
            tracing::info!(school = %row.school, duty = row.number(), state = row.state.as_str(), "a duty was ticked");
            return show(kv, directory, row.id.as_str()).await;
        }
    }
    Err(StoreError::Busy("the pupil's rows are being changed by too many at once".into()).into())
}

fn one_line<'a>(
    what: &str,
    text: Option<&'a str>,
    longest: usize,
) -> Result<Option<&'a str>, OperateError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if !is_one_line(text) || text.chars().count() > longest {
        let words = format!("{what}: write at most {longest} characters in one line");
        return Err(OperateError::NotNow(words));
    }
    Ok(Some(text))
}

#[cfg(test)]
#[path = "duties_tests.rs"]
mod tests;
