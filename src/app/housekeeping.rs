//! What is kept no longer than needed: ids of events seen, limiter cells that are spent, suspensions that are
//! over, what the clocks of retention say, journal segments, backups. Runs at start and every few hours; deletes in small commits beside
//! the daily work. At night, now and then, it has the store written anew.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::config::Compaction;
use crate::delivery::suspension::Suspension;
use crate::env::Clock;
use crate::limits;
use crate::operate::retention::{self, Clocks, Tidied};
use crate::store::rows::{OperatorAct, Rejection, Seen};
use crate::store::{
    Batch, Commit, Compacted, Kv, SledStore, StoreError, after_prefix, backup, ledger, tables,
};

/// Longer than any source's retries (reliability: at least 30 days).
const SEEN_KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);
/// How long what operators did is kept: a school year.
const ACTS_KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);
const EVERY: SignedDuration = SignedDuration::from_hours(6);
const PAGE: usize = 500;

/// What is kept how long, and when the rest leaves the disk.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Rows.
    pub clocks: Clocks,
    /// Journal segments.
    pub journal_keep: SignedDuration,
    /// Backups in this folder, and what was set aside.
    pub backups: PathBuf,
    /// How long those are kept.
    pub backups_keep: SignedDuration,
    /// When store and journal are written anew, in which zone.
    pub compact: Option<(Compaction, TimeZone)>,
}

/// Runs until `stop`.
///
/// # Errors
/// When the store fails for good.
pub async fn run(
    kv: Arc<dyn Kv>,
    clock: Arc<dyn Clock>,
    embedded: Option<Arc<SledStore>>,
    plan: Plan,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let night = |from| plan.compact.as_ref().and_then(|(when, zone)| next(*when, zone, from));
    let (mut tidied_next, mut compacted_next) = (Timestamp::MIN, night(clock.now()));
    loop {
        let now = clock.now();
        if now >= tidied_next {
            match tidy_all(kv.as_ref(), plan.clocks, now).await {
                // Only a store that failed is mended by a restart; a row that cannot be read would be met again.
                Err(failed @ StoreError::Failed(_)) => return Err(failed),
                Err(error) => tracing::warn!(%error, "housekeeping put off"),
                Ok(()) => {}
            }
            if let Some(store) = embedded.clone() {
                files(store, &plan, now).await;
            }
            tidied_next = now.saturating_add(EVERY).unwrap_or(Timestamp::MAX);
        }
        if compacted_next.is_some_and(|at| now >= at) {
            compacted_next = night(now);
            if let Some(store) = embedded.clone() {
                // It ends by itself where it is: the store is told to stop, too.
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = compact(store) => {}
                }
            }
        }
        let next = compacted_next.map_or(tidied_next, |at| at.min(tidied_next));
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep_until(next) => {}
        }
    }
}

async fn tidy_all(kv: &dyn Kv, clocks: Clocks, now: Timestamp) -> Result<(), StoreError> {
    let limit = now.saturating_sub(SEEN_KEPT).unwrap_or(Timestamp::MIN);
    let removed = tidy(kv, now, limit).await?;
    let Tidied { contacts, evidence, counters } = retention::tidy(kv, clocks, now).await?;
    if removed > 0 || contacts + evidence + counters > 0 {
        tracing::info!(removed, contacts, evidence, counters, "what is past its time was removed");
    }
    Ok(())
}

/// Journal segments, backups and what was set aside.
async fn files(store: Arc<SledStore>, plan: &Plan, now: Timestamp) {
    let before = |span| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let (older, old) = (before(plan.journal_keep), before(plan.backups_keep));
    let backups = plan.backups.clone();
    let work = move || {
        let dir = store.settings().dir.clone();
        let removed = [backup::remove_old(&backups, old), backup::remove_aside(&dir, old)];
        (store.prune_journal(older), removed)
    };
    let Ok((segments, folders)) = tokio::task::spawn_blocking(work).await else { return };
    match segments {
        Ok(0) => {}
        Ok(segments) => tracing::info!(segments, "journal segments removed"),
        Err(error) => tracing::warn!(%error, "the journal could not be pruned"),
    }
    for removed in folders {
        match removed {
            Ok(0) => {}
            Ok(folders) => tracing::info!(folders, "old backups or former stores removed"),
            Err(error) => {
                tracing::warn!(%error, "an old backup or former store could not be removed; remove it by hand");
            }
        }
    }
}

