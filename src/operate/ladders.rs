//! How far a pupil is up the school's ladders: which steps were reached when, by which version and because of which
//! days, how far their duties have come, and what is missing to the next. Asks; writes nothing.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::duties::{Shown, shown};
use super::{FORMAT, OperateError};
use crate::directory::{Directory, School};
use crate::intake::history::{self, Wanted};
use crate::intake::ladders::{Climbed, situation};
use crate::ladder::{Progress, Unit as Counted, explain};
use crate::model::{Duty, Firing, PupilId, SchoolId, local_date};
use crate::store::Kv;
use crate::store::ledger::Unit;

/// A pupil's ladders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explained {
    /// [`FORMAT`].
    pub format: u32,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The first day of which anything is known; none: nothing is.
    pub since: Option<Date>,
    /// Days on which the pupil was away from a lesson, or more than one, oldest first.
    pub away: Vec<Date>,
    /// The versions in force.
    pub ladders: Vec<AtLadder>,
    /// Steps that another version has fired, newest first.
    pub by_others: Vec<Reached>,
}

/// One ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtLadder {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Date,
    /// What people call it, in the school's language.
    pub title: String,
    /// Its steps, in order.
    pub steps: Vec<AtStep>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AtStep {
    /// Its name.
    pub step: String,
    /// What people call it.
    pub title: String,
    /// Whether it is asked of this pupil.
    pub asked: bool,
    /// When it was reached, oldest first.
    pub reached: Vec<Reached>,
    /// How far it is to the next time, in words.
    pub missing: String,
}

/// One time at which a step was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reached {
    /// The ladder's version.
    pub version: Date,
    /// The step.
    pub step: String,
    /// The day on which it became true.
    pub day: Date,
    /// When that was found, in UTC.
    pub at: Timestamp,
    /// The days of absence because of which.
    pub because: Vec<Date>,
    /// When it was taken back, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<Timestamp>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its duties.
    pub duties: Vec<Shown>,
}

/// Explains.
///
/// # Errors
/// [`OperateError::NotNow`] for a school without ladders or a pupil that the directory does not have, or the store's.
pub async fn explained(
    kv: &dyn Kv,
    directory: &Directory,
    (school, pupil): (&School, &PupilId),
    now: Timestamp,
) -> Result<Explained, OperateError> {
    let today = local_date(now, &school.zone);
    let versions = school.ladders.begun(today);
    if versions.is_empty() {
        let words = format!("school {} follows no ladder today (`ladder` in its table)", school.id);
        return Err(OperateError::NotNow(words));
    }
    let Some(who) = directory.roster.pupil(&school.id, pupil) else {
        return Err(OperateError::NotNow(format!(
            "pupil {pupil} is not in the directory of school {}; what was fired before is in `upprop export`",
            school.id
        )));
    };
    let mut unit = Unit::new(kv);
    let climbed = Climbed::read(&unit, &school.id, pupil).await?;
    let wanted = Wanted::by(versions.iter().map(|version| version.ladder.as_ref()), today);
    let history = history::of_pupil(&mut unit, school, who, wanted, now).await?;
    let open = climbed.open();
    let locale = school.locale.as_str();
    let reached = |firing: &Firing| reached(school, firing, &climbed.duties);
    let mut ladders = Vec::new();
    for version in versions.iter().filter(|version| version.until.is_none_or(|until| today < until))
    {
        let asked = situation(school, who, *version, &history, (&climbed.firings, &open), now);
        let ladder = version.ladder;
        let steps = explain(&asked).into_iter().map(|standing| AtStep {
            title: ladder
                .step(&standing.step)
                .map_or(standing.step.as_str(), |step| step.title.of(locale))
                .to_owned(),
            asked: standing.asked,
            reached: standing
                .firings
                .iter()
                .filter(|one| one.version == ladder.from)
                .map(reached)
                .collect(),
            missing: in_words(&standing.progress),
            step: standing.step,
        });
        ladders.push(AtLadder {
            name: ladder.name.clone(),
            version: ladder.from,
            title: ladder.title.of(locale).to_owned(),
            steps: steps.collect(),
        });
    }
    let in_force = |firing: &Firing| {
        ladders.iter().any(|at| at.name == firing.ladder && at.version == firing.version)
    };
    let others = climbed.firings.iter().rev().filter(|firing| !in_force(firing));
    let by_others = others.map(reached).collect();
    let is_away = |day: &crate::ladder::Day| day.lessons.iter().any(|one| one.attended.is_away());
    Ok(Explained {
        format: FORMAT,
        school: school.id.clone(),
        pupil: pupil.clone(),
        since: history.days.keys().next().copied(),
        away: history.days.iter().filter(|(_, day)| is_away(day)).map(|(date, _)| *date).collect(),
        ladders,
        by_others,
    })
}

fn reached(school: &School, firing: &Firing, duties: &[Duty]) -> Reached {
    let of_it = duties.iter().filter(|duty| duty.firing == firing.id);
    Reached {
        version: firing.version,
        step: firing.step.clone(),
        day: firing.day,
        at: firing.at,
        because: firing.because.clone(),
        taken_back: firing.retracted.as_ref().map(|retracted| retracted.at),
        why: firing.retracted.as_ref().map(|retracted| retracted.reason.in_words().to_owned()),
        duties: of_it.map(|duty| shown(duty, Some(school))).collect(),
    }
}

/// How far a condition is, in words.
fn in_words(progress: &Progress) -> String {
    let since = |since: &Option<Date>| {
        since.map_or_else(
            || " (no such days today: has the calendar terms?)".to_owned(),
            |date| format!(" since {date}"),
        )
    };
    match progress {
        Progress::Counted { have, need, since: from, days } => {
            let days: Vec<String> = days.iter().map(Date::to_string).collect();
            let days =
                if days.is_empty() { String::new() } else { format!(": {}", days.join(", ")) };
            format!("{have} of {need}{}{days}", since(from))
        }
        Progress::Each { unit } => {
            let unit = match unit {
                Counted::Lesson => "lesson",
                Counted::HalfDay => "half day",
                Counted::Day => "day",
                Counted::Occasion => "occasion",
            };
            format!("reached by the next {unit}")
        }
        Progress::Shared { missed, minutes, need, taken, silent, since: from } => {
            let share = if *minutes == 0 { 0 } else { missed * 1_000 / minutes };
            let tenths = |n: u32| format!("{}.{} %", n / 10, n % 10);
            let silent = if *silent {
                format!(
                    "; says nothing: too few minutes, or too few registers taken ({})",
                    tenths(*taken)
                )
            } else {
                String::new()
            };
            format!(
                "{} of {}: {missed} of {minutes} minutes{}{silent}",
                tenths(share),
                tenths(u32::from(*need)),
                since(from)
            )
        }
        Progress::Running { have, need, since: from } => {
            let from = from.map(|date| format!(" since {date}")).unwrap_or_default();
            format!("{have} of {need} school days in a row{from}")
        }
        Progress::NotYet { step } => format!("step {step} is not reached"),
        Progress::Follows { step, reached, asked_from, still } => {
            let still = still
                .as_ref()
                .map_or_else(|| "a duty of it is still open".to_owned(), |still| in_words(still));
            format!("follows on {step}, reached {reached}; asked from {asked_from}: {still}")
        }
        Progress::AnyOf(all) => joined(all, " or "),
        Progress::AllOf(all) => joined(all, " and "),
    }
}

fn joined(all: &[Progress], word: &str) -> String {
    all.iter().map(|one| format!("({})", in_words(one))).collect::<Vec<_>>().join(word)
}
