//! Lists of marks said again and again: what goes on, and what nobody is told of.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::task::TaskTracker;

use super::*;
use crate::directory::{Directory, Roster, testing};
use crate::env::{Clock, Pending};
use crate::metrics::Metrics;
use crate::model::{LessonId, LessonState, Notification, State};
use crate::store::{Kv, MemoryStore, after_prefix};

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        at("08:40")
    }
    fn sleep_until(&self, _until: Timestamp) -> Pending<'_, ()> {
        Box::pin(std::future::pending())
    }
}

fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}:00+01:00").parse().expect("a time")
}

struct World {
    kv: Arc<MemoryStore>,
    offering: Offering,
}

impl World {
    fn new() -> Self {
        let school = testing::settings();
        let mut roster = Roster::default();
        let guardian = testing::guardian("g-p", 605);
        roster.guardians.insert(guardian.id.clone(), guardian);
        let pupil = testing::pupil("s", "p");
        roster.pupils.entry(school.id.clone()).or_default().insert(pupil.id.clone(), pupil);
        let directory = Directory {
            schools: Arc::new(BTreeMap::from([(school.id.clone(), school)])),
            roster: Arc::new(roster),
        };
        let kv = Arc::new(MemoryStore::new());
        let directory = Arc::new(ArcSwap::from_pointee(directory));
        let intake = Intake::new(kv.clone(), Arc::new(Still), directory, TaskTracker::new());
        let source = SourceId::new("sis").expect("id");
        let meter = Metrics::new(at("08:00")).source(&source);
        let offering = Offering { source, intake, meter, contacts: Contacts::default() };
        Self { kv, offering }
    }

    /// How many are new, of a list of one.
    async fn says(&self, said: Said) -> u64 {
        self.offering.take(vec![said], false).await.expect("taken").new
    }

    async fn rows<T: serde::de::DeserializeOwned>(&self, prefix: &[u8]) -> Vec<T> {
        let rows = self.kv.scan(prefix, &after_prefix(prefix), 100).await.expect("memory");
        rows.iter().map(|(_, row)| ledger::decode(row).expect("a row")).collect()
    }

    async fn mark(&self) -> Option<Mark> {
        self.rows::<LessonState>(tables::LESSONS).await.first().and_then(|lesson| lesson.mark)
    }

    async fn waiting(&self) -> usize {
        let all: Vec<Notification> = self.rows(tables::NOTIFICATIONS).await;
        all.iter().filter(|n| n.state == State::Waiting).count()
    }
}

fn said(mark: Mark, recorded: &str, row: &str) -> Said {
    Said {
        school: SchoolId::new("s").expect("id"),
        pupil: PupilId::new("p").expect("id"),
        lesson: Lesson {
            id: LessonId::new("l").expect("id"),
            start: at("08:20"),
            end: at("09:20"),
            label: None,
        },
        mark,
        minutes: None,
        register_closed: None,
        recorded_at: (!recorded.is_empty()).then(|| at(recorded)),
        recorded_by: None,
        row: Some(row.to_owned()),
        replaces: false,
        protected: false,
    }
}

#[tokio::test]
async fn what_is_said_again_is_no_news() {
    let world = World::new();
    assert_eq!(world.says(said(Mark::Unexcused, "08:25", "a")).await, 1);
    assert_eq!(world.says(said(Mark::Unexcused, "08:25", "a")).await, 0);
    assert_eq!(world.waiting().await, 1);
    // Of an earlier page, come late.
    assert_eq!(world.says(said(Mark::Present, "08:21", "a")).await, 0);
    assert_eq!((world.mark().await, world.waiting().await), (Some(Mark::Unexcused), 1));
    assert_eq!(world.says(said(Mark::Present, "08:30", "a")).await, 1);
    assert_eq!((world.mark().await, world.waiting().await), (Some(Mark::Present), 0));
}

#[tokio::test]
async fn what_was_dated_before_the_clock_was_put_right_does_not_hold_up_what_follows() {
    let world = World::new();
    assert_eq!(world.says(said(Mark::Unexcused, "10:25", "a")).await, 1);
    assert_eq!(world.says(said(Mark::Present, "08:25", "a")).await, 1);
    assert_eq!((world.mark().await, world.waiting().await), (Some(Mark::Present), 0));
}

#[tokio::test]
async fn a_mark_that_goes_to_and_fro_without_a_time_is_news_each_time() {
    let world = World::new();
    for mark in [Mark::Unexcused, Mark::Present, Mark::Unexcused, Mark::Present] {
        assert_eq!(world.says(said(mark, "", "a")).await, 1);
        assert_eq!(world.says(said(mark, "", "a")).await, 0);
        assert_eq!(world.mark().await, Some(mark));
    }
}

