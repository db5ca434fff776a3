//! Due rows that cannot be worked on because something they need cannot be read: put aside, so that one
//! damaged row stops nobody else's messages, and put back at the next start (a newer release may read
//! them). Nothing is thrown away here.

use super::shared::Shared;
use crate::store::ledger::Unit;
use crate::store::{Commit, Kv, StoreError, after_prefix, tables};

/// Rows put back in one commit.
const PAGE: usize = 256;

/// Puts a due row aside, and says so where an operator looks.
///
/// # Errors
/// When the store fails.
pub(super) async fn put(shared: &Shared, row: &[u8], why: &str) -> Result<(), StoreError> {
    let mut unit = Unit::new(shared.kv.as_ref());
    let Some(value) = unit.read_raw(row).await? else { return Ok(()) };
    unit.write_raw(tables::aside(row), value);
    unit.delete(row.to_vec());
    if unit.commit().await? == Commit::Done {
        tracing::error!(
            row = tables::due_name(row),
            why,
            "a row of the store cannot be read; its message waits aside and the others go on. It is \
             tried again at the next start; rebuild the store from its journal if it stays so"
        );
    }
    Ok(())
}

/// Makes everything that was put aside due again.
///
/// # Errors
/// When the store fails.
pub(super) async fn put_back(kv: &dyn Kv) -> Result<usize, StoreError> {
    let end = after_prefix(tables::ASIDE);
    let mut count = 0;
    loop {
        let rows = kv.scan(tables::ASIDE, &end, PAGE).await?;
        if rows.is_empty() {
            return Ok(count);
        }
        let mut unit = Unit::new(kv);
        for (key, value) in rows {
            unit.write_raw(key[tables::ASIDE.len()..].to_vec(), value);
            unit.delete(key);
            count += 1;
        }
        match unit.commit().await {
            Ok(Commit::Done | Commit::Conflict) => {}
            // They stay aside until a start with room on the disk.
            Err(StoreError::Busy(_)) => return Ok(0),
            Err(error) => return Err(error),
        }
    }
}
