//! Tests of the accept loop with real sockets. They wait for conditions; every wait has a bound
//! far above what it takes, so that a defect fails the test instead of hanging it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

const LONG: Duration = Duration::from_secs(20);
const SHORT: SignedDuration = SignedDuration::from_millis(100);

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    done: JoinHandle<()>,
    /// A request to `/wait` has reached its handler.
    entered: Arc<Notify>,
    /// Lets it answer.
    release: Arc<Notify>,
}

async fn served(settings: ServerSettings) -> Served {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&entered), Arc::clone(&release));
    let app = Router::new()
        .route(
            "/",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        )
        .route(
            "/echo",
            post(|body: Result<Bytes, BytesRejection>| async move {
                body.map_or_else(
                    |error| hooks_response::unreadable(&error),
                    IntoResponse::into_response,
                )
            }),
        )
        .route(
            "/small",
            post(|body: Bytes| async move { body.len().to_string() })
                .layer(DefaultBodyLimit::max(10)),
        )
        .route("/large", get(|| async { vec![b'x'; 32 * 1024 * 1024] }))
        .route("/panic", get(|| async { panic!("on purpose") as &'static str }))
        .route(
            "/wait",
            get(move || async move {
                tell.notify_one();
                wait.notified().await;
                "waited"
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let done = tracker.spawn(serve(listener, app, settings, stop.clone(), tracker.clone()));
    Served { address, stop, done, entered, release }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// Sends raw bytes on a new connection and reads until the server closes it.
    async fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("takes the request");
        rest(&mut stream).await
    }
}

/// What the server sends until it closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(LONG, stream.read_to_end(&mut answer)).await.expect("closed in the end").expect("read");
    String::from_utf8(answer).expect("text")
}

async fn bounded<T>(future: impl Future<Output = T>) -> T {
    timeout(LONG, future).await.expect("happens in the end")
}

fn request(line: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn answers_and_knows_the_peer() {
    let served = served(ServerSettings::default()).await;
    let mut stream = served.connect().await;
    let own = stream.local_addr().unwrap().to_string();
    stream.write_all(request("GET /", "").as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(&own), "{answer}");
}

#[tokio::test]
async fn slow_heads_and_idle_connections_are_closed() {
    let served = served(ServerSettings { head_timeout: SHORT, ..ServerSettings::default() }).await;
    for start in ["", "GET / HTTP/1.1\r\nHost:"] {
        let answer = served.exchange(start).await;
        assert!(!answer.contains("200"), "{answer}");
    }
    // Between two requests as well.
    let answer = served.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn bodies_are_bounded_whether_declared_or_not() {
    let settings = ServerSettings { body_limit: 1000, ..ServerSettings::default() };
    let served = served(settings).await;
    for (length, status) in [(1000, "200"), (1001, "413"), (4001, "413")] {
        let answer = served.exchange(&request("POST /echo", &"x".repeat(length))).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {answer}");
    }
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    for (chunks, status) in [(1, "200"), (2, "413")] {
        let answer = served
            .exchange(&format!(
                "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                chunk.repeat(chunks)
            ))
            .await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{chunks}: {answer}");
    }
    // A route may take less, and not more.
    let answer = served.exchange(&request("POST /small", &"x".repeat(11))).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_sender_that_writes_all_before_it_reads_gets_its_413() {
    let settings = ServerSettings { body_limit: 8 << 20, ..ServerSettings::default() };
    let served = served(settings).await;
    let answer = served.exchange(&request("POST /echo", &"x".repeat(31 << 20))).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("larger than 8388608 bytes"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_sender_that_asks_first_is_refused_at_once() {
    let settings = ServerSettings { body_limit: 1000, ..ServerSettings::default() };
    let served = served(settings).await;
    let answer = served
        .exchange(
            "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
             Content-Length: 2000\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_trickling_body_is_given_up() {
    let served = served(ServerSettings { body_timeout: SHORT, ..ServerSettings::default() }).await;
    let answer =
        served.exchange("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345").await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("in time"), "{answer}");
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let served = served(ServerSettings::default()).await;
    let many = "X-Y: z\r\n".repeat(100);
    let answer = served.exchange(&format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = "z".repeat(17 * 1024);
    let answer =
        served.exchange(&format!("GET / HTTP/1.1\r\nHost: x\r\nX-Y: {long}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn idle_connections_over_the_cap_do_not_block_the_door() {
    let settings =
        ServerSettings { connections: 2, head_timeout: SHORT, ..ServerSettings::default() };
    let served = served(settings).await;
    let mut idle = Vec::new();
    for _ in 0..6 {
        idle.push(served.connect().await);
    }
    let answer = served.exchange(&request("GET /", "")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_request_in_flight_at_the_stop_gets_its_answer() {
    let served = served(ServerSettings::default()).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    bounded(served.entered.notified()).await;
    served.stop.cancel();
    bounded(async { while TcpStream::connect(served.address).await.is_ok() {} }).await;
    assert!(!served.done.is_finished());
    served.release.notify_one();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("waited"), "{answer}");
    bounded(served.done).await.expect("ended");
}

#[tokio::test]
async fn the_drain_has_an_end() {
    let served = served(ServerSettings { drain: SHORT, ..ServerSettings::default() }).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    bounded(served.entered.notified()).await;
    served.stop.cancel();
    bounded(served.done).await.expect("ended");
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn the_stop_wins_while_every_slot_is_taken() {
    let settings = ServerSettings {
        connections: 1,
        head_timeout: SignedDuration::from_hours(1),
        ..ServerSettings::default()
    };
    let served = served(settings).await;
    let mut kept = served.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    bounded(kept.read_exact(&mut first)).await.unwrap();
    let _waiting = served.connect().await;
    served.stop.cancel();
    bounded(served.done).await.expect("ended");
}

#[tokio::test]
async fn a_busy_connection_is_closed_after_its_lifetime() {
    let served =
        served(ServerSettings { connection_lifetime: SHORT, ..ServerSettings::default() }).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    bounded(served.entered.notified()).await;
    // Its time is over when another one's, begun later, is.
    assert_eq!(rest(&mut served.connect().await).await, "");
    served.release.notify_one();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("connection: close") && answer.ends_with("waited"), "{answer}");
}

#[tokio::test]
async fn whoever_reads_nothing_of_an_answer_is_cut_off() {
    let settings =
        ServerSettings { connections: 1, answer_timeout: SHORT, ..ServerSettings::default() };
    let served = served(settings).await;
    let mut deaf = served.connect().await;
    deaf.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // The only slot is free again for somebody who reads.
    let answer = served.exchange(&request("GET /", "")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    let served = served(ServerSettings::default()).await;
    let answer = served.exchange(&request("GET /panic", "")).await;
    assert!(answer.starts_with("HTTP/1.1 500") && !answer.contains("purpose"), "{answer}");
    let answer = served.exchange(&request("GET /", "")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_a_503_that_says_when() {
    let served =
        served(ServerSettings { answer_timeout: SHORT, ..ServerSettings::default() }).await;
    let answer = served.exchange(&request("GET /wait", "")).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5"), "{answer}");
}
