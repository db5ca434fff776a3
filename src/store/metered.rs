//! A store whose commits are timed, and whose decisions are counted when they are durable. Changes nothing
//! about them.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{Batch, Commit, Health, Kv, Pending, Sizes, StoreError};
use crate::metrics::Metrics;

/// Reads the clock for [`Metered`]; this room has none.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// See the top of this file.
pub struct Metered {
    kv: Arc<dyn Kv>,
    metrics: Arc<Metrics>,
    now: Now,
}

impl Metered {
    /// Measures a store.
    pub fn new(kv: Arc<dyn Kv>, metrics: Arc<Metrics>, now: Now) -> Self {
        Self { kv, metrics, now }
    }
}

impl Kv for Metered {
    fn get<'a>(&'a self, key: &'a [u8]) -> Pending<'a, Result<Option<Bytes>, StoreError>> {
        self.kv.get(key)
    }

    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        self.kv.scan(from, to, limit)
    }

    fn commit(&self, mut batch: Batch) -> Pending<'_, Result<Commit, StoreError>> {
        Box::pin(async move {
            let decided = std::mem::take(&mut batch.decided);
            let began = (self.now)();
            let ended = self.kv.commit(batch).await;
            let outcome = match &ended {
                Ok(Commit::Done) => "done",
                Ok(Commit::Conflict) => "conflict",
                Err(StoreError::Busy(_)) => "busy",
                Err(_) => "failed",
            };
            self.metrics.committed(outcome, (self.now)().duration_since(began));
            if matches!(ended, Ok(Commit::Done)) {
                for (act, reason) in decided {
                    self.metrics.decided(act, reason);
                }
            }
            ended
        })
    }

    fn health(&self) -> Health {
        self.kv.health()
    }

    fn sizes(&self) -> Option<Sizes> {
        self.kv.sizes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Moment;
    use crate::model::Reason;
    use crate::store::MemoryStore;
    use crate::store::ledger::Unit;

    #[tokio::test]
    async fn a_decision_counts_when_it_is_durable() {
        let metrics = Arc::new(Metrics::new(Timestamp::UNIX_EPOCH));
        let now: Now = Arc::new(|| Timestamp::UNIX_EPOCH);
        let kv = Metered::new(Arc::new(MemoryStore::new()), metrics.clone(), now);
        let counted = || metrics.plain(&Moment::default());
        let line = |n| format!("upprop_decisions_total{{act=\"notify\",reason=\"late\"}} {n}\n");
        for (expected, outcome) in [(Commit::Done, "done"), (Commit::Conflict, "conflict")] {
            let mut unit = Unit::new(&kv);
            unit.decided("notify", Reason::Late);
            unit.write(b"a/".to_vec(), &1);
            let mut batch = unit.into_batch();
            batch.expect(b"a/".to_vec(), None);
            assert_eq!(kv.commit(batch).await.unwrap(), expected);
            let commits = format!("upprop_store_commit_seconds_count{{outcome=\"{outcome}\"}} 1\n");
            assert!(counted().contains(&commits), "{}", counted());
            assert!(counted().contains(&line(1)), "{}", counted());
        }
    }
}
