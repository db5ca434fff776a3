//! The HTTP side: connections, routing, and the answers of a provider in trouble. What the paths do
//! stands in `elks`, `generic` and `control`.

use std::sync::Arc;

use http::header::{DATE, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::faults::LatencyWhen;
use super::rules::{HttpFault, HttpRule, RetryAfter};
use super::{Shared, control, elks, generic};
pub(super) use crate::sim::http::{
    Answer, Asked, Dropped, Serve, http_date, json, plain, typed, whole, wrong_method,
};

/// Largest body taken.
const BODY: usize = 1 << 20;
impl Serve for Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Dropped> {
        answer(self, request).await
    }

    fn date(&self) -> Timestamp {
        self.clock.now()
    }

    fn stop(&self) -> &CancellationToken {
        &self.stop
    }
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
    let body = match whole(body, BODY).await {
        Ok(body) => body,
        Err(answer) => return Ok(answer),
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

pub(super) fn unauthorized() -> Answer {
    let mut answer =
        plain(StatusCode::UNAUTHORIZED, "API access requires Basic HTTP authentication");
    let challenge = HeaderValue::from_static("Basic realm=\"API\"");
    answer.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
    answer
}
