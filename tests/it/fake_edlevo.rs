//! A stand-in for Edlevo's Absence API: answers with the marks that a test gives it, or with what a test says.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use upprop::env::{Clock as _, SystemClock};

use crate::world::{soon, within};

pub const KEY: &str = "licence-0123456789abcdef";
/// What no log may show.
pub const COMMENT: &str = "sjuk igen";

/// One mark.
#[derive(Debug, Clone)]
pub struct Event {
    pub pupil: &'static str,
    pub lesson: &'static str,
    pub reason: &'static str,
    pub minutes: i64,
    pub start: Timestamp,
}

#[derive(Default)]
struct Answering {
    events: Vec<Event>,
    /// Instead of the marks.
    instead: Option<(u16, &'static str)>,
    /// How far its clock is ahead.
    ahead: SignedDuration,
    asked: Vec<String>,
}

/// The stand-in. Each clone is the same.
#[derive(Clone, Default)]
pub struct FakeEdlevo(Arc<Mutex<Answering>>);

impl FakeEdlevo {
    /// Listens; the address that an operation's name is added to.
    pub async fn start(&self) -> (String, SocketAddr) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/v2/{operation}", axum::routing::get(answer))
            .with_state(self.clone());
        let tracker = tokio_util::task::TaskTracker::new();
        tracker.spawn(async move { axum::serve(listener, router).await });
        (format!("http://{address}/v2"), address)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Answering) -> T) -> T {
        act(&mut self.0.lock().expect("a lock"))
    }

    /// These marks from now on.
    pub fn says(&self, events: &[Event]) {
        self.with(|a| (a.events, a.instead) = (events.to_vec(), None));
    }

    /// This from now on.
    pub fn answers(&self, status: u16, body: &'static str) {
        self.with(|a| a.instead = Some((status, body)));
    }

    /// Its clock is so far ahead from now on.
    pub fn ahead(&self, ahead: SignedDuration) {
        self.with(|a| a.ahead = ahead);
    }

    /// All questions, as they came.
    pub fn asked(&self) -> Vec<String> {
        self.with(|a| a.asked.clone())
    }

    /// Waits until it has been asked so often from now on, so that the answer to one before is taken.
    pub async fn again(&self, times: usize) {
        let (clock, most) = (SystemClock::new(), self.asked().len() + times);
        within("questions", async {
            while self.asked().len() < most {
                clock.sleep_until(soon(&clock)).await;
            }
        })
        .await;
    }
}

async fn answer(
    State(fake): State<FakeEdlevo>,
    Path(operation): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let zone = TimeZone::get("Europe/Stockholm").expect("a zone");
    let local = |at: Timestamp| {
        at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    fake.with(|a| {
        a.asked.push(format!("{operation}?{query}"));
        if !query.contains(&format!("LicenseKey={KEY}")) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        if let Some((status, body)) = a.instead {
            return (StatusCode::from_u16(status).expect("a status"), body).into_response();
        }
        let now = SystemClock::new().now() + a.ahead;
        let mut body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<persons xmlns=\"http://open.tieto.com/edu/absence/v2\">\
             <properties><datetime>{}</datetime><datasource>Edlevo</datasource></properties>",
            local(now)
        );
        for event in &a.events {
            let Event { pupil, lesson, reason, minutes, start } = event;
            let (start, stop) = (local(*start), local(*start + SignedDuration::from_hours(1)));
            let _ = write!(
                body,
                "<person><personid>{pupil}</personid><event><start>{start}</start><stop>{stop}</stop>\
                 <unitname>Björk &amp; Al</unitname><unitid>UNIT-1</unitid><schoolevent>\
                 <comment>{COMMENT}</comment><lessonid>{lesson}</lessonid><registeredby>t1</registeredby>\
                 <reason>{reason}</reason><minutes>{minutes}</minutes><lessonminutes>60</lessonminutes>\
                 <courseorsubjectcode>MA</courseorsubjectcode><courseorsubjectname>Matematik</courseorsubjectname>\
                 <grouporclassname>7B</grouporclassname></schoolevent></event></person>"
            );
        }
        body.push_str("</persons>");
        ([("content-type", "application/xml")], body).into_response()
    })
}
