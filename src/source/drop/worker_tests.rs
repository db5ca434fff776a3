//! A folder looked at by a clock that is put forward by hand.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio_util::task::TaskTracker;

use super::settings::{Layout, Meaning, Pattern, Repeats, Writing};
use super::text::Encoding;
use super::*;
use crate::directory::{self, Directory, testing};
use crate::env::Clock as _;
use crate::intake::{Contact, Contacts, Intake};
use crate::metrics::{Metrics, Moment};
use crate::model::{LessonState, Mark, Notification, SchoolId, State};
use crate::source::testing::Hand;
use crate::store::{MemoryStore, Wake, after_prefix};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

struct World {
    _temporary: tempfile::TempDir,
    kv: Arc<MemoryStore>,
    clock: Arc<Hand>,
    metrics: Arc<Metrics>,
    drop: DropFolder,
}

impl World {
    fn new(kinds: &[Kind]) -> Self {
        let temporary = tempfile::tempdir().expect("folder");
        let (kv, clock) = (Arc::new(MemoryStore::new()), Hand::at("2026-11-23T07:20:00Z"));
        let schools = ["s", "t"].map(|id| {
            let id = SchoolId::new(id).expect("id");
            (id.clone(), directory::School { id, ..testing::settings() })
        });
        let none = Directory { schools: Arc::new(schools.into()), ..Directory::default() };
        let directory = Arc::new(ArcSwap::from_pointee(none));
        let metrics = Arc::new(Metrics::new(clock.now()));
        let source = SourceId::new("f").expect("id");
        let mut rules = directory::Settings { source: Some(source.clone()), ..Default::default() };
        (rules.brake.max_drop_pupils, rules.brake.max_drop_contacts) = (0.9, 0.9);
        let feed = RosterFeed::new(
            kv.clone(),
            clock.clone(),
            directory.clone(),
            rules,
            Arc::new(Wake::default()),
            TaskTracker::new(),
            metrics.clone(),
        );
        let intake = Intake::new(kv.clone(), clock.clone(), directory, TaskTracker::new());
        let meter = metrics.source(&source);
        let offering = Offering { source, intake, meter, contacts: Contacts::default() };
        let names = kinds.iter().map(|kind| {
            (*kind, vec![Pattern::new(&format!("{}*", kind.as_str())).expect("a pattern")])
        });
        let settings = Settings {
            folder: temporary.path().to_owned(),
            names: names.collect(),
            schools: None,
            poll: MINUTE,
            still: SignedDuration::from_secs(5),
            patience: MINUTE,
            together: SignedDuration::from_hours(2),
            order: Order::Time,
            repeats: Repeats::ByTime,
            largest: 1 << 20,
            keep: SignedDuration::from_hours(24),
            writing: Writing {
                encoding: Encoding::Utf8,
                delimiter: None,
                head: true,
                columns: BTreeMap::new(),
                layout: Layout::Upprop,
            },
            meaning: Meaning {
                marks: BTreeMap::new(),
                notices: BTreeMap::new(),
                schools: BTreeMap::new(),
                times: Vec::new(),
                provisional: false,
            },
        };
        let drop =
            DropFolder { settings, offering, feed: Arc::new(feed), phone: PhoneRules::default() };
        Self { _temporary: temporary, kv, clock, metrics, drop }
    }

