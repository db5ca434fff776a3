//! What the daemon talks to: a provider in the protocol of 46elks and a mail relay. Both take messages,
//! remember them, and answer late, oddly or not at all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::json;
use tokio::sync::Notify;
use upprop::env::{Clock, MailEnvelope, MailOutcome, MailWire, Pending, Wire, WireError};

use super::chance::Chance;
use super::clock::{SimClock, pause};
use super::disk::Mounted;

/// A message that has arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// When it was submitted, by the daemon's clock.
    pub asked: Timestamp,
    /// When it was taken.
    pub at: Timestamp,
    /// Number or address.
    pub to: String,
    /// The id of the notification.
    pub notification: String,
    pub is_text: bool,
    pub text: String,
    /// The provider's id.
    reference: String,
}

/// A delivery report to be posted: when, and the path and body.
pub struct Report {
    pub at: Timestamp,
    pub path: String,
    pub body: String,
}

/// Everything outside that outlives the daemon.
pub struct Outside {
    chance: Chance,
    /// Of a hundred submissions so many go wrong.
    trouble: u64,
    healed: AtomicBool,
    pub arrived: Mutex<Vec<Arrived>>,
    pub asked: Mutex<Vec<Timestamp>>,
    pub reports: Mutex<VecDeque<Report>>,
    /// Told when there is a report more.
    pub reported: Notify,
}

impl Outside {
    pub fn new(seed: u64, trouble: u64) -> Self {
        Self {
            chance: Chance::new(seed, "outside"),
            trouble,
            healed: AtomicBool::new(false),
            arrived: Mutex::default(),
            asked: Mutex::default(),
            reports: Mutex::default(),
            reported: Notify::new(),
        }
    }

    /// From now on everything is well.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    fn goes_wrong(&self) -> bool {
        !self.healed.load(Ordering::Relaxed) && self.chance.percent(self.trouble)
    }

    fn take(&self, message: Arrived, whendelivered: &str) {
        let at = message.at;
        let later = |secs| at + SignedDuration::from_secs(secs);
        let mut reports = self.reports.lock().expect("reports");
        let path = whendelivered.splitn(4, '/').nth(3).map(|p| format!("/{p}")).unwrap_or_default();
        let body = format!("id={}&status=delivered", message.reference);
        let times = [0, 1, 1, 1, 2][usize::try_from(self.chance.roll(0..=4)).expect("small")];
        for _ in 0..times {
            // Before the answer, with it, or much later.
            let secs: i64 = *self.chance.pick(&[0, 0, 3, 40, 4_000]);
            reports.push_back(Report { at: later(secs), path: path.clone(), body: body.clone() });
        }
        drop(reports);
        self.reported.notify_one();
        self.arrived.lock().expect("arrived").push(message);
    }
}

/// The outside as one life of the daemon reaches it.
pub struct Line {
    pub outside: Arc<Outside>,
    pub clock: Arc<SimClock>,
    pub process: Arc<Mounted>,
}

type Answered = Result<Response<Bytes>, WireError>;

#[expect(clippy::unnecessary_wraps, reason = "as the wire gives it")]
fn answer(status: u16, body: String) -> Answered {
    let mut answer = Response::builder().status(status);
    if status == 429 {
        answer = answer.header("retry-after", "7");
    }
    Ok(answer.body(Bytes::from(body)).expect("an answer"))
}

