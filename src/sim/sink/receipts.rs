//! Delivery reports: which ones follow a text, and the calls that carry them. Calls `http://` on
//! this machine only.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Uri};
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

/// Where reports go.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl Target {
    /// Takes `http://` with a loopback host; a name and password before the host become HTTP Basic.
    fn new(url: &str) -> Option<Self> {
        let given: Uri = url.parse().ok()?;
        let authority = given.authority()?.as_str();
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let host = given.host()?.trim_matches(['[', ']']);
        let local = host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if !local || given.scheme_str() != Some("http") {
            return None;
        }
        let uri = Uri::builder()
            .scheme("http")
            .authority(place)
            .path_and_query(given.path_and_query().map_or("/", |rest| rest.as_str()))
            .build()
            .ok()?;
        let authorization = match login {
            Some(login) => {
                let encoded = BASE64_STANDARD.encode(unescaped(login));
                Some(HeaderValue::try_from(format!("Basic {encoded}")).ok()?)
            }
            None => None,
        };
        Some(Self { uri, authorization })
    }
}

/// Percent-decoding (RFC 3986 §2.1); what is no escape stands for itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = if byte == b'%' { after.get(..2) } else { None };
        let value = escape.and_then(|two| std::str::from_utf8(two).ok());
        match value.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        for url in [
            "http://127.0.0.1:8080/receipts/elks/x?id=1",
            "http://localhost/",
            "http://[::1]:80/r",
            "http://127.8.8.8/",
        ] {
            assert!(Target::new(url).is_some(), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "http://example.se/",
            "http://192.168.1.1/",
            "http://127.0.0.1@example.se/",
            "http://127.0.0.1.example.se/",
            "http://[::ffff:10.0.0.1]/",
            "http://0.0.0.0/",
            "file:///etc/passwd",
            "/receipts",
            "",
        ] {
            assert_eq!(Target::new(url), None, "{url}");
        }
    }

    #[test]
    fn a_name_and_password_become_basic() {
        let target = Target::new("http://us%65r:p%40ss@127.0.0.1:9/r?x=1").expect("local");
        assert_eq!(target.uri, "http://127.0.0.1:9/r?x=1");
        let expected = format!("Basic {}", BASE64_STANDARD.encode("user:p@ss"));
        assert_eq!(target.authorization.expect("set"), expected);
    }
}
