//! The HTTP side: connections, routing, and the answers of a provider in trouble. What the paths do
//! stands in `elks`, `generic` and `control`.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode, header::Entry, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpStream;

use super::faults::LatencyWhen;
use super::rules::{HttpFault, HttpRule, RetryAfter};
use super::{IDLE, Shared, control, elks, generic};

/// Largest body taken.
const BODY: usize = 1 << 20;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long requests under way may take when the sink stops.
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

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| dated(Arc::clone(&shared), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        // The sink's clock may be another than the machine's.
        .auto_date_header(false)
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // A connection that ends badly is the client's affair: it sees it too.
        _ = connection.as_mut() => {}
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FAREWELL, connection).await;
        }
    }
}

/// With the `Date` that an origin server with a clock must give (RFC 9110 §6.6.1).
async fn dated(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, Dropped> {
    let mut answer = answer(Arc::clone(&shared), request).await?;
    if let Entry::Vacant(none) = answer.headers_mut().entry(DATE)
        && let Ok(date) = HeaderValue::try_from(http_date(shared.clock.now()))
    {
        none.insert(date);
    }
    Ok(answer)
}

/// A time as HTTP writes it (RFC 9110 §5.6.7).
fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, Dropped> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let under = |prefix: &str| {
        path.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let provider = under("/a1/") || under("/generic/");
    if provider {
        let (soft, hard) = {
            let active = shared.active();
            (active.faults().outage, active.faults().outage_hard)
        };
        if hard {
            return Err(Dropped);
        }
        if soft {
            return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable"));
        }
    }
    let body = match tokio::time::timeout(PATIENCE, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "Body too large or broken")),
        Err(_) => return Ok(plain(StatusCode::REQUEST_TIMEOUT, "Body too slow")),
    };
    let asked = Asked { head, body };
    if !provider {
        return Ok(control::answer(&shared, &asked, &path));
    }
    shared.slowness(LatencyWhen::BeforeStoring).await?;
    let answer = if under("/generic/") {
        generic::answer(&shared, &asked).await
    } else {
        elks::answer(&shared, &asked, &path[4..]).await
    }?;
    shared.slowness(LatencyWhen::AfterStoring).await?;
    Ok(answer)
}

impl Shared {
    async fn slowness(&self, side: LatencyWhen) -> Result<(), Dropped> {
        let latency = self.active().faults().latency;
        if latency.when == side { self.patience(latency.ms).await } else { Ok(()) }
    }

    async fn patience(&self, ms: u64) -> Result<(), Dropped> {
        if self.pause(ms).await { Ok(()) } else { Err(Dropped) }
    }

    /// What the client gets instead of `normal`.
    pub(super) async fn spoiled(&self, rule: &HttpRule, normal: Answer) -> Result<Answer, Dropped> {
        Ok(match rule.fault {
            HttpFault::TooManyRequests => {
                let answer = plain(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
                come_back(answer, rule.retry_after, self.clock.now())
            }
            HttpFault::Unavailable => {
                let answer = plain(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable");
                come_back(answer, rule.retry_after, self.clock.now())
            }
            HttpFault::ServerError => {
                plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
            }
            HttpFault::NoCredit => plain(StatusCode::FORBIDDEN, "Not enough credits"),
            HttpFault::Unauthorized => unauthorized(),
            HttpFault::HtmlPage => typed(
                StatusCode::OK,
                "text/html; charset=utf-8",
                "<!doctype html><title>Log in</title><p>Log in to use the network.".into(),
            ),
            HttpFault::InnerError => json(&serde_json::json!({
                "message-count": "1",
                "messages": [{"status": "1", "error-text": "Throttled"}],
            })),
            HttpFault::DropAfterStoring | HttpFault::DropBeforeStoring => return Err(Dropped),
            HttpFault::Late => {
                self.patience(rule.delay_ms).await?;
                normal
            }
            HttpFault::Truncated => halved(normal).await,
            HttpFault::OddDate => {
                let mut answer = normal;
                answer.headers_mut().insert(DATE, HeaderValue::from_static("today"));
                answer
            }
        })
    }
}

fn come_back(mut answer: Answer, when: Option<RetryAfter>, now: Timestamp) -> Answer {
    let text = match when {
        None => return answer,
        Some(RetryAfter::Seconds(seconds)) => seconds.to_string(),
        Some(RetryAfter::Date(seconds)) => {
            let at = now.saturating_add(SignedDuration::from_secs(seconds.into())).unwrap_or(now);
            http_date(at)
        }
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        answer.headers_mut().insert(RETRY_AFTER, value);
    }
    answer
}

async fn halved(answer: Answer) -> Answer {
    let (head, body) = answer.into_parts();
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Response::from_parts(head, Full::new(whole.slice(..whole.len() / 2)))
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

pub(super) fn unauthorized() -> Answer {
    let mut answer =
        plain(StatusCode::UNAUTHORIZED, "API access requires Basic HTTP authentication");
    let challenge = HeaderValue::from_static("Basic realm=\"API\"");
    answer.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
    answer
}

pub(super) fn wrong_method(method: &Method) -> Answer {
    plain(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here"))
}
