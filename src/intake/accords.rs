//! What a school has agreed about one pupil, as rows, read in the commit that depends on it. Where nothing could come of
//! it, nothing is read: only adults consent, and only for protected pupils is anything agreed.

use crate::directory::{Protection, Roster};
use crate::model::{Accord, PupilId, SchoolId};
use crate::store::ledger::Unit;
use crate::store::rows::Day;
use crate::store::{StoreError, after_prefix, tables};

/// Most rows of one pupil.
pub const MOST: usize = 50;
/// Years after the year of birth from which consents are looked for: somebody may come of age while a message waits
/// over New Year.
const NEARLY: i16 = 17;

/// The accords of one pupil that may bear on a lesson of a year. Whoever reads them must have read the guard of the
/// pupil's notices, which every change of them moves.
///
/// # Errors
/// When the store fails.
pub async fn of_pupil(
    unit: &Unit<'_>,
    roster: &Roster,
    (school, pupil): (&SchoolId, &PupilId),
    year: i16,
) -> Result<Vec<Accord>, StoreError> {
    let known = roster.pupil(school, pupil);
    let may_matter = known.is_some_and(|known| {
        known.protection == Protection::Protected
            || known.birth_date.is_some_and(|birth| year - birth.year() >= NEARLY)
    });
    if !may_matter {
        return Ok(Vec::new());
    }
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
