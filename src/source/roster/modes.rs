//! Which schools have gone live by an operator's word, over the schools of the configuration. A change is
//! written with a line that says who made it, and only then put in force; no load and no reload comes between.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::RosterFeed;
use crate::directory::go_live::{self, GoneLive};
use crate::directory::{Directory, Mode, School};
use crate::model::{NotificationId, SchoolId};
use crate::store::ledger::{self, Unit};
use crate::store::rows::OperatorAct;
use crate::store::{Commit, Kv, StoreError, after_prefix, tables};

/// Most rows read; there are no more than schools.
const MOST: usize = 10_000;

/// Every school that has gone live. A row that cannot be read raises nobody.
///
/// # Errors
/// When the store fails.
pub async fn gone_live(kv: &dyn Kv) -> Result<BTreeMap<SchoolId, GoneLive>, StoreError> {
    let prefix = tables::GONE_LIVE;
    let mut found = BTreeMap::new();
    for (key, value) in kv.scan(prefix, &after_prefix(prefix), MOST).await? {
        let id = String::from_utf8_lossy(&key[prefix.len()..]);
        let Ok(id) = SchoolId::new(id.trim_end_matches('\0')) else { continue };
        match ledger::decode(&value) {
            Ok(row) => drop(found.insert(id, row)),
            Err(StoreError::Damaged(why)) => {
                tracing::error!(school = %id, why, "that it has gone live cannot be read; its guests alone are told");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

impl RosterFeed {
    /// Puts in force which schools had gone live before the restart.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn restore_modes(&self) -> Result<(), StoreError> {
        let _in_force = self.in_force.lock().await;
        let schools = self.directory.load().schools.clone();
        let raised = self.raised(&schools).await?;
        self.forget_withdrawn(&schools).await?;
        self.put_schools_in_force(raised);
        Ok(())
    }

    /// Takes a school live, or back to its guests; in force on return. Whether that changed anything.
    ///
    /// # Errors
    /// When the store fails; nothing is in force then that is not written.
    pub async fn change_mode(
        &self,
        school: &SchoolId,
        live: bool,
        by: &str,
        why: &str,
    ) -> Result<bool, StoreError> {
        let _in_force = self.in_force.lock().await;
        let now = self.clock.now();
        // Asked here once more: a reload may have come between.
        let schools = self.directory.load().schools.clone();
        let among_guests = schools.get(school).map(School::configured_mode) == Some(Mode::Guests);
        if live && !among_guests {
            return Err(StoreError::Busy(
                "the configuration no longer has the school in guests mode; look again".into(),
            ));
        }
        let mut unit = Unit::new(self.kv.as_ref());
        let row = tables::gone_live(school);
        if unit.read_raw(&row).await?.is_some() == live {
            return Ok(false);
        }
        if live {
            unit.write(row, &GoneLive { at: now, by: by.to_owned() });
        } else {
            unit.delete(row);
        }
        let act = if live { "go-live" } else { "back-to-guests" };
        write_act(&mut unit, act, school, by, why, now);
        // Whoever holds the lock is the only one to write these rows.
        if unit.commit().await? == Commit::Conflict {
            return Err(StoreError::Busy("the school's mode is being changed; try again".into()));
        }
        let raised = self.raised(&schools).await?;
        self.put_schools_in_force(raised);
        self.wake.now();
        tracing::warn!(%school, act, by, "operator");
        Ok(true)
    }

    /// The schools of a configuration with those raised that have gone live.
    pub(super) async fn raised(
        &self,
        schools: &BTreeMap<SchoolId, School>,
    ) -> Result<Arc<BTreeMap<SchoolId, School>>, StoreError> {
        let rows = gone_live(self.kv.as_ref()).await?;
        Ok(Arc::new(go_live::effective(schools, &rows)))
    }

    /// Removes what configuration has taken back, so that it does not come to life when the school is among its
    /// guests again.
    pub(super) async fn forget_withdrawn(
        &self,
        schools: &BTreeMap<SchoolId, School>,
    ) -> Result<(), StoreError> {
        let rows = gone_live(self.kv.as_ref()).await?;
        for school in go_live::withdrawn(schools, &rows) {
            let now = self.clock.now();
            let mut unit = Unit::new(self.kv.as_ref());
            unit.delete(tables::gone_live(school));
            let why = "configuration has it in another mode";
            write_act(&mut unit, "go-live-withdrawn", school, "configuration", why, now);
            match unit.commit().await {
                Ok(_) => tracing::warn!(%school, "it had gone live; configuration takes that back"),
                // It raises nobody meanwhile, and is tried again at the next start or reload.
                Err(StoreError::Busy(why)) => {
                    tracing::warn!(%school, why, "that it had gone live cannot be removed now");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether a row is left that means nothing under these schools.
    pub(super) async fn has_withdrawn(
        &self,
        schools: &BTreeMap<SchoolId, School>,
    ) -> Result<bool, StoreError> {
        let rows = gone_live(self.kv.as_ref()).await?;
        Ok(!go_live::withdrawn(schools, &rows).is_empty())
    }

    fn put_schools_in_force(&self, schools: Arc<BTreeMap<SchoolId, School>>) {
        let roster = self.directory.load().roster.clone();
        self.directory.store(Arc::new(Directory { schools, roster }));
    }
}

fn write_act(
    unit: &mut Unit<'_>,
    act: &str,
    school: &SchoolId,
    by: &str,
    reason: &str,
    now: Timestamp,
) {
    let line = OperatorAct {
        at: now,
        by: by.to_owned(),
        act: act.to_owned(),
        scope: format!("school:{school}"),
        reason: reason.to_owned(),
        until: None,
    };
    let unique = NotificationId::of(&[act, &line.scope, by]);
    unit.write(tables::operator_act(now, unique.as_str()), &line);
}
