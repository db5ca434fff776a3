//! A load of a source that is held back, until somebody says that it is right: a folder has a file for that, a
//! source that is asked has nothing to put one into.

use super::{Offer, RosterFeed};
use crate::model::{NotificationId, SourceId};
use crate::store::ledger::Unit;
use crate::store::rows::OperatorAct;
use crate::store::{Commit, StoreError, tables};

/// What waits for a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Whose.
    pub source: SourceId,
    /// What it is confirmed with.
    pub digest: String,
    /// How many pupils it has.
    pub pupils: usize,
    /// How many guardians it has.
    pub guardians: usize,
}

impl RosterFeed {
    /// The load of a source that waits for a word; none: none does.
    pub async fn waiting(&self) -> Option<Waiting> {
        self.waiting.lock().await.as_ref().map(|(source, loaded)| Waiting {
            source: source.clone(),
            digest: loaded.digest.clone(),
            pupils: loaded.roster.pupil_count(),
            guardians: loaded.roster.guardians.len(),
        })
    }

    /// Takes the load that waits, where this is its digest; `by` says whose word it is. None: it is another, or
    /// none waits.
    ///
    /// # Errors
    /// When the store fails; the directory in force stays, or is in force without a line of who said so.
    pub async fn confirm(&self, digest: &str, by: &str) -> Result<Option<Offer>, StoreError> {
        let waiting = self.waiting.lock().await.clone();
        let Some((source, loaded)) = waiting.filter(|(_, loaded)| loaded.digest == digest) else {
            return Ok(None);
        };
        let offer = self.take(&source, loaded, Some(digest)).await?;
        if matches!(offer, Offer::Taken { .. }) {
            let now = self.clock.now();
            let line = OperatorAct {
                at: now,
                by: by.to_owned(),
                act: "directory-confirmed".into(),
                scope: "all".into(),
                reason: format!("{source} {digest}"),
                until: None,
            };
            let mut unit = Unit::new(self.kv.as_ref());
            let unique = NotificationId::of(&[&line.act, digest, by]);
            unit.write(tables::operator_act(now, unique.as_str()), &line);
            let _: Commit = unit.commit().await?;
        }
        Ok(Some(offer))
    }
}
