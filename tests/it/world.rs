//! A world for the daemon: the real binary on a random port with its own folder, a provider and a
//! mail server that remember, a made-up school. Waits for conditions with a deadline; a message
//! that a test did not expect fails it.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::people::PUPILS;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use upprop::env::{Clock, SystemClock};
use upprop::sim::sink::{Faults, Kind, Received, Sink, SinkSettings};

/// Longest wait for anything; long, because machines are shared. Nothing is measured with it.
pub const DEADLINE: Duration = Duration::from_mins(1);

pub const TOKEN: &str = "test-token-0123456789abcdef-0123456789";
pub const API_TOKEN: &str = "api-token-0123456789abcdef-01234567890";
/// The secret of the vectors in the Standard Webhooks specification's own examples.
pub const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const TEAM: &str = "team@skola.example";

/// Builds a world.
pub struct Setup {
    pub mode: &'static str,
    pub school: String,
    pub delivery: String,
    pub recipient_rate: &'static str,
    /// How long providers and relays may take; `settle` must be longer.
    pub patience: &'static str,
    pub provider: String,
    pub mail: String,
    pub extra: String,
    pub pupils: Vec<(String, String, String, String)>,
    pub guardians: Vec<String>,
    pub faults: Faults,
    pub provider_clock: Arc<dyn Clock>,
    pub smtp: Option<SocketAddr>,
    pub provider_url: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut setup = Self {
            mode: "live",
            school: String::new(),
            delivery: "settle = \"3s\"\n".into(),
            recipient_rate: "off",
            patience: "2s",
            provider: "rate = \"1000/s\"\n".into(),
            mail: "rate = \"1000/s\"\n".into(),
            extra: String::new(),
            pupils: Vec::new(),
            guardians: Vec::new(),
            faults: Faults::default(),
            provider_clock: Arc::new(SystemClock::new()),
            smtp: None,
            provider_url: None,
        };
        for p in PUPILS {
            setup.pupils.push((p.id.into(), p.name.into(), p.birth.into(), p.protection.into()));
            for (id, phone, email, channel, language, may, deny) in p.guardians {
                setup.guardians.push(format!(
                    "{},s1,{id},Vuxen Test,{phone},{email},{channel},{language},{may},{deny}",
                    p.id
                ));
            }
        }
        setup
    }
}

/// A running world.
pub struct World {
    pub folder: tempfile::TempDir,
    pub sink: Sink,
    pub address: SocketAddr,
    /// When it was prepared.
    pub began: Timestamp,
    daemon: Option<Child>,
    client: reqwest::Client,
    serial: AtomicU64,
}

/// A port that is free now and stays so while the daemon is down between two starts: not one of
/// those that the system gives to connections (from 32768), of which other tests make thousands.
pub fn free_port() -> SocketAddr {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Tests may run as processes side by side: each begins elsewhere.
    let first = u64::from(std::process::id()) * 16;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(step < 20_000, "no port is free");
        let port = u16::try_from(10_000 + (first + step) % 20_000).expect("below 30,000");
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().expect("an address");
        }
    }
}

/// Waits for a future, and fails with words when it takes too long.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(elapsed) => panic!("waited {DEADLINE:?} for: {what}: {elapsed}"),
    }
}

impl Setup {
    /// Adds a pupil with one guardian: telephone, address, preferred channel.
    #[must_use]
    pub fn family(mut self, id: &str, phone: &str, email: &str, channel: &str) -> Self {
        self.pupils.push((id.into(), "Ylva".into(), "2012-02-15".into(), "none".into()));
        self.guardians
            .push(format!("{id},s1,g-{id},Vuxen Test,{phone},{email},{channel},sv,yes,no"));
        self
    }

    /// Starts the sink and writes the folder; the daemon does not run yet.
    pub fn prepare(self) -> World {
        upprop::env::wire::install_crypto();
        let tracker = tokio_util::task::TaskTracker::new();
        let settings = SinkSettings { faults: self.faults.clone(), ..SinkSettings::anywhere() };
        let sink = Sink::start(settings, self.provider_clock.clone(), tracker).expect("sink");
        let folder = tempfile::tempdir().expect("folder");
        let address = free_port();
        self.write(folder.path(), &sink, address);
        World {
            folder,
            sink,
            address,
            began: SystemClock::new().now(),
            daemon: None,
            client: reqwest::Client::builder().no_proxy().build().expect("client"),
            serial: AtomicU64::new(1),
        }
    }

    /// Starts everything and waits until the daemon is ready.
    pub async fn start(self) -> World {
        let mut world = self.prepare();
        world.start().await;
        world
    }

