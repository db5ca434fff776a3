//! A door to the core for the tests of this room: a store in memory, a clock by hand, and a small directory.

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio_util::task::TaskTracker;

use super::marks::Offering;
use crate::directory::{Directory, testing};
use crate::env::{Clock, Pending};
use crate::intake::{Contacts, Intake};
use crate::metrics::Metrics;
use crate::model::{LessonState, Notification, PupilId, SchoolId, SourceId};
use crate::store::rows::Due;
use crate::store::{Kv, MemoryStore, after_prefix, ledger, tables};

/// A clock that is put forward by hand, and by whoever sleeps.
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(text.parse().expect("time"))))
    }

    pub fn pass(&self, span: SignedDuration) {
        let mut now = self.0.lock().expect("lock");
        *now += span;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("lock")
    }

    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut now = self.0.lock().expect("lock");
            *now = until.max(*now);
        })
    }
}

/// The core, and who offers to it.
pub struct Core {
    pub kv: Arc<MemoryStore>,
    pub clock: Arc<Hand>,
    pub directory: Arc<ArcSwap<Directory>>,
    pub offering: Offering,
}

impl Core {
    /// School `s` with these pupils, at a morning in November.
    pub fn with(pupils: &[&str]) -> Self {
        let (kv, clock) = (Arc::new(MemoryStore::new()), Hand::at("2026-11-23T07:20:00Z"));
        let directory = Arc::new(ArcSwap::from_pointee(directory(pupils)));
        let intake = Intake::new(kv.clone(), clock.clone(), directory.clone(), TaskTracker::new());
        let source = SourceId::new("src").expect("id");
        let meter = Metrics::new(clock.now()).source(&source);
        let offering = Offering { source, intake, meter, contacts: Contacts::default() };
        Self { kv, clock, directory, offering }
    }

    /// Another directory.
    pub fn load(&self, pupils: &[&str]) {
        self.directory.store(Arc::new(directory(pupils)));
    }

    async fn all<T: serde::de::DeserializeOwned>(&self, table: &[u8]) -> Vec<T> {
        let rows = self.kv.scan(table, &after_prefix(table), usize::MAX).await.expect("rows");
        rows.iter().map(|(_, value)| ledger::decode(value).expect("a row")).collect()
    }

    /// All lessons known of.
    pub async fn lessons(&self) -> Vec<LessonState> {
        self.all(tables::LESSONS).await
    }

    /// All messages made.
    pub async fn messages(&self) -> Vec<Notification> {
        self.all(tables::NOTIFICATIONS).await
    }

    /// How many lessons of pupils are to be decided again by now.
    pub async fn looked_at_now(&self) -> usize {
        let (from, to) = (tables::ALL_DUE, after_prefix(tables::ALL_DUE));
        let rows = self.kv.scan(from, &to, usize::MAX).await.expect("rows");
        let now = self.clock.now();
        let such = rows.iter().filter(|(key, value)| {
            let due: Due = ledger::decode(value).expect("a row");
            let is_due = tables::due_time(key).is_some_and(|at| at <= now);
            is_due && matches!(due, Due::LessonEnd { .. })
        });
        such.count()
    }

    /// How many rows a table has.
    pub async fn rows(&self, table: &[u8]) -> usize {
        self.kv.scan(table, &after_prefix(table), usize::MAX).await.expect("rows").len()
    }
}

fn directory(pupils: &[&str]) -> Directory {
    let school = crate::directory::School { id: id(), ..testing::settings() };
    let roster = testing::roster(pupils.iter().map(|pupil| testing::pupil("s", pupil)));
    Directory { schools: Arc::new([(id(), school)].into()), roster: Arc::new(roster) }
}

/// The school.
pub fn id() -> SchoolId {
    SchoolId::new("s").expect("id")
}

/// A pupil's id.
pub fn pupil(text: &str) -> PupilId {
    PupilId::new(text).expect("id")
}
