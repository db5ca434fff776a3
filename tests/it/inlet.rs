//! What the tests of the inlet and of the decisions add to the world: requests with other headers
//! than `World::post` sends, raw bytes, changes to the folder, and a look into the store.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use upprop::env::{Clock as _, SystemClock};
use upprop::model::{Notification, PupilId, SchoolId};
use upprop::source::webhook::auth::sign;
use upprop::store::rows::Audit;
use upprop::store::{Kv as _, Settings, SledStore, after_prefix, ledger, tables};

use crate::world::{World, soon, within};

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// `accepted` and `duplicate` of the inlet's answer, and how many were rejected.
    pub fn counts(&self) -> (u64, u64, usize) {
        let json = self.json();
        let count = |name: &str| json[name].as_u64().unwrap_or(u64::MAX);
        let rejected = json["rejected"].as_array().map_or(usize::MAX, Vec::len);
        (count("accepted"), count("duplicate"), rejected)
    }
}

/// Sends a request as it stands; a method is written before the path, `POST` without one.
pub async fn send(
    world: &World,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let (method, path) = path.split_once(' ').unwrap_or(("POST", path));
    let method = method.parse().expect("a method");
    let mut request =
        world.client().request(method, format!("http://{}{path}", world.address)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = within("an answer", request.send()).await.expect("an answer");
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer.text().await.expect("a body"),
    }
}

/// A request with a Standard Webhooks signature made `ago` seconds ago.
pub async fn send_signed(world: &World, secret: &str, id: &str, ago: i64, body: &str) -> Answer {
    let at = SystemClock::new().now() - jiff::SignedDuration::from_secs(ago);
    let signature = sign(&SecretString::from(secret), id, at, body.as_bytes()).expect("a secret");
    let time = at.as_second().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", &time),
        ("webhook-signature", &signature),
    ];
    send(world, "/hooks/src", &headers, body.to_owned()).await
}

/// Sends bytes and reads until the other side closes.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        // The other side may close before all is written; what it said is still to be read.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    within("the other side to close", talk).await
}

/// Replaces words in the configuration; the daemon must not run yet.
pub fn amend(world: &World, from: &str, to: &str) {
    let text = fs::read_to_string(world.config()).expect("the configuration");
    assert!(text.contains(from), "{from:?} stands in the configuration");
    fs::write(world.config(), text.replacen(from, to, 1)).expect("the configuration");
}

/// Puts a file into the world's folder in one step, as an export should.
pub fn put_file(world: &World, name: &str, bytes: impl AsRef<[u8]>) {
    let path = world.folder.path().join(name);
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, bytes).expect("write");
    fs::set_permissions(&unfinished, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("mode");
    fs::rename(&unfinished, &path).expect("rename");
}

/// A file of the world's folder.
pub fn file(world: &World, name: &str) -> String {
    fs::read_to_string(world.folder.path().join(name)).expect("a file")
}

/// What the store holds; the daemon must not run.
pub struct Kept(SledStore);

impl Kept {
    /// Opens it.
    pub fn open(folder: &Path) -> Self {
        let settings =
            Settings { low_water_bytes: 64 << 20, ..Settings::new(folder.join("state")) };
        Self(SledStore::open(settings).expect("the store opens"))
    }

    /// Every notification.
    pub async fn notifications(&self) -> Vec<Notification> {
        let end = after_prefix(tables::NOTIFICATIONS);
        let rows = self.0.scan(tables::NOTIFICATIONS, &end, 10_000).await.expect("rows");
        rows.iter().map(|(_, value)| ledger::decode(value).expect("a notification")).collect()
    }

    /// What was heard and decided about a pupil, as `heard: act recipient reason, …`.
    pub async fn trail(&self, school: &str, pupil: &str) -> Vec<String> {
        let school = SchoolId::new(school).expect("id");
        let prefix = tables::audit_prefix(&school, &PupilId::new(pupil).expect("id"));
        let rows = self.0.scan(&prefix, &after_prefix(&prefix), 10_000).await.expect("rows");
        let line = |audit: Audit| {
            let decisions: Vec<String> = audit
                .decisions
                .iter()
                .map(|d| format!("{} {} {}", d.act, d.recipient, d.reason).replace("  ", " "))
                .collect();
            format!("{}: {}", audit.heard, decisions.join(", "))
        };
        rows.iter().map(|(_, value)| line(ledger::decode(value).expect("a line"))).collect()
    }
}

/// A daemon with a configuration that is not the world's.
pub struct Daemon(Child);

impl Daemon {
    /// Starts it and waits until it is ready.
    pub async fn start(config: &Path, address: SocketAddr) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_upprop"))
            .arg("run")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let daemon = Self(child);
        let clock = SystemClock::new();
        let ready = async {
            while TcpStream::connect(address).await.is_err() {
                clock.sleep_until(soon(&clock)).await;
            }
        };
        within("the daemon to listen", ready).await;
        daemon
    }

    /// Ends it at once.
    pub fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
