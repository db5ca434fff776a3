//! A gateway of texts as small as can be, for the configurable adapter: it keeps what it was asked
//! and answers as a test says. And the world that sends through it.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::inlet::{amend, put_file};
use crate::world::{DEADLINE, Setup, World};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The first line: `POST /send?x=1 HTTP/1.1`.
    pub line: String,
    /// The other lines of the head, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The value of a header; empty when it was not sent.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Status and body of an answer to the `n`th request, counted from 0.
pub type Answers = dyn Fn(usize, &Asked) -> (u16, String) + Send + Sync;

/// A gateway on this machine.
pub struct Gateway {
    port: u16,
    more: Arc<Mutex<String>>,
    seen: Arc<Mutex<Vec<Asked>>>,
    count: watch::Receiver<usize>,
}

impl Gateway {
    /// Listens; every request is kept before it is answered.
    pub async fn start(
        answers: impl Fn(usize, &Asked) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (tell, count) = watch::channel(0);
        let (kept, answers): (_, Arc<Answers>) = (seen.clone(), Arc::new(answers));
        let more = Arc::new(Mutex::new(String::new()));
        let fields = more.clone();
        let tracker = TaskTracker::new();
        tracker.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fields = fields.clone();
                tracker.spawn(one(stream, kept.clone(), tell.clone(), answers.clone(), fields));
            }
        });
        Self { port, more, seen, count }
    }

    /// So, with more fields in the head of every answer.
    pub fn with_header(self, fields: &str) -> Self {
        *self.more.lock().expect("no test has failed in it") = format!("{fields}\r\n");
        self
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until exactly `n` requests have come.
    pub async fn asked(&self, n: usize, world: &World) -> Vec<Asked> {
        let mut count = self.count.clone();
        let met = tokio::time::timeout(DEADLINE, count.wait_for(|seen| *seen >= n)).await;
        assert!(met.is_ok(), "waited for {n} requests: {:?}\n{}", self.seen(), world.log());
        let seen = self.seen();
        assert_eq!(seen.len(), n, "more came than expected: {seen:?}\n{}", world.log());
        seen
    }

    /// What has come so far.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().expect("no test has failed in it").clone()
    }
}

async fn one(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<Asked>>>,
    tell: watch::Sender<usize>,
    answers: Arc<Answers>,
    more: Arc<Mutex<String>>,
) {
    let Some(asked) = read(&mut stream).await else { return };
    let n = {
        let mut seen = seen.lock().expect("no test has failed in it");
        seen.push(asked.clone());
        seen.len()
    };
    let (status, body) = answers(n - 1, &asked);
    let more = more.lock().expect("no test has failed in it").clone();
    let mut answer = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n{more}");
    let _ = write!(answer, "content-length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    tell.send_replace(n);
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut read = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let size = stream.read(&mut piece).await.ok().filter(|size| *size > 0)?;
        read.extend_from_slice(&piece[..size]);
        let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let asked = Asked { line, headers, body: read[end + 4..].to_vec() };
        let length: usize = asked.header("content-length").parse().unwrap_or(0);
        if asked.body.len() >= length {
            return Some(asked);
        }
    }
}

/// A world whose school sends through `[providers.gw]`, which `table` describes; `{url}` in it is the
/// gateway's address. Secrets are files of this world: name and content.
pub async fn world(gateway: &Gateway, table: &str, secrets: &[(&str, &str)]) -> World {
    world_of(Setup::default(), gateway, table, secrets).await
}

/// So, with more people or another configuration.
pub async fn world_of(
    setup: Setup,
    gateway: &Gateway,
    table: &str,
    secrets: &[(&str, &str)],
) -> World {
    let mut world = setup.prepare();
    for (name, content) in secrets {
        put_file(&world, &format!("secrets/{name}"), content);
    }
    let table = table.replace("{url}", &gateway.url());
    let table = format!("[providers.gw]\nkind = \"http\"\n{table}\n[sources.src]");
    amend(&world, "[sources.src]", &table);
    amend(&world, "sms-provider = \"elks\"", "sms-provider = \"gw\"");
    world.start().await;
    world
}
