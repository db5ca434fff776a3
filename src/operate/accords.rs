//! Consents of adult pupils, and agreements about protected ones: entered, shown, revoked. Each change is one commit of the
//! row, of the guard that decisions about the pupil depend on, and of a line that says who did it, but not about whom.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::directory::entitled::{denied_addresses, is_of_age};
use crate::directory::phone::{PhoneKind, PhoneRules, normalise};
use crate::directory::{Protection, Pupil, Roster, School};
use crate::intake::accords::{MOST, touch};
use crate::model::{
    Accord, AccordAbout, AccordEnd, Address, GuardianId, NotificationId, Period, Phone, PupilId,
    SchoolId, local_date,
};
use crate::store::ledger::{self, Unit};
use crate::store::rows::OperatorAct;
use crate::store::{Commit, Kv, StoreError, after_prefix, tables};

/// Longest word on who took it down, in bytes.
const LONGEST_WORD: usize = 200;
/// How often an act is tried against somebody who changes the same pupil's rows.
const TRIES: usize = 20;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NewAccord {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// A consent: to which guardian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<GuardianId>,
    /// An agreement: which number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Who took it down, or verified the number.
    pub recorded_by: String,
    /// The first day, as `2026-11-23`; none: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last day; none: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The answer to an act. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Agreed {
    /// [`FORMAT`].
    pub format: u32,
    /// The one that was entered or revoked.
    pub accord: Accord,
}

/// Several. Times are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Accords {
    /// [`FORMAT`].
    pub format: u32,
    /// Those that are not over, by school and pupil.
    pub accords: Vec<Accord>,
    /// How many that are over are kept still.
    pub over: usize,
}

/// Enters one; the same again, or one that was revoked, is put in force anew.
///
/// # Errors
/// [`OperateError::NotNow`] in words where it cannot be so, or the store's.
pub async fn add(
    kv: &dyn Kv,
    (school, roster): (&School, &Roster),
    asked: &NewAccord,
    by: &str,
    now: Timestamp,
) -> Result<Agreed, OperateError> {
    let accord = made((school, roster), asked, by, now).map_err(OperateError::NotNow)?;
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        touch(&mut unit, &accord.school, &accord.pupil).await?;
        let prefix = tables::accords(&accord.school, &accord.pupil);
        let known = kv.scan(&prefix, &after_prefix(&prefix), MOST).await?;
        let row = tables::accord(&accord);
        if known.len() >= MOST && known.iter().all(|(key, _)| key[..] != row[..]) {
            return Err(OperateError::NotNow(format!(
                "{MOST} consents and agreements of the pupil are kept, and more are not taken; those that are over go \
                 with retention"
            )));
        }
        let others = known.iter().filter_map(|(_, row)| ledger::decode::<Accord>(row).ok());
        if let Some(other) = others.into_iter().find(|other| replaces(&accord, other)) {
            return Err(OperateError::NotNow(format!(
                "one number is asked to ring, and agreement {} says which for some of these days; end it first (`upprop \
                 agreement end {}`)",
                other.id, other.id
            )));
        }
        unit.write(row, &accord);
        write_act(&mut unit, accord.about.kind(), &accord, by, now);
        if unit.commit().await? == Commit::Done {
            let kind = accord.about.kind();
            tracing::info!(school = %accord.school, accord = accord.id, kind, by, "entered");
            return Ok(Agreed { format: FORMAT, accord });
        }
    }
    Err(busy())
}

/// Whether another agreement is in force on some of the same days.
fn replaces(new: &Accord, other: &Accord) -> bool {
    let agreement = |one: &Accord| matches!(one.about, AccordAbout::Number(_));
    let ends_before = |one: &Accord, next: &Accord| {
        one.days.to.is_some_and(|to| next.days.from.is_some_and(|from| to < from))
    };
    agreement(new)
        && agreement(other)
        && other.id != new.id
        && other.ended.is_none()
        && !ends_before(new, other)
        && !ends_before(other, new)
}

/// Every consent, or every agreement, or those of one school.
///
/// # Errors
/// When the store fails.
pub async fn list(
    kv: &dyn Kv,
    kind: &str,
    school: Option<&SchoolId>,
    now: Timestamp,
) -> Result<Accords, OperateError> {
    let mut all = every(kv).await?;
    all.retain(|one| one.about.kind() == kind && school.is_none_or(|of| *of == one.school));
    let count = all.len();
    // Anywhere on earth the day is not more than one behind.
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let day = today.yesterday().unwrap_or(today);
    all.retain(|one| one.ended.is_none() && one.days.to.is_none_or(|to| to >= day));
    Ok(Accords { format: FORMAT, over: count - all.len(), accords: all })
}

/// Revokes one, at once. What has left stays so.
///
/// # Errors
/// [`OperateError::NotNow`] when none of the kind has that id, or the store's.
pub async fn end(
    kv: &dyn Kv,
    kind: &str,
    id: &str,
    by: &str,
    now: Timestamp,
) -> Result<Agreed, OperateError> {
    for _ in 0..TRIES {
        let found = every(kv).await?.into_iter().find(|one| one.id == id);
        let Some(known) = found.filter(|one| one.about.kind() == kind) else {
            return Err(OperateError::NotNow(format!(
                "no {kind} has that id; `upprop {kind} list` shows those that there are"
            )));
        };
        let mut unit = Unit::new(kv);
        touch(&mut unit, &known.school, &known.pupil).await?;
        let row = tables::accord(&known);
        let Some(mut accord) = unit.read::<Accord>(&row).await? else { continue };
        accord.ended.get_or_insert(AccordEnd { at: now, by: by.to_owned() });
        unit.write(row, &accord);
        write_act(&mut unit, &format!("{kind}-ended"), &accord, by, now);
        if unit.commit().await? == Commit::Done {
            tracing::info!(school = %accord.school, accord = id, kind, by, "revoked");
            return Ok(Agreed { format: FORMAT, accord });
        }
    }
    Err(busy())
}

