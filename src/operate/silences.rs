//! Silences that a school asks for: added, shown, removed. Each change is one commit of the silence's row, of the guard
//! that decisions about the school's lessons depend on, and of a line that says who did it, but not about whom. The
//! reason is the operator's words: it is in the row, and nowhere else.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::directory::{Roster, School};
use crate::intake::exclusions::{self, MOST};
use crate::model::{NotificationId, PupilId, SchoolId, SilencedTarget, Silencing};
use crate::store::ledger::{self, Unit};
use crate::store::rows::OperatorAct;
use crate::store::{Commit, Kv, StoreError, tables};

/// Longest a silence may last: a school year.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Longest reason, in bytes.
const LONGEST_REASON: usize = 500;
/// Longest name of a class, in bytes: it is part of a key.
const LONGEST_CLASS: usize = 128;
/// How often an act is tried against somebody who changes the same school's silences.
const TRIES: usize = 20;
/// Classes named to whoever misspelt one.
const SOME: usize = 40;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Silence {
    /// The school.
    pub school: SchoolId,
    /// One class of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Or one pupil of it; neither: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pupil: Option<PupilId>,
    /// From when: a day, a time by the school's clock as `2026-12-04T09:00`, or RFC 3339.
    pub from: String,
    /// Until when; a day is the last one.
    pub to: String,
    /// On these days of the week only: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// Between these hours only, as `08:00-10:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<String>,
    /// Why, in the operator's words. Not for names.
    pub reason: String,
    /// Take a class or pupil that the directory does not have.
    #[serde(default)]
    pub unknown_ok: bool,
}

/// The answer to an act. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Silenced {
    /// [`FORMAT`].
    pub format: u32,
    /// The one that was made or removed.
    pub silence: Silencing,
    /// Pupils whom it is about as the directory is now; none: it is not known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pupils: Option<usize>,
}

/// All silences. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Silences {
    /// [`FORMAT`].
    pub format: u32,
    /// Those that have not ended, the first to end first.
    pub silences: Vec<Silencing>,
    /// How many that have ended are kept still.
    pub ended: usize,
}

/// Adds a silence; the same target and times again give it another reason.
///
/// # Errors
/// [`OperateError::NotNow`] in words where it cannot be meant so, or the store's.
pub async fn add(
    kv: &dyn Kv,
    (school, roster): (&School, &Roster),
    asked: &Silence,
    by: &str,
    now: Timestamp,
) -> Result<Silenced, OperateError> {
    let target = target(school, roster, asked).map_err(OperateError::NotNow)?;
    let (from, to) = span(asked, &school.zone, now).map_err(OperateError::NotNow)?;
    let weekdays = weekdays(&asked.weekdays).map_err(OperateError::NotNow)?;
    let between = asked.between.as_deref().map(hours).transpose().map_err(OperateError::NotNow)?;
    let reason = one_line("reason", &asked.reason, LONGEST_REASON).map_err(OperateError::NotNow)?;
    let silence = Silencing {
        id: Silencing::id_of((&school.id, &target), (from, to), &weekdays, between),
        school: school.id.clone(),
        target,
        from,
        to,
        weekdays,
        between,
        reason,
        by: by.to_owned(),
        since: now,
    };
    let pupils = roster.loaded_at.map(|_| count(roster, &silence));
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let row = tables::silencing(&silence);
        let of_it = exclusions::of_target(&unit, &school.id, &silence.target, now).await?;
        if of_it.len() >= MOST && of_it.iter().all(|one| one.id != silence.id) {
            return Err(OperateError::NotNow(format!(
                "{MOST} silences of {} have not ended, and more are not taken: remove some \
                 (`upprop silence list`), or make one of several with --weekdays",
                silence.target
            )));
        }
        unit.write(row, &silence);
        exclusions::touch(&mut unit, &school.id).await?;
        write_act(&mut unit, "silence", &silence, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::info!(school = %school.id, silence = silence.id, by, "a silence was added");
            return Ok(Silenced { format: FORMAT, silence, pupils });
        }
    }
    Err(busy())
}

