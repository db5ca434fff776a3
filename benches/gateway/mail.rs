//! Mails a second to one SMTP server, beside what Postfix's own `smtp-source` reaches against the same
//! server (`smtp-sink`) with as many connections and as large mails.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client;
use crate::daemon::Setup;
use crate::table::{Finding, Goal};

/// Connections side by side, as the daemon has by default.
const WIDTH: usize = 16;
/// Bytes of a mail, about what an alarm has.
const MAIL_BYTES: usize = 4_000;

const SINK: &str = "smtp-sink";
const SOURCE: &str = "smtp-source";

/// What of Postfix is not installed: asked before anything is measured, for without it the last part of
/// all would end the run, and the figures of the others with it.
pub fn missing() -> Option<&'static str> {
    // Neither knows the option: it says how it is used, and ends.
    let is_there = |tool: &str| Command::new(tool).arg("-?").output().is_ok();
    [SINK, SOURCE].into_iter().find(|tool| !is_there(tool))
}

/// Postfix's server that takes everything and keeps nothing, and how many mails it has taken.
struct Server {
    child: Child,
    taken: Arc<AtomicUsize>,
}

impl Server {
    fn start(address: SocketAddr) -> Self {
        // Root must name another user, and nobody else can.
        let user: &[&str] =
            if rustix::process::geteuid().is_root() { &["-u", "nobody"] } else { &[] };
        let child = Command::new(SINK)
            .arg("-c")
            .args(user)
            .args([&address.to_string(), "1000"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("smtp-sink was there at the start");
        let mut output = child.stdout.take().expect("its counters");
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 65_536];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                // "sess=1 quit=0 mesg=5\r", again and again; the last whole one counts.
                let text = String::from_utf8_lossy(&chunk[..read]);
                let last = text
                    .rsplit('\r')
                    .find_map(|line| line.split_once("mesg=")?.1.trim().parse::<usize>().ok());
                if let Some(last) = last {
                    count.fetch_max(last, Ordering::Relaxed);
                }
            }
        });
        while std::net::TcpStream::connect(address).is_err() {
            let ended = child.try_wait().expect("its state");
            assert!(ended.is_none(), "smtp-sink ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { child, taken }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Measures one round of `mails` mails.
pub async fn measure(dir: &Path, mails: usize) -> Vec<Finding> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let setup = Setup {
        channel: "email",
        smtp: address,
        ..Setup::new(5_000, SocketAddr::from(([127, 0, 0, 1], 9)))
    };
    let mut daemon = setup.write(dir);
    daemon.start().await;
    // They wait for a relay that is not there yet.
    let requests = daemon.absences_by(500, 0..mails, "mail");
    client::closed(daemon.address, 2, Arc::new(requests)).await;
    daemon.kill();
    let server = Server::start(address);
    daemon.start().await;
    let cpu = daemon.cpu();
    let (first, last) = (reached(&server, mails / 10).await, reached(&server, mails).await);
    let rate = (mails - mails / 10) as f64 / last.duration_since(first).as_secs_f64();
    let cpu = daemon.cpu_since(cpu).as_secs_f64() * 1e6 / mails as f64;
    drop(daemon);
    let began = Instant::now();
    let source = Command::new(SOURCE)
        .args(["-d", "-s", &WIDTH.to_string(), "-m", &mails.to_string()])
        .args(["-l", &MAIL_BYTES.to_string(), "-f", "franvaro@skola.example"])
        .args(["-t", "h1@hem.example", &address.to_string()])
        .status();
    assert!(source.expect("smtp-source was there at the start").success());
    let ceiling = mails as f64 / began.elapsed().as_secs_f64();
    vec![
        Finding::new("mails to smtp-sink", rate, "mails/s", ceiling, Goal::AtLeast(0.5)),
        Finding::shown("mails: CPU a mail", cpu, "µs"),
    ]
}

async fn reached(server: &Server, count: usize) -> Instant {
    let until = Instant::now() + Duration::from_mins(3);
    while server.taken.load(Ordering::Relaxed) < count {
        let taken = server.taken.load(Ordering::Relaxed);
        assert!(Instant::now() < until, "{taken} of {count} mails came");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Instant::now()
}
