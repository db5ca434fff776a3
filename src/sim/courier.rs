//! Carries what a stand-in tells of its own accord: delivery reports, callbacks. Calls `http://` on this
//! machine only, as [`Target`] has it.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioTimer;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::target::Target;

/// How long a listener may think.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reports under way at once.
const ABREAST: usize = 64;

/// The content type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Carries reports over kept connections, so that thousands a second do not use up the ports.
pub(super) struct Courier {
    client: Client<HttpConnector, Full<Bytes>>,
    slots: Semaphore,
    stop: CancellationToken,
}

impl Courier {
    pub(super) fn new(tasks: TaskTracker, stop: CancellationToken) -> Self {
        let client = Client::builder(Tracked { tasks, stop: stop.clone() })
            .pool_timer(TokioTimer::new())
            .build_http();
        Self { client, slots: Semaphore::new(ABREAST), stop }
    }

    /// What the listener answered; nothing when it did not, or the stand-in stops.
    pub(super) async fn carry(
        &self,
        target: &Target,
        content_type: &'static str,
        body: Bytes,
    ) -> Option<u16> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = target.uri.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(authorization) = &target.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        // Waiting for a turn is not the listener's slowness, so the time-out does not cover it.
        let _slot = self.slots.acquire().await;
        let call = async {
            let answer = self.client.request(request).await.ok()?;
            let status = answer.status().as_u16();
            // Read to the end, or the connection cannot be kept; the contents say nothing.
            let _ = Limited::new(answer.into_body(), 64 << 10).collect().await;
            Some(status)
        };
        tokio::select! {
            () = self.stop.cancelled() => None,
            answered = tokio::time::timeout(PATIENCE, call) => answered.ok().flatten(),
        }
    }
}

/// Starts the client's connection tasks among the stand-in's, and ends them with it.
#[derive(Clone)]
struct Tracked {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, connection: F) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = connection => {}
            }
        });
    }
}
