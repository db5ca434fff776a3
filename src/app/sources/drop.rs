//! Drop folders as configuration has them: what each room needs, what it refuses, and the tasks that watch them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Around, gives};
use crate::app::refusals::Refusal;
use crate::app::settings::{directory_settings, store_settings};
use crate::config::{self, Config, DropLayout, did_you_mean};
use crate::env::Pending;
use crate::intake::Described;
use crate::model::SourceId;
use crate::operate::self_test::{SourceProbe, SourceTrial};
use crate::source::drop::DropFolder;
use crate::source::drop::columns::{Columns, Place};
use crate::source::drop::kind::Kind;
use crate::source::drop::settings::{Layout, Meaning, Order, Pattern, Repeats, Settings, Writing};
use crate::source::drop::text::Encoding;
use crate::source::marks::Offering;
use crate::source::pollers::Poller;

/// The keys of column maps, by kind.
const MAPS: [(Kind, &str); 6] = [
    (Kind::Attendance, "attendance-columns"),
    (Kind::Absences, "absences-columns"),
    (Kind::Schedule, "schedule-columns"),
    (Kind::Pupils, "pupils-columns"),
    (Kind::Guardians, "guardians-columns"),
    (Kind::Staff, "staff-columns"),
];

/// The settings of a folder, and what is refused of them.
pub(super) fn settings(id: &SourceId, drop: &config::Drop) -> (Settings, Vec<Refusal>) {
    let mut refused = Vec::new();
    let mut columns = BTreeMap::new();
    for (kind, key) in MAPS {
        let Some(mapped) = drop.columns.get(kind.as_str()) else { continue };
        let mut refuse = |message: String, remedy: String| {
            refused.push(Refusal { table: format!("drop.{id}"), key, message, remedy });
        };
        let mut places = Columns::new();
        for (name, place) in mapped {
            if !kind.columns().all().any(|known| known == name) {
                let near = did_you_mean(name, kind.columns().all());
                let remedy = near.map_or_else(
                    || format!("use {}", kind.columns().all().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean {near:?}?"),
                );
                refuse(format!("{name:?} is no column of ours"), remedy);
            }
            match Place::parse(place) {
                Ok(place) => {
                    places.insert(name.clone(), place);
                }
                Err(remedy) => {
                    refuse(format!("{name:?} says {place:?}"), format!("write {remedy}"));
                }
            }
        }
        columns.insert(kind, places);
    }
    if !drop.head && drop.layout != DropLayout::OneRoster {
        for (kind, key) in MAPS {
            let is_taken = names(drop).contains_key(&kind);
            let is_skola24 = drop.layout == DropLayout::Skola24Guardians && kind == Kind::Guardians;
            if is_taken && !is_skola24 && !columns.contains_key(&kind) && is_required(kind) {
                refused.push(Refusal {
                    table: format!("drop.{id}"),
                    key: "head",
                    message: format!(
                        "without heads nothing says where the columns of {} are",
                        kind.as_str()
                    ),
                    remedy: format!("set {key}, with numbers as \"#3\""),
                });
            }
        }
    }
    let settings = Settings {
        folder: drop.folder.clone(),
        names: names(drop),
        schools: drop.schools.clone(),
        poll: drop.poll,
        still: drop.still,
        patience: drop.patience,
        together: drop.together,
        order: if drop.by_name { Order::Name } else { Order::Time },
        repeats: if drop.repeats_are_known { Repeats::Known } else { Repeats::ByTime },
        largest: drop.largest,
        keep: drop.keep,
        writing: Writing {
            encoding: if drop.windows_1252 { Encoding::Windows1252 } else { Encoding::Utf8 },
            delimiter: drop.delimiter,
            head: drop.head,
            columns,
            layout: match drop.layout {
                DropLayout::Upprop => Layout::Upprop,
                DropLayout::Skola24Guardians => Layout::Skola24Guardians,
                DropLayout::OneRoster => Layout::OneRoster,
            },
        },
        meaning: Meaning {
            marks: drop.marks.clone(),
            notices: drop.notices.clone(),
            schools: drop.school_names.clone(),
            times: drop.times.clone(),
            provisional: drop.provisional,
        },
    };
    (settings, refused)
}

/// All of them, as they are told of.
pub(super) fn described(config: &Config) -> impl Iterator<Item = (SourceId, Described)> {
    config.drop.iter().map(|(id, found)| {
        let described = Described {
            kind: "drop",
            gives: gives(found.gives),
            every: None,
            schools: found.schools.clone(),
        };
        (id.clone(), described)
    })
}

/// What the self-test asks them: whether the folder is there.
pub(super) fn probes(config: &Config) -> impl Iterator<Item = SourceProbe> {
    config.drop.iter().map(|(id, found)| SourceProbe {
        id: id.clone(),
        tried: SourceTrial::Folder(found.folder.clone()),
    })
}

/// The task that watches one.
pub(super) fn poller(
    id: &SourceId,
    found: &config::Drop,
    config: &Config,
    around: &Around,
) -> Poller {
    let folder = Arc::new(DropFolder {
        settings: settings(id, found).0,
        offering: Offering {
            source: id.clone(),
            intake: around.intake.clone(),
            meter: around.metrics.source(id),
            contacts: around.contacts.clone(),
        },
        feed: around.feed.clone(),
        phone: directory_settings(config).phone,
    });
    let work = move |stop: CancellationToken| -> Pending<'static, _> {
        Box::pin(folder.clone().run(stop))
    };
    Poller { source: id.clone(), work: Arc::new(work) }
}

