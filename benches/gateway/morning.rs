//! A morning of a municipality: 50,000 pupils with two guardians each, all registers taken within ten
//! minutes, 3,000 pupils missing without a valid reason, and a provider that takes 20 ms.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::client;
use crate::daemon::{self, Setup};
use crate::open::all_came;
use crate::provider::Provider;
use crate::stats::Times;
use crate::table::Finding;

const PUPILS: usize = 50_000;
/// Pupils whose register is one request.
const CLASS: usize = 25;
/// One pupil in so many is missing: 3,000 of them.
const MISSING: (usize, usize) = (3, 50);

/// Measures one morning of so many minutes: all of the ten, or the same rate for less.
pub async fn measure(dir: &Path, provider: &Provider, minutes: usize) -> Vec<Finding> {
    let classes = PUPILS / CLASS * minutes / 10;
    let setup = Setup {
        guardians: 2,
        delivery: "concurrency = 64",
        ..Setup::new(PUPILS, provider.address)
    };
    let mut daemon = setup.write(dir);
    daemon.start().await;
    provider.take();
    let missing = |pupil: usize| pupil % MISSING.1 < MISSING.0;
    let now = Timestamp::now();
    let start = now - SignedDuration::from_mins(1);
    let end = start + SignedDuration::from_hours(1);
    let register = |class: usize| {
        let events: Vec<String> = (class * CLASS..(class + 1) * CLASS)
            .map(|i| {
                let mark = if missing(i) { "unexcused" } else { "present" };
                format!(
                    r#"{{"type":"attendance.marked","id":"m{i}","school":"s1","pupil":"q{i}","lesson":{{"id":"c{class}","start":"{start}","end":"{end}"}},"mark":"{mark}","recorded_at":"{now}"}}"#
                )
            })
            .collect();
        daemon::post(&format!("[{}]", events.join(",")))
    };
    let registers: Vec<_> = (0..classes).map(register).collect();
    let rate = classes as f64 / (minutes as f64 * 60.0);
    let (began, cpu) = (Instant::now(), daemon.cpu());
    let sent = client::open(daemon.address, 64, rate, Arc::new(registers)).await;
    let gone: Vec<usize> = (0..classes * CLASS).filter(|&i| missing(i)).collect();
    all_came(&daemon, provider, gone.len() * 2).await;
    let (took, cpu) = (began.elapsed(), daemon.cpu_since(cpu));
    let came = provider.take();
    let times = gone.iter().flat_map(|&pupil| {
        let due = sent[pupil / CLASS].due;
        came[&daemon::name(pupil)]
            .iter()
            .map(move |at| at.duration_since(due))
            .collect::<Vec<Duration>>()
    });
    let times = Times::new(times.collect());
    let name = |what: &str| format!("morning, {} missing in {minutes} min: {what}", gone.len());
    vec![
        Finding::at_most(name("slowest first notice"), times.longest().as_secs_f64(), "s", 2.0),
        Finding::shown(name("first notice p99"), times.at(0.99).as_secs_f64(), "s"),
        Finding::at_most(name("CPU"), cpu.as_secs_f64() / took.as_secs_f64(), "cores", 0.5),
        Finding::shown(name("memory"), daemon.resident() as f64 / 1_048_576.0, "MiB"),
    ]
}
