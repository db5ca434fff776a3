//! The sender of all measurements: HTTP/1.1 over connections that stay open, requests made before the
//! clock runs, and as little work of its own as can be, since it shares the machine with what it
//! measures. The same for the gateway and for the bare server beside it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::stats::Times;

/// A whole request, as bytes.
pub type Request = Vec<u8>;

/// A `POST` of JSON with a Bearer token.
pub fn post(path: &str, token: &str, body: &str) -> Request {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One open connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens it.
    pub async fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads its answer: status and body.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some((status, head, length)) = head(&self.buffer)
                && self.buffer.len() >= head + length
            {
                return Ok((status, self.buffer[head..head + length].to_vec()));
            }
        }
    }
}

/// Status, bytes of the head, and bytes of the body of an answer whose head is whole.
fn head(bytes: &[u8]) -> Option<(u16, usize, usize)> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((status, end, length.unwrap_or(0)))
}

/// What a closed loop gave.
pub struct Closed {
    /// Answers.
    pub answers: usize,
    /// How long it took.
    pub took: Duration,
    /// Each request's time.
    pub times: Times,
}

impl Closed {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64()
    }
}

/// Sends all requests over `width` connections, on each the next when the last is answered. Every
/// answer must be 202.
pub async fn closed(to: SocketAddr, width: usize, requests: Arc<Vec<Request>>) -> Closed {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for _ in 0..width {
        let (next, requests) = (next.clone(), requests.clone());
        clients.spawn(async move {
            let mut connection = Connection::open(to).await.expect("a connection");
            let mut times = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                let (status, body) = connection.ask(request).await.expect("an answer");
                assert_eq!(status, 202, "{}", String::from_utf8_lossy(&body));
                times.push(sent.elapsed());
            }
            times
        });
    }
    let times = clients.join_all().await.concat();
    Closed { answers: times.len(), took: began.elapsed(), times: Times::new(times) }
}

/// One request of an open loop.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// When it was to leave.
    pub due: Instant,
    /// When it was answered.
    pub answered: Instant,
}

/// Sends request *i* at *i* ÷ `rate` seconds after the start, whatever became of those before it: a stall
/// is counted for every request that it held up, not only for the one that met it (coordinated
/// omission). `width` connections bound what is under way.
pub async fn open(
    to: SocketAddr,
    width: usize,
    rate: f64,
    requests: Arc<Vec<Request>>,
) -> Vec<Sent> {
    let began = Instant::now() + Duration::from_millis(50);
    let due = move |i: usize| began + Duration::from_secs_f64(i as f64 / rate);
    let (turn, turns) = tokio::sync::mpsc::unbounded_channel();
    let count = requests.len();
    // The runtime's own clock ticks in milliseconds.
    let thread = std::thread::spawn(move || {
        for i in 0..count {
            std::thread::sleep(due(i).saturating_duration_since(Instant::now()));
            turn.send(i).expect("clients");
        }
    });
    let turns = Arc::new(tokio::sync::Mutex::new(turns));
    let mut clients = JoinSet::new();
    for _ in 0..width {
        let (turns, requests) = (turns.clone(), requests.clone());
        clients.spawn(async move {
            let mut connection = Connection::open(to).await.expect("a connection");
            let mut sent = Vec::new();
            loop {
                let next = turns.lock().await.recv().await;
                let Some(i) = next else { return sent };
                let mut answer = connection.ask(&requests[i]).await;
                if answer.is_err() {
                    // A server may close a connection that has been idle.
                    connection = Connection::open(to).await.expect("a connection");
                    answer = connection.ask(&requests[i]).await;
                }
                let (status, body) = answer.expect("an answer");
                assert_eq!(status, 202, "{}", String::from_utf8_lossy(&body));
                sent.push((i, Sent { due: due(i), answered: Instant::now() }));
            }
        });
    }
    let mut sent = clients.join_all().await.concat();
    thread.join().expect("the pacer");
    sent.sort_unstable_by_key(|(i, _)| *i);
    sent.into_iter().map(|(_, sent)| sent).collect()
}