impl Line {
    async fn submit(&self, form: Vec<(String, String)>) -> Answered {
        let field = |name: &str| {
            form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
        };
        let outside = &self.outside;
        let asked = self.clock.now();
        outside.asked.lock().expect("asked").push(asked);
        let trouble = outside.goes_wrong().then(|| outside.chance.roll(0..=8));
        pause(*outside.chance.pick(&[2, 20, 200, 1_500])).await;
        match trouble {
            Some(0) => return answer(503, String::new()),
            Some(1) => return answer(429, String::new()),
            Some(2) => return Err(WireError::NotSent("refused".into())),
            // Lost on the way there: nobody knows, and it never arrived.
            Some(3) => {
                pause(20_000).await;
                return Err(WireError::Unknown("timed out".into()));
            }
            // The daemon is killed before the provider has it.
            Some(7) => {
                self.process.die();
                return std::future::pending().await;
            }
            _ => {}
        }
        let whendelivered = field("whendelivered");
        let notification = whendelivered.rsplit('=').next().unwrap_or_default().to_owned();
        let count = outside.arrived.lock().expect("arrived").len();
        let reference = format!("s{count:032x}");
        let message = Arrived {
            asked,
            at: self.clock.now(),
            to: field("to"),
            notification,
            is_text: true,
            text: field("message"),
            reference: reference.clone(),
        };
        outside.take(message, &whendelivered);
        match trouble {
            // Taken, and the answer is lost, or is none.
            Some(4) => {
                pause(20_000).await;
                Err(WireError::Unknown("timed out".into()))
            }
            Some(5) => answer(200, "<html>".into()),
            // The daemon is killed when the provider has it.
            Some(8) => {
                self.process.die();
                std::future::pending().await
            }
            Some(_) => answer(500, String::new()),
            None => answer(200, json!({"id": reference, "status": "created"}).to_string()),
        }
    }

    async fn history(&self, query: &str) -> Answered {
        pause(30).await;
        if self.outside.goes_wrong() {
            return answer(503, String::new());
        }
        let query: Vec<(String, String)> = serde_urlencoded::from_str(query).expect("a query");
        let field = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let time = |text: String| -> Timestamp {
            let civil: DateTime = text.parse().expect("a time");
            TimeZone::UTC.to_timestamp(civil).expect("a time")
        };
        let (until, since) = (field("start").map(time), field("end").map(time));
        let arrived = self.outside.arrived.lock().expect("arrived");
        let rows: Vec<_> = arrived
            .iter()
            .rev()
            .filter(|m| m.is_text && Some(&m.to) == field("to").as_ref())
            .filter(|m| until.is_none_or(|u| m.at < u) && since.is_none_or(|s| m.at > s))
            .map(|m| {
                json!({"id": m.reference, "direction": "outgoing", "to": m.to,
                       "message": m.text,
                       "created": m.at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()})
            })
            .collect();
        answer(200, json!({"data": rows}).to_string())
    }
}

impl Wire for Line {
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Result<Response<Bytes>, WireError>> {
        Box::pin(async move {
            if request.method() == Method::POST {
                let form = serde_urlencoded::from_bytes(request.body()).expect("a form");
                self.submit(form).await
            } else {
                self.history(request.uri().query().unwrap_or_default()).await
            }
        })
    }
}

impl MailWire for Line {
    fn send<'a>(&'a self, envelope: &'a MailEnvelope, message: Bytes) -> Pending<'a, MailOutcome> {
        Box::pin(async move {
            let outside = &self.outside;
            let asked = self.clock.now();
            let trouble = outside.goes_wrong().then(|| outside.chance.roll(0..=3));
            pause(*outside.chance.pick(&[5, 50, 500])).await;
            let retry = |provider_wide| MailOutcome::Retry {
                after: None,
                code: "simulated".into(),
                provider_wide,
            };
            match trouble {
                Some(0) => return retry(true),
                Some(1) => return retry(false),
                Some(2) => return MailOutcome::InDoubt { code: "lost".into() },
                _ => {}
            }
            let raw = String::from_utf8_lossy(&message).into_owned();
            let id = raw.lines().find_map(|l| l.strip_prefix("Message-ID: <")).expect("an id");
            outside.arrived.lock().expect("arrived").push(Arrived {
                asked,
                at: self.clock.now(),
                to: envelope.to.expose().to_owned(),
                notification: id.split('@').next().unwrap_or_default().to_owned(),
                is_text: false,
                text: raw,
                reference: String::new(),
            });
            if trouble.is_some() {
                return MailOutcome::InDoubt { code: "lost-after".into() };
            }
            MailOutcome::Accepted { reference: None, parts: None }
        })
    }
}
