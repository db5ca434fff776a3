//! The directory under another configuration: read and judged with its settings before anything changes, then
//! stored, and put in force by whoever changes the rest. While it waits no other load is taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::rows::InForce;
use super::{Offer, RosterFeed, apart};
use crate::directory::brake::{self, Change};
use crate::directory::{Directory, Loaded, School, Settings, load};
use crate::model::SchoolId;
use crate::store::StoreError;

/// Why another configuration's directory cannot be put in force.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotReady {
    /// It cannot be used, or looks wrong: one line each.
    #[error("{}", .0.join("\n"))]
    Problems(Vec<String>),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Read and judged, and nowhere in force.
pub struct Ready<'a> {
    feed: &'a RosterFeed,
    in_force: MutexGuard<'a, Option<InForce>>,
    settings: Settings,
    schools: Arc<BTreeMap<SchoolId, School>>,
    read: Option<load::Fingerprint>,
    loaded: Option<(Loaded, String, Change)>,
}

/// Stored, and nowhere in force.
pub struct Kept<'a> {
    feed: &'a RosterFeed,
    in_force: MutexGuard<'a, Option<InForce>>,
    settings: Settings,
    read: Option<load::Fingerprint>,
    stored: Option<(InForce, Change)>,
    directory: Arc<Directory>,
}

impl RosterFeed {
    /// Reads the folder that other settings name, for other schools.
    ///
    /// # Errors
    /// [`NotReady::Problems`] where a load by itself would be refused.
    pub async fn ready(
        &self,
        settings: Settings,
        schools: Arc<BTreeMap<SchoolId, School>>,
    ) -> Result<Ready<'_>, NotReady> {
        let in_force = self.in_force.lock().await;
        let mut ready = Ready { feed: self, in_force, settings, schools, read: None, loaded: None };
        let Some(folder) = &ready.settings.folder else { return Ok(ready) };
        ready.read = Some(load::fingerprint(folder));
        let known = ready.in_force.as_ref().and_then(|f| f.files.clone());
        let (path, rules) = (folder.clone(), ready.settings.phone.clone());
        let (schools, now) = (ready.schools.keys().cloned().collect(), self.clock.now());
        let reading = move || {
            let files = load::Gathered::from_folder(&path)?;
            let digest = files.digest(&schools, &rules);
            if known.as_ref() == Some(&digest) {
                return Ok(None);
            }
            Ok(Some((files.load(&schools, &rules, now)?, digest)))
        };
        let (loaded, files) = match apart(reading).await {
            Ok(None) => return Ok(ready),
            Ok(Some(read)) => read,
            Err(Offer::Unusable { problems }) => return Err(NotReady::Problems(problems)),
            Err(_) => return Err(NotReady::Problems(vec!["the directory cannot be read".into()])),
        };
        if ready.in_force.as_ref().is_some_and(|f| f.digest == loaded.digest) {
            return Ok(ready);
        }
        let old = self.directory.load().roster.clone();
        let confirm = load::confirmation(folder);
        match brake::judge(&old, &loaded, &ready.settings.brake, confirm.as_deref()) {
            Ok(change) => ready.loaded = Some((loaded, files, change)),
            Err(refusal) => {
                let mut problems = refusal.causes;
                problems.push(format!(
                    "if the directory is right, write {} into {} in its folder, and reload again",
                    refusal.digest,
                    load::CONFIRM_FILE
                ));
                return Err(NotReady::Problems(problems));
            }
        }
        Ok(ready)
    }
}

impl<'a> Ready<'a> {
    /// Writes its rows. Where the process ends after it, the next one finds it in force.
    ///
    /// # Errors
    /// When the store fails; what was in force stays.
    pub async fn keep(self) -> Result<Kept<'a>, StoreError> {
        let Self { feed, in_force, settings, schools, read, loaded } = self;
        // Before anything is written that names another directory.
        let raised = feed.raised(&schools).await?;
        let (stored, roster) = match loaded {
            None => (None, feed.directory.load().roster.clone()),
            Some((loaded, files, change)) => {
                let row = feed.store_next(in_force.as_ref(), &loaded, Some(files)).await?;
                (Some((row, change)), Arc::new(loaded.roster))
            }
        };
        let directory = Arc::new(Directory { schools: raised, roster });
        Ok(Kept { feed, in_force, settings, read, stored, directory })
    }
}

impl Kept<'_> {
    /// What puts it in force.
    pub fn install(&self) -> impl FnOnce() + Send + 'static {
        let (cell, directory) = (self.feed.directory.clone(), self.directory.clone());
        move || cell.store(directory)
    }

    /// It is in force: settings are, too, and the former load's rows go. What the load changed, if there was
    /// one.
    ///
    /// # Errors
    /// When the store fails; the former rows are then removed at the next start.
    pub async fn installed(mut self) -> Result<Option<Change>, StoreError> {
        if let Some(read) = self.read {
            self.feed.set_read(read);
        }
        self.feed.settings.store(Arc::new(self.settings));
        self.feed.resettled.notify_one();
        let mut changed = None;
        if let Some((stored, change)) = self.stored {
            self.feed.metrics.directory_offered("taken", self.feed.clock.now());
            let former = self.in_force.replace(stored);
            changed = Some(change);
            if let Some(former) = former {
                self.feed.remove(former.generation).await?;
            }
        }
        self.feed.forget_withdrawn(&self.directory.schools).await?;
        Ok(changed)
    }
}
