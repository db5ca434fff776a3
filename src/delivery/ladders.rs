//! The dispatcher's part that looks at ladders and duties when they are due. What comes of it is decided, and written,
//! by `intake`; here many are served in a commit.

use jiff::Timestamp;

use super::aside;
use super::dispatcher::Dispatcher;
use crate::intake::history::Depth;
use crate::intake::{Heard, duties, ladders};
use crate::model::{NotificationId, PupilId, SchoolId};
use crate::store::ledger::Unit;
use crate::store::{Commit, MAX_BATCH_BYTES, StoreError};

/// Looked at in one commit.
const TOGETHER: usize = 16;

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) enum Climb {
    /// A pupil's ladders.
    Ladders(SchoolId, PupilId),
    /// A duty.
    Duty(SchoolId, PupilId, NotificationId),
}

impl Dispatcher {
    /// Looks at ladders and duties that are due.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn climb(
        &self,
        rows: &[(Vec<u8>, Climb)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let (count, done) = match self.climb_some(rest, now).await {
                Ok(done) => done,
                Err(StoreError::Damaged(_) | StoreError::TooLarge { .. }) => {
                    (rest.len().min(TOGETHER), false)
                }
                Err(error) => return Err(error),
            };
            if !done {
                for one in &rest[..count] {
                    match self.climb_some(std::slice::from_ref(one), now).await {
                        // One that somebody changes this moment is due again at the next look.
                        Ok(_) => {}
                        Err(StoreError::Damaged(why)) => {
                            aside::put(&self.shared, &one.0, &why).await?;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            rest = &rest[count..];
        }
        Ok(())
    }

    /// As many as fit in one commit. Returns how many, and whether it was written; false: conflict.
    async fn climb_some(
        &self,
        rows: &[(Vec<u8>, Climb)],
        now: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let directory = self.shared.directory.load_full();
        let mut unit = Unit::new(self.shared.kv.as_ref());
        let mut count = 0;
        for (row, climb) in rows.iter().take(TOGETHER) {
            if unit.bytes() > MAX_BATCH_BYTES / 2 {
                break;
            }
            count += 1;
            unit.delete(row.clone());
            match climb {
                // A school that is not configured has no ladders; when it is back, the next absence asks them.
                Climb::Ladders(school, pupil) => {
                    if let Some(school) = directory.schools.get(school) {
                        let heard = Heard::own("ladder-look");
                        let (of, depth) = ((directory.as_ref(), school), Depth::Schedule);
                        ladders::climb(&mut unit, of, pupil, depth, &heard, now).await?;
                    }
                }
                Climb::Duty(school, pupil, id) => {
                    duties::tend(&mut unit, &directory, (school, pupil, id), now).await?;
                }
            }
        }
        Ok((count, unit.commit().await? == Commit::Done))
    }
}