/// All that can be read; `store check` tells of others, and none of those holds.
async fn every(kv: &dyn Kv) -> Result<Vec<Accord>, StoreError> {
    let mut all = Vec::new();
    ledger::each(kv, tables::ACCORDS, |_, value| all.extend(ledger::decode::<Accord>(value).ok()))
        .await?;
    Ok(all)
}

fn busy() -> OperateError {
    StoreError::Busy("something else is written about the pupil; try again".into()).into()
}

pub(super) fn write_act(unit: &mut Unit<'_>, act: &str, accord: &Accord, by: &str, now: Timestamp) {
    let line = OperatorAct {
        at: now,
        by: by.to_owned(),
        act: act.to_owned(),
        scope: format!("accord:{}", accord.id),
        // It is about one pupil, whom nothing here may outlive.
        reason: String::new(),
        until: None,
    };
    let unique = NotificationId::of(&[act, &line.scope, by]);
    unit.write(tables::operator_act(now, unique.as_str()), &line);
}

/// The row, or in words why it cannot be.
fn made(
    (school, roster): (&School, &Roster),
    asked: &NewAccord,
    by: &str,
    now: Timestamp,
) -> Result<Accord, String> {
    if roster.loaded_at.is_none() {
        return Err("no directory is in force here, so nothing can be looked up; start the daemon and load the \
                    directory first"
            .into());
    }
    let pupil = roster.pupil(&school.id, &asked.pupil).ok_or_else(|| {
        format!(
            "school {} has no pupil of that id in the directory; give the id as the school system has it",
            school.id
        )
    })?;
    let today = local_date(now, &school.zone);
    let days =
        Period { from: day("from", asked.from.as_deref())?, to: day("to", asked.to.as_deref())? };
    if days.is_never() {
        return Err("its last day is before its first".into());
    }
    if days.to.is_some_and(|to| to < today) {
        return Err("its last day is past; give one to come".into());
    }
    let about = match (&asked.guardian, &asked.phone) {
        (Some(id), None) => consent(pupil, id, days.from.unwrap_or(today).max(today))?,
        (None, Some(text)) => agreement((school, roster), pupil, text, today)?,
        _ => return Err("say to which guardian, or which number; one of the two".into()),
    };
    Ok(Accord {
        id: Accord::id_of((&school.id, &pupil.id), &about, &days),
        school: school.id.clone(),
        pupil: pupil.id.clone(),
        about,
        days,
        recorded_by: one_line(&asked.recorded_by)?,
        by: by.to_owned(),
        since: now,
        ended: None,
    })
}

fn consent(pupil: &Pupil, id: &GuardianId, first: Date) -> Result<AccordAbout, String> {
    let birth = pupil.birth_date.ok_or("the directory has no date of birth of the pupil")?;
    if !is_of_age(birth, first) {
        return Err(format!(
            "the pupil is not of age on {first}: until then guardians are told without it, and nobody consents for \
             later on; enter it when the pupil is 18"
        ));
    }
    let mut links = pupil.guardians.iter().filter(|link| link.guardian == *id).peekable();
    if links.peek().is_none() {
        return Err("the pupil has no guardian of that id in the directory".into());
    }
    if !links.all(|link| link.is_open(first)) {
        return Err(format!(
            "the directory says that this guardian may not be told about the pupil on {first}, and that comes \
             before any consent; correct it there"
        ));
    }
    Ok(AccordAbout::Guardian(id.clone()))
}

fn agreement(
    (school, roster): (&School, &Roster),
    pupil: &Pupil,
    text: &str,
    today: Date,
) -> Result<AccordAbout, String> {
    if school.people.neutral_sender_id.is_none() {
        return Err(format!(
            "school {} has no neutral-sender-id in the configuration, and the usual sender tells which school it \
             is; set one and run `upprop reload`",
            school.id
        ));
    }
    if pupil.protection != Protection::Protected {
        return Err("the directory does not say that the pupil is protected; an agreement is for those of whom it does".into());
    }
    let phone = number(text)?;
    if denied_addresses(pupil, roster, today).contains(&Address::Phone(phone.clone())) {
        return Err("the number is that of a guardian who must not be told about the pupil".into());
    }
    Ok(AccordAbout::Number(phone))
}

/// A mobile number. What was typed is not repeated.
fn number(text: &str) -> Result<Phone, String> {
    let read = normalise(text, &PhoneRules::default());
    let read = read.map_err(|error| format!("the number {error}; {}", error.remedy()))?;
    if read.kind != PhoneKind::Mobile {
        return Err("the number is not a mobile's, and takes no texts; give a mobile".into());
    }
    Ok(read.phone)
}

fn day(what: &str, text: Option<&str>) -> Result<Option<Date>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let day = crate::directory::field::day(text);
    day.map(Some).map_err(|words| format!("--{what} {words}; write it as 2026-11-23"))
}

pub(super) fn one_line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST_WORD || text.chars().any(char::is_control) {
        return Err(format!("who took it down is one line of at most {LONGEST_WORD} bytes"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "accords_tests.rs"]
mod tests;