/// Every silence, or those of one school.
///
/// # Errors
/// When the store fails.
pub async fn list(
    kv: &dyn Kv,
    school: Option<&SchoolId>,
    now: Timestamp,
) -> Result<Silences, OperateError> {
    let mut all: Vec<Silencing> = Vec::new();
    ledger::each(kv, tables::SILENCINGS, |_, value| {
        // One that cannot be read holds nobody back; `store check` tells of it.
        all.extend(ledger::decode::<Silencing>(value).ok());
    })
    .await?;
    all.retain(|silence| school.is_none_or(|of| *of == silence.school));
    let count = all.len();
    all.retain(|silence| silence.to > now);
    all.sort_by(|a, b| (a.to, &a.id).cmp(&(b.to, &b.id)));
    Ok(Silences { format: FORMAT, ended: count - all.len(), silences: all })
}

/// Removes a silence. What it has called back stays so.
///
/// # Errors
/// [`OperateError::NotNow`] when none has that id, or the store's.
pub async fn remove(
    kv: &dyn Kv,
    id: &str,
    by: &str,
    now: Timestamp,
) -> Result<Silenced, OperateError> {
    for _ in 0..TRIES {
        let mut found = None;
        ledger::each(kv, tables::SILENCINGS, |_, value| {
            let row = ledger::decode::<Silencing>(value).ok();
            if let Some(silence) = row.filter(|silence| silence.id == id) {
                found = Some(silence);
            }
        })
        .await?;
        let Some(silence) = found else {
            return Err(OperateError::NotNow(
                "no silence has that id; `upprop silence list` shows those that there are".into(),
            ));
        };
        let mut unit = Unit::new(kv);
        let row = tables::silencing(&silence);
        if unit.read_raw(&row).await?.is_none() {
            continue;
        }
        unit.delete(row);
        exclusions::touch(&mut unit, &silence.school).await?;
        write_act(&mut unit, "silence-removed", &silence, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::info!(school = %silence.school, silence = id, by, "a silence was removed");
            return Ok(Silenced { format: FORMAT, silence, pupils: None });
        }
    }
    Err(busy())
}

fn busy() -> OperateError {
    StoreError::Busy("somebody else changes the school's silences; try again".into()).into()
}

fn write_act(unit: &mut Unit<'_>, act: &str, silence: &Silencing, by: &str, now: Timestamp) {
    let line = OperatorAct {
        at: now,
        by: by.to_owned(),
        act: act.to_owned(),
        scope: format!("silence:{}", silence.id),
        // It may be of one pupil, whom nothing here may outlive.
        reason: String::new(),
        until: (act == "silence").then_some(silence.to),
    };
    let unique = NotificationId::of(&[act, &line.scope, by]);
    unit.write(tables::operator_act(now, unique.as_str()), &line);
}

fn count(roster: &Roster, silence: &Silencing) -> usize {
    let pupils = roster.pupils.get(&silence.school);
    let is_its = |pupil: &&crate::directory::Pupil| match &silence.target {
        SilencedTarget::School => true,
        SilencedTarget::Class(class) => pupil.class.as_ref() == Some(class),
        SilencedTarget::Pupil(id) => pupil.id == *id,
    };
    pupils.map_or(0, |all| all.values().filter(is_its).count())
}

