//! The sources that ask by themselves, as configuration has them: what each needs, and the tasks that ask.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::{self, Config, KeyIn};
use crate::env::{Env, Pending};
use crate::intake::{Contacts, Intake};
use crate::metrics::Metrics;
use crate::model::SourceId;
use crate::source::drop::DropFolder;
use crate::source::edlevo::{self, Edlevo, Key, LessonIds, Service};
use crate::source::marks::Offering;
use crate::source::pollers::Poller;
use crate::source::roster::RosterFeed;

/// What stays the same under every configuration.
#[derive(Clone)]
pub(super) struct Around {
    /// The door to the core.
    pub intake: Intake,
    /// Where a directory goes.
    pub feed: Arc<RosterFeed>,
    /// Told how each source is.
    pub contacts: Contacts,
    /// Told of every event.
    pub metrics: Arc<Metrics>,
}

/// The source that the directory is read from, if it is read from one.
pub(super) fn directory(config: &Config) -> Option<SourceId> {
    config.drop.iter().find(|(_, drop)| drop.gives.directory).map(|(id, _)| id.clone())
}

/// The tasks of one configuration.
pub(super) fn pollers(config: &Config, around: &Around, env: &Env) -> Vec<Poller> {
    let edlevo = config.edlevo.iter().map(|(id, found)| edlevo_poller(id, found, around, env));
    let phone = super::directory_settings(config).phone;
    let drop = config.drop.iter().map(|(id, found)| {
        let folder = Arc::new(DropFolder {
            settings: super::drop::settings(id, found).0,
            offering: offering(id, around),
            feed: around.feed.clone(),
            phone: phone.clone(),
        });
        let work = move |stop: CancellationToken| -> Pending<'static, _> {
            Box::pin(folder.clone().run(stop))
        };
        Poller { source: id.clone(), work: Arc::new(work) }
    });
    edlevo.chain(drop).collect()
}

fn offering(id: &SourceId, around: &Around) -> Offering {
    Offering {
        source: id.clone(),
        intake: around.intake.clone(),
        meter: around.metrics.source(id),
        contacts: around.contacts.clone(),
    }
}

fn edlevo_poller(id: &SourceId, found: &config::Edlevo, around: &Around, env: &Env) -> Poller {
    let source = Arc::new(Edlevo {
        settings: edlevo_settings(found),
        offering: offering(id, around),
        wire: env.wire.clone(),
    });
    let work = move |stop: CancellationToken| -> Pending<'static, _> {
        Box::pin(source.clone().run(stop))
    };
    Poller { source: id.clone(), work: Arc::new(work) }
}

fn edlevo_settings(found: &config::Edlevo) -> edlevo::Settings {
    let key = found.key.clone().map(|key| match found.key_in {
        KeyIn::Query => Key::Query(found.key_name.clone(), key),
        KeyIn::Header => {
            // Configuration has looked at it.
            let name = http::HeaderName::from_bytes(found.key_name.as_bytes());
            Key::Header(name.unwrap_or(http::header::AUTHORIZATION), key)
        }
    });
    edlevo::Settings {
        service: Service { url: found.url.clone(), key, parameters: found.parameters.clone() },
        operations: found.operations.clone(),
        schools: found.schools.clone(),
        poll: found.poll,
        days: found.days,
        lesson_ids: if found.lessons_recur { LessonIds::Recurring } else { LessonIds::Occurrence },
    }
}
