//! Another configuration put in force while the daemon runs: everything that can fail is done first, then all
//! of it changes, the dispatcher's part between two of its turns, the routes' from the next request on. A send
//! or a request that has begun ends with the configuration that it began with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use super::{BuildError, load_templates, probes, refusals, settings, sources};
use crate::config::{Changes, Config, changes};
use crate::delivery::{Handover, Shared, daily, troubles, watch};
use crate::env::Env;
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::model::SourceId;
use crate::operate::reload::Reloads;
use crate::source::pollers::Pollers;
use crate::source::roster::{NotReady, RosterFeed};
use crate::source::webhook::Verifier;
use crate::store::{SledStore, StoreError};
use crate::web::{
    self,
    api::Api,
    callbacks::Callbacks,
    control::{self, Control},
    hooks::{Hooks, SourceGate},
    hooks_rejected::Remembered,
    metrics::Scrape,
    page_shared::StaffPages,
    receipts::Receipts,
    routes::Routes,
};

/// What stays the same under every configuration.
pub(super) struct Whole {
    pub(super) intake: Intake,
    pub(super) feed: Arc<RosterFeed>,
    pub(super) around: sources::Around,
    pub(super) pollers: Arc<Pollers>,
    pub(super) started_at: Timestamp,
    pub(super) reloads: Reloads,
    pub(super) tracker: TaskTracker,
    pub(super) embedded: Arc<OnceLock<Arc<SledStore>>>,
}

/// The configuration in force.
struct Present {
    config: Config,
    shared: Arc<Shared>,
}

/// Puts other configurations in force. Each clone is the same.
#[derive(Clone)]
pub struct Reloader {
    whole: Arc<Whole>,
    handover: Arc<Handover>,
    routes: Arc<Routes>,
    answers: Arc<Routes>,
    started: Arc<Config>,
    present: Arc<Mutex<Present>>,
}

/// Why another configuration is not in force.
#[derive(Debug, thiserror::Error)]
pub enum NotReloaded {
    /// A room refuses it.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Its directory cannot be put in force.
    #[error(transparent)]
    Directory(#[from] NotReady),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to put it in force in.
    #[error("the daemon is ending; it reads its configuration when it starts")]
    Ending,
}

impl NotReloaded {
    /// What is wrong, one each.
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::Build(BuildError::Templates(found)) => {
                found.iter().map(ToString::to_string).collect()
            }
            Self::Build(BuildError::Refused(found)) => {
                found.iter().map(ToString::to_string).collect()
            }
            Self::Directory(NotReady::Problems(found)) => {
                found.iter().map(|line| format!("directory: {line}")).collect()
            }
            other => vec![other.to_string()],
        }
    }
}

impl Reloader {
    /// Builds the routes of the configuration that the daemon starts with.
    pub(super) fn new(
        whole: Whole,
        shared: Arc<Shared>,
        handover: Arc<Handover>,
        config: &Config,
    ) -> Result<Self, BuildError> {
        let (routes, answers) = routes(&whole, &shared, config, config)?;
        Ok(Self {
            whole: Arc::new(whole),
            handover,
            routes: Routes::new(routes),
            answers: Routes::new(answers),
            started: Arc::new(config.clone()),
            present: Arc::new(Mutex::new(Present { config: config.clone(), shared })),
        })
    }

    /// Lets operators look after the store itself, under every configuration.
    pub(super) fn keep(&self, store: Arc<SledStore>) {
        // Said once, before anybody can ask.
        let _ = self.whole.embedded.set(store);
    }

    /// What is served to others.
    pub(super) fn routes(&self) -> &Arc<Routes> {
        &self.routes
    }

    /// What operators are answered.
    pub(super) fn answers(&self) -> &Arc<Routes> {
        &self.answers
    }

    /// Has sources watched from now on, and lists of the day made, as configuration has them.
    pub(super) async fn watch(&self) -> Result<(), StoreError> {
        let shared = self.present.lock().unwrap_or_else(PoisonError::into_inner).shared.clone();
        daily::begin(&shared).await?;
        watch::begin(&shared).await
    }

