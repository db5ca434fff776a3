//! Where the directory comes from: a watched folder or `PUT /api/directory`. A load is taken whole
//! or not at all, passes the brake, is written to the store, and only then put in force.

use std::sync::{Arc, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::directory::brake::{self, Change};
use crate::directory::{Directory, Roster, Settings, json, load, snapshot};
use crate::directory::{LoadError, Loaded};
use crate::env::Clock;
use crate::metrics::Metrics;
use crate::model::SchoolId;
use crate::store::ledger::{self, Unit};
use crate::store::{Batch, Commit, Kv, MAX_BATCH_BYTES, StoreError, Wake, after_prefix, tables};

/// Rows removed in one commit.
const PAGE: usize = 500;
/// How long a changed folder must be still before it is read: a copy under way is not a load.
const STILL: SignedDuration = SignedDuration::from_secs(2);

/// What became of a load.
#[derive(Debug, Clone)]
pub enum Offer {
    /// In force and durable.
    Taken {
        /// What it changed.
        change: Change,
        /// What is odd in it but not fatal, one line each.
        warnings: Vec<String>,
    },
    /// The same as what is in force.
    Unchanged,
    /// Held back until confirmed.
    Refused {
        /// Why, one line each.
        causes: Vec<String>,
        /// What to confirm it with.
        digest: String,
    },
    /// Cannot be used.
    Unusable {
        /// Why, one line each.
        problems: Vec<String>,
    },
    /// Not by this way: a folder is configured.
    FromFolder,
}

/// Which load is in force; stored beside its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct InForce {
    generation: u64,
    digest: String,
    rows: usize,
    loaded_at: Timestamp,
    /// Of the files it came from: `load::Gathered::digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<String>,
}

/// The feed of the directory.
pub struct RosterFeed {
    kv: Arc<dyn Kv>,
    clock: Arc<dyn Clock>,
    directory: Arc<ArcSwap<Directory>>,
    settings: Settings,
    wake: Arc<Wake>,
    tracker: TaskTracker,
    metrics: Arc<Metrics>,
    in_force: Mutex<Option<InForce>>,
    /// The folder as it stood just before it was last read.
    read: std::sync::Mutex<Option<load::Fingerprint>>,
}

fn pointer() -> Vec<u8> {
    [tables::DIRECTORY, b"current"].concat()
}

fn generation_prefix(generation: u64) -> Vec<u8> {
    [tables::DIRECTORY, b"g", &generation.to_be_bytes()].concat()
}

impl RosterFeed {
    /// Builds it; nothing is loaded yet.
    pub fn new(
        kv: Arc<dyn Kv>,
        clock: Arc<dyn Clock>,
        directory: Arc<ArcSwap<Directory>>,
        settings: Settings,
        wake: Arc<Wake>,
        tracker: TaskTracker,
        metrics: Arc<Metrics>,
    ) -> Self {
        let in_force = Mutex::new(None);
        let read = std::sync::Mutex::new(None);
        Self { kv, clock, directory, settings, wake, tracker, metrics, in_force, read }
    }

