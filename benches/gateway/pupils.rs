//! Whether an event costs more in a large municipality: CPU and time of an event with a thousand, a
//! hundred thousand and a million pupils.

use std::path::Path;
use std::sync::Arc;

use crate::client;
use crate::daemon::Setup;
use crate::provider::Provider;
use crate::stats::millis;
use crate::table::{Finding, Goal};

/// How many pupils.
const PUPILS: [usize; 3] = [1_000, 100_000, 1_000_000];

/// Measures one round: `events` for each size.
pub async fn measure(dir: &Path, provider: &Provider, events: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut smallest = (0.0, 0.0);
    for pupils in PUPILS {
        let setup = Setup { grace: "10m", ..Setup::new(pupils, provider.address) };
        let mut daemon = setup.write(dir);
        daemon.start().await;
        let warm = Arc::new(daemon.absences(0..500, "warm"));
        client::closed(daemon.address, 16, warm).await;
        // Every tenth pupil of a small school has as many lessons as in the large one.
        let requests = Arc::new(daemon.absences(0..events, "l"));
        let cpu = daemon.cpu();
        let found = client::closed(daemon.address, 16, requests).await;
        let cpu = millis(daemon.cpu_since(cpu)) * 1e3 / events as f64;
        let time = millis(found.times.at(0.5));
        if pupils == PUPILS[0] {
            smallest = (cpu, time);
        }
        let goal = if pupils == PUPILS[2] { Goal::AtMost(1.3) } else { Goal::Shown };
        let name = |what: &str| format!("{pupils} pupils: {what}");
        findings.extend([
            Finding::new(name("CPU an event"), cpu, "µs", smallest.0, goal),
            Finding::new(name("time to the answer, p50"), time, "ms", smallest.1, Goal::Shown),
            Finding::shown(name("memory"), daemon.resident() as f64 / 1_048_576.0, "MiB"),
        ]);
    }
    findings
}
