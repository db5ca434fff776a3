//! Where the directory comes from: a watched folder or `PUT /api/directory`. A load is taken whole
//! or not at all, passes the brake, is written to the store, and only then put in force.

mod held;
mod modes;
mod ready;
mod rows;
mod watch;

use std::sync::{Arc, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::{Mutex, Notify};
use tokio_util::task::TaskTracker;

use crate::directory::brake::{self, Change};
use crate::directory::{Directory, Roster, Settings, json, load, snapshot};
use crate::directory::{LoadError, Loaded};
use crate::env::Clock;
use crate::intake::redaction;
use crate::metrics::Metrics;
use crate::model::{SchoolId, SourceId};
use crate::store::ledger;
use crate::store::{Kv, StoreError, Wake, after_prefix, tables};
use rows::{InForce, generation_prefix, pointer};

pub use modes::gone_live;
pub use ready::{Kept, NotReady, Ready};

/// Problems of a load that are kept for whoever asks.
const SHOWN: usize = 5;
/// Rows removed in one commit.
const PAGE: usize = 500;

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
    /// Not by this way: a folder or a source is configured.
    FromElsewhere,
}

/// The feed of the directory.
pub struct RosterFeed {
    kv: Arc<dyn Kv>,
    clock: Arc<dyn Clock>,
    directory: Arc<ArcSwap<Directory>>,
    /// Changed only by whoever holds `in_force`.
    settings: ArcSwap<Settings>,
    /// Told when they are others.
    resettled: Notify,
    wake: Arc<Wake>,
    tracker: TaskTracker,
    metrics: Arc<Metrics>,
    in_force: Mutex<Option<InForce>>,
    /// Why the load that came last is not in force.
    held_back: std::sync::Mutex<Vec<String>>,
    /// A load of a source that is held back, until another is in force.
    waiting: Mutex<Option<(SourceId, Loaded)>>,
    /// The folder as it stood just before it was last read.
    read: std::sync::Mutex<Option<load::Fingerprint>>,
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
        let (settings, resettled) = (ArcSwap::from_pointee(settings), Notify::new());
        Self {
            kv,
            clock,
            directory,
            settings,
            resettled,
            wake,
            tracker,
            metrics,
            in_force,
            held_back: std::sync::Mutex::default(),
            waiting: Mutex::default(),
            read,
        }
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
        let feed = self.clone();
        let task = self.tracker.spawn(async move {
            loop {
                let settings = feed.settings.load_full();
                if settings.folder.is_some() || settings.source.is_some() {
                    return Ok(Offer::FromElsewhere);
                }
                let (now, body) = (feed.clock.now(), body.clone());
                let (schools, rules) = (feed.schools(), settings.phone.clone());
                let loaded =
                    match apart(move || json::load_json(&body, &schools, &rules, now)).await {
                        Ok(loaded) => loaded,
                        Err(offer) => return Ok(offer),
                    };
                let mut loaded = Some(loaded);
                let confirm = confirm.as_deref();
                if let Some(offer) = feed.offer(&settings, &mut loaded, None, confirm).await? {
                    return Ok(offer);
                }
            }
        });
        let panicked = |_| Err(StoreError::Failed("a directory load panicked".into()));
        let offer = task.await.unwrap_or_else(panicked);
        self.count(&offer);
        if let Ok(offer) = &offer {
            self.remember(offer);
        }
        offer
    }

    /// Takes a directory that was read from a source, where configuration says that it comes from there.
    ///
    /// # Errors
    /// When the store fails; the directory in force stays.
    pub async fn take(
        &self,
        source: &SourceId,
        loaded: Loaded,
        confirm: Option<&str>,
    ) -> Result<Offer, StoreError> {
        let mut loaded = Some(loaded);
        let offer = loop {
            let settings = self.settings.load_full();
            if settings.source.as_ref() != Some(source) {
                return Ok(Offer::FromElsewhere);
            }
            match self.offer(&settings, &mut loaded, None, confirm).await {
                Ok(None) => {}
                Ok(Some(offer)) => break Ok(offer),
                Err(error) => break Err(error),
            }
        };
        self.count(&offer);
        if let Ok(offer) = &offer {
            self.remember(offer);
            let held = matches!(offer, Offer::Refused { .. });
            *self.waiting.lock().await = loaded.filter(|_| held).map(|l| (source.clone(), l));
        }
        offer
    }

    fn count(&self, offer: &Result<Offer, StoreError>) {
        let outcome = match offer {
            Ok(Offer::Taken { .. }) => "taken",
            Ok(Offer::Unchanged) => "unchanged",
            Ok(Offer::Refused { .. }) => "refused",
            Ok(Offer::Unusable { .. }) => "unusable",
            Ok(Offer::FromElsewhere) => return,
            Err(_) => "failed",
        };
        self.metrics.directory_offered(outcome, self.clock.now());
    }

    /// Keeps why the last load is not in force, for whoever asks how it is.
    fn remember(&self, offer: &Offer) {
        let why = match offer {
            Offer::Taken { .. } | Offer::Unchanged => Vec::new(),
            Offer::Refused { causes, digest } => {
                let confirm = format!("if it is right, confirm it with {digest}");
                causes.iter().cloned().chain([confirm]).collect()
            }
            Offer::Unusable { problems } => {
                let more = problems.len().saturating_sub(SHOWN);
                let more = (more > 0).then(|| format!("and {more} more"));
                problems.iter().take(SHOWN).cloned().chain(more).collect()
            }
            Offer::FromElsewhere => return,
        };
        *self.held_back.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Why the load that came last is not in force, one line each; nothing: it is.
    pub fn held_back(&self) -> Vec<String> {
        self.held_back.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        loop {
            let settings = self.settings.load_full();
            if let Some(offer) = self.read_folder_of(&settings).await? {
                self.remember(&offer);
                return Ok(offer);
            }
        }
    }

    /// None: settings became others meanwhile.
    async fn read_folder_of(&self, settings: &Arc<Settings>) -> Result<Option<Offer>, StoreError> {
        let Some(folder) = &settings.folder else { return Ok(Some(Offer::Unchanged)) };
        let now = self.clock.now();
        // Taken first: what changes during the reading is read again.
        self.set_read(load::fingerprint(folder));
        let (path, schools, rules) = (folder.clone(), self.schools(), settings.phone.clone());
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
            Ok(None) => Ok(Some(Offer::Unchanged)),
            Ok(Some((loaded, files))) => {
                let confirm = load::confirmation(folder);
                let mut loaded = Some(loaded);
                let confirm = confirm.as_deref();
                let offer = self.offer(settings, &mut loaded, Some(files), confirm).await;
                if offer.is_err() {
                    *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                offer
            }
            Err(offer) => {
                if load::is_unreadable(folder) {
                    *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                Ok(Some(offer))
            }
        }
    }

    fn set_read(&self, fingerprint: load::Fingerprint) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
    }

    fn is_read(&self, fingerprint: &load::Fingerprint) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(fingerprint)
    }

    /// Judges a load that was read under these settings, stores it and puts it in force. None: they are no
    /// longer those in force. What is put in force is taken out of `load`, what is not stays there.
    async fn offer(
        &self,
        settings: &Arc<Settings>,
        load: &mut Option<Loaded>,
        files: Option<String>,
        confirm: Option<&str>,
    ) -> Result<Option<Offer>, StoreError> {
        let mut in_force = self.in_force.lock().await;
        if !Arc::ptr_eq(settings, &self.settings.load()) {
            return Ok(None);
        }
        let Some(loaded) = load.as_ref() else { return Ok(None) };
        let old = self.directory.load().roster.clone();
        if in_force.as_ref().is_some_and(|f| f.digest == loaded.digest) {
            return Ok(Some(Offer::Unchanged));
        }
        let change = match brake::judge(&old, loaded, &settings.brake, confirm) {
            Ok(change) => change,
            Err(refusal) => {
                let (causes, digest) = (refusal.causes, refusal.digest);
                return Ok(Some(Offer::Refused { causes, digest }));
            }
        };
        // Before it is in force: a crash in between must not leave it undone.
        let now = self.clock.now();
        redaction::of_newly_protected(self.kv.as_ref(), &old, &loaded.roster, now).await?;
        let stored = self.store_next(in_force.as_ref(), loaded, files).await?;
        let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
        let former = in_force.replace(stored);
        self.put_in_force(load.take().map(|loaded| loaded.roster).unwrap_or_default());
        if let Some(former) = former {
            self.remove(former.generation).await?;
        }
        Ok(Some(Offer::Taken { change, warnings }))
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
        Offer::Unchanged | Offer::FromElsewhere => {}
        Offer::Refused { causes, digest } => tracing::error!(
            causes = causes.join("; "),
            digest,
            "directory load refused, the former one stays; if the load is right, write the digest into confirm.txt in its folder, or, where it comes from a source: upprop directory confirm DIGEST"
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
