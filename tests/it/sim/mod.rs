//! The whole daemon in deterministic simulation: the real application on a simulated clock, a store that
//! dies in commits, a provider and a relay that answer oddly, and school days made up from a seed. The
//! same seed gives the same days; `UPPROP_SIM_SEED` replays one, `UPPROP_SIM_SEEDS` says how many.

mod chance;
mod clock;
mod disk;
mod life;
mod oracle;
mod outside;
mod plan;

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use upprop::config::{self, Config, Loader, Secrets};

use crate::load::say;
use chance::Chance;
use life::World;
use plan::Plan;

/// Seeds of a run of all tests.
const SEEDS: u64 = 60;

fn configured(text: &str) -> Config {
    let folder = tempfile::tempdir().expect("folder");
    for (name, secret) in [
        ("api", plan::API_TOKEN),
        ("token", plan::TOKEN),
        ("user", "u-test"),
        ("password", "p-test"),
        ("receipts", "receipt-secret-0123456789abcdef"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, secret).expect("secret");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("mode");
    }
    let loader = Loader {
        credentials_dir: None,
        base_dir: folder.path().to_owned(),
        secrets: Secrets::Required,
    };
    let report = config::load_text("sim.toml", text, &loader);
    report.config.unwrap_or_else(|| panic!("{:#?}", report.problems))
}

/// Runs a seed's world to its end.
fn lived(seed: u64) -> (Arc<World>, u32) {
    let plan = Plan::new(seed);
    let c = Chance::new(seed, "weather");
    let (deadly, trouble) = (*c.pick(&[0, 2, 10, 40]), *c.pick(&[0, 5, 15, 35]));
    let config = configured(&plan.config);
    let world = Arc::new(World::new(plan, config, deadly, trouble));
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
        (&m.notification, &m.to, m.asked.as_microsecond(), m.at.as_microsecond()).hash(&mut hasher);
    }
    hasher.finish()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn school_days_of_many_seeds_keep_every_promise() {
    let seeds: Vec<u64> = match number("UPPROP_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("UPPROP_SIM_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let (mut lives, mut arrived, mut lessons, mut last_words) = (0, 0, 0, 0);
    let (mut commits, mut conflicts) = (0, 0);
    let mut bad = Vec::new();
    for seed in &seeds {
        let (world, count) = lived(*seed);
        let found = oracle::examine(&world);
        lives += count;
        arrived += found.arrived;
        lessons += found.lessons;
        last_words += found.last_words;
        commits += world.disk.commits.load(Ordering::Relaxed);
        conflicts += world.disk.conflicts.load(Ordering::Relaxed);
        if !found.wrong.is_empty() {
            bad.push(format!("UPPROP_SIM_SEED={seed}:\n  {}", found.wrong.join("\n  ")));
        }
    }
    say(format_args!(
        "sim: {} seeds, {lives} lives, {commits} commits ({conflicts} conflicts), {lessons} lessons, \
         {arrived} messages, {last_words} last words looked at",
        seeds.len()
    ));
    assert!(bad.is_empty(), "{} of {} seeds:\n{}", bad.len(), seeds.len(), bad.join("\n"));
    assert!(last_words > seeds.len() * 5, "the oracle has something to look at");
}

#[test]
fn the_same_seed_gives_the_same_days() {
    let seed = number("UPPROP_SIM_SEED").unwrap_or(7);
    let traces = [lived(seed), lived(seed)].map(|(world, lives)| (trace(&world), lives));
    assert_eq!(traces[0], traces[1]);
}
