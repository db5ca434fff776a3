//! A text message provider and a mail server for trials: real sockets, the real protocols, nothing
//! leaves the machine. It shows and lists what it took, and does wrong what it is told to.
//! May import `env` and `model` only, listens on and calls loopback addresses only.
//!
//! # Texts: 46elks on `http://127.0.0.1:8751`
//!
//! After the vendor's pages (46elks.com/docs: send-sms, sms-history, sms-delivery-reports); paths
//! in any case, HTTP Basic required, any name and password will do unless [`Faults::credentials`]
//! says otherwise. Refusals are plain text, as there.
//!
//! | | |
//! |---|---|
//! | `POST /a1/sms` | form `from`, `to`, `message`; also `whendelivered`, `dryrun=yes`, `dontlog=message`, `flashsms=yes` |
//! | `GET /a1/sms?start=…&end=…&limit=…&to=…` | history, newest first: created before `start` and after `end`, 100 at most; `next` is the `start` of the next page |
//! | `GET /a1/sms/{id}` | one text |
//! | `POST /generic/…` | any form or JSON body, for the configurable HTTP adapter: `{"id":"…","status":"ok"}`. Known fields (`to`, `destination`, `from`, `message`, `text`, …) are recognised |
//!
//! Reports go to `whendelivered` as a form `id`, `status`, `delivered`; only to `http://` on this
//! machine, so that the sink cannot be used to reach others. A report not answered 200–204 is sent
//! again, six times in all.
//!
//! # Mail: SMTP on `127.0.0.1:8752`
//!
//! ESMTP without TLS (RFC 5321) with `SIZE`, `8BITMIME`, `SMTPUTF8`, `PIPELINING` and `AUTH PLAIN`.
//! Lines end in CR LF and hold at most 1000 bytes, as the standard has it: a client that breaks
//! this is refused, for a relay would do it later.
//!
//! # Looking
//!
//! | | |
//! |---|---|
//! | `GET /messages?kind=sms&to=…&contains=…` | everything taken, oldest first, as [`Received`] |
//! | `GET /messages/count` | `{"count":3}`, with the same filters |
//! | `GET /messages/{id}/raw` | the bytes: the mail, or the body of the request |
//! | `DELETE /messages` | forgets them |
//! | `GET /faults`, `PUT /faults` | [`Faults`] as JSON; the counters start again |
//!
//! These answer through every fault.
//!
//! # Recipients that always fail
//!
//! | To | |
//! |---|---|
//! | `+46701740690` | no report ever |
//! | `+46701740691` | reported `failed` |
//! | `+46701740692` | 400 |
//! | `+46701740693` | 429 the first time each text comes, then taken |
//! | `+46701740694` | reported `delivered` twice |
//! | `+46701740695` | reported `delivered`, then `sent` |
//! | `+46701740696` | reported before the submission is answered |
//! | `+46701740697` | taken, connection closed without an answer |
//! | `+46701740698` | 500 |
//! | `+46701740699` | 403 Not enough credits |
//! | `tempfail@…` | 450 at RCPT |
//! | `permfail@…` | 550 5.1.1 at RCPT |
//! | `drop@…` | taken, connection closed instead of the last answer |

mod active;
mod control;
mod elks;
mod faults;
mod generic;
mod http;
mod inbox;
mod magic;
mod mail;
mod parts;
mod receipts;
mod received;
mod rules;
mod show;
mod smtp;
mod spec;
mod text;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::env::Clock;
use crate::sim::listen::Floor;
use crate::sim::{courier, listen};

use active::Active;
pub use faults::{Credentials, Faults, Latency, LatencyWhen, Plan, Receipts, Share, When};
pub use received::{Attachment, Filter, Kind, ReceiptState, Received, Status};
pub use rules::{At, HttpFault, HttpRule, On, RetryAfter, SmtpFault, SmtpReply, SmtpRule};
pub use show::{show, show_in};

/// Called with each message when it has been taken.
pub type Print = Box<dyn Fn(&Received) + Send + Sync>;

/// Where to listen and what to do wrong from the start.
pub struct SinkSettings {
    /// Provider and control address; port 0 takes a free one.
    pub http: SocketAddr,
    /// Mail address; port 0 takes a free one.
    pub smtp: SocketAddr,
    /// What goes wrong.
    pub faults: Faults,
    /// Called with each message.
    pub print: Option<Print>,
}

impl Default for SinkSettings {
    fn default() -> Self {
        let local = |port| SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
        Self { http: local(8751), smtp: local(8752), faults: Faults::default(), print: None }
    }
}

impl SinkSettings {
    /// Free ports and nothing wrong, for tests and trials.
    pub fn anywhere() -> Self {
        let free = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
        Self { http: free, smtp: free, ..Self::default() }
    }
}

