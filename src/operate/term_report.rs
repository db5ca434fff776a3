//! The numbers of one school's term, for whoever asks for its report. Reads; changes nothing.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::delivery::term_report;
use crate::directory::{Directory, School};
use crate::model::{TermCounts, TermName, local_date};
use crate::store::Kv;

/// The numbers of a term. Small ones are not hidden here: whoever asks may see every row; whoever shows them hides them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TermReport {
    /// [`FORMAT`].
    pub format: u32,
    /// The school's name.
    pub school: String,
    /// The term.
    pub term: TermName,
    /// Its first day.
    pub from: Date,
    /// Its last day.
    pub to: Date,
    /// The numbers.
    pub counts: TermCounts,
}

/// Counts a term: the one that is named, or else the last that has begun.
///
/// # Errors
/// When the school's calendar has no such term, or the store fails.
pub async fn report(
    kv: &dyn Kv,
    directory: &Directory,
    school: &School,
    name: Option<TermName>,
    now: Timestamp,
) -> Result<TermReport, OperateError> {
    let today = local_date(now, &school.zone);
    let Some(term) = term_report::term(school, name, today) else {
        let which =
            name.map_or_else(|| "no term that has begun".into(), |name| format!("no term {name}"));
        return Err(OperateError::NotNow(format!(
            "the calendar of school {} has {which}; write its days into `terms` of the calendar that the school names",
            school.id
        )));
    };
    let counts = term_report::counts(kv, directory, school, &term).await?;
    let (from, to) = (term.days.first(), term.days.last());
    Ok(TermReport {
        format: FORMAT,
        school: school.name.clone(),
        term: term.name,
        from,
        to,
        counts,
    })
}
