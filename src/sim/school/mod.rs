//! A school to try the gateway on: a server of SS 12000 (2.1.0, and 2.0.0 where asked) with made-up
//! people, lessons and registers. It keeps to the standard strictly, so that a client's mistake is seen
//! here, and misbehaves as real servers do where it is told to ([`Quirks`]). May import `env` and `model`
//! only; listens on and calls loopback addresses only.
//!
//! # The interface, below `/v2.0`
//!
//! `GET` of organisations, persons, groups, duties, activities, calendarEvents, attendances and absences:
//! lists with `limit`, `pageToken`, the bounds on `meta`, `expandReferenceNames`, `expand`, `sortkey` and
//! the filters of the standard; one by its id; `POST …/lookup`; `GET /deletedEntities`; `/subscriptions`.
//! Unknown parameters, moments without an offset and misspelt lookups are refused with 400. Tokens are
//! had at `/token`.
//!
//! # Steering, below `/_school`
//!
//! See `control`. It answers through every fault and knows no locks.

mod access;
mod acts;
mod asked;
mod callbacks;
mod chance;
mod control;
mod day;
mod filters;
mod found;
mod id;
mod lists;
mod lookups;
mod names;
mod population;
mod query;
mod quirks;
mod render;
mod rows;
mod serve;
mod show;
mod subscriptions;
mod table;
mod times;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::env::Clock;
use crate::sim::courier::Courier;
use crate::sim::listen::{self, Floor};

pub use access::Access;
pub use acts::{Act, ActError, Done};
pub use asked::Line;
pub use chance::Chance;
pub use id::{Id, NoId};
pub use population::{ClassPlan, GuardianPlan, Population, PupilPlan, SchoolPlan, StaffPlan};
pub use quirks::{Quirks, Spelling, TokenRule};
pub use rows::{Marking, Minutes, Relation, Resource};
pub use show::{GuardianCard, LessonCard, PupilCard};

/// Whether the interface answers. The steering always does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// It does.
    #[default]
    Answers,
    /// Connections are closed without an answer.
    Drops,
    /// Requests wait until it answers again.
    Hangs,
    /// 503 and a page.
    Unavailable,
}

/// Which school, and how it is reached.
pub struct SchoolSettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who is there; nothing: made up from the next three.
    pub population: Option<Population>,
    /// Pupils.
    pub pupils: usize,
    /// School units.
    pub schools: usize,
    /// What follows from it is the same every time.
    pub seed: u64,
    /// Whether there is a timetable; without it lessons are added one by one.
    pub timetable: bool,
    /// Days of lessons and marks before today.
    pub days_back: u16,
    /// Days of lessons after today.
    pub days_ahead: u16,
    /// The school's zone.
    pub zone: TimeZone,
    /// When the first lesson of today begins, where not at eight.
    pub begin: Option<Timestamp>,
    /// How long a minute of today lasts, when it has a beginning of its own.
    pub minute: SignedDuration,
    /// Whether the day unfolds by itself: registers, marks, notices.
    pub day: bool,
    /// What it does otherwise than the standard.
    pub quirks: Quirks,
    /// Who is let in.
    pub access: Access,
    /// The most rows on a page.
    pub page: usize,
    /// How long a subscription lasts.
    pub subscription: SignedDuration,
    /// How long changes are gathered before subscribers are called.
    pub gather: SignedDuration,
    /// How long a callback that failed waits for the next try; three follow.
    pub retry: SignedDuration,
}

impl Default for SchoolSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)),
            population: None,
            pupils: 50,
            schools: 1,
            seed: 1,
            timetable: true,
            days_back: 2,
            days_ahead: 6,
            zone: TimeZone::get("Europe/Stockholm").unwrap_or(TimeZone::UTC),
            begin: None,
            minute: times::MINUTE,
            day: false,
            quirks: Quirks::default(),
            access: Access::default(),
            page: 1000,
            subscription: SignedDuration::from_hours(24 * 30),
            gather: SignedDuration::from_millis(20),
            retry: SignedDuration::from_secs(1),
        }
    }
}

/// A running school. Dropping it stops it; [`School::stop`] also waits.
pub struct School {
    shared: Arc<Shared>,
    address: SocketAddr,
    _stop_on_drop: DropGuard,
}

/// What all connections share.
struct Shared {
    clock: Arc<dyn Clock>,
    world: RwLock<world::World>,
    quirks: RwLock<Quirks>,
    door: Mutex<access::Doorkeeper>,
    asked: Mutex<asked::Asked>,
    subscriptions: Mutex<subscriptions::Subscriptions>,
    silence: watch::Sender<Silence>,
    diary: Mutex<Vec<(Timestamp, Act)>>,
    courier: Courier,
    news: Notify,
    tasks: TaskTracker,
    stop: CancellationToken,
    page: usize,
    gather: SignedDuration,
    retry: SignedDuration,
}

