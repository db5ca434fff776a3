//! What takes in, decides and sends, put together over a store and the doors to the outside: the same for the
//! daemon, and for whoever moves a clock by hand.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{BuildError, settings};
use crate::config::Config;
use crate::delivery::{Dispatcher, Shared, daily};
use crate::directory::{Directory, Roster};
use crate::env::Env;
use crate::intake::{Contacts, Intake};
use crate::message::Templates;
use crate::metrics::Metrics;
use crate::store::{Kv, Metered, StoreError, Wake, Watched};

/// The parts that take in, decide and send. Nothing runs yet, and nobody is known.
pub struct Works {
    /// The store, as these parts write to it: whoever waits hears of what is due.
    pub kv: Arc<dyn Kv>,
    /// What the dispatcher holds in common with those who report to it.
    pub shared: Arc<Shared>,
    /// What waits and sends.
    pub dispatcher: Dispatcher,
    /// What takes in.
    pub intake: Intake,
    /// Where a failure of the store is told that a send came upon.
    pub broken: mpsc::UnboundedReceiver<StoreError>,
}

impl Works {
    /// Puts them together. Touches nothing outside.
    ///
    /// # Errors
    /// [`BuildError::Refused`].
    pub fn build(
        config: &Config,
        templates: Arc<Templates>,
        env: &Env,
        kv: Arc<dyn Kv>,
        tracker: TaskTracker,
    ) -> Result<Self, BuildError> {
        let directory = Arc::new(ArcSwap::from_pointee(Directory {
            schools: Arc::new(config.schools.clone()),
            roster: Arc::default(),
        }));
        let wake = Arc::new(Wake::default());
        let metrics = Arc::new(Metrics::new(env.clock.now()));
        let clock = env.clock.clone();
        let kv = Arc::new(Metered::new(kv, metrics.clone(), Arc::new(move || clock.now())));
        let kv: Arc<dyn Kv> = Arc::new(Watched::new(kv, wake.clone()));
        let shared = Shared::new(
            kv.clone(),
            env.clone(),
            directory.clone(),
            templates,
            settings::providers(config).map_err(BuildError::Refused)?,
            config.mail.as_ref().map(settings::mail_account),
            settings::delivery(config),
            wake,
            metrics,
        );
        let shared = Arc::new(shared.with_contacts(Contacts::default()));
        let (faults, broken) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher::new(shared.clone(), tracker.clone(), faults);
        let intake = Intake::new(kv.clone(), env.clock.clone(), directory, tracker);
        Ok(Self { kv, shared, dispatcher, intake, broken })
    }

    /// Puts people in force, as a load of the directory does, and has the lists of the day made from now on. Sources
    /// are not watched.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(&self, roster: Arc<Roster>) -> Result<(), StoreError> {
        let schools = self.shared.directory.load().schools.clone();
        self.shared.directory.store(Arc::new(Directory { schools, roster }));
        self.shared.wake.now();
        daily::begin(&self.shared).await
    }
}
