//! What `[edlevo.<id>]` means to the room that asks.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Around;
use crate::app::{gateway, settings};
use crate::config::{self, Config};
use crate::env::wire::DoorSettings;
use crate::env::{Env, Pending};
use crate::intake::Described;
use crate::model::{ProviderId, SchoolId, SourceId, local_date};
use crate::operate::self_test::{SourceProbe, SourceTrial, Wrong};
use crate::source::edlevo::{Edlevo, Key, LessonIds, Service, Settings, Unit, wrong_with};
use crate::source::marks::Offering;
use crate::source::pollers::Poller;

/// The largest answer, in bytes: two days of a large school.
const LARGEST_ANSWER: usize = 128 << 20;

/// The door of a source; ids of providers hold no dot.
fn door(id: &SourceId) -> ProviderId {
    ProviderId::new(format!("edlevo.{id}")).expect("as good as the source's id")
}

/// The doors of all of them.
pub(super) fn doors(config: &Config) -> impl Iterator<Item = (ProviderId, DoorSettings)> {
    config.edlevo.iter().map(|(id, source)| {
        let settings = DoorSettings {
            identity: source.identity.as_ref().map(settings::identity),
            token: settings::token(&source.auth),
            ca_file: source.ca_file.clone(),
            timeout: Some(source.timeout.unsigned_abs()),
            max_answer: Some(LARGEST_ANSWER),
        };
        (door(id), settings)
    })
}

/// All of them, as they are told of.
pub(super) fn described(config: &Config) -> impl Iterator<Item = (SourceId, Described)> {
    config.edlevo.iter().map(|(id, found)| {
        let described = Described {
            kind: "edlevo",
            gives: vec!["attendance"],
            every: Some(found.poll),
            schools: Some(found.schools.keys().cloned().collect()),
        };
        (id.clone(), described)
    })
}

/// What the self-test asks them: today's absence of the first school.
pub(super) fn probes(config: &Config, now: Timestamp) -> impl Iterator<Item = SourceProbe> {
    config.edlevo.iter().filter_map(move |(id, found)| {
        let settings = of(id, found);
        let zone = config.schools.get(settings.schools.keys().next()?)?.zone.clone();
        let request = settings.probe(local_date(now, &zone))?;
        let tried = SourceTrial::Ask {
            request: Box::new(request),
            judge: |came, _| {
                let (what, remedy) = wrong_with(came)?;
                Some(Wrong { what, remedy: remedy.to_owned() })
            },
        };
        Some(SourceProbe { id: id.clone(), tried })
    })
}

/// The task that asks one.
pub(super) fn poller(id: &SourceId, found: &config::Edlevo, around: &Around, env: &Env) -> Poller {
    let source = Arc::new(Edlevo {
        settings: of(id, found),
        offering: Offering {
            source: id.clone(),
            intake: around.intake.clone(),
            meter: around.metrics.source(id),
            contacts: around.contacts.clone(),
        },
        wire: env.wire.clone(),
    });
    let work = move |stop: CancellationToken| -> Pending<'static, _> {
        Box::pin(source.clone().run(stop))
    };
    Poller { source: id.clone(), work: Arc::new(work) }
}

fn of(id: &SourceId, found: &config::Edlevo) -> Settings {
    let unit = |(school, unit): (&SchoolId, &String)| {
        let operations = found.school_operations.get(school).unwrap_or(&found.operations).clone();
        (school.clone(), Unit { id: unit.clone(), operations })
    };
    let key = found.key.clone().map(|secret| Key { name: found.key_name.clone(), secret });
    Settings {
        service: Service {
            url: found.url.clone(),
            key,
            // Configuration has checked that they fit into a header.
            header: gateway::header(&found.auth),
            door: door(id),
            parameters: found.parameters.clone(),
        },
        schools: found.schools.iter().map(unit).collect(),
        poll: found.poll,
        days: found.days,
        lesson_ids: if found.lessons_recur { LessonIds::Recurring } else { LessonIds::Occurrence },
    }
}