    /// Puts in force what was in force before the restart; how many pupils. What is incomplete or
    /// damaged is left aside: without a directory nothing is sent until it is loaded again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn restore(&self) -> Result<usize, StoreError> {
        let mut in_force = self.in_force.lock().await;
        let stored = match ledger::read::<InForce>(self.kv.as_ref(), &pointer()).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(0),
            Err(StoreError::Damaged(why)) => {
                tracing::error!(why, "the stored directory cannot be found; load it again");
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        let prefix = generation_prefix(stored.generation);
        let end = after_prefix(&prefix);
        let mut from = prefix.clone();
        let (mut roster, mut count) = (Roster::default(), 0);
        loop {
            let page = self.kv.scan(&from, &end, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in page {
                let suffix = String::from_utf8_lossy(&key[prefix.len()..]);
                if let Err(error) = snapshot::put_row(&mut roster, &suffix, &value) {
                    tracing::error!(%error, "the stored directory is damaged and left aside; load it again");
                    return Ok(0);
                }
                count += 1;
            }
        }
        if count != stored.rows {
            tracing::warn!("the stored directory is incomplete and is left aside; load it again");
            return Ok(0);
        }
        let mut roster = roster.compact();
        roster.loaded_at = Some(stored.loaded_at);
        // A stop between taking a directory and letting the former go leaves people's data behind.
        let all = [tables::DIRECTORY, b"g"].concat();
        for (from, to) in [(&all, &prefix), (&end, &after_prefix(&all))] {
            match self.remove_range(from, to).await {
                // Not starting on a full disk would leave nobody to answer senders.
                Err(StoreError::Busy(why)) => tracing::warn!(why, "former directory rows stay"),
                other => other?,
            }
        }
        let pupils = roster.pupil_count();
        self.put_in_force(roster);
        *in_force = Some(stored);
        Ok(pupils)
    }

    fn put_in_force(&self, roster: Roster) {
        let schools = self.directory.load().schools.clone();
        self.directory.store(Arc::new(Directory { schools, roster: Arc::new(roster) }));
        self.wake.now();
    }

    fn schools(&self) -> std::collections::BTreeSet<SchoolId> {
        self.directory.load().schools.keys().cloned().collect()
    }

    /// Takes the body of `PUT /api/directory`, in a task of its own: a request that is cut off must not
    /// leave another directory in the store than in force.
    ///
    /// # Errors
    /// When the store fails; the directory in force stays.
    pub async fn put(
        self: &Arc<Self>,
        body: Bytes,
        confirm: Option<String>,
    ) -> Result<Offer, StoreError> {
        if self.settings.folder.is_some() {
            return Ok(Offer::FromFolder);
        }
        let feed = self.clone();
        let task = self.tracker.spawn(async move {
            let now = feed.clock.now();
            let (schools, rules) = (feed.schools(), feed.settings.phone.clone());
            match apart(move || json::load_json(&body, &schools, &rules, now)).await {
                Ok(loaded) => feed.offer(loaded, None, confirm.as_deref()).await,
                Err(offer) => Ok(offer),
            }
        });
        let panicked = |_| Err(StoreError::Failed("a directory load panicked".into()));
        let offer = task.await.unwrap_or_else(panicked);
        self.count(&offer);
        offer
    }

    fn count(&self, offer: &Result<Offer, StoreError>) {
        let outcome = match offer {
            Ok(Offer::Taken { .. }) => "taken",
            Ok(Offer::Unchanged) => "unchanged",
            Ok(Offer::Refused { .. }) => "refused",
            Ok(Offer::Unusable { .. }) => "unusable",
            Ok(Offer::FromFolder) => return,
            Err(_) => "failed",
        };
        self.metrics.directory_offered(outcome, self.clock.now());
    }

    /// Whether no directory is in force.
    pub fn is_empty(&self) -> bool {
        self.directory.load().roster.pupil_count() == 0
    }

    /// Reads the configured folder once.
    ///
    /// # Errors
    /// When the store fails; the directory in force stays.
    pub async fn read_folder(&self) -> Result<Offer, StoreError> {
        let Some(folder) = &self.settings.folder else { return Ok(Offer::Unchanged) };
        let now = self.clock.now();
        // Taken first: what changes during the reading is read again.
        self.set_read(load::fingerprint(folder));
        let (path, schools, rules) = (folder.clone(), self.schools(), self.settings.phone.clone());
        let in_force = self.in_force.lock().await.as_ref().and_then(|f| f.files.clone());
        let reading = move || {
            let files = load::Gathered::from_folder(&path)?;
            let digest = files.digest(&schools, &rules);
            if in_force.as_ref() == Some(&digest) {
                return Ok(None);
            }
            Ok(Some((files.load(&schools, &rules, now)?, digest)))
        };
        match apart(reading).await {
            Ok(None) => Ok(Offer::Unchanged),
            Ok(Some((loaded, files))) => {
                let confirm = load::confirmation(folder);
                let offer = self.offer(loaded, Some(files), confirm.as_deref()).await;
                if offer.is_err() {
                    *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                offer
            }
            Err(offer) => {
                if load::is_unreadable(folder) {
                    *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                Ok(offer)
            }
        }
    }

    fn set_read(&self, fingerprint: load::Fingerprint) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
    }

    fn is_read(&self, fingerprint: &load::Fingerprint) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(fingerprint)
    }

    /// Judges a load, stores it and puts it in force.
    async fn offer(
        &self,
        loaded: Loaded,
        files: Option<String>,
        confirm: Option<&str>,
    ) -> Result<Offer, StoreError> {
        let mut in_force = self.in_force.lock().await;
        let old = self.directory.load().roster.clone();
        if in_force.as_ref().is_some_and(|f| f.digest == loaded.digest) {
            return Ok(Offer::Unchanged);
        }
        let change = match brake::judge(&old, &loaded, &self.settings.brake, confirm) {
            Ok(change) => change,
            Err(refusal) => {
                return Ok(Offer::Refused { causes: refusal.causes, digest: refusal.digest });
            }
        };
        // Of the store too, which may name one that was left aside at the start.
        let stored = ledger::read::<InForce>(self.kv.as_ref(), &pointer()).await.ok().flatten();
        let generation =
            in_force.iter().chain(&stored).map(|f| f.generation).max().map_or(1, |g| g + 1);
        let stored = self.store(generation, &loaded, files).await?;
        let former = in_force.replace(stored);
        self.put_in_force(loaded.roster);
        if let Some(former) = former {
            self.remove(former.generation).await?;
        }
        let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
        Ok(Offer::Taken { change, warnings })
    }

    async fn store(
        &self,
        generation: u64,
        loaded: &Loaded,
        files: Option<String>,
    ) -> Result<InForce, StoreError> {
        self.remove(generation).await?;
        let prefix = generation_prefix(generation);
        let mut count = 0;
        let mut batch = Batch::default();
        for (suffix, value) in snapshot::to_rows(&loaded.roster) {
            count += 1;
            batch.put([prefix.as_slice(), suffix.as_bytes()].concat(), value);
            if batch.bytes() > MAX_BATCH_BYTES / 2 {
                self.write(std::mem::take(&mut batch)).await?;
            }
        }
        self.write(batch).await?;
        let stored = InForce {
            generation,
            digest: loaded.digest.clone(),
            rows: count,
            loaded_at: self.clock.now(),
            files,
        };
        let mut unit = Unit::new(self.kv.as_ref());
        unit.write(pointer(), &stored);
        let _: Commit = unit.commit().await?;
        Ok(stored)
    }

    async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let _: Commit = self.kv.commit(batch).await?;
        Ok(())
    }

