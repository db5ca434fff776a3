//! A provider in the protocol of 46elks and a relay that do what a script says, one answer after the
//! other and the last one for ever; and what they have taken.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, header::DATE};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::Notify;
use upprop::env::{Clock, MailEnvelope, MailOutcome, MailWire, Pending, Wire, WireError};

use super::clock::{SimClock, pause};
use super::failing::Mounted;

/// The guardian's address.
pub const GUARDIAN: &str = "g@hem.example";

/// What becomes of a text, or of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Take,
    /// Not taken: too many.
    Busy,
    /// Not taken: the provider is away.
    Away,
    /// Not taken: the credentials are wrong.
    Locked,
    /// Never to be taken: the number, or the address, is wrong.
    Never,
    /// Taken, and the answer is lost.
    ReplyLost,
    /// Lost on the way there.
    RequestLost,
    /// Taken, and the process is gone before the answer.
    TakenAndDead,
    /// Taken, although the answer says that it is not: too many.
    TakenButBusy,
    /// Taken, although the answer says that it never will be.
    TakenButNever,
}

/// What the provider says of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    Honest,
    /// There is no such service.
    None,
}

/// A delivery report: after so many seconds, `delivered`, `failed` or `sent`.
pub type Said = (i64, &'static str);

/// A delivery report to be posted.
pub struct Report {
    pub at: Timestamp,
    pub path: String,
    pub body: String,
}

/// Everything outside that outlives the daemon.
pub struct Outside {
    texts: &'static [Answer],
    mails: &'static [Answer],
    history: History,
    reports: &'static [Said],
    texts_asked: AtomicUsize,
    mails_asked: AtomicUsize,
    /// The notifications of texts and mails that were taken, in order.
    pub taken: Mutex<Vec<Taken>>,
    pub reports_due: Mutex<VecDeque<Report>>,
    /// Told when there is a report more.
    pub reported: Notify,
}

/// A message that has arrived.
pub struct Taken {
    pub notification: String,
    pub is_text: bool,
    at: Timestamp,
    to: String,
    text: String,
}

impl Outside {
    /// With a script; reports follow the first text that is taken.
    pub fn new(
        texts: &'static [Answer],
        mails: &'static [Answer],
        history: History,
        reports: &'static [Said],
    ) -> Self {
        Self {
            texts,
            mails,
            history,
            reports,
            texts_asked: AtomicUsize::new(0),
            mails_asked: AtomicUsize::new(0),
            taken: Mutex::default(),
            reports_due: Mutex::default(),
            reported: Notify::new(),
        }
    }
}

fn next(script: &[Answer], asked: &AtomicUsize) -> Answer {
    let at = asked.fetch_add(1, Ordering::Relaxed);
    script.get(at).or(script.last()).copied().unwrap_or(Answer::Take)
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
    Ok(Response::builder().status(status).body(Bytes::from(body)).expect("an answer"))
}

impl Line {
    async fn submit(&self, form: Vec<(String, String)>) -> Answered {
        let field = |name: &str| {
            form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
        };
        let what = next(self.outside.texts, &self.outside.texts_asked);
        let reference = match what {
            Answer::Busy | Answer::Away | Answer::Locked | Answer::Never | Answer::RequestLost => {
                String::new()
            }
            _ => self.take(&field("whendelivered"), field("to"), field("message")),
        };
        // Long enough for a report to come first.
        pause(2_000).await;
        match what {
            Answer::Take => answer(200, json!({"id": reference, "status": "created"}).to_string()),
            Answer::Busy | Answer::TakenButBusy => answer(429, String::new()),
            Answer::Away => answer(503, String::new()),
            Answer::Locked => answer(401, String::new()),
            Answer::Never | Answer::TakenButNever => answer(400, "Invalid to number".into()),
            Answer::ReplyLost | Answer::RequestLost => {
                pause(8_000).await;
                Err(WireError::Unknown("timed out".into()))
            }
            Answer::TakenAndDead => {
                self.process.die();
                std::future::pending().await
            }
        }
    }

    fn take(&self, whendelivered: &str, to: String, text: String) -> String {
        let at = self.clock.now();
        let mut taken = self.outside.taken.lock().expect("taken");
        let reference = format!("s{:032x}", taken.len());
        if !taken.iter().any(|one| one.is_text) {
            let path = whendelivered.splitn(4, '/').nth(3).map(|p| format!("/{p}"));
            let mut due = self.outside.reports_due.lock().expect("reports");
            due.extend(self.outside.reports.iter().map(|(after, said)| Report {
                at: at + SignedDuration::from_secs(*after),
                path: path.clone().unwrap_or_default(),
                body: format!("id={reference}&status={said}"),
            }));
            self.outside.reported.notify_one();
        }
        let notification = whendelivered.rsplit('=').next().unwrap_or_default().to_owned();
        taken.push(Taken { notification, is_text: true, at, to, text });
        reference
    }

    async fn lookup(&self, query: &str) -> Answered {
        pause(30).await;
        if self.outside.history == History::None {
            return answer(404, String::new());
        }
        let query: Vec<(String, String)> = serde_urlencoded::from_str(query).expect("a query");
        let to = query.iter().find(|(name, _)| name == "to").map(|(_, value)| value);
        let taken = self.outside.taken.lock().expect("taken");
        // One pupil's day is within every window that is asked for here.
        let rows: Vec<_> = taken
            .iter()
            .enumerate()
            .filter(|(_, one)| one.is_text && Some(&one.to) == to)
            .map(|(at, one)| {
                json!({"id": format!("s{at:032x}"), "direction": "outgoing", "to": one.to,
                       "message": one.text,
                       "created": one.at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()})
            })
            .collect();
        answer(200, json!({"data": rows}).to_string())
    }
}

impl Wire for Line {
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Result<Response<Bytes>, WireError>> {
        Box::pin(async move {
            let mut answer = if request.method() == Method::POST {
                let form = serde_urlencoded::from_bytes(request.body()).expect("a form");
                self.submit(form).await
            } else {
                self.lookup(request.uri().query().unwrap_or_default()).await
            }?;
            let date = self.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            answer.headers_mut().insert(DATE, date.parse().expect("a date"));
            Ok(answer)
        })
    }
}

impl MailWire for Line {
    fn send<'a>(&'a self, envelope: &'a MailEnvelope, message: Bytes) -> Pending<'a, MailOutcome> {
        Box::pin(async move {
            let what = match envelope.to.expose() {
                GUARDIAN => next(self.outside.mails, &self.outside.mails_asked),
                _ => Answer::Take,
            };
            pause(500).await;
            let code = || "simulated".to_owned();
            match what {
                Answer::Busy => {
                    return MailOutcome::Retry { after: None, code: code(), provider_wide: false };
                }
                Answer::Away => {
                    return MailOutcome::Retry { after: None, code: code(), provider_wide: true };
                }
                Answer::Locked => return MailOutcome::RejectChannel { code: code() },
                Answer::Never => {
                    return MailOutcome::RejectMessage { code: code(), bad_contact: true };
                }
                Answer::RequestLost => return MailOutcome::InDoubt { code: code() },
                _ => {}
            }
            let raw = String::from_utf8_lossy(&message).into_owned();
            let id = raw.lines().find_map(|line| line.strip_prefix("Message-ID: <"));
            self.outside.taken.lock().expect("taken").push(Taken {
                notification: id.and_then(|id| id.split('@').next()).expect("an id").to_owned(),
                is_text: false,
                at: self.clock.now(),
                to: String::new(),
                text: String::new(),
            });
            match what {
                Answer::ReplyLost => MailOutcome::InDoubt { code: code() },
                Answer::TakenAndDead => {
                    self.process.die();
                    std::future::pending().await
                }
                _ => MailOutcome::Accepted { reference: None, parts: None },
            }
        })
    }
}
