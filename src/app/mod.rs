//! Wiring: the rooms put together from configuration and the doors to the outside. Knows every
//! room and decides nothing.

mod gateway;
mod housekeeping;
mod refusals;
mod self_test;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::delivery::{Dispatcher, Shared};
use crate::directory::Directory;
use crate::env::Env;
use crate::intake::{Intake, LastHeard};
use crate::lifecycle::{Fault, Lifecycle};
use crate::message::{TemplateProblem, Templates};
use crate::source::roster::{self, RosterFeed};
use crate::source::webhook::Verifier;
use crate::store::{Kv, SledStore, StoreError, Wake, Watched};
use crate::web::{
    self,
    api::Api,
    control::{Control, Socket, serve as serve_control},
    hooks::{Hooks, SourceGate},
    hooks_rejected::Remembered,
    receipts::Receipts,
};

pub use gateway::{GatewayFault, GatewayProblem, gateway};
pub use refusals::{Refusal, refusals};
pub use self_test::probes;
pub use settings::{
    control, directory_settings, mail_transport, providers, store_settings, wire_settings,
};

/// Why the daemon cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Templates cannot be used.
    #[error("templates cannot be used:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Templates(Vec<TemplateProblem>),
    /// Settings that their rooms refuse: all that [`refusals`] finds.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
}

/// The daemon, put together and not yet running.
pub struct App {
    lifecycle: Lifecycle,
    feed: Arc<RosterFeed>,
    dispatcher: Dispatcher,
    router: axum::Router,
    server: web::server::ServerSettings,
    broken: mpsc::UnboundedReceiver<StoreError>,
    kv: Arc<dyn Kv>,
    env: Env,
    journal_keep: jiff::SignedDuration,
    control: Arc<Control>,
}

impl App {
    /// Puts the rooms together. Touches nothing outside but the template folder.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(
        config: &Config,
        env: Env,
        kv: Arc<dyn Kv>,
        lifecycle: Lifecycle,
    ) -> Result<Self, BuildError> {
        let templates =
            Templates::load(config.templates.as_deref()).map_err(BuildError::Templates)?;
        Self::with_templates(config, Arc::new(templates), env, kv, lifecycle)
    }

    /// Puts the rooms together around texts that are loaded already: for whoever starts it often.
    /// Touches nothing outside.
    ///
    /// # Errors
    /// [`BuildError::Refused`].
    pub fn with_templates(
        config: &Config,
        templates: Arc<Templates>,
        env: Env,
        kv: Arc<dyn Kv>,
        lifecycle: Lifecycle,
    ) -> Result<Self, BuildError> {
        let directory = Arc::new(ArcSwap::from_pointee(Directory {
            schools: Arc::new(config.schools.clone()),
            roster: Arc::default(),
        }));
        let wake = Arc::new(Wake::default());
        let kv: Arc<dyn Kv> = Arc::new(Watched::new(kv, wake.clone()));
        let shared = Arc::new(Shared::new(
            kv.clone(),
            env.clone(),
            directory.clone(),
            Arc::new(ArcSwap::new(templates)),
            settings::providers(config).map_err(BuildError::Refused)?,
            config.mail.as_ref().map(settings::mail_account),
            settings::delivery(config),
            wake.clone(),
        ));
        let (faults, broken) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher::new(shared.clone(), lifecycle.tracker().clone(), faults);
        let feed = Arc::new(RosterFeed::new(
            kv.clone(),
            env.clock.clone(),
            directory.clone(),
            settings::directory_settings(config),
            wake.clone(),
            lifecycle.tracker().clone(),
        ));
        let heard = LastHeard::default();
        let control = Arc::new(Control {
            running: Some((env.clock.now(), heard.clone())),
            probes: Some(Arc::new(probes(config, &env, BTreeSet::new()))),
            tracker: lifecycle.tracker().clone(),
            ..control(config, kv.clone(), env.clock.clone(), directory.clone())
        });
        let intake =
            Intake::new(kv.clone(), env.clock.clone(), directory, lifecycle.tracker().clone());
        let router = web::router(
            Arc::new(Hooks { intake, sources: sources(config)?, heard: heard.clone() }),
            Arc::new(Receipts { shared, secrets: settings::receipt_secrets(config) }),
            Arc::new(Api { feed: feed.clone(), token: config.api_token.clone(), kv: kv.clone() }),
            usize::try_from(config.server.max_body_bytes).unwrap_or(usize::MAX),
        );
        Ok(Self {
            lifecycle,
            feed,
            dispatcher,
            router,
            server: settings::server(config),
            broken,
            kv,
            env,
            journal_keep: config.store.journal_keep,
            control,
        })
    }

    /// Makes ready: the directory in force, attempts left open by a former process in doubt.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        let restored = self.feed.restore().await?;
        match self.feed.read_folder().await {
            Ok(offer) => roster::report(&offer),
            // The watch reads it again; until then the directory of before the restart is in force.
            Err(StoreError::Busy(why)) => tracing::warn!(why, "directory load put off"),
            Err(error) => return Err(error),
        }
        let in_doubt = self.dispatcher.recover().await?;
        tracing::info!(restored_pupils = restored, in_doubt, "ready to run");
        Ok(())
    }

    /// Its routes: what is served, for whoever asks without a connection.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// Starts to serve its routes.
    pub fn serve(&self, listener: TcpListener) {
        let stop = self.lifecycle.soft_stop().clone();
        let tracker = self.lifecycle.tracker().clone();
        let server =
            web::server::serve(listener, self.router(), self.server.clone(), stop, tracker);
        self.lifecycle.start("http", async move {
            server.await;
            Ok::<(), StoreError>(())
        });
    }

    /// Starts to answer operators.
    pub fn answer(&self, socket: Socket) {
        let stop = self.lifecycle.soft_stop().clone();
        let tracker = self.lifecycle.tracker().clone();
        let server = serve_control(socket, self.control.clone(), stop, tracker);
        self.lifecycle.start("control", async move {
            server.await;
            Ok::<(), StoreError>(())
        });
    }

    /// Starts every other task. `beat` is called at each turn of the dispatcher.
    pub fn start(self, embedded: Option<Arc<SledStore>>, beat: impl Fn() + Send + Sync + 'static) {
        let stop = self.lifecycle.soft_stop().clone();
        let dispatcher = self.dispatcher.clone();
        let until = stop.clone();
        self.lifecycle.start("dispatcher", async move { dispatcher.run(until, beat).await });
        self.lifecycle.start("directory", self.feed.watch(stop.clone()));
        let mut broken = self.broken;
        let until = stop.clone();
        self.lifecycle.start("sends", async move {
            tokio::select! {
                () = until.cancelled() => Ok(()),
                Some(error) = broken.recv() => Err(error),
            }
        });
        self.lifecycle.start(
            "housekeeping",
            housekeeping::run(
                self.kv,
                self.env.clock,
                embedded.clone(),
                self.journal_keep,
                stop.clone(),
            ),
        );
        if let Some(store) = embedded {
            let lifecycle = self.lifecycle.clone();
            self.lifecycle.start::<StoreError>("store", async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    error = store.failed() => {
                        lifecycle.report(Fault::Failed { task: "store", error });
                        stop.cancelled().await;
                    }
                }
                Ok(())
            });
        }
    }
}

fn sources(config: &Config) -> Result<BTreeMap<crate::model::SourceId, SourceGate>, BuildError> {
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
            },
        );
    }
    Ok(gates)
}
