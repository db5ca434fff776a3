//! One day lived through: the real application on simulated time, a store that fails once and a
//! scripted outside, started again whenever it dies, until nothing is due any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::Body;
use http::{Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use upprop::app::App;
use upprop::config::{self, Config, Loader, Secrets};
use upprop::env::{Clock as _, Env};
use upprop::lifecycle::Lifecycle;
use upprop::model::{Channel, Notification, State};
use upprop::store::{ledger, tables};

use super::clock::{SimClock, pause};
use super::failing::{Disk, Failpoint, Mounted};
use super::outside::{GUARDIAN, Line, Outside};
use super::rows::{Heard, Reach, Row};
use crate::world::{API_TOKEN, TOKEN};

/// A school day nobody knows anything of.
const BEGAN: &str = "2026-11-23T08:21:00+01:00";
/// After this a day that does not end is a fault.
const LONGEST: SignedDuration = SignedDuration::from_hours(72);
const MOST_LIVES: u32 = 20;
/// How long a process lives on when its store has failed.
const LAST_WORDS: u64 = 50;

/// How a day ended.
pub struct Ended {
    /// How often the store failed.
    pub fired: u64,
    /// As [`Row::ends`].
    pub ends: String,
    /// The moves that were committed.
    pub seen: BTreeSet<(Option<State>, State)>,
}

/// The configuration of a row's day.
pub fn configured(row: &Row) -> Config {
    let folder = tempfile::tempdir().expect("folder");
    for (name, secret) in [
        ("api", API_TOKEN),
        ("token", TOKEN),
        ("user", "u-test"),
        ("password", "p-test"),
        ("receipts", "receipt-secret-0123456789abcdef"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, secret).expect("secret");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("mode");
    }
    let text = format!(
        r#"public-url = "http://127.0.0.1:8750"
api-token-file = "./api"
[mail]
host = "127.0.0.1"
tls = "none"
from = "franvaro@skola.example"
rate = "{}"
[providers.elks]
kind = "46elks"
username-file = "./user"
password-file = "./password"
receipt-secret-file = "./receipts"
keep-text = true
rate = "{}"
[sources.src]
bearer-file = "./token"
[schools.s1]
name = "Skolan"
mode = "live"
grace = "{}"
stale-after = "{}"
quiet-hours = "off"
correction-settle = "0s"
not-reached-at = "off"
missed-at = "off"
same-day-report-at = "off"
term-report-at = "off"
duty-list-at = "off"
ladder-report-at = "off"
roster-audit-at = "off"
team-email = "team@skola.example"
phone = "070-174 06 99"
sender-id = "Skolan"
sms-provider = "elks"
volume-class = "off"
volume-school = "off"
volume-source = "off"
volume-usual = 0
most-a-day = 0
"#,
        row.rate, row.rate, row.grace, row.stale_after
    );
    let loader = Loader {
        credentials_dir: None,
        base_dir: folder.path().to_owned(),
        secrets: Secrets::Required,
    };
    let report = config::load_text("day.toml", &text, &loader);
    report.config.unwrap_or_else(|| panic!("{:#?}", report.problems))
}

/// Lives through a row's day with a store that fails at its transition, or never.
pub fn lived(row: &Row, config: &Config, point: Option<Failpoint>) -> Ended {
    let day = Arc::new(Day {
        row: *row,
        config: config.clone(),
        disk: Arc::new(Disk::new(point.map(|point| (point, row.is)))),
        outside: Arc::new(Outside::new(row.texts, row.mails, row.history, row.reports)),
        heard: AtomicUsize::new(0),
        loaded: AtomicBool::new(false),
    });
    let mut at: Timestamp = BEGAN.parse().expect("a time");
    for _ in 0..MOST_LIVES {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let (end, over) = runtime.block_on(day.life(at));
        // Whatever was under way is gone with the process.
        drop(runtime);
        if over {
            return day.ended();
        }
        at = end + SignedDuration::from_secs(2);
    }
    panic!("{}: it dies again and again", row.name);
}

struct Day {
    row: Row,
    config: Config,
    disk: Arc<Disk>,
    outside: Arc<Outside>,
    /// How much of what is heard was acknowledged.
    heard: AtomicUsize,
    loaded: AtomicBool,
}

impl Day {
    async fn life(&self, began: Timestamp) -> (Timestamp, bool) {
        let clock = Arc::new(SimClock::at(began));
        let mounted = Arc::new(Mounted::new(self.disk.clone()));
        let line = Arc::new(Line {
            outside: self.outside.clone(),
            clock: clock.clone(),
            process: mounted.clone(),
        });
        let env = Env { clock: clock.clone(), wire: line.clone(), mail: line };
        let (lifecycle, mut faults) = Lifecycle::new();
        let app = App::build(&self.config, env, mounted.clone(), lifecycle).expect("it builds");
        let over = tokio::select! {
            biased;
            () = mounted.died.notified() => false,
            // As the task that watches the embedded store ends the daemon.
            () = async { mounted.failed.notified().await; pause(LAST_WORDS).await } => false,
            over = self.work(app, &clock) => over,
        };
        let fault = faults.try_recv().ok();
        assert!(mounted.is_broken() || fault.is_none(), "{}: {fault:?}", self.row.name);
        mounted.die();
        (clock.now(), over)
    }

    async fn work(&self, app: App, clock: &SimClock) -> bool {
        if let Err(error) = app.prepare().await {
            tracing::error!(%error, "the store failed at the start");
            return std::future::pending().await;
        }
        let router = app.router();
        if !self.loaded.swap(true, Ordering::Relaxed) {
            let (status, answer) = request(&router, self.directory("none")).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
        app.start(None, || {});
        let began: Timestamp = BEGAN.parse().expect("a time");
        loop {
            let now = clock.now();
            assert!(now < began + LONGEST, "{}: it does not settle", self.row.name);
            let next = self.row.heard.get(self.heard.load(Ordering::Relaxed));
            let next = next.map(|(secs, heard)| (began + SignedDuration::from_secs(*secs), *heard));
            if let Some((_, heard)) = next.filter(|(at, _)| *at <= now) {
                self.tell(&router, heard).await;
                continue;
            }
            if self.report(&router, now).await {
                continue;
            }
            let report =
                self.outside.reports_due.lock().expect("reports").iter().map(|r| r.at).min();
            if next.is_none() && report.is_none() && self.is_settled() {
                return true;
            }
            let look = now + SignedDuration::from_mins(5);
            let until = next.map(|(at, _)| at).into_iter().chain(report).chain([look]).min();
            tokio::select! {
                biased;
                () = self.outside.reported.notified() => {}
                () = clock.sleep_until(until.unwrap_or(look)) => {}
            }
        }
    }

    /// Whether nothing is due any more.
    fn is_settled(&self) -> bool {
        !self.disk.rows().iter().any(|(key, _)| key.starts_with(b"du/"))
    }

    /// The school system tells, and comes again when it is told to.
    async fn tell(&self, router: &axum::Router, heard: Heard) {
        let (asked, taken) = match heard {
            Heard::Mark(mark) => (self.mark("l1", 8, mark), StatusCode::ACCEPTED),
            Heard::MarkNext(mark) => (self.mark("l2", 9, mark), StatusCode::ACCEPTED),
            Heard::Protected => (self.directory("protected"), StatusCode::OK),
        };
        match request(router, asked).await {
            (status, _) if status == taken => {
                self.heard.fetch_add(1, Ordering::Relaxed);
            }
            (StatusCode::SERVICE_UNAVAILABLE, _) => pause(5_000).await,
            (status, answer) => panic!("{}: {status} {answer}", self.row.name),
        }
    }

    /// Posts a report that is due; one that is not acknowledged comes again. Whether there was one.
    async fn report(&self, router: &axum::Router, now: Timestamp) -> bool {
        let report = {
            let mut due = self.outside.reports_due.lock().expect("reports");
            let first = due.iter().position(|report| report.at <= now);
            let Some(report) = first.and_then(|at| due.remove(at)) else { return false };
            // Until it is acknowledged it is to come again: the process may be gone meanwhile.
            due.push_back(super::outside::Report {
                at: now + SignedDuration::from_secs(60),
                path: report.path.clone(),
                body: report.body.clone(),
            });
            report
        };
        let post = Request::post(&report.path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(report.body.clone()))
            .expect("a request");
        let (status, _) = request(router, post).await;
        if status.is_success() {
            let mut due = self.outside.reports_due.lock().expect("reports");
            due.retain(|other| (&other.path, &other.body) != (&report.path, &report.body));
        }
        true
    }

    /// A mark in a lesson that begins twenty minutes past that hour.
    fn mark(&self, lesson: &str, hour: u32, mark: &str) -> Request<Body> {
        let serial = self.heard.load(Ordering::Relaxed);
        let began: Timestamp = BEGAN.parse().expect("a time");
        let body = json!({
            "type": "attendance.marked", "id": format!("e{serial}"), "school": "s1", "pupil": "alva",
            "lesson": {"id": lesson, "start": format!("2026-11-23T{hour:02}:20:00+01:00"),
                       "end": format!("2026-11-23T{:02}:20:00+01:00", hour + 1)},
            "mark": mark,
            "recorded_at": (began + SignedDuration::from_secs(self.row.heard[serial].0)).to_string(),
        });
        json_request(Request::post("/hooks/src"), TOKEN, &body)
    }

    fn directory(&self, protection: &str) -> Request<Body> {
        let (phone, email) = ("070-174 06 05", GUARDIAN);
        let (phone, email, channel) = match self.row.reach {
            Reach::Phone => (Some(phone), None, "sms"),
            Reach::Mail => (None, Some(email), "email"),
            Reach::PhoneThenMail => (Some(phone), Some(email), "sms"),
            Reach::MailThenPhone => (Some(phone), Some(email), "email"),
        };
        let body = json!({
            "pupils": [{"id": "alva", "school": "s1", "given-name": "Alva",
                        "birth-date": "2013-05-04", "protection": protection}],
            "guardians": [{"pupil": "alva", "school": "s1", "guardian": "g", "may-receive": true,
                           "phone": phone, "email": email, "channel": channel}],
        });
        json_request(Request::put("/api/directory"), API_TOKEN, &body)
    }

    fn ended(&self) -> Ended {
        let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
        for taken in self.outside.taken.lock().expect("taken").iter() {
            *arrived.entry(taken.notification.clone()).or_default() += 1;
        }
        let rows = self.disk.rows();
        let mut ends: Vec<_> = rows
            .iter()
            .filter(|(key, _)| key.starts_with(tables::NOTIFICATIONS))
            .map(|(_, row)| ledger::decode::<Notification>(row).expect("a notification"))
            .map(|n| {
                let times = arrived.remove(n.id.as_str()).unwrap_or(0);
                // A mail in doubt may come again, as the same mail, and is one.
                let copies = n.channel == Channel::Email && (2..=n.doubts() + 1).contains(&times);
                let times = if copies { 1 } else { times };
                let words = [n.purpose.as_str(), n.channel.as_str(), n.state.as_str()].join(" ");
                format!("{words} {times}")
            })
            .collect();
        ends.sort();
        ends.extend(arrived.into_iter().map(|(id, times)| format!("unknown {id} {times}")));
        Ended { fired: self.disk.fired(), ends: ends.join(", "), seen: self.disk.seen() }
    }
}

fn json_request(to: http::request::Builder, token: &str, body: &Value) -> Request<Body> {
    to.header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

async fn request(router: &axum::Router, request: Request<Body>) -> (StatusCode, String) {
    let answer = router.clone().oneshot(request).await.expect("an answer");
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    (status, String::from_utf8_lossy(&body).into_owned())
}