async fn compact(store: Arc<SledStore>) {
    match tokio::task::spawn_blocking(move || store.compact()).await {
        Ok(Ok(Compacted { rows, before_bytes, after_bytes })) => {
            tracing::info!(rows, before_bytes, after_bytes, "store and journal were written anew");
        }
        Ok(Err(error)) => tracing::warn!(%error, "the store could not be compacted"),
        Err(_) => {}
    }
}

/// The first time after `from` that a compaction is due.
fn next(when: Compaction, zone: &TimeZone, from: Timestamp) -> Option<Timestamp> {
    let mut day = from.to_zoned_datetime(zone.clone()).date();
    for _ in 0..9 {
        let at = zone.to_ambiguous_zoned_datetime(day.to_datetime(when.at)).compatible().ok()?;
        let is_day = when.day.is_none_or(|wanted| wanted == day.weekday());
        if is_day && at.timestamp() > from {
            return Some(at.timestamp());
        }
        day = day.tomorrow().ok()?;
    }
    None
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
    let forgotten = now.saturating_sub(ACTS_KEPT).unwrap_or(Timestamp::MIN);
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
    use bytes::Bytes;

    use super::*;
    use crate::env::SystemClock;
    use crate::store::ledger::Unit;
    use crate::store::{Health, MemoryStore, Pending};

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

    /// A store whose every read ends so.
    struct Broken(StoreError);

    impl Kv for Broken {
        fn get<'a>(&'a self, _: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
            Box::pin(async { Err(self.0.clone()) })
        }

        fn scan<'a>(
            &'a self,
            _: &'a [u8],
            _: &'a [u8],
            _: usize,
        ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
            Box::pin(async { Err(self.0.clone()) })
        }

        fn commit(&self, _: Batch) -> Pending<'_, Result<Commit, StoreError>> {
            Box::pin(async { Err(self.0.clone()) })
        }

        fn health(&self) -> Health {
            Health { writable: true, why: None, free_bytes: None }
        }
    }

    #[tokio::test]
    async fn only_a_store_that_failed_ends_it() {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let plan = Plan {
            clocks: Clocks { contacts: days(30), evidence: days(330), counters: days(1100) },
            journal_keep: days(30),
            backups: PathBuf::new(),
            backups_keep: days(30),
            compact: None,
        };
        for (error, ends) in [
            (StoreError::Damaged("a row".into()), false),
            (StoreError::Refused("a newer row".into()), false),
            (StoreError::Busy("full".into()), false),
            (StoreError::Failed("the disk".into()), true),
        ] {
            let stop = CancellationToken::new();
            stop.cancel();
            let (kv, clock) = (Arc::new(Broken(error)), Arc::new(SystemClock::new()));
            let done = run(kv.clone(), clock, None, plan.clone(), stop).await;
            assert_eq!(done.is_err(), ends, "{}", kv.0);
        }
    }

    #[test]
    fn the_next_night_is_found_by_the_schools_clock() {
        let zone = TimeZone::get("Europe/Stockholm").expect("a zone");
        let at = jiff::civil::time(2, 30, 0, 0);
        let sunday = Compaction { day: Some(jiff::civil::Weekday::Sunday), at };
        let daily = Compaction { day: None, at };
        for (when, from, expected) in [
            (sunday, "2026-11-25T12:00:00Z", "2026-11-29T01:30:00Z"),
            (sunday, "2026-11-29T01:30:00Z", "2026-12-06T01:30:00Z"),
            (daily, "2026-11-25T01:29:59Z", "2026-11-25T01:30:00Z"),
            (daily, "2026-11-25T01:30:00Z", "2026-11-26T01:30:00Z"),
            // The night that has no half past two.
            (daily, "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
        ] {
            let from: Timestamp = from.parse().expect("time");
            let expected: Timestamp = expected.parse().expect("time");
            assert_eq!(next(when, &zone, from), Some(expected), "{when:?} {from}");
        }
    }
}
