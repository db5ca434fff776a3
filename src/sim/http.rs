//! HTTP as all stand-ins speak it: one connection, a request that has come whole, and plain answers.
//! Knows none of their paths.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HeaderValue};
use http::{Method, Request, Response, StatusCode, header::Entry, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// A client that says nothing for so long is let go.
pub(super) const IDLE: Duration = Duration::from_mins(5);
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long requests under way may take when the stand-in stops.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) type Answer = Response<Full<Bytes>>;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer, as asked")]
pub(super) struct Dropped;

/// A request that has come whole.
pub(super) struct Asked {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

/// What answers the requests of a stand-in.
pub(super) trait Serve: Send + Sync + 'static {
    /// Answers one.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Answer, Dropped>> + Send;

    /// What its clock shows.
    fn date(&self) -> Timestamp;

    /// When connections are to end.
    fn stop(&self) -> &CancellationToken;
}

/// Serves one connection to its end.
pub(super) async fn serve<S: Serve>(stream: TcpStream, shared: Arc<S>) {
    let service = service_fn(|request| dated(Arc::clone(&shared), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        // Its clock may be another than the machine's.
        .auto_date_header(false)
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // A connection that ends badly is the client's affair: it sees it too.
        _ = connection.as_mut() => {}
        () = shared.stop().cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FAREWELL, connection).await;
        }
    }
}

/// With the `Date` that an origin server with a clock must give (RFC 9110 §6.6.1).
async fn dated<S: Serve>(shared: Arc<S>, request: Request<Incoming>) -> Result<Answer, Dropped> {
    let mut answer = Arc::clone(&shared).answer(request).await?;
    if let Entry::Vacant(none) = answer.headers_mut().entry(DATE)
        && let Ok(date) = HeaderValue::try_from(http_date(shared.date()))
    {
        none.insert(date);
    }
    Ok(answer)
}

/// The whole of a body of at most `most` bytes, or what to answer instead.
pub(super) async fn whole(body: Incoming, most: usize) -> Result<Bytes, Answer> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "Body too large or broken")),
        Err(_) => Err(plain(StatusCode::REQUEST_TIMEOUT, "Body too slow")),
    }
}

/// A time as HTTP writes it (RFC 9110 §5.6.7).
pub(super) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(super) fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Answer {
    typed(status, "text/plain; charset=utf-8", text.into().into())
}

pub(super) fn json(value: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => typed(StatusCode::OK, "application/json", body.into()),
        Err(e) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write JSON: {e}")),
    }
}

pub(super) fn wrong_method(method: &Method) -> Answer {
    plain(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here"))
}
