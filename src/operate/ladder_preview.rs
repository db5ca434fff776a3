//! Whom a changed ladder would affect, before it is applied: asked of what is known of the pupils now, beside the ladders
//! in force. Asks; writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::directory::{Directory, Pupil, School, Version};
use crate::intake::history::{self, Wanted};
use crate::intake::ladders::{Climbed, situation};
use crate::ladder::{Ladder, advance, holds_today, school_year_of};
use crate::model::{PupilId, SchoolId, local_date};
use crate::store::Kv;
use crate::store::ledger::Unit;

/// Stands for pupils of no class.
const NO_CLASS: &str = "-";

/// Ladders that are not applied yet, by school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// The ladders that each would follow.
    pub schools: BTreeMap<SchoolId, Vec<Ladder>>,
    /// Name the pupils, by id.
    #[serde(default)]
    pub pupils: bool,
}

/// What would come of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Previewed {
    /// [`FORMAT`].
    pub format: u32,
    /// By school.
    pub schools: Vec<AtSchool>,
}

/// At one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtSchool {
    /// Which.
    pub school: SchoolId,
    /// Pupils in the directory.
    pub pupils: usize,
    /// From when on it is counted: the first day of the school year.
    pub since: Date,
    /// Steps of the ladders that it would follow.
    pub steps: Vec<AtStep>,
    /// Ladders that it follows today and would not any more.
    pub dropped: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtStep {
    /// The ladder.
    pub ladder: String,
    /// From when that version is in force: it fires nothing of what was true before.
    pub version: Date,
    /// The step.
    pub step: String,
    /// What people call it, in the school's language.
    pub title: String,
    /// As it would be.
    pub then: Count,
    /// By the version in force today; none: the step is new.
    pub now: Option<Count>,
    /// Pupils by class who would have reached it this school year.
    pub classes: BTreeMap<String, usize>,
    /// Those who would have reached it, and have not by the version in force; where pupils are asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub added: BTreeSet<PupilId>,
    /// The other way round.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<PupilId>,
}

/// How many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Count {
    /// Pupils who would have reached it this school year, had it been in force all the time.
    pub pupils: usize,
    /// How often they would.
    pub times: usize,
    /// Pupils of whom its condition holds today.
    pub today: usize,
}

/// What one ladder says of all pupils, by step.
#[derive(Debug, Default)]
struct Found {
    count: Count,
    pupils: BTreeSet<PupilId>,
}

/// Asks.
///
/// # Errors
/// [`OperateError::NotNow`] for a school that is not configured, or the store's.
pub async fn preview(
    kv: &dyn Kv,
    directory: &Directory,
    asked: &Asked,
    now: Timestamp,
) -> Result<Previewed, OperateError> {
    let mut schools = Vec::new();
    for (id, ladders) in &asked.schools {
        let Some(school) = directory.schools.get(id) else {
            return Err(OperateError::NotNow(format!(
                "school {id} is not in the configuration in force; add it first"
            )));
        };
        schools.push(at_school(kv, directory, school, ladders, asked.pupils, now).await?);
    }
    Ok(Previewed { format: FORMAT, schools })
}

