//! The real daemon in a folder of its own: a made-up school of any size, started, killed, looked at.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::client::{self, Connection, Request};
use crate::machine;

const TOKEN: &str = "bench-token-0123456789abcdef-0123456789";

/// Longest wait for the daemon to get ready or done.
const PATIENCE: Duration = Duration::from_mins(15);

/// What the daemon is set up with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How many pupils.
    pub pupils: usize,
    /// How many guardians each has.
    pub guardians: usize,
    /// `sms` or `email`.
    pub channel: &'static str,
    /// Pause between a mark and its text, as in configuration.
    pub grace: &'static str,
    /// The provider.
    pub provider: SocketAddr,
    /// The mail server.
    pub smtp: SocketAddr,
    /// More lines of `[delivery]`.
    pub delivery: &'static str,
}

impl Setup {
    /// A school of this size whose guardians are told by text at once.
    pub fn new(pupils: usize, provider: SocketAddr) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        Self {
            pupils,
            guardians: 1,
            channel: "sms",
            grace: "0s",
            provider,
            smtp: nowhere,
            delivery: "",
        }
    }

    /// Writes it to a new folder under `dir`.
    pub fn write(self, dir: &Path) -> Daemon {
        let folder = tempfile::tempdir_in(dir).expect("a folder");
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        for (name, text) in [
            ("token", TOKEN),
            ("receipts", "receipt-secret-0123456789abcdef"),
            ("user", "u-bench"),
            ("password", "p-bench"),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("a secret");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        }
        let Self { grace, provider, smtp, delivery, .. } = self;
        let config = format!(
            r#"public-url = "http://{address}"
[store]
dir = "state"
[server]
listen = "{address}"
[directory]
folder = "directory"
[delivery]
recipient-rate = "off"
{delivery}
[mail]
host = "{host}"
port = {port}
tls = "none"
from = "franvaro@skola.example"
rate = "100000/s"
[providers.elks]
kind = "46elks"
url = "http://{provider}"
username-file = "./user"
password-file = "./password"
receipt-secret-file = "./receipts"
rate = "100000/s"
[sources.src]
bearer-file = "./token"
[defaults]
grace = "{grace}"
not-reached-at = "off"
missed-at = "off"
same-day-report-at = "off"
term-report-at = "off"
duty-list-at = "off"
ladder-report-at = "off"
roster-audit-at = "off"
volume-class = "off"
volume-school = "off"
volume-source = "off"
volume-usual = 0
most-a-day = 0
[schools.s1]
name = "Björkskolan"
mode = "live"
team-email = "team@skola.example"
phone = "070-174 06 89"
sender-id = "Bjorkskolan"
quiet-hours = "off"
stale-after = "3d"
sms-provider = "elks"
"#,
            host = smtp.ip(),
            port = smtp.port(),
        );
        fs::write(folder.path().join("upprop.toml"), config).expect("a configuration");
        self.people(&folder.path().join("directory"));
        Daemon { folder, address, setup: self, child: None }
    }

    fn people(&self, dir: &Path) {
        fs::create_dir_all(dir).expect("a folder");
        let mut pupils =
            String::from("id,school,class,given-name,family-name,birth-date,protection,mentor\n");
        let mut guardians = String::from(
            "pupil,school,guardian,name,phone,email,channel,language,may-receive,deny\n",
        );
        for i in 0..self.pupils {
            let _ = writeln!(pupils, "q{i},s1,7B,{},Test,2014-02-15,none,", name(i));
            for g in 0..self.guardians {
                let phone = 5 + (i * self.guardians + g) % 95;
                let _ = writeln!(
                    guardians,
                    "q{i},s1,h{i}-{g},Vuxen Test,070-174 06 {phone:02},h{i}-{g}@hem.example,{},sv,yes,no",
                    self.channel
                );
            }
        }
        fs::write(dir.join("pupils.csv"), pupils).expect("pupils");
        fs::write(dir.join("guardians.csv"), guardians).expect("guardians");
        fs::write(dir.join("staff.csv"), "id,school,role,name,email,phone\n").expect("staff");
    }
}

