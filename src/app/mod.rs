//! Wiring: the rooms put together from configuration and the doors to the outside. Knows every
//! room and decides nothing.

mod gateway;
mod housekeeping;
mod refusals;
mod reload;
mod self_test;
mod settings;
mod sources;
mod works;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::delivery::Dispatcher;
use crate::env::Env;
use crate::lifecycle::{Fault, Lifecycle};
use crate::message::{TemplateProblem, Templates};
use crate::operate::reload::{Reloads, Request};
use crate::source::nudges::Nudges;
use crate::source::pollers::Pollers;
use crate::source::roster::{self, RosterFeed};
use crate::store::{Kv, SledStore, StoreError};
use crate::web::{self, control::Socket};
use reload::Whole;

pub use gateway::{GatewayFault, GatewayProblem, gateway};
pub use refusals::{Refusal, refusals};
pub use reload::{NotReloaded, Reloader};
pub use self_test::probes;
pub use settings::{
    control, directory_settings, mail_transport, providers, store_settings, wire_settings,
};
pub use sources::{Pace, described, drop_folders, hasty, paces, unattended};
pub use works::Works;

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
    pollers: Arc<Pollers>,
    dispatcher: Dispatcher,
    reloader: Reloader,
    requests: Option<mpsc::Receiver<Request>>,
    server: web::server::ServerSettings,
    broken: mpsc::UnboundedReceiver<StoreError>,
    kv: Arc<dyn Kv>,
    env: Env,
    housekeeping: housekeeping::Plan,
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
        let templates = load_templates(config)?;
        Self::with_templates(config, templates, env, kv, lifecycle)
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
        let tracker = lifecycle.tracker().clone();
        let Works { kv, shared, dispatcher, intake, broken } =
            Works::build(config, templates, &env, kv, tracker)?;
        let (directory, contacts) = (shared.directory.clone(), shared.contacts.clone());
        let (wake, metrics) = (shared.wake.clone(), shared.metrics.clone());
        let feed = Arc::new(RosterFeed::new(
            kv.clone(),
            env.clock.clone(),
            directory,
            settings::directory_settings(config),
            wake,
            lifecycle.tracker().clone(),
            metrics.clone(),
        ));
        let (reloads, requests) = Reloads::new();
        let pollers = Arc::new(Pollers::new(
            env.clock.clone(),
            contacts.clone(),
            lifecycle.tracker().clone(),
        ));
        let around = sources::Around {
            intake: intake.clone(),
            feed: feed.clone(),
            contacts,
            nudges: Nudges::default(),
            metrics,
        };
        pollers.change(sources::pollers(config, &around, &env));
        let whole = Whole {
            intake,
            feed: feed.clone(),
            around,
            pollers: pollers.clone(),
            started_at: env.clock.now(),
            reloads,
            tracker: lifecycle.tracker().clone(),
            embedded: Arc::default(),
        };
        let reloader = Reloader::new(whole, shared, dispatcher.handover().clone(), config)?;
        Ok(Self {
            lifecycle,
            feed,
            pollers,
            dispatcher,
            reloader,
            requests: Some(requests),
            server: settings::server(config),
            broken,
            kv,
            env,
            housekeeping: settings::housekeeping(config),
        })
    }

    /// Makes ready: the directory in force, attempts left open by a former process in doubt.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.feed.restore_modes().await?;
        let restored = self.feed.restore().await?;
        match self.feed.read_folder().await {
            Ok(offer) => roster::report(&offer),
            // The watch reads it again; until then the directory of before the restart is in force.
            Err(StoreError::Busy(why)) => tracing::warn!(why, "directory load put off"),
            Err(error) => return Err(error),
        }
        let in_doubt = self.dispatcher.recover().await?;
        self.reloader.watch().await?;
        tracing::info!(restored_pupils = restored, in_doubt, "ready to run");
        Ok(())
    }

    /// Its routes: what is served, for whoever asks without a connection.
    pub fn router(&self) -> axum::Router {
        self.reloader.routes().serve()
    }

    /// What operators are answered, for whoever asks without a socket.
    pub fn operators(&self) -> axum::Router {
        self.reloader.answers().serve()
    }

    /// What puts another configuration in force, and where operators ask for it. Once.
    pub fn reloads(&mut self) -> (Reloader, Option<mpsc::Receiver<Request>>) {
        (self.reloader.clone(), self.requests.take())
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

    /// Lets operators look after the store itself.
    pub fn keep(&self, store: Arc<SledStore>) {
        self.reloader.keep(store);
    }

    /// Starts to answer operators.
    pub fn answer(&self, socket: Socket) {
        let stop = self.lifecycle.soft_stop().clone();
        let tracker = self.lifecycle.tracker().clone();
        let router = self.reloader.answers().serve();
        let server = web::control::serve(socket, router, stop, tracker);
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
        self.lifecycle.start("sources", self.pollers.run(stop.clone()));
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
                self.housekeeping,
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
                store.stop_work();
                Ok(())
            });
        }
    }
}

fn load_templates(config: &Config) -> Result<Arc<Templates>, BuildError> {
    Templates::load(config.templates.as_deref()).map(Arc::new).map_err(BuildError::Templates)
}
