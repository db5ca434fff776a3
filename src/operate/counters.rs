//! Numbers that outlive what they count: what became of a school's messages of one day, by purpose, channel,
//! state and reason, and of nobody in particular. A message is counted in the commit that removes it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::model::{Notification, SchoolId};
use crate::store::ledger::{self, ROW_VERSION, Unit};
use crate::store::rows::{Counted, Erased};
use crate::store::{Kv, MAX_VALUE_BYTES, StoreError, codec, tables};

/// What is counted together.
fn kind(n: &Notification) -> String {
    let reason = n.state_reason.unwrap_or(n.reason);
    format!("{} {} {} {reason}", n.purpose.as_str(), n.channel.as_str(), n.state.as_str())
}

/// Counts a message that is removed in the same unit.
///
/// # Errors
/// When the store fails.
pub async fn count(unit: &mut Unit<'_>, n: &Notification) -> Result<(), StoreError> {
    let key = tables::counters(&n.school, n.date);
    let mut row: Counted = unit.read(&key).await?.unwrap_or_default();
    *row.messages.entry(kind(n)).or_default() += 1;
    if codec::encode(ROW_VERSION, &row).len() > MAX_VALUE_BYTES {
        row.messages.remove(&kind(n));
        *row.messages.entry("other".into()).or_default() += 1;
    }
    unit.write(key, &row);
    Ok(())
}

/// Messages by school and day, those that are kept and those that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Statistics {
    /// [`FORMAT`].
    pub format: u32,
    /// Each school's days, oldest first.
    pub days: Vec<OneDay>,
    /// Erasures that were done, oldest first.
    pub erasures: Vec<Erased>,
}

/// One day of one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OneDay {
    /// Which school.
    pub school: String,
    /// Which day.
    pub date: String,
    /// How many messages, by purpose, channel, state and reason.
    pub messages: BTreeMap<String, u64>,
}

/// Adds up. Goes through all messages.
///
/// # Errors
/// When the store fails.
pub async fn statistics(kv: &dyn Kv) -> Result<Statistics, OperateError> {
    let mut days: BTreeMap<(String, String), BTreeMap<String, u64>> = BTreeMap::new();
    let day = |school: &SchoolId, date: Date| (school.to_string(), date.to_string());
    ledger::each(kv, tables::NOTIFICATIONS, |_, value| {
        let Ok(n) = ledger::decode::<Notification>(value) else { return };
        *days.entry(day(&n.school, n.date)).or_default().entry(kind(&n)).or_default() += 1;
    })
    .await?;
    ledger::each(kv, tables::COUNTERS, |key, value| {
        let (Some(([school, date], _)), Ok(row)) =
            (tables::parts::<2>(key), ledger::decode::<Counted>(value))
        else {
            return;
        };
        let known = days.entry((school.into(), date.into())).or_default();
        for (kind, count) in row.messages {
            *known.entry(kind).or_default() += count;
        }
    })
    .await?;
    let mut erasures = Vec::new();
    ledger::each(kv, tables::ERASED, |_, value| {
        erasures.extend(ledger::decode::<Erased>(value));
    })
    .await?;
    let days = days
        .into_iter()
        .map(|((school, date), messages)| OneDay { school, date, messages })
        .collect();
    Ok(Statistics { format: FORMAT, days, erasures })
}
