//! That protection has appeared: what is kept of the pupil's lessons and messages is to lose what could lead to a home. Asked
//! for in the commit that learns of it, or before the directory that says so is in force; `delivery::redact` does it.

use jiff::Timestamp;

use crate::directory::{Protection, Pupil, Roster};
use crate::model::{NotificationId, PupilId, SchoolId};
use crate::store::ledger::Unit;
use crate::store::rows::Due;
use crate::store::tables::{self, Lane};
use crate::store::{Commit, Kv, StoreError};

/// Rows written in one commit.
const ROWS: usize = 200;

/// Has a pupil's rows looked through at an instant.
pub fn ask(unit: &mut Unit<'_>, (school, pupil): (&SchoolId, &PupilId), at: Timestamp) {
    let due = Due::Redact { school: school.clone(), pupil: pupil.clone() };
    let id = NotificationId::of(&["redact", school.as_str(), pupil.as_str()]);
    unit.write(tables::due(Lane::Timer, at, id.as_str()), &due);
}

/// Asks for each pupil whom a directory protects and the one before did not.
///
/// # Errors
/// When the store fails.
pub async fn of_newly_protected(
    kv: &dyn Kv,
    old: &Roster,
    new: &Roster,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_new = |pupil: &&Pupil| {
        let before = old.pupil(&pupil.school, &pupil.id).map(|was| was.protection);
        pupil.protection == Protection::Protected && before != Some(Protection::Protected)
    };
    let all = new.pupils.values().flat_map(|school| school.values());
    let found: Vec<&Pupil> = all.filter(is_new).collect();
    for some in found.chunks(ROWS) {
        let mut unit = Unit::new(kv);
        for pupil in some {
            ask(&mut unit, (&pupil.school, &pupil.id), now);
        }
        // It reads nothing, so nobody can be in its way.
        let _: Commit = unit.commit().await?;
    }
    Ok(())
}
