//! `GET /metrics`: what has happened, and how it is at the moment. What needs a walk over rows is looked at
//! once in some seconds, however often it is asked for.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use super::openapi::{Answer, OpenApi, Operation};
use crate::delivery::Shared;
use crate::directory::Directory;
use crate::intake::{Contact, Contacts};
use crate::metrics::{
    AccountNow, DirectoryNow, LaneNow, Metrics, Moment, OPEN_METRICS, PLAIN, QueueNow, SchoolNow,
    SourceNow, StoreNow,
};
use crate::model::SourceId;
use crate::operate::queue;
use crate::operate::volume_holds::{self, InShort};
use crate::store::tables::Lane;
use crate::store::{Kv, Sizes};

/// How long a walk over rows stands for the next ones.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Of the time, one part of so many goes to walks at most.
const SHARE: i32 = 10;

/// What a scrape is answered from.
pub struct Scrape {
    /// What has happened.
    pub metrics: Arc<Metrics>,
    /// What waits.
    pub kv: Arc<dyn Kv>,
    /// The accounts.
    pub shared: Arc<Shared>,
    /// Schools and people in force.
    pub directory: Arc<ArcSwap<Directory>>,
    /// How the contact with each source is.
    pub contacts: Contacts,
    /// The sources.
    pub sources: Vec<SourceId>,
    /// The last walk.
    pub looked: Arc<Mutex<Option<Looked>>>,
    /// Where walks are made.
    pub tracker: TaskTracker,
}

/// What a walk found.
#[derive(Debug, Clone)]
pub struct Looked {
    at: Timestamp,
    /// How long it took.
    took: SignedDuration,
    queue: Option<QueueNow>,
    /// Those that are open.
    holds: Option<Vec<InShort>>,
    sizes: Option<Sizes>,
}

/// The handler.
pub async fn get(State(scrape): State<Arc<Scrape>>, headers: HeaderMap) -> Response {
    let moment = scrape.moment().await;
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|kinds| kinds.split(','));
    let (kind, text) = if kinds.any(|kind| kind.trim().starts_with("application/openmetrics-text"))
    {
        (OPEN_METRICS, scrape.metrics.open_metrics(&moment))
    } else {
        (PLAIN, scrape.metrics.plain(&moment))
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Describes `GET /metrics`.
pub fn describe(api: &mut OpenApi) {
    api.add(Operation {
        method: Method::GET,
        path: "/metrics",
        id: "getMetrics",
        summary: "What has happened and how it is, for Prometheus",
        description: "Prometheus text, or OpenMetrics where that is asked for. Counts, times and ids \
            from the configuration; nothing about a person. For the inner network: a proxy in front \
            need not forward it.",
        tag: "Health",
        query: Vec::new(),
        security: Vec::new(),
        bodies: Vec::new(),
        answers: vec![Answer::new(StatusCode::OK, "The numbers.", None)],
    });
}

impl Scrape {
    async fn moment(&self) -> Moment {
        let now = self.shared.env.clock.now();
        let looked = self.look(now).await;
        let directory = self.directory.load_full();
        let pupils = directory.roster.pupil_count();
        let health = self.kv.health();
        let loaded = directory.roster.loaded_at.max(self.metrics.directory_confirmed());
        Moment {
            ready: health.writable && pupils > 0,
            queue: looked.queue,
            accounts: self.accounts(now),
            sources: self.sources.iter().map(|source| self.source(source, now)).collect(),
            directory: DirectoryNow {
                pupils: pupils.try_into().unwrap_or(u64::MAX),
                age: loaded.filter(|_| pupils > 0).map(|at| seconds(at, now)),
            },
            schools: directory
                .schools
                .values()
                .map(|school| SchoolNow {
                    school: school.id.clone(),
                    mode: school.mode.as_str(),
                    holds: looked.holds.as_ref().map(|holds| {
                        let of_school = || holds.iter().filter(|hold| hold.school == school.id);
                        let open = of_school().count().try_into().unwrap_or(u64::MAX);
                        (open, of_school().map(|hold| u64::from(hold.waiting)).sum())
                    }),
                })
                .collect(),
            store: StoreNow {
                writable: health.writable,
                free_bytes: health.free_bytes,
                database_bytes: looked.sizes.map(|sizes| sizes.database),
                journal_bytes: looked.sizes.map(|sizes| sizes.journal),
            },
        }
    }

    fn source(&self, source: &SourceId, now: Timestamp) -> SourceNow {
        let Contact { answered, news, clock_ahead_seconds, troubles, .. } =
            self.contacts.of(source);
        // Before it was first heard, the start is what is known.
        let since = |at: Option<Timestamp>| seconds(at.unwrap_or(self.metrics.started()), now);
        SourceNow {
            source: source.clone(),
            age: since(answered),
            data_age: since(news),
            ahead: clock_ahead_seconds,
            troubles: troubles.into_keys().collect(),
        }
    }

    fn accounts(&self, now: Timestamp) -> Vec<AccountNow> {
        let mail = self.shared.mail.as_ref().map(|mail| &mail.id);
        let gate = |account| {
            self.shared.gate(account, |gate| AccountNow {
                account: account.clone(),
                shut: gate.shut_until(now).map_or(0.0, |until| seconds(now, until)),
                trouble: gate.trouble.as_ref().map(|trouble| trouble.reason.as_str()),
                busy: gate.busy.try_into().unwrap_or(u64::MAX),
            })
        };
        self.shared.providers.keys().chain(mail).map(gate).collect()
    }

    /// The last walk, or a new one; whoever comes meanwhile waits for it. A task of its own: a scrape that is
    /// given up must not make the next one begin again.
    async fn look(&self, now: Timestamp) -> Looked {
        let (kv, clock) = (self.kv.clone(), self.shared.env.clock.clone());
        let looked = self.looked.clone();
        let walk = self.tracker.spawn(async move {
            let mut looked = looked.lock_owned().await;
            let fresh = looked.as_ref().filter(|looked| {
                now.duration_since(looked.at).abs() < LOOK_AGAIN.max(looked.took * SHARE)
            });
            if let Some(fresh) = fresh {
                return fresh.clone();
            }
            let queue = match queue::queue(kv.as_ref(), now).await {
                Ok(found) => Some(waiting(&found, now)),
                Err(error) => {
                    tracing::warn!(%error, "what waits could not be counted");
                    None
                }
            };
            let holds = volume_holds::list(kv.as_ref(), true).await;
            let holds =
                holds.inspect_err(|error| tracing::warn!(%error, "holds could not be counted"));
            let took = clock.now().duration_since(now).abs();
            let new = Looked { at: now, took, queue, holds: holds.ok(), sizes: kv.sizes() };
            looked.insert(new).clone()
        });
        let (took, queue, holds, sizes) = (SignedDuration::ZERO, None, None, None);
        let nothing = Looked { at: now, took, queue, holds, sizes };
        walk.await.unwrap_or(nothing)
    }
}

fn waiting(found: &queue::Queue, now: Timestamp) -> QueueNow {
    let lane = |lane: Lane| {
        let found = found.lanes.iter().find(|of| of.lane == lane.as_str());
        LaneNow {
            lane: lane.as_str(),
            due: found.map_or(0, |of| of.due),
            later: found.map_or(0, |of| of.later),
            oldest: found.and_then(|of| of.oldest_due).map_or(0.0, |at| seconds(at, now)),
        }
    };
    QueueNow {
        lanes: Lane::ALL.map(lane).into(),
        held: found.held.len().try_into().unwrap_or(u64::MAX),
        in_doubt: found.in_doubt,
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
