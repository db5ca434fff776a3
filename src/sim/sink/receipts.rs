//! Delivery reports: which ones follow a text, and the calls that carry them. Calls `http://` on
//! this machine only.

use std::sync::Arc;
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

use super::Shared;
use super::elks::vendor_time;
use super::faults::Plan;
use super::received::{ReceiptState, Received, Status};
use super::target::Target;

/// How often a report is sent before it is given up; the vendor promises at least five.
const ATTEMPTS: u32 = 6;
/// How long a listener may think.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reports under way at once.
const ABREAST: usize = 64;

impl Plan {
    /// The statuses, in the order they are told.
    fn told(self) -> &'static [Status] {
        match self {
            Self::None => &[],
            Self::Delivered | Self::BeforeAnswer | Self::UnknownId => &[Status::Delivered],
            Self::SentThenDelivered => &[Status::Sent, Status::Delivered],
            Self::Failed => &[Status::Failed],
            Self::Twice => &[Status::Delivered, Status::Delivered],
            Self::LateSent => &[Status::Delivered, Status::Sent],
        }
    }

    /// What the history says in the end.
    fn end(self) -> Status {
        match self {
            Self::None => Status::Sent,
            Self::Failed => Status::Failed,
            _ => Status::Delivered,
        }
    }
}

/// Lets the plan for a text begin. Returns when the submission may be answered.
pub(super) async fn follow(shared: &Arc<Shared>, text: &Received) {
    let receipts = shared.active().faults().receipts.clone();
    let plan = receipts.plan_for(&text.to);
    let target = text.headers.get("whendelivered").filter(|_| !plan.told().is_empty());
    let Some(target) = target else {
        shared.inbox.update(&text.id, |text| text.status = Some(plan.end()));
        return;
    };
    let Some(target) = Target::new(target) else {
        shared.inbox.update(&text.id, |text| {
            text.status = Some(plan.end());
            text.receipt = ReceiptState::Refused;
        });
        return;
    };
    shared.inbox.update(&text.id, |text| text.receipt = ReceiptState::Pending);
    let story = Story {
        shared: Arc::clone(shared),
        id: text.id.clone(),
        target,
        delay_ms: receipts.delay_ms,
        retry_ms: receipts.retry_ms,
    };
    if plan == Plan::BeforeAnswer {
        story.tell(plan).await;
    } else {
        shared.tasks.spawn(async move { story.tell(plan).await });
    }
}

struct Story {
    shared: Arc<Shared>,
    id: String,
    target: Target,
    delay_ms: u64,
    retry_ms: u64,
}

impl Story {
    async fn tell(&self, plan: Plan) {
        if plan == Plan::UnknownId {
            let stranger = self.shared.new_id('s');
            self.report(&stranger, Status::Delivered).await;
        }
        let mut state = ReceiptState::Done;
        for &status in plan.told() {
            if !self.shared.pause(self.delay_ms).await {
                return;
            }
            // The history never goes back: only the report of `sent` is late.
            self.shared.inbox.update(&self.id, |text| {
                if text.status != Some(Status::Delivered) {
                    text.status = Some(status);
                }
            });
            if self.report(&self.id, status).await {
                self.shared.inbox.update(&self.id, |text| text.receipts_posted += 1);
            } else {
                state = ReceiptState::Unanswered;
            }
        }
        self.shared.inbox.update(&self.id, |text| text.receipt = state);
    }

    async fn report(&self, id: &str, status: Status) -> bool {
        let at = vendor_time(self.shared.clock.now());
        let mut form = vec![("id", id), ("status", status.as_str())];
        if status == Status::Delivered {
            form.push(("delivered", &at));
        }
        let body = Bytes::from(serde_urlencoded::to_string(form).unwrap_or_default());
        for attempt in 0..ATTEMPTS {
            if self.shared.courier.carry(&self.target, body.clone()).await {
                return true;
            }
            let last = attempt + 1 == ATTEMPTS;
            if last || !self.shared.pause(self.retry_ms.saturating_mul(1 << attempt)).await {
                break;
            }
        }
        false
    }
}

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

    /// Whether the listener took it: 200 to 204 (46elks, sms-delivery-reports).
    async fn carry(&self, target: &Target, body: Bytes) -> bool {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = target.uri.clone();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form);
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
            () = self.stop.cancelled() => false,
            answered = tokio::time::timeout(PATIENCE, call) => {
                matches!(answered, Ok(Some(200..=204)))
            }
        }
    }
}

/// Starts the client's connection tasks among the sink's, and ends them with it.
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