/// Whether a folder that gives it must be able to read it: staff and notices may be left out.
fn is_required(kind: Kind) -> bool {
    !matches!(kind, Kind::Staff | Kind::Absences)
}

/// What files are called, of the kinds that the folder gives.
fn names(drop: &config::Drop) -> BTreeMap<Kind, Vec<Pattern>> {
    let gives = drop.gives;
    let wanted = |kind: &Kind| match kind {
        Kind::Attendance | Kind::Absences => gives.attendance,
        Kind::Schedule => gives.schedule,
        Kind::Pupils | Kind::Guardians | Kind::Staff => {
            gives.directory && drop.layout != DropLayout::OneRoster
        }
        _ => gives.directory && drop.layout == DropLayout::OneRoster,
    };
    let patterns = |kind: Kind| {
        let told = drop.names.get(kind.as_str()).cloned();
        // OneRoster's names are in its standard.
        let told = told.unwrap_or_else(|| vec![format!("{}.csv", kind.as_str())]);
        told.iter().filter_map(|text| Pattern::new(text).ok()).collect()
    };
    Kind::ALL.into_iter().filter(wanted).map(|kind| (kind, patterns(kind))).collect()
}

/// Everything that is refused.
pub(super) fn refusals(config: &Config) -> Vec<Refusal> {
    let of_each = config.drop.iter().flat_map(|(id, drop)| settings(id, drop).1);
    of_each.chain(places(config)).collect()
}

/// Folders that are somebody else's already.
fn places(config: &Config) -> Vec<Refusal> {
    let is_same = |a: &Path, b: &Path| {
        let real = |path: &Path| path.canonicalize().ok();
        a == b || real(a).is_some_and(|a| real(b) == Some(a))
    };
    let store = store_settings(config);
    let mut found = Vec::new();
    for (n, (id, drop)) in config.drop.iter().enumerate() {
        let folder = drop.folder.as_path();
        let mut refuse = |message: String| {
            let remedy = "name a folder of its own".to_owned();
            found.push(Refusal { table: format!("drop.{id}"), key: "folder", message, remedy });
        };
        if let Some((other, _)) =
            config.drop.iter().take(n).find(|(_, other)| is_same(folder, &other.folder))
        {
            refuse(format!("{} is the folder of [drop.{other}] too", folder.display()));
        }
        if is_same(folder, &config.store.dir) || folder.starts_with(store.store_dir()) {
            refuse(format!("{} is the store's own folder", folder.display()));
        }
    }
    found
}
