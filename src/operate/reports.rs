//! How a home is told of absence from now on, as the attendance team has agreed with it: entered on a case's page, shown and
//! ended with `upprop agreement`. What is agreed last, with the same people, holds. Each change is one commit of the rows, of
//! the guard that decisions about the pupil depend on, and of a line of the pupil's trail.

use jiff::{Timestamp, ToSpan as _, civil::Date};
use serde::{Deserialize, Serialize};

use super::accords::{Agreed, one_line, write_act};
use super::{FORMAT, OperateError};
use crate::directory::entitled::{self, Entitled, Known};
use crate::directory::{Roster, School};
use crate::intake::accords::{MOST, of_pupil, touch};
use crate::intake::case::{CaseKey, PROTECTED_FOR, look_again};
use crate::intake::case_words::hidden;
use crate::model::{
    Accord, AccordAbout, AccordEnd, GuardianId, NotificationId, Period, PupilId, Recipient,
    Reports, SchoolId, local_date,
};
use crate::store::ledger::Unit;
use crate::store::rows::{Audit, Day};
use crate::store::{Commit, Kv, StoreError, tables};

/// Longest that it may be agreed for, in days: what is good for a pupil is talked about once a term.
const LONGEST: i64 = 200;
/// How often it is tried against somebody who changes the same pupil's rows.
const TRIES: usize = 20;

/// What was agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReports {
    /// How the home is told.
    pub how: Reports,
    /// Whom it is about; none: everybody who is told.
    pub to: Option<GuardianId>,
    /// The last day, by the school's calendar.
    pub until: Date,
    /// By what it was entered, for `upprop agreement list`: no name.
    pub recorded_by: String,
}

/// What an operator asks for, for a team that has no mail with a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AskedReports {
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// How the home is told.
    pub how: Reports,
    /// Which guardian it is about; none: everybody who is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<GuardianId>,
    /// The last day, as `2026-12-18`.
    pub to: String,
    /// Who has agreed on it with the home.
    pub recorded_by: String,
}

/// Enters what an operator asks for.
///
/// # Errors
/// As [`agree`].
pub async fn enter(
    kv: &dyn Kv,
    of: (&School, &Roster),
    asked: AskedReports,
    by: &str,
    now: Timestamp,
) -> Result<Agreed, OperateError> {
    let until = crate::directory::field::day(asked.to.trim())
        .map_err(|words| OperateError::NotNow(format!("--to {words}; write it as 2026-12-18")))?;
    let recorded_by = one_line(&asked.recorded_by).map_err(OperateError::NotNow)?;
    let new = NewReports { how: asked.how, to: asked.guardian, until, recorded_by };
    let accord = agree(kv, of, &asked.pupil, &new, by, now).await?;
    Ok(Agreed { format: FORMAT, accord })
}

/// The last day that may be agreed on: that of the school year, which ends in June, and not
/// more than 200 days ahead.
pub fn last_day(today: Date) -> Date {
    let longest = today.saturating_add(LONGEST.days());
    let june = Date::constant(today.year(), 6, 30);
    let end = if today > june { june.saturating_add(1.year()) } else { june };
    end.min(longest)
}

/// The row that it comes to; the same however often it is asked for on one day.
pub fn accord_of(
    school: &School,
    pupil: &PupilId,
    asked: &NewReports,
    by: &str,
    now: Timestamp,
) -> Accord {
    let about = AccordAbout::Reports { how: asked.how, to: asked.to.clone() };
    let days = Period { from: None, to: Some(asked.until) };
    Accord {
        id: Accord::id_of((&school.id, pupil), &about, &days),
        school: school.id.clone(),
        pupil: pupil.clone(),
        about,
        days,
        recorded_by: asked.recorded_by.clone(),
        by: by.to_owned(),
        since: now,
        ended: None,
    }
}