    fn write(&self, folder: &Path, sink: &Sink, address: SocketAddr) {
        let secret = |name: &str, text: &str| {
            let path = folder.join("secrets").join(name);
            fs::create_dir_all(path.parent().expect("folder")).expect("folder");
            fs::write(&path, text).expect("secret");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        };
        secret("token", TOKEN);
        secret("signing", SIGNING);
        secret("api", API_TOKEN);
        secret("receipts", "receipt-secret-0123456789abcdef");
        secret("user", "u-test");
        secret("password", "p-test");
        let smtp = self.smtp.unwrap_or(sink.smtp_addr());
        let provider_url = self.provider_url.clone().unwrap_or(sink.url());
        let config = format!(
            r#"public-url = "http://{address}"
api-token-file = "secrets/api"
{extra}
[store]
dir = "state"
low-water = "64 MiB"
[server]
listen = "{address}"
[directory]
folder = "directory"
poll = "1s"
[http]
timeout = "{patience}"
[delivery]
recipient-rate = "{recipient_rate}"
{delivery}
[mail]
host = "{host}"
port = {port}
tls = "none"
timeout = "{patience}"
data-timeout = "{patience}"
from = "franvaro@skola.example"
{mail}
[providers.elks]
kind = "46elks"
url = "{provider_url}"
username-file = "secrets/user"
password-file = "secrets/password"
receipt-secret-file = "secrets/receipts"
{provider}
[sources.src]
bearer-file = "secrets/token"
signature-secret-file = "secrets/signing"
[defaults]
grace = "0s"
{calm}
[schools.s1]
name = "Björkskolan"
mode = "{mode}"
team-email = "{TEAM}"
phone = "070-174 06 89"
sender-id = "Bjorkskolan"
quiet-hours = "off"
stale-after = "3d"
sms-provider = "elks"
{school}
"#,
            extra = self.extra,
            delivery = self.delivery,
            recipient_rate = self.recipient_rate,
            patience = self.patience,
            host = smtp.ip(),
            port = smtp.port(),
            mail = self.mail,
            provider = self.provider,
            mode = self.mode,
            school = self.school,
            calm = crate::people::CALM,
        );
        fs::write(folder.join("upprop.toml"), config).expect("config");
        write_directory(folder, &self.pupils, &self.guardians);
    }
}

/// Writes the folder of CSV files.
pub fn write_directory(
    folder: &Path,
    pupils: &[(String, String, String, String)],
    guardians: &[String],
) {
    let dir = folder.join("directory");
    fs::create_dir_all(&dir).expect("folder");
    let mut text =
        String::from("id,school,class,given-name,family-name,birth-date,protection,mentor\n");
    for (id, name, birth, protection) in pupils {
        let _ = writeln!(text, "{id},s1,7B,{name},Test,{birth},{protection},");
    }
    fs::write(dir.join("pupils.csv"), text).expect("pupils");
    let mut text =
        String::from("pupil,school,guardian,name,phone,email,channel,language,may-receive,deny\n");
    for row in guardians {
        let _ = writeln!(text, "{row}");
    }
    fs::write(dir.join("guardians.csv"), text).expect("guardians");
    fs::write(dir.join("staff.csv"), "id,school,role,name,email,phone\n").expect("staff");
}