/// Whom it is about, or in words why that cannot be.
fn target(school: &School, roster: &Roster, asked: &Silence) -> Result<SilencedTarget, String> {
    // Without a daemon nobody has loaded the directory, and nothing can be said of it.
    let is_known = roster.loaded_at.is_some() && !asked.unknown_ok;
    let otherwise = "correct it, or add --unknown-ok to have it all the same";
    match (&asked.class, &asked.pupil) {
        (Some(_), Some(_)) => Err("say which class, or which pupil; not both".into()),
        (None, None) => Ok(SilencedTarget::School),
        (Some(class), None) => {
            let class = one_line("class", class, LONGEST_CLASS)?;
            let pupils = roster.pupils.get(&school.id).into_iter().flat_map(|all| all.values());
            let classes: BTreeSet<&str> = pupils.filter_map(|p| p.class.as_deref()).collect();
            if is_known && !classes.contains(class.as_str()) {
                let some: Vec<&str> = classes.iter().take(SOME).copied().collect();
                let more = if classes.len() > SOME { ", …" } else { "" };
                return Err(format!(
                    "school {} has no class {class:?} in the directory; it has: {}{more}; {otherwise}",
                    school.id,
                    if some.is_empty() { "none".to_owned() } else { some.join(", ") },
                ));
            }
            Ok(SilencedTarget::Class(class))
        }
        (None, Some(pupil)) => {
            if is_known && roster.pupil(&school.id, pupil).is_none() {
                return Err(format!(
                    "school {} has no pupil of that id in the directory; {otherwise}",
                    school.id
                ));
            }
            Ok(SilencedTarget::Pupil(pupil.clone()))
        }
    }
}

/// From when until when, or in words why that cannot be.
fn span(
    asked: &Silence,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), String> {
    let from = moment(&asked.from, zone, false)?;
    let to = moment(&asked.to, zone, true)?;
    if to <= from {
        return Err(format!("it ends ({}) before it begins ({})", asked.to, asked.from));
    }
    if to <= now {
        return Err(format!("{} is past; give an end to come", asked.to));
    }
    if to.duration_since(from) > LONGEST {
        return Err("that is more than a year; make it shorter, and again when it ends".into());
    }
    Ok((from, to))
}

/// A day, a moment of the school's clock, or one with its offset. As an end a day is over when it is, and an hour that
/// comes twice when it has come twice.
fn moment(text: &str, zone: &TimeZone, is_end: bool) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Option<Date> = text.parse().ok().filter(|_| text.len() <= "2026-12-04".len());
    let local: Option<DateTime> = match day {
        Some(day) if is_end => day.tomorrow().ok().map(|next| next.to_datetime(Time::midnight())),
        Some(day) => Some(day.to_datetime(Time::midnight())),
        None => text.parse().ok(),
    };
    let ambiguous = local.map(|local| zone.to_ambiguous_zoned_datetime(local));
    let at = ambiguous.and_then(|at| if is_end { at.later() } else { at.earlier() }.ok());
    at.map(|at| at.timestamp()).ok_or_else(|| {
        format!(
            "{text:?} is no time; write 2026-12-04, 2026-12-04T09:00 by the school's clock, or RFC 3339 with its offset"
        )
    })
}

/// Days of the week, 1 for Monday.
fn weekdays(asked: &[String]) -> Result<Vec<i8>, String> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut days = BTreeSet::new();
    for text in asked.iter().flat_map(|text| text.split(',')) {
        let plain = text.trim().to_lowercase();
        let index = NAMES.iter().position(|name| *name == plain);
        let index = index.and_then(|index| i8::try_from(index + 1).ok());
        let day = index.and_then(|index| Weekday::from_monday_one_offset(index).ok());
        let day = day.ok_or_else(|| format!("{text:?} is no day; write {}", NAMES.join(", ")))?;
        days.insert(day.to_monday_one_offset());
    }
    Ok(days.into_iter().collect())
}

/// `08:00-10:00`; the second may be of the day after.
fn hours(text: &str) -> Result<(Time, Time), String> {
    let plain = text.replace(['–', '—'], "-").replace('.', ":").replace(' ', "");
    let time = |text: &str| Time::strptime("%H:%M", text).ok();
    let found = plain.split_once('-').and_then(|(from, to)| Some((time(from)?, time(to)?)));
    found
        .filter(|(from, to)| from != to)
        .ok_or_else(|| format!("{text:?} are no hours; write them as 08:00-10:00"))
}

fn one_line(what: &str, text: &str, longest: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > longest || text.chars().any(char::is_control) {
        return Err(format!("the {what} is one line of at most {longest} bytes"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "silences_tests.rs"]
mod tests;
