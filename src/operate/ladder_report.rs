//! The numbers of schools' ladders over some days, for whoever asks for their report. Reads; changes nothing.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::delivery::ladder_report;
use crate::directory::{Directory, School};
use crate::model::{LadderCounts, SchoolId, WeekName, local_date};
use crate::store::Kv;

/// Reports, by school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LadderReports {
    /// [`FORMAT`].
    pub format: u32,
    /// One of each school that follows a ladder.
    pub reports: Vec<LadderReport>,
}

/// The numbers of one school. Small ones are not hidden here: whoever asks may see every row; whoever shows them hides them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LadderReport {
    /// The school.
    pub school: SchoolId,
    /// Its name.
    pub name: String,
    /// The first day, a Monday.
    pub from: Date,
    /// The last day, a Sunday.
    pub to: Date,
    /// The numbers.
    pub counts: LadderCounts,
}

/// Counts a week: the one that is named, or else what this week's report tells of. `school`: one school alone.
///
/// # Errors
/// When no school follows a ladder, or the store fails.
pub async fn report(
    kv: &dyn Kv,
    directory: &Directory,
    school: Option<&SchoolId>,
    week: Option<WeekName>,
    now: Timestamp,
) -> Result<LadderReports, OperateError> {
    let is_asked =
        |of: &&School| school.is_none_or(|id| *id == of.id) && !of.ladders.versions.is_empty();
    let mut reports = Vec::new();
    for of in directory.schools.values().filter(is_asked) {
        let days = ladder_report::days(of, week, local_date(now, &of.zone));
        let counts = ladder_report::counts(kv, directory, of, days, now).await?;
        let (school, name) = (of.id.clone(), of.name.clone());
        reports.push(LadderReport { school, name, from: days.first(), to: days.last(), counts });
    }
    if reports.is_empty() {
        let which =
            school.map_or_else(|| "no school".into(), |id| format!("school {id} is none that"));
        return Err(OperateError::NotNow(format!(
            "{which} follows a ladder; write `ladder` in [defaults] or in the school"
        )));
    }
    Ok(LadderReports { format: FORMAT, reports })
}
