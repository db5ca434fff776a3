//! Delivery reports: which ones follow a text, and the calls that carry them. Calls `http://` on
//! this machine only.

use std::sync::Arc;

use bytes::Bytes;

use super::Shared;
use super::elks::vendor_time;
use super::faults::Plan;
use super::received::{ReceiptState, Received, Status};
use crate::sim::courier::FORM;
use crate::sim::target::Target;

/// How often a report is sent before it is given up; the vendor promises at least five.
const ATTEMPTS: u32 = 6;

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
            let answered = self.shared.courier.carry(&self.target, FORM, body.clone()).await;
            // 200 to 204 (46elks, sms-delivery-reports).
            if matches!(answered, Some(200..=204)) {
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