/// A running sink. Dropping it stops it; [`Sink::stop`] also waits.
pub struct Sink {
    shared: Arc<Shared>,
    http: SocketAddr,
    smtp: SocketAddr,
    _stop_on_drop: DropGuard,
}

/// What all connections share.
struct Shared {
    clock: Arc<dyn Clock>,
    inbox: inbox::Inbox,
    active: Mutex<Active>,
    print: Option<Print>,
    courier: courier::Courier,
    tasks: TaskTracker,
    stop: CancellationToken,
    salt: [u8; 32],
    serial: AtomicU64,
}

impl Sink {
    /// Listens and serves until stopped. `tracker` sees one task that ends when all of the sink's
    /// have. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When an address is not a loopback address or cannot be listened on.
    pub fn start(
        settings: SinkSettings,
        clock: Arc<dyn Clock>,
        tracker: TaskTracker,
    ) -> io::Result<Self> {
        let (http_listener, http) = listen::bind(settings.http, "texts")?;
        let (smtp_listener, smtp) = listen::bind(settings.smtp, "mail")?;
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let salt = Sha256::digest(format!("{} {http} {smtp}", clock.now()));
        let shared = Arc::new(Shared {
            clock,
            inbox: inbox::Inbox::new(),
            active: Mutex::new(Active::new(settings.faults)),
            print: settings.print,
            courier: courier::Courier::new(tasks.clone(), stop.clone()),
            tasks: tasks.clone(),
            stop: stop.clone(),
            salt: salt.into(),
            serial: AtomicU64::new(0),
        });
        let floor =
            || Floor { clock: Arc::clone(&shared.clock), tasks: tasks.clone(), stop: stop.clone() };
        let here = Arc::clone(&shared);
        tasks.spawn(listen::serve(http_listener, floor(), move |stream| {
            crate::sim::http::serve(stream, Arc::clone(&here))
        }));
        let here = Arc::clone(&shared);
        tasks.spawn(listen::serve(smtp_listener, floor(), move |stream| {
            smtp::serve(stream, Arc::clone(&here))
        }));
        tracker.spawn({
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                tasks.close();
                tasks.wait().await;
            }
        });
        Ok(Self { shared, http, smtp, _stop_on_drop: stop.drop_guard() })
    }

    /// Where texts are taken, with the port that was found.
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// Where mail is taken, with the port that was found.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp
    }

    /// Base of all paths, as `http://127.0.0.1:8751`.
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// What goes wrong now, with what remains of counted rules.
    pub fn faults(&self) -> Faults {
        self.shared.active().faults().clone()
    }

    /// From the next request on, this goes wrong; all counters start again.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.active() = Active::new(faults);
    }

    /// Everything taken, in order.
    pub fn messages(&self) -> Vec<Arc<Received>> {
        self.shared.inbox.all()
    }

    /// How many messages there are.
    pub fn count(&self) -> usize {
        self.shared.inbox.len()
    }

    /// Forgets all messages.
    pub fn clear(&self) {
        self.shared.inbox.clear();
    }

    /// Waits until there are at least `n` messages, and returns them all. Give it a deadline.
    pub async fn received(&self, n: usize) -> Vec<Arc<Received>> {
        self.shared.inbox.until(|inbox| inbox.len() >= n).await;
        self.messages()
    }

    /// Waits until `met` holds of the messages, and returns them. Give it a deadline. `met` is asked
    /// after every change, so it is for tests and trials of moderate size.
    pub async fn until(&self, met: impl Fn(&[Arc<Received>]) -> bool) -> Vec<Arc<Received>> {
        self.shared.inbox.until(|inbox| met(&inbox.all())).await;
        self.messages()
    }

    /// Stops listening, ends all sessions and returns when the last task has ended.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    fn active(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id nobody can guess from another: `prefix` and 32 hexadecimal digits.
    fn new_id(&self, prefix: char) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let hash = Sha256::new().chain_update(self.salt).chain_update(serial.to_be_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&hash.finalize()[..16]);
        format!("{prefix}{:032x}", u128::from_be_bytes(half))
    }

    fn take(&self, message: Received) -> Arc<Received> {
        let taken = self.inbox.put(message, self.clock.now());
        if let Some(print) = &self.print {
            print(&taken);
        }
        taken
    }

    /// Waits by the clock. False when the sink was stopped meanwhile.
    async fn pause(&self, ms: u64) -> bool {
        if ms == 0 {
            return true;
        }
        let delay = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        let until = self.clock.now().saturating_add(delay).unwrap_or(jiff::Timestamp::MAX);
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.clock.sleep_until(until) => true,
        }
    }
}

#[cfg(test)]
mod tests;