    async fn worker(&self) -> Worker<'_> {
        let mut worker = Worker::start(&self.drop).await.expect("memory");
        worker.recall_rejected().await;
        worker
    }

    fn path(&self, name: &str) -> PathBuf {
        self.drop.settings.folder.join(name)
    }

    /// Writes a file, now.
    fn put(&self, name: &str, text: &str) {
        self.put_at(name, text, self.clock.now());
    }

    fn put_at(&self, name: &str, text: &str, at: Timestamp) {
        fs::write(self.path(name), text).expect("written");
        let file = fs::File::options().append(true).open(self.path(name)).expect("there");
        let since = Duration::from_secs(at.as_second().unsigned_abs());
        file.set_modified(UNIX_EPOCH + since).expect("dated");
    }

    fn is_there(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn contact(&self) -> Contact {
        self.drop.offering.contacts.of(&self.drop.offering.source)
    }

    fn trouble(&self, kind: &str) -> String {
        self.contact()
            .troubles
            .get(kind)
            .map(|t| format!("{}; {}", t.what, t.remedy))
            .unwrap_or_default()
    }

    fn rejected(&self) -> String {
        let text = self.metrics.plain(&Moment::default());
        let is_it = |line: &&str| {
            line.starts_with("upprop_events_total{source=\"f\",outcome=\"rejected\"}")
        };
        text.lines().find(is_it).and_then(|line| line.split(' ').nth(1)).unwrap_or("0").to_owned()
    }

    fn pupils(&self) -> Vec<String> {
        let directory = self.drop.offering.intake.directory().load();
        let all = directory.roster.pupils.values().flat_map(BTreeMap::keys);
        all.map(ToString::to_string).collect()
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

    /// Looks, and again when files have come to rest.
    async fn look(&self, worker: &mut Worker<'_>) {
        worker.look().await.expect("memory");
        self.clock.pass(SignedDuration::from_secs(6));
        worker.look().await.expect("memory");
    }
}

fn pupils(ids: &[&str]) -> String {
    let rows = ids.iter().map(|id| format!("{id},s,Alva,none\n"));
    format!("id,school,given-name,protection\n{}", rows.collect::<String>())
}

fn guardians(ids: &[&str]) -> String {
    let rows = ids.iter().map(|id| format!("{id},s,g-{id},yes,070-174 06 05\n"));
    format!("pupil,school,guardian,may-receive,phone\n{}", rows.collect::<String>())
}

const PEOPLE: [Kind; 2] = [Kind::Pupils, Kind::Guardians];

#[tokio::test]
async fn parts_of_an_export_that_come_apart_wait_for_each_other() {
    let world = World::new(&PEOPLE);
    let mut worker = world.worker().await;
    world.put("pupils.csv", &pupils(&["p1", "p2"]));
    world.put("guardians.csv", &guardians(&["p1", "p2"]));
    world.look(&mut worker).await;
    assert_eq!(world.pupils(), ["p1", "p2"]);
    // Of the next export each of the two comes first once.
    for (first, ids) in [("pupils", ["p1", "p3"]), ("guardians", ["p1", "p4"])] {
        let files = [("pupils", pupils(&ids)), ("guardians", guardians(&ids))];
        let (now, then): (Vec<_>, Vec<_>) = files.iter().partition(|(name, _)| *name == first);
        world.put(&format!("{first}.csv"), &now[0].1);
        for _ in 0..10 {
            world.look(&mut worker).await;
            world.clock.pass(MINUTE);
        }
        let told = world.trouble("directory");
        assert!(told.contains(&format!("waits for {}.csv", then[0].0)), "{told}");
        assert!(!world.is_there("rejected"), "nothing is rejected meanwhile");
        world.put(&format!("{}.csv", then[0].0), &then[0].1);
        world.look(&mut worker).await;
        assert_eq!(
            (world.pupils(), world.trouble("directory")),
            (ids.map(str::to_owned).to_vec(), String::new())
        );
    }
    // The rest never comes.
    world.look(&mut worker).await;
    let confirmed = world.metrics.directory_confirmed();
    world.put("pupils.csv", &pupils(&["p1", "p5"]));
    for _ in 0..125 {
        world.look(&mut worker).await;
        world.clock.pass(MINUTE);
    }
    let reason = world.read("rejected/pupils.csv.reason.txt");
    assert!(reason.contains("there is no such pupil"), "{reason}");
    assert!(world.trouble("rejected-file").contains("pupils.csv was not taken"));
    assert_eq!(world.pupils(), ["p1", "p4"]);
    assert_eq!(world.metrics.directory_confirmed(), confirmed, "nobody has said that it is right");
    // What no other file can put right does not wait.
    world.put("pupils.csv", "id,school,given-name,protection\np1,s,,none\n");
    for _ in 0..3 {
        world.look(&mut worker).await;
        world.clock.pass(MINUTE);
    }
    assert!(!world.is_there("pupils.csv"));
    world.put("pupils.csv", &pupils(&["p1", "p4", "p5"]));
    world.look(&mut worker).await;
    assert_eq!((world.pupils().len(), world.trouble("rejected-file")), (3, String::new()));
}

#[tokio::test]
async fn of_two_files_of_one_kind_none_vanishes_silently() {
    let world = World::new(&PEOPLE);
    let mut worker = world.worker().await;
    world.put("pupils-1.csv", &pupils(&["p1"]));
    world.clock.pass(MINUTE);
    world.put("pupils-2.csv", &pupils(&["p1", "p2"]));
    world.put("guardians.csv", &guardians(&["p1", "p2"]));
    world.look(&mut worker).await;
    assert_eq!(world.pupils(), ["p1", "p2"]);
    let reason = world.read("rejected/pupils-1.csv.reason.txt");
    assert!(reason.contains("pupils-2.csv lay beside it"), "{reason}");
    assert!(world.trouble("rejected-file").starts_with("pupils-1.csv was not taken"));
    // One file for each school: neither stands for both.
    world.put("pupils-s.csv", &pupils(&["p1", "p2"]));
    world.put("pupils-t.csv", &pupils(&["q1"]).replace(",s,", ",t,"));
    world.look(&mut worker).await;
    world.clock.pass(MINUTE + MINUTE);
    world.look(&mut worker).await;
    assert!(world.trouble("directory").contains("speak of different schools"));
    assert!(world.is_there("pupils-s.csv") && world.is_there("pupils-t.csv"));
    fs::remove_file(world.path("pupils-t.csv")).expect("removed");
    world.look(&mut worker).await;
    assert_eq!(world.trouble("directory"), "");
}

#[tokio::test]
async fn files_of_the_directory_are_as_large_and_whole_as_others_must_be() {
    let mut world = World::new(&PEOPLE);
    world.drop.settings.largest = 200;
    let mut worker = world.worker().await;
    world.put("guardians.csv", &guardians(&["p1"]));
    world.put("pupils.csv", &pupils(&["p1"; 40]));
    world.look(&mut worker).await;
    let reason = world.read("rejected/pupils.csv.reason.txt");
    assert!(reason.contains("is larger than `largest`"), "{reason}");
    // One whose last line is not ended is waited for: the end of a cell may be missing.
    world.put("pupils.csv", pupils(&["p1"]).trim_end());
    world.look(&mut worker).await;
    assert!(world.is_there("pupils.csv") && world.pupils().is_empty());
    world.clock.pass(MINUTE);
    world.look(&mut worker).await;
    assert_eq!(world.pupils(), ["p1"]);
}

const LESSON: &str = "2026-11-23T07:10:00Z;2026-11-23T08:10:00Z";

fn marks(rows: &[(&str, &str)]) -> String {
    let row = |(pupil, mark): &(&str, &str)| format!("s;{pupil};l;{LESSON};{mark}\n");
    format!("school;pupil;lesson;start;end;mark\n{}", rows.iter().map(row).collect::<String>())
}

async fn with_people(world: &World, worker: &mut Worker<'_>, ids: &[&str]) {
    world.put("pupils.csv", &pupils(ids));
    world.put("guardians.csv", &guardians(ids));
    world.look(worker).await;
    assert_eq!(world.pupils(), ids);
}

const ALL: [Kind; 3] = [Kind::Pupils, Kind::Guardians, Kind::Attendance];

#[tokio::test]
async fn who_is_not_in_the_directory_yet_is_told_of_when_it_is() {
    let world = World::new(&ALL);
    let mut worker = world.worker().await;
    with_people(&world, &mut worker, &["p1"]).await;
    world.put("attendance.csv", &marks(&[("p1", "present"), ("p2", "unexcused")]));
    world.look(&mut worker).await;
    assert!(world.is_there("done/attendance.csv") && !world.is_there("rejected"));
    assert!(world.trouble("unknown-pupils").starts_with("1 marks wait"));
    assert_eq!(world.waiting().await, 0);
    // What comes late says nothing anew.
    let late = world.clock.now() - MINUTE;
    world.put_at("attendance-late.csv", &marks(&[("p2", "present")]), late);
    world.look(&mut worker).await;
    with_people(&world, &mut worker, &["p1", "p2"]).await;
    assert_eq!((world.waiting().await, world.trouble("unknown-pupils")), (1, String::new()));
}

#[tokio::test]
async fn marks_wait_a_while_for_files_of_the_directory_that_lie_there() {
    let world = World::new(&ALL);
    let mut worker = world.worker().await;
    with_people(&world, &mut worker, &["p1"]).await;
    // It is being written, and takes its time.
    world.put("attendance.csv", &marks(&[("p1", "unexcused")]));
    for n in 0..8 {
        world.put("pupils.csv", &pupils(&["p1", "p2"][..=(n % 2)]));
        worker.look().await.expect("memory");
        world.clock.pass(SignedDuration::from_secs(4));
        assert!(world.is_there("attendance.csv"), "{n}");
    }
    world.clock.pass(MINUTE);
    world.put("pupils.csv", &pupils(&["p1"]));
    worker.look().await.expect("memory");
    assert!(world.is_there("done/attendance.csv"), "a pupil who is missing cannot wait for ever");
}

#[tokio::test]
async fn what_is_wrong_is_told_until_it_is_so_no_more() {
    let world = World::new(&ALL);
    let mut worker = world.worker().await;
    with_people(&world, &mut worker, &["p1"]).await;
    world.put("attendance-1.csv", &marks(&[("p1", "present"), ("p1", "gone")]));
    world.put("attendance-2.csv", "school;pupil\ns;p1\n");
    world.look(&mut worker).await;
    world.clock.pass(MINUTE);
    world.look(&mut worker).await;
    assert_eq!(world.rejected(), "2", "a row and a file");
    for _ in 0..2 {
        assert!(world.trouble("bad-rows").starts_with("1 "), "{}", world.trouble("bad-rows"));
        let told = world.trouble("rejected-file");
        assert!(told.contains("attendance-2.csv") && told.contains("reason.txt"), "{told}");
        world.put("attendance-3.csv", &marks(&[("p1", "late")]));
        world.look(&mut worker).await;
        assert!(world.is_there("done/attendance-3.csv"));
        // Another process knows it too.
        let source = &world.drop.offering.source;
        assert!(world.drop.offering.contacts.well(source, "bad-rows"));
        assert!(world.drop.offering.contacts.well(source, "rejected-file"));
        worker = world.worker().await;
    }
    fs::remove_file(world.path("rejected/attendance-1.csv")).expect("removed");
    world.look(&mut worker).await;
    assert_eq!(world.trouble("bad-rows"), "");
    assert_ne!(world.trouble("rejected-file"), "");
    // By the times of the file system, which this clock has nothing to do with.
    world.clock.pass(SignedDuration::from_hours(24 * 365 * 100));
    world.look(&mut worker).await;
    assert_eq!(world.trouble("rejected-file"), "");
}

#[tokio::test]
async fn what_was_said_last_stands_whatever_the_times_of_files() {
    for order in [Order::Time, Order::Name] {
        let mut world = World::new(&ALL);
        world.drop.settings.order = order;
        let mut worker = world.worker().await;
        with_people(&world, &mut worker, &["p1"]).await;
        let at = world.clock.now();
        // All of one second, as some file systems have it; or, by name, each older than the one before.
        for (n, mark) in (1..).zip(["unexcused", "present", "unexcused", "present", "unexcused"]) {
            let back = if order == Order::Name { MINUTE * n } else { SignedDuration::ZERO };
            let text = marks(&[("p1", mark)]) + &"\n".repeat(usize::try_from(n).expect("small"));
            world.put_at(&format!("attendance-{n}.csv"), &text, at - back);
        }
        world.look(&mut worker).await;
        assert_eq!(world.mark().await, Some(Mark::Unexcused), "{order:?}");
        // The same bytes as the fourth, written later.
        let text = marks(&[("p1", "present")]) + "\n\n\n\n";
        world.put("attendance-6.csv", &text);
        world.look(&mut worker).await;
        assert_eq!(world.mark().await, Some(Mark::Present), "{order:?}");
        // And once more: nothing has come in between.
        world.put("attendance-7.csv", &text);
        world.look(&mut worker).await;
        assert!(world.is_there("done/attendance-7.csv.note.txt"));
    }
}
