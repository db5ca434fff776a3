//! The outside as one life of the daemon reaches it: a provider in the protocol of 46elks and a mail relay.
//! Both answer late, oddly or not at all.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, header::DATE};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::json;
use upprop::env::{Clock as _, MailEnvelope, MailOutcome, MailWire, Pending, Wire, WireError};
use upprop::model::{Notification, NotificationId, State};
use upprop::store::{ledger, tables};

use crate::clock::{SimClock, pause};
use crate::disk::Mounted;
use crate::outside::{Arrived, Asked, Outside};
use crate::plan::Trouble;

/// Both doors.
pub struct Line {
    pub outside: Arc<Outside>,
    pub clock: Arc<SimClock>,
    pub process: Arc<Mounted>,
}

type Answered = Result<Response<Bytes>, WireError>;

#[expect(clippy::unnecessary_wraps, reason = "as the wire gives it")]
fn answer(status: u16, body: impl Into<String>) -> Answered {
    let mut answer = Response::builder().status(status);
    if status == 429 {
        answer = answer.header("retry-after", "7");
    }
    Ok(answer.body(Bytes::from(body.into())).expect("an answer"))
}

impl Line {
    /// Notes that something is asked, and that it was written down durably before.
    async fn note(&self, to: String, notification: String, is_text: bool) -> Asked {
        let (truth, clock) = (self.clock.truth(), self.clock.now());
        let asked = Asked { truth, clock, to, notification, is_text };
        self.outside.asked.lock().expect("asked").push(asked.clone());
        let id = NotificationId::parse(&asked.notification).expect("an id");
        let row = self.process.durable(&tables::notification(&id)).await;
        let row = row.map(|row| ledger::decode::<Notification>(&row).expect("a row"));
        let begun = row.as_ref().is_some_and(|n| {
            let open = n.attempts.last().is_some_and(|a| a.result.is_none());
            let may = [State::Sending, State::Accepted, State::Delivered, State::Undelivered];
            open && may.contains(&n.state)
        });
        self.outside.tally.count(WRITTEN_AHEAD);
        if !begun {
            let state = row.map(|n| n.state);
            let words = format!("{asked:?} was not written down before it left: {state:?}");
            self.outside.wrong.lock().expect("wrong").push(words);
        }
        asked
    }

    fn fault(&self, what: &'static str) {
        self.outside.tally.count(what);
    }

    /// The daemon is killed while it waits for an answer.
    async fn killed(&self, what: &'static str) -> Answered {
        self.fault(what);
        self.process.die();
        std::future::pending().await
    }

    async fn lost(&self, what: &'static str) -> Answered {
        self.fault(what);
        pause(20_000).await;
        Err(WireError::Unknown("timed out".into()))
    }

    async fn submit(&self, form: Vec<(String, String)>) -> Answered {
        let field = |name: &str| {
            form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
        };
        let outside = &self.outside;
        let whendelivered = field("whendelivered");
        let notification = whendelivered.rsplit('=').next().unwrap_or_default().to_owned();
        let asked = self.note(field("to"), notification, true).await;
        let outage = outside.outage("sms", asked.truth);
        let trouble = outside.goes_wrong().then(|| outside.chance.roll(0..=9));
        pause(*outside.chance.pick(&[2, 20, 200, 1_500])).await;
        match outage {
            Some(Trouble::Away) => {
                self.fault(OUTAGE_503);
                return answer(503, "");
            }
            Some(Trouble::Refuses) => {
                self.fault(OUTAGE_401);
                return answer(401, "");
            }
            Some(Trouble::Hangs) => return self.lost(OUTAGE_HANGS).await,
            None => {}
        }
        if outside.is_no_number(&asked.to) {
            self.fault(NO_NUMBER);
            return answer(400, "'to' is not a valid phone number");
        }
        match trouble {
            Some(0) => {
                self.fault(ANSWER_503);
                return answer(503, "");
            }
            Some(1) => {
                self.fault(ANSWER_429);
                return answer(429, "");
            }
            Some(2) => {
                self.fault(NOT_SENT);
                return Err(WireError::NotSent("refused".into()));
            }
            // On the way there: nobody knows, and it never arrived.
            Some(3) => return self.lost(LOST_BEFORE).await,
            Some(7) => return self.killed(KILLED_BEFORE).await,
            _ => {}
        }
        let count = outside.arrived.lock().expect("arrived").len();
        let reference = format!("s{count:032x}");
        // Its history knows of it a moment later.
        let at = self.clock.truth();
        let late = SignedDuration::from_secs(*outside.chance.pick(&[0, 0, 5, 100]));
        let message = Arrived {
            asked,
            at,
            reached: true,
            listed: at + late,
            text: field("message"),
            reference: reference.clone(),
        };
        outside.take(message, &whendelivered);
        match trouble {
            // Taken, and the answer is lost, or is none.
            Some(4) => self.lost(LOST_AFTER).await,
            Some(5) => {
                self.fault(ODD);
                answer(200, "<html>")
            }
            Some(6) => {
                self.fault(ODD);
                answer(200, json!({"id": "", "status": "created"}).to_string())
            }
            Some(8) => self.killed(KILLED_AFTER).await,
            Some(_) => {
                self.fault(ANSWER_500);
                answer(500, "")
            }
            None => answer(200, json!({"id": reference, "status": "created"}).to_string()),
        }
    }

