//! What a school has agreed about one pupil, as rows, read in the commit that depends on it.

use crate::model::{Accord, PupilId, SchoolId};
use crate::store::ledger::Unit;
use crate::store::rows::Day;
use crate::store::{StoreError, after_prefix, tables};

/// Most rows of one pupil.
pub const MOST: usize = 50;

/// The accords of one pupil. Whoever reads them must have read the guard of the pupil's notices, which every change of
/// them moves.
///
/// # Errors
/// When the store fails.
pub async fn of_pupil(
    unit: &Unit<'_>,
    (school, pupil): (&SchoolId, &PupilId),
) -> Result<Vec<Accord>, StoreError> {
    let prefix = tables::accords(school, pupil);
    match unit.peek_range(&prefix, &after_prefix(&prefix), MOST).await {
        // What cannot be read lets nothing out.
        Err(StoreError::Damaged(why)) => {
            tracing::error!(
                %school, why,
                "what was agreed about a pupil cannot be read, so none of it holds; see `upprop store check`"
            );
            Ok(Vec::new())
        }
        read => read,
    }
}

/// Moves the counter that decisions about a pupil depend on.
///
/// # Errors
/// When the store fails.
pub async fn touch(
    unit: &mut Unit<'_>,
    school: &SchoolId,
    pupil: &PupilId,
) -> Result<(), StoreError> {
    let guard = tables::notice_guard(school, pupil);
    let mut counter: Day = unit.read(&guard).await?.unwrap_or_default();
    counter.changes += 1;
    unit.write(guard, &counter);
    Ok(())
}