#[tokio::test]
async fn what_replaces_a_row_that_is_gone_stands_however_old_it_is() {
    let world = World::new();
    world.says(said(Mark::Unexcused, "08:25", "a")).await;
    assert_eq!(world.says(said(Mark::Excused, "08:00", "b")).await, 0);
    let replacing = Said { replaces: true, ..said(Mark::Excused, "08:00", "b") };
    assert_eq!(world.says(replacing.clone()).await, 1);
    assert_eq!((world.mark().await, world.waiting().await), (Some(Mark::Excused), 0));
    assert_eq!(world.says(replacing).await, 0);
}

#[tokio::test]
async fn nobody_is_told_of_what_was_so_at_first_contact_until_it_is_otherwise() {
    let world = World::new();
    let first = said(Mark::Unexcused, "08:25", "a");
    let taken = world.offering.take(vec![first.clone()], true).await.expect("taken");
    assert_eq!((taken.new, world.mark().await), (1, Some(Mark::Unexcused)));
    assert_eq!((world.says(first).await, world.waiting().await), (0, 0));
    // The row is touched, and says the same.
    assert_eq!(world.says(said(Mark::Unexcused, "08:31", "a")).await, 1);
    assert_eq!(world.waiting().await, 0);
    world.says(said(Mark::Present, "08:32", "a")).await;
    world.says(said(Mark::Unexcused, "08:33", "a")).await;
    assert_eq!(world.waiting().await, 1);
}

#[tokio::test]
async fn a_mark_that_cannot_be_taken_yet_is_taken_when_it_can() {
    let world = World::new();
    let stranger =
        Said { pupil: PupilId::new("q").expect("id"), ..said(Mark::Unexcused, "08:25", "a") };
    for _ in 0..2 {
        let taken = world.offering.take(vec![stranger.clone()], false).await.expect("taken");
        assert_eq!((taken.new, taken.refused.values().sum::<u64>()), (0, 1));
    }
    let directory = world.offering.intake.directory();
    let mut now = Directory::clone(&directory.load());
    let mut roster = Roster::clone(&now.roster);
    let pupil = testing::pupil("s", "q");
    roster.pupils.entry(pupil.school.clone()).or_default().insert(pupil.id.clone(), pupil);
    now.roster = Arc::new(roster);
    directory.store(Arc::new(now));
    assert_eq!(world.says(stranger).await, 1);
}

/// What a file that was written at that minute says, in its only row.
fn written(minute: u8, mark: Mark) -> Written {
    let said = Said { row: None, ..said(mark, "", "") };
    Written { said, at: at(&format!("08:{minute:02}")), file: format!("f{minute}"), line: 2 }
}

#[tokio::test]
async fn of_one_file_the_lower_row_stands_however_often_it_is_read() {
    let world = World::new();
    let row = |line, mark| Written { line, ..written(30, mark) };
    let rows = [row(2, Mark::Unexcused), row(3, Mark::Present), row(4, Mark::Unexcused)];
    let take = async |from: usize| {
        world.offering.take_written(rows[from..].to_vec(), false).await.expect("taken").0.new
    };
    assert_eq!(take(0).await, 3);
    for from in 0..3 {
        assert_eq!(take(from).await, 0, "read again from row {from}");
    }
    assert_eq!(world.mark().await, Some(Mark::Unexcused));
    // A row that says when it was recorded is not younger for standing in a later file.
    let mut late = written(35, Mark::Present);
    late.said.recorded_at = Some(at("08:20"));
    let (taken, _) = world.offering.take_written(vec![late], false).await.expect("taken");
    assert_eq!((taken.new, taken.known), (0, 1));
    assert_eq!(world.waiting().await, 1);
}

mod order {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Files of a day, late, repeated and in any order: what was written last stands.
        #[test]
        fn any_order_and_repetition_of_files_comes_to_the_same(
            marks in proptest::collection::vec(0usize..2, 1..5),
            order in proptest::collection::vec(0usize..5, 0..12),
        ) {
            let mark = |n: usize| [Mark::Unexcused, Mark::Present][marks[n]];
            let minute = |n: usize| u8::try_from(25 + n).expect("small");
            let files = |n: usize| vec![written(minute(n), mark(n))];
            let all = order.iter().map(|n| n % marks.len()).chain((0..marks.len()).rev());
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
            runtime.block_on(async {
                let world = World::new();
                for n in all {
                    world.offering.take_written(files(n), false).await.expect("taken");
                }
                assert_eq!(world.mark().await, Some(mark(marks.len() - 1)));
            });
        }
    }
}
