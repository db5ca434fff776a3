//! Events that were refused: kept for a while, so that a sender's fault can be found without its logs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::model::{PupilId, SchoolId, SourceId};
use crate::store::rows::Rejection;
use crate::store::{Kv, after_prefix, ledger, tables};

/// Most that are shown.
const SHOWN: usize = 10_000;

/// All that is kept, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AllRejected {
    /// [`FORMAT`].
    pub format: u32,
    /// Each.
    pub rejected: Vec<Rejected>,
}

/// One event that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rejected {
    /// When.
    pub at: Timestamp,
    /// From whom.
    pub source: SourceId,
    /// Its id, where one could be read.
    pub event: Option<String>,
    /// Of which school, where that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
    /// About whom, where that could be read.
    pub pupil: Option<PupilId>,
    /// What was wrong with it, as the sender was told.
    pub why: String,
}

impl From<Rejection> for Rejected {
    fn from(row: Rejection) -> Self {
        let Rejection { at, source, event, school, pupil, why } = row;
        Self { at, source, event, school, pupil, why }
    }
}

/// Lists them.
///
/// # Errors
/// When the store fails.
pub async fn all(kv: &dyn Kv) -> Result<AllRejected, OperateError> {
    let mut rejected = Vec::new();
    for (_, value) in kv.scan(tables::REJECTED, &after_prefix(tables::REJECTED), SHOWN).await? {
        rejected.push(ledger::decode::<Rejection>(&value)?.into());
    }
    rejected.reverse();
    Ok(AllRejected { format: FORMAT, rejected })
}

/// Those about one pupil, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn of_pupil(kv: &dyn Kv, pupil: &PupilId) -> Result<Vec<Rejected>, OperateError> {
    let mut rejected = all(kv).await?.rejected;
    rejected.retain(|r| r.pupil.as_ref() == Some(pupil));
    rejected.reverse();
    Ok(rejected)
}
