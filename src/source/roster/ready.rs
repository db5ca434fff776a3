//! The directory under another configuration: read and judged with its settings before anything changes, then
//! stored, and put in force by whoever changes the rest. While it waits no other load is taken.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::MutexGuard;

use super::rows::InForce;
use super::watch::{STILL, later};
use super::{Offer, RosterFeed, apart};
use crate::directory::brake::{self, Change};
use crate::directory::csv::{GUARDIANS_FILE, PUPILS_FILE};
use crate::directory::{Directory, Loaded, School, Settings, load};
use crate::intake::redaction;
use crate::model::SchoolId;
use crate::store::StoreError;

/// How long the folder may take to be looked at, and to be read.
const LONGEST: Duration = Duration::from_mins(1);
/// How often it may have changed within [`STILL`] before it is left.
const TRIES: usize = 10;

/// A folder as it was when it was read, and what it held if that is new, with its digest.
type Still = (load::Fingerprint, Option<(Loaded, String)>);

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
    /// Reads the folder that other settings name, for other schools: once nobody writes there any more.
    ///
    /// # Errors
    /// [`NotReady::Problems`] where a load by itself would be refused, or the folder is not to be had.
    pub async fn ready(
        &self,
        settings: Settings,
        schools: Arc<BTreeMap<SchoolId, School>>,
    ) -> Result<Ready<'_>, NotReady> {
        let known = self.in_force.lock().await.as_ref().and_then(|f| f.files.clone());
        // Others may load meanwhile: a share that hangs must not keep them waiting.
        let read = match &settings.folder {
            None => None,
            Some(folder) => Some(self.read_still(folder, &settings, &schools, known).await?),
        };
        let confirm = settings.folder.as_deref().and_then(load::confirmation);
        let in_force = self.in_force.lock().await;
        let (read, loaded) = read.map_or((None, None), |(seen, loaded)| (Some(seen), loaded));
        let mut ready = Ready { feed: self, in_force, settings, schools, read, loaded: None };
        let Some((loaded, files)) = loaded else { return Ok(ready) };
        if ready.in_force.as_ref().is_some_and(|f| f.digest == loaded.digest) {
            return Ok(ready);
        }
        let old = self.directory.load().roster.clone();
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

    /// Reads a folder when it has been still, as the watch does; nothing where it is the one in force.
    async fn read_still(
        &self,
        folder: &Path,
        settings: &Settings,
        schools: &Arc<BTreeMap<SchoolId, School>>,
        known: Option<String>,
    ) -> Result<Still, NotReady> {
        let problem = |words: &str| NotReady::Problems(vec![words.to_owned()]);
        let look = || {
            let folder = folder.to_owned();
            let looked = tokio::task::spawn_blocking(move || load::fingerprint(&folder));
            async move { tokio::time::timeout(LONGEST, looked).await.ok()?.ok() }
        };
        let gone = || problem("the folder does not answer; is it on a share that is away?");
        let mut seen = look().await.ok_or_else(gone)?;
        let mut tries = 0;
        while !self.is_read(&seen) {
            self.clock.sleep_until(later(self.clock.now(), STILL)).await;
            let again = look().await.ok_or_else(gone)?;
            if again == seen {
                break;
            }
            seen = again;
            tries += 1;
            if tries == TRIES {
                return Err(problem(
                    "somebody is writing into the folder; reload again when it is still",
                ));
            }
        }
        let (path, rules, now) = (folder.to_owned(), settings.phone.clone(), self.clock.now());
        let schools = schools.keys().cloned().collect();
        let reading = apart(move || {
            let files = load::Gathered::from_folder(&path)?;
            let digest = files.digest(&schools, &rules);
            if known.as_ref() == Some(&digest) {
                return Ok(None);
            }
            Ok(Some((files.load(&schools, &rules, now)?, digest)))
        });
        let loaded = match tokio::time::timeout(LONGEST, reading).await {
            Ok(Ok(loaded)) => loaded,
            // Before the first export, a restart takes the configuration too.
            Ok(Err(Offer::Unusable { .. })) if self.is_empty() && is_bare(folder) => None,
            Ok(Err(Offer::Unusable { problems })) => return Err(NotReady::Problems(problems)),
            Ok(Err(_)) => return Err(problem("it cannot be read")),
            Err(_) => return Err(gone()),
        };
        if look().await.ok_or_else(gone)? != seen {
            return Err(problem(
                "somebody wrote into the folder meanwhile; reload again when it is still",
            ));
        }
        Ok((seen, loaded))
    }
}

/// Whether nothing has come yet.
fn is_bare(folder: &Path) -> bool {
    [PUPILS_FILE, GUARDIANS_FILE].iter().all(|file| !folder.join(file).exists())
}

impl<'a> Ready<'a> {
    /// Writes its rows. Where the process ends after it, the next one finds it in force.
    ///
    /// # Errors
    /// When the store fails; what was in force stays.
    pub async fn keep(self) -> Result<Kept<'a>, StoreError> {
        let Self { feed, in_force, settings, schools, read, loaded } = self;
        // A row that means nothing under the schools in force must not come to life under the next.
        let now = feed.directory.load().schools.clone();
        feed.forget_withdrawn(&now).await?;
        if feed.has_withdrawn(&now).await? {
            let why = "that a school had gone live cannot be removed now; try again";
            return Err(StoreError::Busy(why.into()));
        }
        // Before anything is written that names another directory.
        let raised = feed.raised(&schools).await?;
        let (stored, roster) = match loaded {
            None => (None, feed.directory.load().roster.clone()),
            Some((loaded, files, change)) => {
                let (old, now) = (feed.directory.load().roster.clone(), feed.clock.now());
                redaction::of_newly_protected(feed.kv.as_ref(), &old, &loaded.roster, now).await?;
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
        self.feed.remember(&Offer::Unchanged);
        let (mut changed, mut former) = (None, None);
        if let Some((stored, change)) = self.stored {
            self.feed.metrics.directory_offered("taken", self.feed.clock.now());
            former = self.in_force.replace(stored);
            changed = Some(change);
        }
        self.feed.forget_withdrawn(&self.directory.schools).await?;
        if let Some(former) = former {
            self.feed.remove(former.generation).await?;
        }
        Ok(changed)
    }
}
