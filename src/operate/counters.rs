//! Numbers that outlive what they count: what became of a school's messages of one day, by purpose, channel,
//! state and reason, and of nobody in particular. A message is counted in the commit that removes it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{FORMAT, OperateError};
use crate::model::{Notification, SchoolId, Stood};
use crate::store::ledger::{self, ROW_VERSION, Unit};
use crate::store::rows::{Counted, Erased};
use crate::store::{Kv, MAX_VALUE_BYTES, StoreError, codec, tables};

/// What is counted together.
fn kind(n: &Notification) -> String {
    let reason = n.state_reason.unwrap_or(n.reason);
    format!("{} {} {} {reason}", n.purpose.as_str(), n.channel.as_str(), n.state.as_str())
}

/// Rows that one day's numbers may be in, where those before cannot be read.
const ROWS_OF_A_DAY: u8 = 3;

/// The first row of a message's day that can be read, and its key; none: it is not counted.
async fn readable(
    unit: &mut Unit<'_>,
    n: &Notification,
) -> Result<Option<(Vec<u8>, Counted)>, StoreError> {
    let mut key = tables::counters(&n.school, n.date);
    for spare in 1..=ROWS_OF_A_DAY {
        match unit.read(&key).await {
            Ok(row) => return Ok(Some((key, row.unwrap_or_default()))),
            Err(StoreError::Damaged(_) | StoreError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        key = [tables::counters(&n.school, n.date), vec![spare]].concat();
    }
    Ok(None)
}

/// Counts a message that is removed in the same unit. Numbers that cannot be read keep nothing from being
/// removed: they stay as they are, and a row beside them is begun.
///
/// # Errors
/// When the store fails.
pub async fn count(unit: &mut Unit<'_>, n: &Notification) -> Result<(), StoreError> {
    let Some((key, mut row)) = readable(unit, n).await? else {
        let (school, date) = (&n.school, n.date);
        tracing::warn!(%school, %date, "a message is not counted: the day's numbers cannot be read");
        return Ok(());
    };
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
    /// Registers of lessons that have ended, by how they stood then: `in-time`, `late`, `untaken`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registers: BTreeMap<String, u64>,
}

/// The share of registers taken in time, in whole per cent, rounded down so that 100 means all; none: no lesson has
/// ended that counts.
pub fn in_time(registers: &BTreeMap<String, u64>) -> Option<u64> {
    let all: u64 = registers.values().sum();
    let good = registers.get(Stood::InTime.as_str()).copied().unwrap_or_default();
    (good * 100).checked_div(all)
}

/// Adds up. Goes through all messages.
///
/// # Errors
/// When the store fails.
pub async fn statistics(kv: &dyn Kv) -> Result<Statistics, OperateError> {
    let mut days: BTreeMap<(String, String), Counted> = BTreeMap::new();
    let day = |school: &SchoolId, date: Date| (school.to_string(), date.to_string());
    ledger::each(kv, tables::NOTIFICATIONS, |_, value| {
        let Ok(n) = ledger::decode::<Notification>(value) else { return };
        let known = days.entry(day(&n.school, n.date)).or_default();
        *known.messages.entry(kind(&n)).or_default() += 1;
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
            *known.messages.entry(kind).or_default() += count;
        }
        for (how, count) in row.registers {
            *known.registers.entry(how).or_default() += count;
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
        .map(|((school, date), Counted { messages, registers })| OneDay {
            school,
            date,
            messages,
            registers,
        })
        .collect();
    Ok(Statistics { format: FORMAT, days, erasures })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::notification;
    use crate::store::{Commit, MemoryStore};

    #[tokio::test]
    async fn numbers_that_cannot_be_read_stop_nothing() {
        let (kv, n) = (MemoryStore::new(), notification("g1"));
        let first = tables::counters(&n.school, n.date);
        for broken in 0..=ROWS_OF_A_DAY {
            let mut unit = Unit::new(&kv);
            for _ in 0..2 {
                count(&mut unit, &n).await.expect("it goes on");
            }
            assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
            let days = statistics(&kv).await.expect("numbers").days;
            let counted: u64 = days.iter().flat_map(|day| day.messages.values()).sum();
            assert_eq!(counted, if broken < ROWS_OF_A_DAY { 2 } else { 0 }, "{broken} are broken");
            // Damaged, or of a newer program.
            let key = if broken == 0 { first.clone() } else { [&first[..], &[broken]].concat() };
            let mut unit = Unit::new(&kv);
            unit.write_raw(key, if broken % 2 == 0 { "\u{1}{}" } else { "\u{9}{}" }.into());
            assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        }
    }
}