    /// What it is counted with.
    pub fn metrics(&self) -> Arc<Metrics> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).shared.metrics.clone()
    }

    /// The clock of the daemon.
    pub fn now(&self) -> Timestamp {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).shared.env.clock.now()
    }

    /// Puts a configuration in force, with its doors to the outside; the clock stays. One after the other.
    ///
    /// # Errors
    /// See [`NotReloaded`]; what was in force before goes on.
    pub async fn reload(&self, config: Config, doors: Env) -> Result<Changes, NotReloaded> {
        let present = {
            let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
            present.shared.clone()
        };
        let env = Env { clock: present.env.clock.clone(), ..doors };
        let shared = Arc::new(present.renewed(
            env,
            load_templates(&config)?,
            settings::providers(&config).map_err(BuildError::Refused)?,
            config.mail.as_ref().map(settings::mail_account),
            settings::delivery(&config),
        ));
        let (routes, answers) = routes(&self.whole, &shared, &config, &self.started)?;
        let schools = Arc::new(config.schools.clone());
        let ready = self.whole.feed.ready(settings::directory_settings(&config), schools).await?;
        let stored = troubles(&shared).await?;
        let kept = ready.keep().await?;
        if !self.handover.change(shared.clone(), stored, kept.install()).await {
            return Err(NotReloaded::Ending);
        }
        self.routes.change(routes);
        self.answers.change(answers);
        // Each source is asked afresh: what it said is remembered by rows.
        let pollers = sources::pollers(&config, &self.whole.around, &shared.env);
        self.whole.pollers.change(pollers);
        if let Err(error) = watch::begin(&shared).await {
            tracing::warn!(%error, "sources are not watched before the next start");
        }
        if let Err(error) = daily::begin(&shared).await {
            tracing::warn!(%error, "lists of the day are made at their former times");
        }
        if let Err(error) = kept.installed().await {
            tracing::warn!(%error, "rows of the former directory stay until the next start");
        }
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        let found = changes(&self.started, &present.config, &config);
        *present = Present { config, shared };
        Ok(found)
    }
}

/// The routes of one configuration: for others, and for operators.
fn routes(
    whole: &Whole,
    shared: &Arc<Shared>,
    config: &Config,
    started: &Config,
) -> Result<(axum::Router, axum::Router), BuildError> {
    let (kv, contacts) = (&shared.kv, &whole.around.contacts);
    let hooks = Hooks {
        intake: whole.intake.clone(),
        sources: gates(config, &shared.metrics)?,
        contacts: contacts.clone(),
        metrics: shared.metrics.clone(),
    };
    let scrape = Scrape {
        metrics: shared.metrics.clone(),
        kv: kv.clone(),
        shared: shared.clone(),
        directory: shared.directory.clone(),
        contacts: contacts.clone(),
        sources: sources::described(config).into_keys().collect(),
        looked: Arc::default(),
        tracker: whole.tracker.clone(),
    };
    let receipts = Receipts { shared: shared.clone(), secrets: settings::receipt_secrets(config) };
    let callbacks = Callbacks {
        callers: sources::callers(config, &shared.metrics),
        nudges: whole.around.nudges.clone(),
        metrics: shared.metrics.clone(),
    };
    let api = Api { feed: whole.feed.clone(), token: config.api_token.clone(), kv: kv.clone() };
    let pages = shared.settings.pages.clone();
    let pages = pages.map(|pages| Arc::new(StaffPages::new(shared.clone(), pages)));
    let largest = usize::try_from(config.server.max_body_bytes).unwrap_or(usize::MAX);
    let public = web::router(
        Arc::new(hooks),
        Arc::new(callbacks),
        Arc::new(receipts),
        Arc::new(api),
        Arc::new(scrape),
        pages,
        largest,
    );
    let control = Control {
        running: Some((whole.started_at, contacts.clone())),
        reloads: Some(whole.reloads.clone()),
        // What is kept for how long is as it was at the start.
        remains: settings::remains(started),
        probes: Some(Arc::new(probes(config, &shared.env, BTreeSet::new()))),
        feed: Some(whole.feed.clone()),
        tracker: whole.tracker.clone(),
        embedded: whole.embedded.clone(),
        ..settings::control(config, kv.clone(), shared.env.clock.clone(), shared.directory.clone())
    };
    Ok((public, control::router(Arc::new(control))))
}

fn gates(config: &Config, metrics: &Metrics) -> Result<BTreeMap<SourceId, SourceGate>, BuildError> {
    for school in config.schools.keys() {
        metrics.school(school);
    }
    let mut gates = BTreeMap::new();
    for (id, source) in &config.sources {
        let verifier = Verifier::new(&settings::auth(source))
            .map_err(|error| BuildError::Refused(vec![refusals::secret(id.as_str(), &error)]))?;
        gates.insert(
            id.clone(),
            SourceGate {
                verifier,
                schools: source.schools.clone(),
                rate: source.rate,
                cell: Mutex::new(None),
                remembered: Remembered::default(),
                meter: metrics.source(id),
            },
        );
    }
    Ok(gates)
}
