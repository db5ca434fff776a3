//! The sink over real sockets: what these tests share. Time is set by hand and every wait has a
//! deadline.

mod faults;
mod mail;
mod sms;
mod spec;

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{Faults, Sink, SinkSettings};
use crate::env::{Clock, Pending};

/// A clock that moves when told.
pub(super) struct Hands {
    now: watch::Sender<Timestamp>,
    sleepers: watch::Sender<usize>,
}

impl Hands {
    pub(super) fn new() -> Arc<Self> {
        let start = "2026-03-02T07:31:02.5Z".parse().expect("time");
        Arc::new(Self { now: watch::Sender::new(start), sleepers: watch::Sender::new(0) })
    }

    pub(super) fn advance(&self, by: SignedDuration) {
        self.now.send_modify(|now| *now += by);
    }

    /// Returns when `n` waits have begun.
    pub(super) async fn sleepers(&self, n: usize) {
        soon(self.sleepers.subscribe().wait_for(|sleepers| *sleepers >= n)).await.expect("alive");
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, until: Timestamp) -> Pending<'_, ()> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            self.sleepers.send_modify(|n| *n += 1);
            now.wait_for(|now| *now >= until).await.expect("the clock outlives its sleepers");
        })
    }
}

pub(super) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("within the deadline")
}

pub(super) fn start(faults: Faults) -> (Sink, Arc<Hands>) {
    let clock = Hands::new();
    let settings = SinkSettings { faults, ..SinkSettings::anywhere() };
    let sink = Sink::start(settings, clock.clone(), TaskTracker::new()).expect("free ports");
    (sink, clock)
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answered {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

/// One call on a connection of its own. `Err` when no whole answer came.
pub(super) async fn call(
    method: Method,
    url: String,
    body: impl Into<Bytes>,
    media: &str,
) -> Result<Answered, String> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", media)
        .header("authorization", format!("Basic {}", BASE64_STANDARD.encode("u1:p1")))
        .body(Full::new(body.into()))
        .expect("request");
    let answer = soon(client.request(request)).await.map_err(|e| e.to_string())?;
    let (head, body) = answer.into_parts();
    let body = soon(body.collect()).await.map_err(|e| e.to_string())?.to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    Ok(Answered { status: head.status, headers: head.headers, text })
}

pub(super) async fn get(sink: &Sink, path: &str) -> Answered {
    call(Method::GET, sink.url() + path, "", "").await.expect("an answer")
}

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Sends a text to the given fictional number, with more fields if wanted.
pub(super) async fn send(
    sink: &Sink,
    to: &str,
    text: &str,
    more: &[(&str, &str)],
) -> Result<Answered, String> {
    let mut form = vec![("from", "Ekskolan"), ("to", to), ("message", text)];
    form.extend_from_slice(more);
    let body = serde_urlencoded::to_string(form).expect("form");
    call(Method::POST, sink.url() + "/a1/SMS", body, FORM).await
}