/// Enters it, and ends what was agreed with the same people before. The same again changes nothing.
///
/// # Errors
/// [`OperateError::NotNow`] in words where it cannot be so, or the store's.
pub async fn agree(
    kv: &dyn Kv,
    (school, roster): (&School, &Roster),
    pupil: &PupilId,
    asked: &NewReports,
    by: &str,
    now: Timestamp,
) -> Result<Accord, OperateError> {
    let today = local_date(now, &school.zone);
    if asked.until < today || asked.until > last_day(today) {
        return Err(OperateError::NotNow(format!(
            "its last day is one from {today} to {}",
            last_day(today)
        )));
    }
    for _ in 0..TRIES {
        let mut unit = Unit::new(kv);
        touch(&mut unit, &school.id, pupil).await?;
        let guard: Option<Day> = unit.peek(&tables::notice_guard(&school.id, pupil)).await?;
        let said = guard.and_then(|guard| guard.protected_at);
        let said = said.is_some_and(|at| now.duration_since(at) < PROTECTED_FOR);
        let known = roster.pupil(&school.id, pupil);
        let (None, Some(known)) = (hidden(known, said), known) else {
            return Err(OperateError::NotNow(
                "the pupil is not in the directory, or is or may be protected: nothing is agreed here on messages home"
                    .into(),
            ));
        };
        let accords = of_pupil(&unit, (&school.id, pupil)).await?;
        if let Some(id) = &asked.to {
            let told = Recipient::Guardian(id.clone());
            let rules = Known { whole_homes: true, ..Known::of(&accords) };
            let all = match entitled::recipients(school, known, roster, today, &rules) {
                Entitled::Guardians { candidates, .. } | Entitled::Adult(candidates) => candidates,
                Entitled::Nobody(_) => Vec::new(),
            };
            if !all.iter().any(|candidate| candidate.recipient == told) {
                return Err(OperateError::NotNow("that guardian is not told of the pupil".into()));
            }
        }
        let new = accord_of(school, pupil, asked, by, now);
        if let Some(same) = accords.iter().find(|one| one.id == new.id && one.ended.is_none()) {
            return Ok(same.clone());
        }
        if accords.len() >= MOST && accords.iter().all(|one| one.id != new.id) {
            return Err(OperateError::NotNow(format!(
                "{MOST} agreements of the pupil are kept, and more are not taken"
            )));
        }
        for mut former in accords.into_iter().filter(|one| is_replaced(one, asked.to.as_ref())) {
            former.ended = Some(AccordEnd { at: now, by: by.to_owned() });
            unit.write(tables::accord(&former), &former);
        }
        unit.write(tables::accord(&new), &new);
        write_act(&mut unit, new.about.kind(), &new, by, now);
        trail(&mut unit, &new, now);
        look_at_today(&mut unit, &new, today, now).await?;
        if unit.commit().await? == Commit::Done {
            let (accord, how) = (&new.id, asked.how.as_str());
            tracing::info!(school = %school.id, accord, how, by, "agreed on messages home");
            return Ok(new);
        }
    }
    Err(StoreError::Busy("something else is written about the pupil; try again".into()).into())
}

/// Whether what was agreed before is about those only with whom something else is agreed now.
fn is_replaced(former: &Accord, to: Option<&GuardianId>) -> bool {
    let AccordAbout::Reports { to: before, .. } = &former.about else { return false };
    former.ended.is_none() && (to.is_none() || before.as_ref() == to)
}

fn trail(unit: &mut Unit<'_>, accord: &Accord, now: Timestamp) {
    let AccordAbout::Reports { how, .. } = &accord.about else { return };
    let line = Audit {
        at: now,
        source: None,
        event: None,
        heard: format!("agreement {} {} by {}", accord.id, how.as_str(), accord.by),
        lesson: None,
        decisions: Vec::new(),
        silences: Vec::new(),
    };
    let unique = NotificationId::of(&["agreement", &accord.id]);
    unit.write(tables::audit(&accord.school, &accord.pupil, now, unique.as_str()), &line);
}

/// Has the day's lessons decided again, which it may change.
async fn look_at_today(
    unit: &mut Unit<'_>,
    accord: &Accord,
    today: Date,
    now: Timestamp,
) -> Result<(), StoreError> {
    let day: Option<Day> =
        unit.peek(&tables::occasion(&accord.school, &accord.pupil, today)).await?;
    for lesson in day.into_iter().flat_map(|day| day.missing) {
        let (school, pupil) = (accord.school.clone(), accord.pupil.clone());
        look_again(unit, &CaseKey { school, pupil, date: today, lesson }, now);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn nothing_is_agreed_beyond_the_school_year_or_two_hundred_days() {
        for (today, last) in [
            (date(2026, 11, 26), date(2027, 6, 14)),
            (date(2027, 1, 10), date(2027, 6, 30)),
            (date(2027, 6, 30), date(2027, 6, 30)),
            (date(2027, 7, 1), date(2028, 1, 17)),
            (date(2028, 2, 29), date(2028, 6, 30)),
        ] {
            assert_eq!(last_day(today), last, "{today}");
        }
    }
}