/// A request to the daemon's source.
pub fn post(body: &str) -> Request {
    client::post("/hooks/src", TOKEN, body)
}

/// A given name that no other pupil has, so that a text tells whom it is about.
pub fn name(pupil: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).expect("less than 26"));
    format!(
        "Qv{}{}{}{}{}",
        letter(pupil / 456_976),
        letter(pupil / 17_576),
        letter(pupil / 676),
        letter(pupil / 26),
        letter(pupil)
    )
}

/// The daemon and its folder.
pub struct Daemon {
    folder: tempfile::TempDir,
    /// Where it listens.
    pub address: SocketAddr,
    setup: Setup,
    child: Option<Child>,
}

impl Daemon {
    /// Starts it and waits until it is ready; how long that took.
    pub async fn start(&mut self) -> Duration {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path());
        let log = log.expect("a log");
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_upprop"))
            .args(["run", "upprop.toml"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("the daemon starts"));
        let question = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        loop {
            if let Ok(mut connection) = Connection::open(self.address).await
                && let Ok((200, _)) = connection.ask(question).await
            {
                return began.elapsed();
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "the daemon ended: {ended:?}\n{}", self.log());
            assert!(began.elapsed() < PATIENCE, "the daemon did not get ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills it, as a power cut of the process would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Resident memory, in bytes. A daemon that has died takes none, which would meet every goal.
    pub fn resident(&self) -> u64 {
        let bytes = machine::resident(self.pid());
        assert!(bytes > 0, "the daemon ended by itself:\n{}", self.log());
        bytes
    }

    /// CPU time used so far.
    pub fn cpu(&self) -> Duration {
        machine::cpu(self.pid())
    }

    /// CPU time used since it was so much.
    pub fn cpu_since(&self, before: Duration) -> Duration {
        self.cpu().saturating_sub(before)
    }

    /// Bytes in its journal.
    pub fn journal_bytes(&self) -> u64 {
        let files = fs::read_dir(self.folder.path().join("state/journal")).expect("a journal");
        files.filter_map(|file| file.ok()?.metadata().ok()).map(|meta| meta.len()).sum()
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// What it wrote to its log last.
    pub fn log(&self) -> String {
        let all = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Requests of one event each: pupil *i* of a range is missing from a lesson that has begun and
    /// ends in two hours. `lesson` makes them differ from those of other calls.
    pub fn absences(&self, pupils: std::ops::Range<usize>, lesson: &str) -> Vec<Request> {
        let now = Timestamp::now();
        let one = |i| post(&event(i % self.setup.pupils, i, lesson, now));
        pupils.map(one).collect()
    }

    /// The same, many events to a request.
    pub fn absences_by(
        &self,
        many: usize,
        pupils: std::ops::Range<usize>,
        lesson: &str,
    ) -> Vec<Request> {
        let now = Timestamp::now();
        let all: Vec<usize> = pupils.collect();
        let one = |chunk: &[usize]| {
            let events: Vec<String> =
                chunk.iter().map(|&i| event(i % self.setup.pupils, i, lesson, now)).collect();
            post(&format!("[{}]", events.join(",")))
        };
        all.chunks(many).map(one).collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

fn event(pupil: usize, serial: usize, lesson: &str, now: Timestamp) -> String {
    let start = now - SignedDuration::from_mins(1);
    let end = start + SignedDuration::from_hours(2);
    format!(
        r#"{{"type":"attendance.marked","id":"{lesson}-{serial}","school":"s1","pupil":"q{pupil}","lesson":{{"id":"{lesson}-{serial}","start":"{start}","end":"{end}"}},"mark":"unexcused","recorded_at":"{now}"}}"#
    )
}
