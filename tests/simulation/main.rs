//! The whole daemon in deterministic simulation: the real application on simulated time, a store that
//! dies in commits, a provider and a relay that answer oddly, and school days made up from a seed. The
//! same seed gives the same days; `UPPROP_SEED` replays one, `UPPROP_SEEDS` says how many.

mod chance;
mod clock;
mod disk;
mod holds;
mod life;
mod line;
mod oracle;
mod outside;
mod people;
mod plan;
mod scenarios;
mod senders;
mod settings;
mod staff;
mod tally;

use std::any::Any;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chance::Chance;
use life::World;
use plan::{DAYS, Plan};
use tally::Tally;

/// Seeds of a run of all tests.
const SEEDS: u64 = 200;
/// With so many seeds everything comes up that can.
const ENOUGH: u64 = 200;

/// Says something past the test harness, which shows a passing test's output to nobody.
fn say(words: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Runs a seed's world to its end.
fn lived(seed: u64, tally: Arc<Tally>) -> (Arc<World>, u64) {
    let plan = Plan::new(seed, &tally);
    let c = Chance::new(seed, "weather");
    let (deadly, trouble) = (*c.pick(&[0, 20, 60]), *c.pick(&[0, 5, 15, 35]));
    let config = settings::read(&plan.config);
    let world = Arc::new(World::new(plan, config, tally, deadly, trouble));
    let lives = world.run();
    (world, lives)
}

/// Everything that was acknowledged and everything that arrived, with their times.
fn trace(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (id, at) in world.acknowledged.lock().expect("acknowledged").iter() {
        (id, at.as_microsecond()).hash(&mut hasher);
    }
    for m in world.outside.arrived.lock().expect("arrived").iter() {
        let asked = &m.asked;
        let times = [asked.truth, asked.clock, m.at].map(jiff::Timestamp::as_microsecond);
        (&asked.notification, &asked.to, times).hash(&mut hasher);
    }
    hasher.finish()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var_os(name)?;
    let number = text.to_str().and_then(|text| text.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{name} is a number, and not {}", text.display())))
}

/// The seeds that were asked for. None at all would pass, and show nothing.
fn asked() -> Vec<u64> {
    if let Some(seed) = number("UPPROP_SEED") {
        return vec![seed];
    }
    let many = number("UPPROP_SEEDS").unwrap_or(SEEDS);
    assert!(many > 0, "UPPROP_SEEDS is a number above 0");
    (1..=many).collect()
}

/// What all seeds came to.
#[derive(Default)]
struct Sum {
    tally: Tally,
    lives: AtomicU64,
    commits: AtomicU64,
    conflicts: AtomicU64,
    lessons: AtomicU64,
    messages: AtomicU64,
    schools: AtomicU64,
    marks: AtomicU64,
    bad: Mutex<Vec<(u64, String)>>,
}

impl Sum {
    fn live(&self, seed: u64) {
        let tally = Arc::new(Tally::default());
        let wrong = catch_unwind(AssertUnwindSafe(|| {
            let (world, lives) = lived(seed, tally.clone());
            self.lives.fetch_add(lives, Ordering::Relaxed);
            let add = |sum: &AtomicU64, of: u64| sum.fetch_add(of, Ordering::Relaxed);
            let many = |n: usize| u64::try_from(n).expect("small");
            add(&self.commits, world.disk.commits.load(Ordering::Relaxed));
            add(&self.conflicts, world.disk.conflicts.load(Ordering::Relaxed));
            let examined = oracle::examine(&world);
            add(&self.lessons, many(examined.lessons));
            add(&self.messages, many(examined.messages));
            // Of one in shadow mode nobody ever hears.
            add(
                &self.schools,
                many(world.plan.schools.iter().filter(|s| s.mode != "shadow").count()),
            );
            let is_mark = |event: &&plan::Event| event.body["type"] == "attendance.marked";
            add(&self.marks, many(world.plan.events.iter().filter(is_mark).count()));
            examined.wrong
        }));
        self.tally.take(&tally);
        let wrong = wrong.unwrap_or_else(|panic| vec![format!("panicked: {}", words(&*panic))]);
        if !wrong.is_empty() {
            self.bad.lock().expect("bad").push((seed, wrong.join("\n  ")));
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// Lives through many seeds, as many at once as there are processors. Each is lived by one thread.
fn live_all(seeds: &[u64]) -> Sum {
    let sum = Sum::default();
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
                    .ok()
                    .and_then(|at| seeds.get(at))
                {
                    sum.live(*seed);
                }
            });
        }
    });
    sum
}

#[test]
fn school_days_of_many_seeds_keep_every_promise() {
    let seeds = asked();
    let sum = live_all(&seeds);
    let faults = [
        disk::FAULTS,
        holds::ACTS,
        staff::ACTS,
        life::FAULTS,
        line::FAULTS,
        outside::REPORTS,
        senders::FAULTS,
    ]
    .concat();
    let checks = [&[line::WRITTEN_AHEAD], senders::CHECKS, life::CHECKS, oracle::CHECKS].concat();
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let days = u64::try_from(DAYS).expect("small") * count(&sum.schools);
    say(format_args!(
        "simulation: {} seeds ({} to {}) of {DAYS} days; {days} school days (a day of one school that \
         tells somebody); {} lives of the daemon; {} commits, {} of them conflicts; {} lessons of a pupil; {} marks; \
         {} messages\n\
         the days:\n{}faults injected:\n{}promises looked at where they could have been broken:\n{}\
         noted:\n{}",
        seeds.len(),
        seeds[0],
        seeds[seeds.len() - 1],
        count(&sum.lives),
        count(&sum.commits),
        count(&sum.conflicts),
        count(&sum.lessons),
        count(&sum.marks),
        count(&sum.messages),
        sum.tally.lines(plan::KINDS),
        sum.tally.lines(&faults),
        sum.tally.lines(&checks),
        sum.tally.lines(oracle::NOTED),
    ));
    let mut bad = sum.bad.into_inner().expect("bad");
    bad.sort();
    let told: Vec<String> = bad
        .iter()
        .map(|(seed, wrong)| {
            format!(
                "seed {seed}; replay it with\n  UPPROP_SEED={seed} cargo test --release --test \
                 simulation school_days\n  {wrong}"
            )
        })
        .collect();
    assert!(bad.is_empty(), "{} of {} seeds:\n{}", bad.len(), seeds.len(), told.join("\n"));
    if u64::try_from(seeds.len()).expect("small") >= ENOUGH {
        let all = [plan::KINDS, &faults, &checks].concat();
        let missing = sum.tally.missing(&all);
        assert!(missing.is_empty(), "never came up, so nothing is shown of it: {missing:#?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_days() {
    for seed in number("UPPROP_SEED").map_or(vec![7, 8, 9], |seed| vec![seed]) {
        let live = || lived(seed, Arc::default());
        let traces = [live(), live()].map(|(world, lives)| (trace(&world), lives));
        assert_eq!(traces[0], traces[1], "seed {seed}");
        // To be held against that of another run.
        say(format_args!(
            "simulation: seed {seed} twice, both times with the trace {:016x}",
            traces[0].0
        ));
    }
}
