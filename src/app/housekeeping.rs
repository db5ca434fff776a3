//! What is kept no longer than needed: ids of events seen, limiter cells that are spent, old failures, suspensions
//! that are over, journal segments. Runs at start and every few hours; deletes in small commits beside the daily work.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::delivery::limits;
use crate::delivery::suspension::Suspension;
use crate::env::Clock;
use crate::store::rows::{Failing, OperatorAct, Rejection, Seen};
use crate::store::{Batch, Commit, Kv, SledStore, StoreError, after_prefix, ledger, tables};

/// Longer than any source's retries (reliability: at least 30 days).
const SEEN_KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);
/// How long failures of a number count together, and what operators did is kept: a school year, as absences may be far apart.
const FAILING_KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);
const EVERY: SignedDuration = SignedDuration::from_hours(6);
const PAGE: usize = 500;

/// Runs until `stop`.
///
/// # Errors
/// When the store fails for good.
pub async fn run(
    kv: Arc<dyn Kv>,
    clock: Arc<dyn Clock>,
    embedded: Option<Arc<SledStore>>,
    journal_keep: SignedDuration,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    loop {
        let now = clock.now();
        let limit = now.saturating_sub(SEEN_KEPT).unwrap_or(Timestamp::MIN);
        match tidy(kv.as_ref(), now, limit).await {
            Ok(removed) if removed > 0 => tracing::info!(removed, "rows no longer needed removed"),
            Ok(_) => {}
            Err(StoreError::Busy(why)) => tracing::warn!(why, "housekeeping put off"),
            Err(error) => return Err(error),
        }
        if let Some(store) = embedded.clone() {
            let older = now.saturating_sub(journal_keep).unwrap_or(Timestamp::MIN);
            match tokio::task::spawn_blocking(move || store.prune_journal(older)).await {
                Ok(Ok(0)) | Err(_) => {}
                Ok(Ok(segments)) => tracing::info!(segments, "journal segments removed"),
                Ok(Err(error)) => tracing::warn!(%error, "the journal could not be pruned"),
            }
        }
        let next = now.saturating_add(EVERY).unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep_until(next) => {}
        }
    }
}

async fn tidy(kv: &dyn Kv, now: Timestamp, limit: Timestamp) -> Result<usize, StoreError> {
    let old = |value: &[u8]| ledger::decode::<Seen>(value).is_ok_and(|seen| seen.at < limit);
    let spent = |value: &[u8]| {
        <[u8; 8]>::try_from(value).is_ok_and(|b| limits::is_spent(u64::from_be_bytes(b), now))
    };
    let mut removed = remove_if(kv, tables::SEEN, &old).await?;
    removed += remove_if(kv, tables::WEBHOOK_IDS, &old).await?;
    removed += remove_if(kv, tables::CELLS, &spent).await?;
    let past = |value: &[u8]| ledger::decode::<Rejection>(value).is_ok_and(|row| row.at < limit);
    removed += remove_if(kv, tables::REJECTED, &past).await?;
    let over = |value: &[u8]| ledger::decode::<Suspension>(value).is_ok_and(|s| s.until <= now);
    removed += remove_if(kv, tables::SUSPENSIONS, &over).await?;
    let forgotten = now.saturating_sub(FAILING_KEPT).unwrap_or(Timestamp::MIN);
    let past = |value: &[u8]| ledger::decode::<Failing>(value).is_ok_and(|row| row.at < forgotten);
    removed += remove_if(kv, tables::FAILING, &past).await?;
    let past =
        |value: &[u8]| ledger::decode::<OperatorAct>(value).is_ok_and(|row| row.at < forgotten);
    removed += remove_if(kv, tables::OPERATOR_ACTS, &past).await?;
    Ok(removed)
}

/// Removes the rows of a table whose value is of no more use, if they are still so at the commit.
async fn remove_if(
    kv: &dyn Kv,
    prefix: &[u8],
    useless: &(dyn Fn(&[u8]) -> bool + Sync),
) -> Result<usize, StoreError> {
    let end = after_prefix(prefix);
    let mut from = prefix.to_vec();
    let mut removed = 0;
    loop {
        let page = kv.scan(&from, &end, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(removed) };
        from = [last.as_slice(), &[0]].concat();
        let mut batch = Batch::default();
        for (key, value) in page {
            if useless(&value) {
                batch.expect(key.clone(), Some(value));
                batch.delete(key);
            }
        }
        let count = batch.write.len();
        if count > 0 && kv.commit(batch).await? == Commit::Done {
            removed += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;
    use crate::store::ledger::Unit;

    #[tokio::test]
    async fn only_what_is_old_goes() {
        let kv = MemoryStore::default();
        let now = Timestamp::from_second(1_800_000_000).expect("time");
        let day = |n: i64| now.saturating_sub(SignedDuration::from_hours(24 * n)).expect("time");
        let mut unit = Unit::new(&kv);
        for age in [1, 34, 36, 400] {
            let key = [tables::SEEN, age.to_string().as_bytes()].concat();
            unit.write(key, &Seen { at: day(age) });
        }
        let nanos = u64::try_from(now.as_nanosecond()).expect("time");
        unit.write_raw(tables::cell("spent"), (nanos - 1).to_be_bytes().to_vec().into());
        unit.write_raw(tables::cell("live"), (nanos + 1).to_be_bytes().to_vec().into());
        assert_eq!(unit.commit().await.expect("commit"), Commit::Done);
        assert_eq!(tidy(&kv, now, day(35)).await.expect("tidy"), 3);
        assert_eq!(tidy(&kv, now, day(35)).await.expect("tidy"), 0);
    }
}