    async fn remove(&self, generation: u64) -> Result<(), StoreError> {
        let prefix = generation_prefix(generation);
        self.remove_range(&prefix, &after_prefix(&prefix)).await
    }

    async fn remove_range(&self, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        loop {
            let page = self.kv.scan(from, to, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::default();
            for (key, _) in page {
                batch.delete(key);
            }
            self.write(batch).await?;
        }
    }

    /// Watches the folder until `stop`: by notice where the file system gives it, and by looking.
    ///
    /// # Errors
    /// When the store fails for good.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) -> Result<(), StoreError> {
        let Some(folder) = self.settings.folder.clone() else {
            stop.cancelled().await;
            return Ok(());
        };
        let changed = Arc::new(Notify::new());
        let _watcher = watcher(&folder, changed.clone());
        loop {
            let until = later(self.clock.now(), self.settings.poll);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = changed.notified() => {}
                () = self.clock.sleep_until(until) => {}
            }
            let mut seen = load::fingerprint(&folder);
            if self.is_read(&seen) {
                continue;
            }
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = self.clock.sleep_until(later(self.clock.now(), STILL)) => {}
                }
                let again = load::fingerprint(&folder);
                if again == seen {
                    break;
                }
                seen = again;
            }
            let offer = self.read_folder().await;
            self.count(&offer);
            match offer {
                Ok(offer) => report(&offer),
                Err(StoreError::Busy(why)) => tracing::warn!(why, "directory load put off"),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Reading a large directory takes seconds: not on a thread that others wait for.
async fn apart<T: Send + 'static>(
    reading: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, Offer> {
    match tokio::task::spawn_blocking(reading).await {
        Ok(Ok(loaded)) => Ok(loaded),
        Ok(Err(error)) => Err(Offer::Unusable {
            problems: error.problems.iter().map(ToString::to_string).collect(),
        }),
        Err(_) => Err(Offer::Unusable {
            problems: vec!["it could not be read: a defect in upprop; please report it".into()],
        }),
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// inotify sees nothing on network shares written elsewhere; the poll does, so a failure here only
/// costs time.
fn watcher(folder: &std::path::Path, changed: Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    use notify::Watcher as _;
    let tell = move |_: notify::Result<notify::Event>| changed.notify_one();
    let mut watcher = notify::recommended_watcher(tell)
        .inspect_err(|error| tracing::warn!(%error, "the folder is looked at by polling only"))
        .ok()?;
    watcher
        .watch(folder, notify::RecursiveMode::NonRecursive)
        .inspect_err(|error| tracing::warn!(%error, "the folder is looked at by polling only"))
        .ok()?;
    Some(watcher)
}

/// Logs what became of a load; counts and places only.
pub fn report(offer: &Offer) {
    match offer {
        Offer::Taken { change, warnings } => {
            tracing::info!(
                pupils = change.pupils,
                guardians = change.guardians,
                added = change.added,
                removed = change.removed,
                changed = change.changed,
                warnings = warnings.len(),
                "directory in force"
            );
            for warning in warnings.iter().take(20) {
                tracing::warn!(warning, "directory");
            }
        }
        Offer::Unchanged | Offer::FromFolder => {}
        Offer::Refused { causes, digest } => tracing::error!(
            causes = causes.join("; "),
            digest,
            "directory load refused, the former one stays; if the load is right, write the digest into confirm.txt in its folder"
        ),
        Offer::Unusable { problems } => {
            tracing::error!(
                problems = problems.len(),
                "directory load cannot be used, the former one stays"
            );
            for problem in problems.iter().take(20) {
                tracing::error!(problem, "directory");
            }
        }
    }
}
