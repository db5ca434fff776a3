//! From the mark to the text, open loop: events come when they come, and the time that counts is from
//! when each was due to leave the school system to when the provider has its text.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ceiling::{self, Bare};
use crate::client;
use crate::daemon::{self, Daemon, Setup};
use crate::provider::Provider;
use crate::stats::{Times, millis};
use crate::table::{Finding, Goal};

/// Events a second.
const RATES: [usize; 3] = [100, 500, 2_000];
/// Connections of the school system.
const WIDTH: usize = 64;
/// What a commit of one event takes in the journal, in bytes, rounded up.
const COMMIT_BYTES: usize = 4096;

/// Measures one round: each rate for `seconds`.
pub async fn measure(dir: &Path, provider: &Provider, seconds: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut daemon = Setup::new(5_000, provider.address).write(dir);
    daemon.start().await;
    latencies(&daemon, provider, 200.0, 400, "warm").await;
    let mut tails = Vec::new();
    for rate in RATES {
        let floor = floor(&daemon, rate).await;
        let cpu = daemon.cpu();
        let times =
            latencies(&daemon, provider, rate as f64, rate * seconds, &format!("r{rate}")).await;
        let cpu = daemon.cpu_since(cpu) / u32::try_from(rate * seconds).expect("few");
        let name = |what: &str| format!("open loop, {rate} events/s: {what}");
        let goal = |bound| if rate == 500 { Goal::AtMost(bound) } else { Goal::Shown };
        findings.extend([
            Finding::new(name("mark to text p50"), millis(times.at(0.5)), "ms", floor, goal(3.0)),
            Finding::new(name("mark to text p99"), millis(times.at(0.99)), "ms", floor, goal(10.0)),
            Finding::shown(name("two flushes and two bare round trips"), floor, "ms"),
            Finding::shown(name("mark to text p99.9"), millis(times.at(0.999)), "ms"),
            Finding::shown(name("CPU an event, text and all"), millis(cpu) * 1e3, "µs"),
        ]);
        tails.push(millis(times.at(0.99)));
    }
    findings.push(Finding::new(
        "open loop: p99 at 2,000 events/s to that at 100",
        tails[2],
        "ms",
        tails[0],
        Goal::AtMost(3.0),
    ));
    findings
}

/// What no gateway can go below at this rate, in milliseconds: two flushes of one commit's bytes and two
/// round trips to the bare server, each the median of many at the same pace, for a machine that has
/// slept between two events is slower to wake for each.
async fn floor(daemon: &Daemon, rate: usize) -> f64 {
    let pause = Duration::from_secs_f64(1.0 / rate as f64);
    let flush = ceiling::flushes(daemon.dir(), COMMIT_BYTES, 500, pause);
    let bare = Bare::start();
    let requests = Arc::new(daemon.absences(0..rate * 2, "bare"));
    let sent = client::open(bare.address, WIDTH, rate as f64, requests).await;
    let trips = Times::new(sent.iter().map(|s| s.answered.duration_since(s.due)).collect());
    2.0 * (millis(flush.at(0.5)) + millis(trips.at(0.5)))
}

/// Times from when each event was due to when its text came.
pub async fn latencies(
    daemon: &Daemon,
    provider: &Provider,
    rate: f64,
    events: usize,
    lesson: &str,
) -> Times {
    provider.take();
    let requests = Arc::new(daemon.absences(0..events, lesson));
    let sent = client::open(daemon.address, WIDTH, rate, requests).await;
    all_came(daemon, provider, events).await;
    let came = provider.take();
    let times = sent.iter().enumerate().map(|(i, sent)| {
        let turn = i / 5_000;
        let texts = &came[&daemon::name(i % 5_000)];
        texts[turn].duration_since(sent.due)
    });
    Times::new(times.collect())
}

/// Waits until as many texts have come.
pub async fn all_came(daemon: &Daemon, provider: &Provider, count: usize) {
    let until = Instant::now() + Duration::from_mins(2);
    while provider.count() < count {
        assert!(
            Instant::now() < until,
            "{} of {count} texts came\n{}",
            provider.count(),
            daemon.log()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
