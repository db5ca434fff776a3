//! What waits costs memory and time at a start: the daemon idle, with a hundred thousand messages
//! waiting for a provider that is away, with a million, and how soon after a kill it takes work again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::client;
use crate::daemon::{Daemon, Setup};
use crate::table::Finding;

/// After this long, what a moment's work needed is given back: the thread that read the directory has
/// ended.
const AFTERWARDS: Duration = Duration::from_secs(15);
const MIB: f64 = 1_048_576.0;
/// Where no provider listens (RFC 863, discard): every connection is refused.
const AWAY: ([u8; 4], u16) = ([127, 0, 0, 1], 9);
/// Events to a request: as many as one may hold within 256 KiB.
const EVENTS: usize = 500;

/// Measures a daemon that has nothing to do.
pub async fn idle(dir: &Path) -> Vec<Finding> {
    let mut daemon = Setup::new(500, AWAY.into()).write(dir);
    daemon.start().await;
    let requests = Arc::new(daemon.absences(0..100, "idle"));
    client::closed(daemon.address, 4, requests).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    vec![Finding::at_most("idle, 500 pupils: memory", daemon.resident() as f64 / MIB, "MiB", 40.0)]
}

/// Measures 100,000 pupils with `count` messages waiting.
pub async fn waiting(dir: &Path, count: usize) -> Vec<Finding> {
    let mut daemon = Setup::new(100_000, AWAY.into()).write(dir);
    daemon.start().await;
    let empty = daemon.resident();
    for turn in 0..count / 100_000 {
        let requests = daemon.absences_by(EVENTS, 0..100_000, &format!("t{turn}"));
        client::closed(daemon.address, 2, Arc::new(requests)).await;
    }
    tokio::time::sleep(AFTERWARDS).await;
    let filled = daemon.resident();
    let (ready, after) = restart(&mut daemon).await;
    let name = |what: &str| format!("100,000 pupils, {count} waiting: {what}");
    let memory = |what: &str, bytes: u64| match count {
        100_000 => Finding::at_most(name(what), bytes as f64 / MIB, "MiB", 200.0),
        _ => Finding::shown(name(what), bytes as f64 / MIB, "MiB"),
    };
    vec![
        Finding::shown(name("memory before any waits"), empty as f64 / MIB, "MiB"),
        memory("memory when all wait", filled),
        memory("memory after a kill", after),
        Finding::at_most(name("ready after a kill"), ready.as_secs_f64(), "s", 5.0),
    ]
}

/// Kills and starts; how long until ready, and the memory some time after.
async fn restart(daemon: &mut Daemon) -> (Duration, u64) {
    daemon.kill();
    let ready = daemon.start().await;
    tokio::time::sleep(AFTERWARDS).await;
    (ready, daemon.resident())
}
