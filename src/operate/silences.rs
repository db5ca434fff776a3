//! Silences that a school asks for: added, shown, removed. Each change is one commit of the silence's row, of the guard
//! that decisions about the school's lessons depend on, and of a line that says who did it, but not about whom. The
//! reason is the operator's words: for one pupil's silence it is in the row, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::why::zone_name;
use super::why_acts::SILENCE;
use super::{FORMAT, OperateError};
use crate::directory::{Roster, School};
use crate::intake::exclusions::{self, MOST};
use crate::model::unseen::is_one_line;
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

/// The answer to an act, or to what one would come to. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Silenced {
    /// [`FORMAT`].
    pub format: u32,
    /// The one that was made or removed.
    pub silence: Silencing,
    /// The zone of its school.
    #[serde(default)]
    pub zone: String,
    /// It was there already, and only its reason is new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
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
    /// The zones of the schools.
    #[serde(default)]
    pub zones: BTreeMap<SchoolId, String>,
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
    let silence = meant((school, roster), asked, by, now).map_err(OperateError::NotNow)?;
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        let known = room_for(&mut unit, &silence, now).await?;
        unit.write(tables::silencing(&silence), &silence);
        exclusions::touch(&mut unit, &school.id).await?;
        write_act(&mut unit, "silence", &silence, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::info!(school = %school.id, silence = silence.id, by, "a silence was added");
            return Ok(silenced((school, roster), silence, known));
        }
    }
    Err(busy())
}

/// What adding it would come to; nothing is written.
///
/// # Errors
/// As [`add`] has them.
pub async fn try_out(
    kv: &dyn Kv,
    (school, roster): (&School, &Roster),
    asked: &Silence,
    by: &str,
    now: Timestamp,
) -> Result<Silenced, OperateError> {
    let silence = meant((school, roster), asked, by, now).map_err(OperateError::NotNow)?;
    let known = room_for(&mut Unit::new(kv), &silence, now).await?;
    Ok(silenced((school, roster), silence, known))
}

/// The silence that is asked for, or in words why that cannot be.
fn meant(
    (school, roster): (&School, &Roster),
    asked: &Silence,
    by: &str,
    now: Timestamp,
) -> Result<Silencing, String> {
    let target = target(school, roster, asked)?;
    let (from, to) = span(asked, &school.zone, now)?;
    let weekdays = weekdays(&asked.weekdays)?;
    let between = asked.between.as_deref().map(hours).transpose()?;
    let reason = one_line("reason", &asked.reason, LONGEST_REASON)?;
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
    if silence.ever(now, &school.zone) {
        return Ok(silence);
    }
    let days = if silence.weekdays.is_empty() { "hours" } else { "days of the week" };
    Err(format!(
        "it would never hold: none of its {days} lies between {} and {}, or is still to come; correct --from and --to, \
         or --weekdays and --between",
        asked.from, asked.to
    ))
}

/// Whether it is there already; refused where its target has too many.
async fn room_for(
    unit: &mut Unit<'_>,
    silence: &Silencing,
    now: Timestamp,
) -> Result<bool, OperateError> {
    let known = unit.read_raw(&tables::silencing(silence)).await?.is_some();
    let of_it = exclusions::of_target(unit, &silence.school, &silence.target, now).await?;
    if of_it.len() >= MOST && !known {
        return Err(OperateError::NotNow(format!(
            "{MOST} silences of {} have not ended, and more are not taken: remove some (`upprop silence list`), or make \
             one of several with --weekdays",
            silence.target
        )));
    }
    Ok(known)
}

fn silenced((school, roster): (&School, &Roster), silence: Silencing, known: bool) -> Silenced {
    let pupils = roster.loaded_at.map(|_| count(roster, &silence));
    Silenced { format: FORMAT, silence, zone: zone_name(school), known, pupils }
}

/// Every silence, or those of one school.
///
/// # Errors
/// When the store fails.
pub async fn list(
    kv: &dyn Kv,
    schools: &BTreeMap<SchoolId, School>,
    school: Option<&SchoolId>,
    now: Timestamp,
) -> Result<Silences, OperateError> {
    let mut all = kept(kv).await?;
    all.retain(|silence| school.is_none_or(|of| *of == silence.school));
    let count = all.len();
    all.retain(|silence| silence.to > now);
    all.sort_by(|a, b| (a.to, &a.id).cmp(&(b.to, &b.id)));
    let zones = schools.values().map(|school| (school.id.clone(), zone_name(school))).collect();
    Ok(Silences { format: FORMAT, ended: count - all.len(), silences: all, zones })
}

/// Every silence that is kept, those that have ended too.
///
/// # Errors
/// When the store fails.
pub(super) async fn kept(kv: &dyn Kv) -> Result<Vec<Silencing>, OperateError> {
    let mut all: Vec<Silencing> = Vec::new();
    ledger::each(kv, tables::SILENCINGS, |_, value| {
        // One that cannot be read holds nobody back; `store check` tells of it.
        all.extend(ledger::decode::<Silencing>(value).ok());
    })
    .await?;
    Ok(all)
}

/// Removes a silence. What it has called back stays so.
///
/// # Errors
/// [`OperateError::NotNow`] when none has that id, or the store's.
pub async fn remove(
    kv: &dyn Kv,
    schools: &BTreeMap<SchoolId, School>,
    id: &str,
    by: &str,
    now: Timestamp,
) -> Result<Silenced, OperateError> {
    for _ in 0..TRIES {
        let found = kept(kv).await?.into_iter().find(|silence| silence.id == id);
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
            let zone = schools.get(&silence.school).map_or_else(|| "UTC".to_owned(), zone_name);
            return Ok(Silenced { format: FORMAT, silence, zone, known: true, pupils: None });
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
        scope: format!("{SILENCE}{}", silence.id),
        // Of one pupil nothing here may outlive what is kept of that pupil.
        reason: match silence.target {
            SilencedTarget::Pupil(_) => String::new(),
            SilencedTarget::School | SilencedTarget::Class(_) => silence.reason.clone(),
        },
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
    if text.is_empty() || text.len() > longest || !is_one_line(text) {
        return Err(format!(
            "the {what} is one line of 1 to {longest} bytes, without characters that cannot be seen"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "silences_tests.rs"]
mod tests;