async fn at_school(
    kv: &dyn Kv,
    directory: &Directory,
    school: &School,
    ladders: &[Ladder],
    named: bool,
    now: Timestamp,
) -> Result<AtSchool, OperateError> {
    let today = local_date(now, &school.zone);
    let since = school_year_of(today);
    // Only that is asked what would have been, had each been in force all the time.
    let always = |ladder: &Ladder| Arc::new(Ladder { from: since, ..ladder.clone() });
    let new: Vec<Arc<Ladder>> = last_of_each(ladders.iter()).map(always).collect();
    let in_force: Vec<Arc<Ladder>> =
        school.ladders.on(today).into_iter().map(|ladder| always(ladder)).collect();
    let none = BTreeMap::new();
    let pupils = directory.roster.pupils.get(&school.id).unwrap_or(&none);
    let (mut then, mut by_now) = (BTreeMap::new(), BTreeMap::new());
    let mut classes: BTreeMap<(String, String), BTreeMap<String, usize>> = BTreeMap::new();
    for pupil in pupils.values() {
        let reached = asked_of(kv, school, pupil, &new, &mut then, now).await?;
        asked_of(kv, school, pupil, &in_force, &mut by_now, now).await?;
        let class = pupil.class.clone().unwrap_or_else(|| NO_CLASS.into());
        for key in reached {
            *classes.entry(key).or_default().entry(class.clone()).or_default() += 1;
        }
        tokio::task::yield_now().await;
    }
    let locale = school.locale.as_str();
    let mut steps = Vec::new();
    for ladder in &new {
        let version = last_of_each(ladders.iter()).find(|one| one.name == ladder.name);
        for step in &ladder.steps {
            let key = (ladder.name.clone(), step.id.clone());
            let known = in_force.iter().find(|one| one.name == ladder.name);
            let was = known.and_then(|known| known.step(&step.id)).is_some();
            let empty = Found::default();
            let (is, before) =
                (then.get(&key).unwrap_or(&empty), by_now.get(&key).unwrap_or(&empty));
            let only = |a: &Found, b: &Found| -> BTreeSet<PupilId> {
                if named {
                    a.pupils.difference(&b.pupils).cloned().collect()
                } else {
                    BTreeSet::new()
                }
            };
            steps.push(AtStep {
                ladder: ladder.name.clone(),
                version: version.map_or(ladder.from, |version| version.from),
                step: step.id.clone(),
                title: step.title.of(locale).to_owned(),
                then: is.count,
                now: was.then_some(before.count),
                classes: classes.remove(&key).unwrap_or_default(),
                added: only(is, before),
                left_out: only(before, is),
            });
        }
    }
    let kept = |name: &String| new.iter().any(|ladder| ladder.name == *name);
    let dropped = in_force.iter().map(|ladder| ladder.name.clone()).filter(|name| !kept(name));
    let dropped = dropped.collect();
    Ok(AtSchool { school: school.id.clone(), pupils: pupils.len(), since, steps, dropped })
}

/// Of versions of one ladder, that which begins last.
fn last_of_each<'a>(all: impl Iterator<Item = &'a Ladder>) -> impl Iterator<Item = &'a Ladder> {
    let mut last: BTreeMap<&str, &Ladder> = BTreeMap::new();
    for ladder in all {
        let known = last.entry(&ladder.name).or_insert(ladder);
        if known.from < ladder.from {
            *known = ladder;
        }
    }
    last.into_values()
}

/// Asks some ladders of one pupil. Returns the steps that the pupil would have reached.
async fn asked_of(
    kv: &dyn Kv,
    school: &School,
    pupil: &Pupil,
    ladders: &[Arc<Ladder>],
    all: &mut BTreeMap<(String, String), Found>,
    now: Timestamp,
) -> Result<BTreeSet<(String, String)>, OperateError> {
    let mut reached = BTreeSet::new();
    if ladders.is_empty() {
        return Ok(reached);
    }
    let mut unit = Unit::new(kv);
    let today = local_date(now, &school.zone);
    let wanted = Wanted::by(ladders.iter().map(Arc::as_ref), today);
    let history = history::of_pupil(&mut unit, school, pupil, wanted, now).await?;
    if history.days.is_empty() {
        return Ok(reached);
    }
    let climbed = Climbed::read(&unit, &school.id, &pupil.id).await?;
    let open = climbed.open();
    for ladder in ladders {
        let version = Version { ladder, until: None };
        let mut asked = situation(school, pupil, version, &history, (&[], &open), now);
        asked.since = None;
        for firing in advance(&asked).fire {
            let key = (ladder.name.clone(), firing.step);
            let found: &mut Found = all.entry(key.clone()).or_default();
            found.count.times += 1;
            if found.pupils.insert(pupil.id.clone()) {
                found.count.pupils += 1;
            }
            reached.insert(key);
        }
        // What follows on a step is asked with the steps that were reached.
        let asked = situation(school, pupil, version, &history, (&climbed.firings, &open), now);
        for step in ladder.steps.iter().filter(|step| holds_today(&asked, &step.id)) {
            let key = (ladder.name.clone(), step.id.clone());
            all.entry(key).or_default().count.today += 1;
        }
    }
    Ok(reached)
}