impl School {
    /// Makes the school and serves it until stopped. `tracker` sees one task that ends when all of the
    /// school's have. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address is not a loopback address or cannot be listened on.
    pub fn start(
        settings: SchoolSettings,
        clock: Arc<dyn Clock>,
        tracker: &TaskTracker,
    ) -> io::Result<Self> {
        let (listener, address) = listen::bind(settings.listen, "the school")?;
        let now = clock.now();
        let today = settings.zone.to_datetime(now).date();
        let times = times::Times {
            zone: settings.zone.clone(),
            today,
            begin: settings.begin,
            minute: settings.minute,
        };
        let people = settings.population.unwrap_or_else(|| {
            Population::made_up(settings.pupils, settings.schools, settings.seed, today)
        });
        let mut world = world::World::new(settings.seed, settings.zone.clone(), now);
        let days = found::Days {
            back: settings.days_back,
            ahead: settings.days_ahead,
            lessons: settings.timetable,
        };
        found::found(&mut world, &people, &times, days, settings.seed);
        if settings.quirks.prefilled {
            acts::prefill(&mut world, &times);
        }
        let plan = if settings.day {
            day::plan(&world, &settings.quirks, &times, settings.seed)
        } else {
            Vec::new()
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let shared = Arc::new(Shared {
            world: RwLock::new(world),
            quirks: RwLock::new(settings.quirks),
            door: Mutex::new(access::Doorkeeper::new(settings.access, settings.seed)),
            asked: Mutex::new(asked::Asked::default()),
            subscriptions: Mutex::new(subscriptions::Subscriptions::new(
                settings.seed,
                settings.subscription,
            )),
            silence: watch::Sender::new(Silence::Answers),
            diary: Mutex::new(Vec::new()),
            courier: Courier::new(tasks.clone(), stop.clone()),
            news: Notify::new(),
            tasks: tasks.clone(),
            stop: stop.clone(),
            page: settings.page,
            gather: settings.gather,
            retry: settings.retry,
            clock: Arc::clone(&clock),
        });
        let floor = Floor { clock, tasks: tasks.clone(), stop: stop.clone() };
        let here = Arc::clone(&shared);
        tasks.spawn(listen::serve(listener, floor, move |stream| {
            crate::sim::http::serve(stream, Arc::clone(&here))
        }));
        tasks.spawn(callbacks::tell(Arc::clone(&shared)));
        tasks.spawn(day::unfold(Arc::clone(&shared), plan));
        tracker.spawn({
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                tasks.close();
                tasks.wait().await;
            }
        });
        Ok(Self { shared, address, _stop_on_drop: stop.drop_guard() })
    }

    /// Where it listens, with the port that was found.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base of the interface, as `http://127.0.0.1:8761/v2.0`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, serve::BASE.trim_end_matches('/'))
    }

    /// Where tokens are had.
    pub fn token_url(&self) -> String {
        format!("http://{}{}", self.address, serve::TOKEN)
    }

    /// Does one thing at the school.
    ///
    /// # Errors
    /// When what it names is not there.
    pub fn act(&self, act: Act) -> Result<Done, ActError> {
        self.shared.act(act)
    }

    /// What it does otherwise than the standard now.
    pub fn quirks(&self) -> Quirks {
        self.shared.quirks()
    }

    /// From the next request on, it does this otherwise.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.shared.set_quirks(quirks);
    }

    /// The school units: id and name.
    pub fn units(&self) -> Vec<(Id, String)> {
        let world = self.shared.world();
        let units = world.organisations.iter().filter(|row| row.is.kind == "Skolenhet");
        units.map(|row| (row.id, row.is.name.clone())).collect()
    }

    /// Every pupil, with guardians.
    pub fn pupils(&self) -> Vec<PupilCard> {
        show::pupils(&self.shared.world())
    }

    /// The lessons of the day that `at` lies in, in order; all days when it is nothing.
    pub fn lessons(&self, at: Option<Timestamp>) -> Vec<LessonCard> {
        show::lessons(&self.shared.world(), at)
    }

    /// Everything that has happened, in order.
    pub fn diary(&self) -> Vec<(Timestamp, Act)> {
        self.shared.diary().clone()
    }

    /// How often each endpoint was asked, by the status it answered.
    pub fn asked(&self) -> BTreeMap<String, BTreeMap<u16, u64>> {
        self.shared.asked().counts()
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<Line> {
        self.shared.asked().lines()
    }

    /// Stops listening, ends all sessions and returns when the last task has ended.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    fn world(&self) -> RwLockReadGuard<'_, world::World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world to be changed now.
    fn changing(&self) -> RwLockWriteGuard<'_, world::World> {
        let quirks = self.quirks();
        let back = SignedDuration::from_secs(quirks.backdated_seconds.into());
        let now = self.skewed(self.clock.now());
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        world.set_now(now.saturating_sub(back).unwrap_or(now));
        world
    }

    fn quirks(&self) -> Quirks {
        self.quirks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_quirks(&self, quirks: Quirks) {
        *self.quirks.write().unwrap_or_else(PoisonError::into_inner) = quirks;
    }

    fn door(&self) -> MutexGuard<'_, access::Doorkeeper> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, asked::Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn diary(&self) -> MutexGuard<'_, Vec<(Timestamp, Act)>> {
        self.diary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribers(&self) -> MutexGuard<'_, subscriptions::Subscriptions> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