    async fn history(&self, query: &str) -> Answered {
        pause(30).await;
        if self.outside.outage("sms", self.clock.truth()).is_some() || self.outside.goes_wrong() {
            self.fault(LOOKUP_FAILED);
            return answer(503, "");
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
            .filter(|m| {
                m.listed <= self.clock.truth()
                    && m.asked.is_text
                    && Some(&m.asked.to) == field("to").as_ref()
            })
            .filter(|m| until.is_none_or(|u| m.at < u) && since.is_none_or(|s| m.at > s))
            .map(|m| {
                json!({"id": m.reference, "direction": "outgoing", "to": m.asked.to,
                       "message": m.text,
                       "created": m.at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()})
            })
            .collect();
        answer(200, json!({"data": rows}).to_string())
    }

    async fn relay(&self, envelope: &MailEnvelope, message: Bytes) -> MailOutcome {
        let outside = &self.outside;
        let raw = String::from_utf8_lossy(&message).into_owned();
        let id = raw.lines().find_map(|l| l.strip_prefix("Message-ID: <")).expect("an id");
        let id = id.split('@').next().unwrap_or_default().to_owned();
        let asked = self.note(envelope.to.expose().to_owned(), id, false).await;
        let outage = outside.outage("mail", asked.truth);
        let trouble = outside.goes_wrong().then(|| outside.chance.roll(0..=4));
        pause(*outside.chance.pick(&[5, 50, 500])).await;
        let retry = |provider_wide| MailOutcome::Retry {
            after: None,
            code: "simulated".into(),
            provider_wide,
        };
        let doubt = |code: &str| MailOutcome::InDoubt { code: code.into() };
        match (outage, trouble) {
            (Some(Trouble::Refuses), _) => {
                self.fault(MAIL_REFUSES);
                return MailOutcome::RejectChannel { code: "simulated".into() };
            }
            (Some(Trouble::Hangs), _) => {
                self.fault(MAIL_LOST_BEFORE);
                return doubt("hangs");
            }
            (Some(Trouble::Away), _) | (None, Some(0)) => {
                self.fault(MAIL_AWAY);
                return retry(true);
            }
            (None, Some(1)) => {
                self.fault(MAIL_LATER);
                return retry(false);
            }
            (None, Some(2)) => {
                self.fault(MAIL_LOST_BEFORE);
                return doubt("lost");
            }
            _ => {}
        }
        let at = self.clock.truth();
        let taken =
            Arrived { asked, at, reached: true, listed: at, text: raw, reference: String::new() };
        outside.arrived.lock().expect("arrived").push(taken);
        match trouble {
            Some(3) => {
                self.fault(KILLED_AFTER);
                self.process.die();
                std::future::pending().await
            }
            Some(_) => {
                self.fault(MAIL_LOST_AFTER);
                doubt("lost-after")
            }
            None => MailOutcome::Accepted { reference: None, parts: None },
        }
    }
}

impl Wire for Line {
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Result<Response<Bytes>, WireError>> {
        Box::pin(async move {
            let mut answer = if request.method() == Method::POST {
                let form = serde_urlencoded::from_bytes(request.body()).expect("a form");
                self.submit(form).await
            } else {
                self.history(request.uri().query().unwrap_or_default()).await
            }?;
            let date = self.clock.truth().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            answer.headers_mut().insert(DATE, date.parse().expect("a date"));
            Ok(answer)
        })
    }
}

impl MailWire for Line {
    fn send<'a>(&'a self, envelope: &'a MailEnvelope, message: Bytes) -> Pending<'a, MailOutcome> {
        Box::pin(self.relay(envelope, message))
    }
}

/// A promise that is looked at here.
pub const WRITTEN_AHEAD: &str = "what leaves was durable as begun before it left";

const OUTAGE_503: &str = "texts: the provider is away";
const OUTAGE_401: &str = "texts: the credentials are refused";
const OUTAGE_HANGS: &str = "texts: the provider hangs";
const NO_NUMBER: &str = "texts: a number that is none";
const ANSWER_503: &str = "texts: 503";
const ANSWER_429: &str = "texts: 429";
const ANSWER_500: &str = "texts: taken, and 500";
const NOT_SENT: &str = "texts: no connection";
const LOST_BEFORE: &str = "texts: lost on the way there";
const LOST_AFTER: &str = "texts: taken, and the answer lost";
const ODD: &str = "texts: taken, and an odd answer";
const KILLED_BEFORE: &str = "killed before a provider has the message";
const KILLED_AFTER: &str = "killed when a provider has the message";
const LOOKUP_FAILED: &str = "texts: a look-up is not answered";
const MAIL_AWAY: &str = "mail: the relay is away";
const MAIL_REFUSES: &str = "mail: the credentials are refused";
const MAIL_LATER: &str = "mail: one is to come later";
const MAIL_LOST_BEFORE: &str = "mail: lost on the way there";
const MAIL_LOST_AFTER: &str = "mail: taken, and the answer lost";
/// What can go wrong here.
pub const FAULTS: &[&str] = &[
    OUTAGE_503,
    OUTAGE_401,
    OUTAGE_HANGS,
    NO_NUMBER,
    ANSWER_503,
    ANSWER_429,
    ANSWER_500,
    NOT_SENT,
    LOST_BEFORE,
    LOST_AFTER,
    ODD,
    KILLED_BEFORE,
    KILLED_AFTER,
    LOOKUP_FAILED,
    MAIL_AWAY,
    MAIL_REFUSES,
    MAIL_LATER,
    MAIL_LOST_BEFORE,
    MAIL_LOST_AFTER,
];
