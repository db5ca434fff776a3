//! The accept loop: HTTP/1.1 with a limit on everything a stranger can make us hold (connections,
//! headers, bodies, time), and an orderly end. Routes and authentication are others'; TLS is the
//! proxy's in front.

use std::any::Any;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::SignedDuration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;
use tracing::{debug, error, warn};

use super::hooks_response;

/// After a failed `accept` (usually: no file descriptor is free), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How many times the body limit of a declared, refused body is still read, so that a sender which
/// writes all before it reads gets its 413 instead of a reset connection.
const DISCARD_FACTOR: u64 = 4;

/// What a connection may cost. Negative durations count as their absolute value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// How long a request's head may take. Also how long a connection may idle between requests:
    /// hyper runs one clock for both.
    pub head_timeout: SignedDuration,
    /// How long a request's whole body may take, however it trickles.
    pub body_timeout: SignedDuration,
    /// How long an answer may take to be made; then 503. Shorter than senders wait (15 to 30 s by
    /// Standard Webhooks), so that they learn that it was not taken. Also how long the other side may
    /// read nothing of what is written to it; then the connection is cut.
    pub answer_timeout: SignedDuration,
    /// How long a connection may live, however busy; then it is closed between two requests.
    pub connection_lifetime: SignedDuration,
    /// Largest body any route takes, in bytes; routes may have their own lower limit, see
    /// [`at_most`].
    pub body_limit: usize,
    /// Most connections at once. Further ones wait in the kernel's queue. At least 1.
    pub connections: u32,
    /// Most header fields in a request.
    pub max_headers: usize,
    /// Largest head, in bytes.
    pub max_head_bytes: usize,
    /// How long requests in flight may go on after the stop.
    pub drain: SignedDuration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            head_timeout: SignedDuration::from_secs(15),
            body_timeout: SignedDuration::from_secs(10),
            answer_timeout: SignedDuration::from_secs(14),
            connection_lifetime: SignedDuration::from_mins(10),
            body_limit: 1024 * 1024,
            connections: 256,
            max_headers: 64,
            max_head_bytes: 16 * 1024,
            drain: SignedDuration::from_secs(20),
        }
    }
}

/// Serves until `stop`, then refuses new connections, lets requests in flight finish, and returns
/// when the last connection is closed or the drain time is over. Each connection is a task on
/// `tracker`; the peer's address is in the request's extensions as `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    settings: ServerSettings,
    stop: CancellationToken,
    tracker: TaskTracker,
) {
    let app = limited(app, &settings);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.head_timeout.unsigned_abs())
        .max_headers(settings.max_headers)
        .max_header_size(settings.max_head_bytes)
        .max_buf_size(64 * 1024);
    let connections = settings.connections.max(1);
    let slots = Arc::new(Semaphore::new(connections as usize));
    let drain = settings.drain.unsigned_abs();
    let lifetime = settings.connection_lifetime.unsigned_abs();

    // The stop must win even while every slot is taken.
    while let Some(next) = stop.run_until_cancelled(accept(&listener, &slots)).await {
        let (permit, stream, peer) = match next {
            Ok(next) => next,
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                let _ = timeout(ACCEPT_PAUSE, stop.cancelled()).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let app = app.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(Body::new)
        });
        // hyper runs no clock while the other side does not read.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(settings.answer_timeout.unsigned_abs()));
        let stream = TokioIo::new(Box::pin(stream));
        let connection = http.serve_connection(stream, TowerToHyperService::new(app));
        let stop = stop.clone();
        tracker.spawn(async move {
            let _permit = permit;
            let mut connection = pin!(connection);
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%peer, %error, "connection");
                    }
                    return;
                }
                () = stop.cancelled() => {}
                _ = timeout(lifetime, std::future::pending::<()>()) => {}
            }
            connection.as_mut().graceful_shutdown();
            if timeout(drain, connection).await.is_err() {
                warn!(%peer, "a connection was cut off: its request was not finished in time");
            }
        });
    }
    // New connections are refused from here on, so that a sender turns to another gateway.
    drop(listener);
    let all = slots.acquire_many(connections);
    // Each connection ends itself; the second is for the scheduler.
    if timeout(drain.saturating_add(Duration::from_secs(1)), all).await.is_err() {
        warn!("connections are still open after the drain time");
    }
}

/// Takes a slot before a connection, so that what waits, waits in the kernel.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let permit = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((permit, stream, peer))
}

/// The limits on one request. The last layer is the outermost.
fn limited(app: Router, settings: &ServerSettings) -> Router {
    at_most(app.layer(DefaultBodyLimit::disable()), settings.body_limit)
        .layer(RequestBodyDeadlineLayer::new(settings.body_timeout.unsigned_abs()))
        .layer(middleware::from_fn_with_state(settings.answer_timeout.unsigned_abs(), in_time))
        .layer(CatchPanicLayer::custom(after_panic))
}

/// Routes that take bodies of at most `limit` bytes, and refuse larger ones so that the sender
/// learns it.
pub fn at_most(routes: Router, limit: usize) -> Router {
    routes
        .layer(RequestBodyLimitLayer::new(limit))
        .layer(middleware::from_fn_with_state(limit as u64, refuse_large))
}

/// Answers 413 to a declared length over the limit, after reading some of it away.
async fn refuse_large(State(limit): State<u64>, request: Request, next: Next) -> Response {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .unwrap_or(0);
    if declared <= limit {
        return next.run(request).await;
    }
    // A sender that asked first (`Expect: 100-continue`) has sent nothing yet.
    let asked = request.headers().contains_key(header::EXPECT);
    if !asked && declared <= limit.saturating_mul(DISCARD_FACTOR) {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
    }
    hooks_response::too_large(limit)
}

/// Answers 503 when the answer takes too long. What the handler had committed by then stays; the
/// sender sends the same ids again.
async fn in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if let Ok(response) = timeout(limit, next.run(request)).await {
        return response;
    }
    warn!("an answer took too long and was given up");
    hooks_response::unavailable(SignedDuration::from_secs(5))
}

/// A panic is a defect in one request, not the end of the others. Its message may quote the
/// request, and is not passed on.
#[allow(clippy::needless_pass_by_value, reason = "the signature tower-http asks for")]
fn after_panic(_message: Box<dyn Any + Send + 'static>) -> Response {
    error!("a request handler panicked");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
