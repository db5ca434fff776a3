//! The sources that ask by themselves, as configuration has them: what each needs, and the tasks that ask.

mod ss12000;

use std::sync::Arc;

use crate::config::Config;
use crate::env::Env;
use crate::intake::{Contacts, Intake};
use crate::metrics::Metrics;
use crate::model::SourceId;
use crate::source::nudges::Nudges;
use crate::source::pollers::Poller;
use crate::source::roster::RosterFeed;

pub(super) use ss12000::{callers, doors};

/// What stays the same under every configuration.
#[derive(Clone)]
pub(super) struct Around {
    /// The door to the core.
    pub intake: Intake,
    /// Where a directory goes.
    pub feed: Arc<RosterFeed>,
    /// Told how each source is.
    pub contacts: Contacts,
    /// Wakes who asks when a source calls.
    pub nudges: Nudges,
    /// Told of every event.
    pub metrics: Arc<Metrics>,
}

/// The source that the directory is read from, if it is read from one.
pub(super) fn directory(config: &Config) -> Option<SourceId> {
    let giving = config.ss12000.iter().find(|(_, source)| source.gives.directory);
    giving.map(|(id, _)| id.clone())
}

/// The sources whose budgets do not let them be asked as often as is wanted, and how often they are, in words.
pub fn paces(config: &Config) -> Vec<(SourceId, String)> {
    let all = config.ss12000.iter();
    all.filter_map(|(id, source)| Some((id.clone(), ss12000::pace(config, id, source)?))).collect()
}

/// The tasks of one configuration.
pub(super) fn pollers(config: &Config, around: &Around, env: &Env) -> Vec<Poller> {
    config.ss12000.keys().map(|id| ss12000::poller(id, config, around, env)).collect()
}
