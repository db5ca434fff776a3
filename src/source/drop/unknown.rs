//! Rows about pupils whom the directory does not know: they wait as rows of the store, and are taken when it knows
//! them, or let go when nobody would be told any more. Told of as long as any waits.

use super::Worker;
use crate::store::StoreError;

const KIND: &str = "unknown-pupils";
const REMEDY: &str = "nothing is to be done if the directory is under way: they are taken by themselves when it has the \
                      pupils; else correct the pupils' ids in the export. Three days after their lesson they are let go";

impl Worker<'_> {
    /// Takes what waited, where the pupils are known now.
    pub(super) async fn take_kept(&mut self) -> Result<(), StoreError> {
        let taken = match self.drop.offering.take_kept().await {
            Ok(taken) => taken,
            // They go on waiting.
            Err(StoreError::Busy(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let gone: u64 = taken.refused.values().sum();
        if taken.new + gone > 0 {
            tracing::info!(
                source = %self.source(), new = taken.new, waiting = taken.kept, let_go = gone,
                "marks that waited for their pupils"
            );
        }
        self.tell_waiting(taken.kept);
        Ok(())
    }

    /// So many rows wait for pupils.
    pub(super) fn tell_waiting(&self, rows: u64) {
        if rows == 0 {
            self.well(KIND);
        } else {
            let what = format!("{rows} marks wait for pupils whom the directory does not know");
            self.trouble(KIND, what, REMEDY);
        }
    }
}
