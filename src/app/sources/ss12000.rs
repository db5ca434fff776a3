//! What `[ss12000.<id>]` means to the room that asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::Around;
use crate::app::{gateway, settings};
use crate::config::{AttendanceWay, Config, Ss12000, Vendor};
use crate::env::Env;
use crate::env::wire::DoorSettings;
use crate::intake::Described;
use crate::metrics::Metrics;
use crate::model::{ProviderId, Rate, SourceId};
use crate::source::marks::Offering;
use crate::source::pollers::Poller;
use crate::source::ss12000::{
    self, Asking, Provisional, Quirks, Rhythm, Rules, Settings, Subscribing, Way, client,
};
use crate::web::callbacks::Caller;

/// The largest answer of a source, in bytes: a page or a batch of a thousand rows and more.
const LARGEST_ANSWER: usize = 64 << 20;

/// The door of a source; ids of providers hold no dot.
fn door(id: &SourceId) -> ProviderId {
    ProviderId::new(format!("ss12000.{id}")).expect("as good as the source's id")
}

/// The doors of all of them.
pub(super) fn doors(config: &Config) -> impl Iterator<Item = (ProviderId, DoorSettings)> {
    config.ss12000.iter().map(|(id, source)| {
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
    config.ss12000.iter().map(|(id, found)| {
        let described = Described {
            kind: "ss12000",
            gives: super::gives(found.gives),
            every: Some(found.directory.poll),
            schools: Some(found.schools.keys().cloned().collect()),
        };
        (id.clone(), described)
    })
}

/// How a source is asked.
pub(in crate::app) fn settings(id: &SourceId, source: &Ss12000) -> Settings {
    let mut budgets = match source.vendor {
        Vendor::Skola24 => ss12000::skola24_budgets(),
        Vendor::Standard => BTreeMap::new(),
    };
    budgets.extend(source.budgets.iter().map(|(name, rate)| (name.clone(), budget(rate))));
    Settings {
        source: id.clone(),
        base: source.url.clone(),
        // Configuration has checked that they fit into a header.
        header: gateway::header(&source.auth),
        door: door(id),
        page_size: Some(source.page_size),
        lookup_size: usize::try_from(source.lookup_size).unwrap_or(1),
        budgets,
        quirks: Quirks { empty_is_400: source.vendor == Vendor::Skola24 },
    }
}

/// A limit is held in every span; one with a burst of its own is taken as it is written.
fn budget(rate: &Rate) -> Rate {
    if rate.burst == rate.count { ss12000::never_more(rate.count, rate.per) } else { *rate }
}

/// The task that asks it.
pub(super) fn poller(id: &SourceId, source: &Ss12000, around: &Around, env: &Env) -> Poller {
    let (id, settings) = (id.clone(), settings(id, source));
    let around = client::Around {
        wire: env.wire.clone(),
        clock: env.clock.clone(),
        kv: around.intake.kv().clone(),
        contacts: around.contacts.clone(),
    };
    let work = move |stop: tokio_util::sync::CancellationToken| -> crate::env::Pending<'static, _> {
        let _client = ss12000::Client::new(settings.clone(), around.clone(), stop.clone());
        Box::pin(async move {
            stop.cancelled().await;
            Ok(())
        })
    };
    Poller { source: id, work: Arc::new(work) }
}

/// The task that asks it for lessons and marks, where it gives any.
pub(super) fn lessons(
    config: &Config,
    id: &SourceId,
    source: &Ss12000,
    around: &Around,
    env: &Env,
) -> Option<Poller> {
    if !source.gives.schedule && !source.gives.attendance {
        return None;
    }
    let rhythm = rhythm(config, id, source);
    let offering = Offering {
        source: id.clone(),
        intake: around.intake.clone(),
        meter: around.metrics.source(id),
        contacts: around.contacts.clone(),
    };
    let (settings, nudges) = (settings(id, source), around.nudges.clone());
    let around = client::Around {
        wire: env.wire.clone(),
        clock: env.clock.clone(),
        kv: around.intake.kv().clone(),
        contacts: around.contacts.clone(),
    };
    let work = move |stop: tokio_util::sync::CancellationToken| -> crate::env::Pending<'static, _> {
        let client = ss12000::Client::new(settings.clone(), around.clone(), stop);
        Box::pin(ss12000::run(client, offering.clone(), nudges.clone(), rhythm.clone()))
    };
    Some(Poller { source: id.clone(), work: Arc::new(work) })
}

/// How it is asked for them.
pub(in crate::app) fn rhythm(config: &Config, id: &SourceId, source: &Ss12000) -> Rhythm {
    let asked = &source.lessons;
    let ways = match asked.way {
        AttendanceWay::Auto => Way::ALL.to_vec(),
        AttendanceWay::Listing => vec![Way::Listing],
        AttendanceWay::CalendarEvents => vec![Way::CalendarEvents],
        AttendanceWay::Lookup => Way::LOOKUPS.to_vec(),
        AttendanceWay::LookupActivities => vec![Way::LookupActivities],
    };
    let minutes = asked.alert_from.and_then(|span| u32::try_from(span.as_mins()).ok());
    let provisional = if asked.tells_provisional { Provisional::Tell } else { Provisional::Wait };
    Rhythm {
        schools: source.schools.iter().map(|(id, theirs)| (id.clone(), theirs.clone())).collect(),
        schedule: source.gives.schedule,
        attendance: source.gives.attendance,
        schedule_every: asked.schedule_poll,
        attendance_every: asked.poll,
        asking: Asking {
            ways,
            rules: Rules { alert_from: minutes, provisional },
            overlap: asked.overlap,
            ..Asking::default()
        },
        subscribing: subscribing(config, id, source),
    }
}

/// What it is to call.
fn subscribing(config: &Config, id: &SourceId, source: &Ss12000) -> Option<Subscribing> {
    let (base, secret) = (config.public_url.as_ref()?, source.lessons.callback.as_ref()?);
    let target = format!("{base}/hooks/{id}/{}", secret.expose_secret());
    let mut resources = Vec::new();
    if source.gives.attendance {
        resources.extend(["Attendance", "Absence"]);
    }
    if source.gives.schedule {
        resources.extend(["CalendarEvent", "Activity"]);
    }
    if source.gives.directory {
        resources.extend(["Person", "Group", "Duty", "Organisation"]);
    }
    Some(Subscribing { target: SecretString::from(target), resources })
}

/// Sources that call us.
pub(in crate::app) fn callers(config: &Config, metrics: &Metrics) -> BTreeMap<SourceId, Caller> {
    let callers = config.ss12000.iter().filter_map(|(id, source)| {
        let secret = source.lessons.callback.clone()?;
        Some((id.clone(), Caller { secret, meter: metrics.source(id) }))
    });
    callers.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::BUDGETS;

    #[test]
    fn budgets_are_of_what_is_asked_for() {
        let asked: BTreeSet<_> =
            ss12000::Resource::ALL.into_iter().map(ss12000::Resource::as_str).collect();
        let named: BTreeSet<_> = BUDGETS.into_iter().filter(|name| *name != "*").collect();
        assert_eq!(asked, named);
    }
}
