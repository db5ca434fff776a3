//! Durable acknowledgements a second, closed loop: each client sends its next event when the last is
//! acknowledged. Beside it what bounds it: the bare server with as many clients, and a disk that
//! flushes one group for all clients at a time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ceiling::{self, Bare};
use crate::client;
use crate::daemon::Setup;
use crate::provider::Provider;
use crate::stats::millis;
use crate::table::{Finding, Goal};

/// Clients side by side.
const WIDTHS: [usize; 3] = [1, 16, 64];

/// Measures one round; `events` for each width.
pub async fn measure(dir: &Path, provider: &Provider, events: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The texts would come in ten minutes: acknowledging is measured, and not sending beside it.
    let setup = Setup { grace: "10m", ..Setup::new(5_000, provider.address) };
    let mut daemon = setup.write(dir);
    daemon.start().await;
    let warm = Arc::new(daemon.absences(0..500, "warm"));
    client::closed(daemon.address, 16, warm).await;
    for width in WIDTHS {
        let events = if width == 1 { events / 8 } else { events };
        let requests = Arc::new(daemon.absences(0..events, &format!("w{width}")));
        let bare = Bare::start();
        client::closed(bare.address, width, Arc::new(requests[..events / 4].to_vec())).await;
        let ceiling = client::closed(bare.address, width, requests.clone()).await.rate();
        drop(bare);
        let (journal, cpu) = (daemon.journal_bytes(), daemon.cpu());
        let found = client::closed(daemon.address, width, requests).await;
        let bytes = (daemon.journal_bytes() - journal) as usize / events;
        let cpu = daemon.cpu_since(cpu) / u32::try_from(events).expect("few");
        let flush = ceiling::flushes(daemon.dir(), bytes * width, 1000, Duration::ZERO);
        let disk = width as f64 / flush.at(0.5).as_secs_f64();
        let name = |what: &str| format!("closed loop, {width} clients: {what}");
        findings.extend([
            Finding::shown(name("bare hyper server"), ceiling, "req/s"),
            Finding::shown(name("disk, groups of as many"), disk, "acks/s"),
            Finding::new(
                name("durable acknowledgements"),
                found.rate(),
                "acks/s",
                ceiling.min(disk),
                if width == 1 { Goal::Shown } else { Goal::AtLeast(0.5) },
            ),
            Finding::shown(name("time to the answer, p99"), millis(found.times.at(0.99)), "ms"),
            Finding::shown(name("CPU an event"), millis(cpu) * 1e3, "µs"),
            Finding::shown(name("journal an event"), bytes as f64, "bytes"),
        ]);
    }
    findings
}