impl World {
    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("upprop.toml")
    }

    /// Starts the daemon, and does not wait.
    pub fn launch(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("log");
        let child = Command::new(env!("CARGO_BIN_EXE_upprop"))
            .arg("run")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log"))
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        self.daemon = Some(child);
    }

    /// How the daemon has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.daemon.as_mut().and_then(|child| child.try_wait().expect("wait"))
    }

    /// Starts the daemon and waits until it is ready.
    pub async fn start(&mut self) {
        self.launch();
        let url = format!("http://{}/readyz", self.address);
        let client = self.client.clone();
        let clock = SystemClock::new();
        let ready = async {
            loop {
                if let Ok(answer) = client.get(&url).send().await {
                    // A world may begin without a directory.
                    let ready = answer.status() == 200;
                    if ready || answer.text().await.is_ok_and(|why| why.contains("directory")) {
                        return;
                    }
                }
                if let Some(status) = self.ended() {
                    panic!("the daemon ended with {status}:\n{}", self.log());
                }
                clock.sleep_until(soon(&clock)).await;
            }
        };
        let ready = tokio::time::timeout(DEADLINE, ready).await;
        assert!(ready.is_ok(), "the daemon did not get ready:\n{}", self.log());
    }

    /// What the daemon wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How many lines of the log hold `words`.
    pub fn lines(&self, words: &str) -> usize {
        self.log().lines().filter(|line| line.contains(words)).count()
    }

    /// Waits until at least `n` lines of the log hold `words`: what an operator can see, where the
    /// provider and the mailboxes cannot show it.
    pub async fn logged(&self, words: &str, n: usize) {
        let clock = SystemClock::new();
        let seen = async {
            while self.lines(words) < n {
                clock.sleep_until(soon(&clock)).await;
            }
        };
        let seen = tokio::time::timeout(DEADLINE, seen).await;
        assert!(seen.is_ok(), "waited for {n} lines with {words:?}:\n{}", self.log());
    }

    /// Ends the daemon at once, as a power cut of the process would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
    }

    /// Sends the daemon a signal, as `HUP`.
    pub fn signal(&self, name: &str) {
        let pid = self.daemon.as_ref().expect("a daemon").id().to_string();
        assert!(signal(name, &pid), "the daemon was there to be signalled");
    }

    /// Asks the daemon to stop; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        let mut child = self.daemon.take()?;
        // The sink must go on answering meanwhile, on this very thread if need be.
        tokio::task::block_in_place(|| child.wait()).expect("wait").code()
    }

    /// An id no other event has.
    pub fn event_id(&self) -> String {
        format!("e{}", self.serial.fetch_add(1, Ordering::Relaxed))
    }

    /// An `attendance.marked` about a lesson that began `ago` seconds ago and lasts an hour.
    pub fn marked(&self, pupil: &str, lesson: &str, mark: &str, ago: i64) -> Value {
        let now = SystemClock::new().now();
        let start = now - SignedDuration::from_secs(ago);
        self.marked_between(pupil, lesson, mark, start, start + SignedDuration::from_hours(1))
    }

    /// An `attendance.marked` about a lesson between two instants.
    pub fn marked_between(
        &self,
        pupil: &str,
        lesson: &str,
        mark: &str,
        start: Timestamp,
        end: Timestamp,
    ) -> Value {
        json!({
            "type": "attendance.marked", "id": self.event_id(), "school": "s1", "pupil": pupil,
            "lesson": {"id": lesson, "start": start.to_string(), "end": end.to_string()},
            "mark": mark, "recorded_at": SystemClock::new().now().to_string(),
        })
    }

    /// The first `n` lessons of a pupil's day that the pupil is missing from, as one request's body.
    pub fn missing(&self, pupil: &str, n: usize) -> Value {
        (1..=n).map(|i| self.marked(pupil, &format!("{pupil}-{i}"), "unexcused", 5)).collect()
    }

    /// Posts JSON to the inlet with the Bearer token.
    pub async fn post(&self, body: &Value) -> (u16, Value) {
        self.post_as("src", TOKEN, body.to_string()).await
    }

    /// Posts any body to any source with any token.
    pub async fn post_as(&self, source: &str, token: &str, body: String) -> (u16, Value) {
        let answer = within(
            "an answer to a webhook",
            self.client
                .post(format!("http://{}/hooks/{source}", self.address))
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
                .body(body)
                .send(),
        )
        .await
        .expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Posts and requires that everything is taken for the first time.
    pub async fn accept(&self, body: &Value) {
        let (status, answer) = self.post(body).await;
        let count = body.as_array().map_or(1, Vec::len);
        assert_eq!(
            (status, answer["accepted"].as_u64()),
            (202, Some(count as u64)),
            "{answer}\n{}",
            self.log()
        );
    }

    /// The HTTP client.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Waits until exactly `n` messages have come.
    pub async fn messages(&self, n: usize) -> Vec<Arc<Received>> {
        let met = self.sink.received(n);
        let Ok(all) = tokio::time::timeout(DEADLINE, met).await else {
            panic!("waited for {n} messages:\n{}\n{}", self.shown(), self.log());
        };
        assert_eq!(all.len(), n, "more came than expected:\n{}", self.shown());
        all
    }

    /// Everything the provider and the mail server took, to be read by people.
    pub fn shown(&self) -> String {
        self.sink.messages().iter().map(|m| upprop::sim::sink::show(m)).collect()
    }

    /// Shows that nothing but `n` messages has come and will come: one more absence, of a pupil and
    /// lesson used for nothing else, goes through the same queue, and only its messages are added.
    pub async fn quiet(&self, n: usize) {
        self.accept(&self.marked("nils", &format!("marker-{}", self.event_id()), "unexcused", 5))
            .await;
        let all = self.messages(n + 1).await;
        let last = all.iter().filter(|m| m.to == "+46701740607").count();
        assert!(last >= 1, "the marker came:\n{}", self.shown());
    }

    /// The texts among messages.
    pub fn texts(messages: &[Arc<Received>]) -> Vec<(String, String)> {
        messages
            .iter()
            .filter(|m| m.kind == Kind::Sms)
            .map(|m| (m.to.clone(), m.text.clone()))
            .collect()
    }

    /// The mails among messages.
    pub fn mails(messages: &[Arc<Received>]) -> Vec<Arc<Received>> {
        messages.iter().filter(|m| m.kind == Kind::Email).cloned().collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of the daemon ---\n{}", self.log());
        }
    }
}

/// Sends a signal to a process; whether it was there. The shell's own `kill`: a bare machine has no
/// other.
pub fn signal(name: &str, pid: &str) -> bool {
    let script = format!("kill -{name} {pid}");
    Command::new("sh").args(["-c", &script]).status().expect("a shell").success()
}

/// A moment from now: the pause between two looks at something that cannot be awaited.
pub fn soon(clock: &SystemClock) -> Timestamp {
    clock.now() + SignedDuration::from_millis(20)
}

/// Runs the command line and gives exit code and output.
pub fn upprop(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_upprop"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the command runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}
