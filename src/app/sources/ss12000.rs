//! What `[ss12000.<id>]` means to the room that asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use compact_str::CompactString;
use futures_util::future::try_join_all;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use super::Around;
use crate::app::{gateway, settings};
use crate::config::{AttendanceWay, Config, Persons, Ss12000, Vendor};
use crate::env::wire::DoorSettings;
use crate::env::{Env, Pending};
use crate::intake::Described;
use crate::metrics::Metrics;
use crate::model::{ProviderId, Rate, SourceId};
use crate::operate::self_test::{SourceProbe, SourceTrial, Wrong};
use crate::source::marks::Offering;
use crate::source::nudges::Part;
use crate::source::pollers::Poller;
use crate::source::ss12000::directory::Schedule;
use crate::source::ss12000::join::Plan;
use crate::source::ss12000::types::RelationType;
use crate::source::ss12000::{
    self, Asking, MarkWay, Provisional, Quirks, Rhythm, Rules, Settings, Subscribing, Way, client,
};
use crate::store::StoreError;
use crate::web::callbacks::Caller;

/// The largest answer of a source, in bytes: a page or a batch of a thousand rows and more.
const LARGEST_ANSWER: usize = 64 << 20;

/// The door of a source; ids of providers hold no dot.
fn door(id: &SourceId) -> ProviderId {
    ProviderId::new(format!("ss12000.{id}")).expect("as good as the source's id")
}

/// The doors of all of them.
pub(in crate::app) fn doors(config: &Config) -> impl Iterator<Item = (ProviderId, DoorSettings)> {
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
            every: Some(every(found)),
            schools: Some(found.schools.keys().cloned().collect()),
        };
        (id.clone(), described)
    })
}

/// How often one is asked for that of which it is asked most often.
fn every(source: &Ss12000) -> SignedDuration {
    if source.gives.attendance {
        source.lessons.poll
    } else if source.gives.schedule {
        source.lessons.schedule_poll
    } else {
        source.directory.poll
    }
}

/// What the self-test asks them.
pub(super) fn probes(config: &Config) -> impl Iterator<Item = SourceProbe> {
    config.ss12000.iter().map(|(id, source)| SourceProbe {
        id: id.clone(),
        tried: SourceTrial::Ask {
            request: Box::new(settings(id, source).probe()),
            judge: |came, now| {
                let wrong = ss12000::wrong_with(came, now)?;
                Some(Wrong { what: wrong.what, remedy: wrong.remedy })
            },
        },
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

/// Which people are taken from it, and who is told.
fn plan(source: &Ss12000, config: &Config) -> Plan {
    let schools = source.schools.iter().filter_map(|(id, there)| {
        let zone = config.schools.get(id)?.zone.clone();
        Some((id.clone(), (there.clone(), zone)))
    });
    let relations = source.directory.relations.iter();
    Plan {
        schools: schools.collect(),
        relations: relations.map(|word| RelationType::from(CompactString::from(word))).collect(),
        phone: settings::directory_settings(config).phone,
    }
}

/// When its directory is read.
fn schedule(source: &Ss12000, config: &Config) -> Schedule {
    let zone = config.schools.values().next().map(|school| school.zone.clone());
    Schedule {
        poll: source.directory.poll,
        full: source.directory.full,
        zone: zone.unwrap_or(TimeZone::UTC),
        persons: match source.directory.persons {
            Persons::Auto => Way::Auto,
            Persons::List => Way::List,
            Persons::Lookup => Way::Lookup,
        },
    }
}

/// The task that asks it.
pub(super) fn poller(id: &SourceId, config: &Config, around: &Around, env: &Env) -> Poller {
    let source = &config.ss12000[id];
    let asked = settings(id, source);
    let directory =
        source.gives.directory.then(|| (plan(source, config), schedule(source, config)));
    let (feed, woken) = (around.feed.clone(), around.nudges.of(id, Part::Directory));
    let calls = (offering(id, around), subscribing(config, id, source));
    let lessons = (source.gives.schedule || source.gives.attendance)
        .then(|| (offering(id, around), around.nudges.clone(), rhythm(source)));
    let around = client::Around {
        wire: env.wire.clone(),
        clock: env.clock.clone(),
        kv: around.intake.kv().clone(),
        contacts: around.contacts.clone(),
    };
    let work = move |stop: CancellationToken| -> Pending<'static, Result<(), StoreError>> {
        let client = ss12000::Client::new(asked.clone(), around.clone(), stop.clone());
        let (offering, wanted) = calls.clone();
        let mut parts: Vec<Pending<'static, Result<(), StoreError>>> =
            vec![Box::pin(ss12000::subscribe(client.clone(), offering, wanted))];
        if let Some((offering, nudges, rhythm)) = lessons.clone() {
            parts.push(Box::pin(ss12000::run(client.clone(), offering, nudges, rhythm)));
        }
        if let Some((plan, schedule)) = directory.clone() {
            let (feed, woken) = (feed.clone(), woken.clone());
            parts.push(Box::pin(ss12000::directory::run(client, plan, schedule, feed, woken)));
        }
        Box::pin(async move {
            try_join_all(parts).await?;
            stop.cancelled().await;
            Ok(())
        })
    };
    Poller { source: id.clone(), work: Arc::new(work) }
}

/// Who offers what it says of marks.
fn offering(id: &SourceId, around: &Around) -> Offering {
    Offering {
        source: id.clone(),
        intake: around.intake.clone(),
        meter: around.metrics.source(id),
        contacts: around.contacts.clone(),
    }
}

/// How it is asked for lessons and marks.
pub(in crate::app) fn rhythm(source: &Ss12000) -> Rhythm {
    let asked = &source.lessons;
    let ways = match asked.way {
        AttendanceWay::Auto => MarkWay::ALL.to_vec(),
        AttendanceWay::Listing => vec![MarkWay::Listing],
        AttendanceWay::CalendarEvents => vec![MarkWay::CalendarEvents],
        AttendanceWay::Lookup => MarkWay::LOOKUPS.to_vec(),
        AttendanceWay::LookupActivities => vec![MarkWay::LookupActivities],
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
            gives_schedule: source.gives.schedule,
            ..Asking::default()
        },
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
        Some((
            id.clone(),
            Caller { secret, meter: metrics.source(id), is_told: AtomicBool::new(false) },
        ))
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
