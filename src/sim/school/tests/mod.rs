//! The server as a client meets it.

mod acts;
mod callbacks;
mod lists;
mod oddities;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio_util::task::TaskTracker;

use super::*;
use crate::env::{ReqwestWire, SystemClock, Wire as _, WireSettings};

/// A school with open doors, and a client.
struct Visit {
    school: School,
    wire: ReqwestWire,
}

impl Visit {
    fn with(quirks: &str, change: impl FnOnce(&mut SchoolSettings)) -> Self {
        let quirks = quirks.parse().expect("known quirks");
        let access = Access { open: true, ..Access::default() };
        let mut settings = SchoolSettings { quirks, access, ..SchoolSettings::default() };
        change(&mut settings);
        let clock = Arc::new(SystemClock::new());
        let school = School::start(settings, clock, &TaskTracker::new()).expect("it starts");
        let settings = WireSettings {
            max_answer: 16 << 20,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
            ..WireSettings::default()
        };
        Self { school, wire: ReqwestWire::new(&settings).expect("a client") }
    }

    fn new(quirks: &str) -> Self {
        Self::with(quirks, |_| {})
    }

    async fn call(&self, request: http::request::Builder, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = request.body(body).expect("a request");
        let answer = self.wire.call(request).await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    /// `GET` below the base.
    async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}/{path}", self.school.url());
        self.call(http::Request::get(url), &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/{path}", self.school.url());
        self.call(http::Request::post(url), body).await
    }

    /// The rows of a list that must fit on one page.
    async fn rows(&self, path: &str) -> Vec<Value> {
        let (status, page) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {page}");
        page["data"].as_array().expect("rows").clone()
    }

    /// All pages of a list; `again` stands beside each token.
    async fn pages(&self, path: &str, again: &str) -> Vec<Vec<Value>> {
        let list = path.split('?').next().expect("a list");
        let mut pages = Vec::new();
        let mut ask = path.to_owned();
        loop {
            let (status, page) = self.get(&ask).await;
            assert_eq!(status, 200, "{ask}: {page}");
            pages.push(page["data"].as_array().expect("rows").clone());
            match page["pageToken"].as_str() {
                Some(token) if pages.len() < 50 => {
                    ask = format!("{list}?pageToken={token}{again}");
                }
                _ => return pages,
            }
        }
    }

    fn act(&self, act: Act) -> Done {
        self.school.act(act).expect("it can be done")
    }

    /// A lesson of today that has a register, and two of its pupils.
    fn lesson(&self) -> (LessonCard, String, String) {
        let now = self.school.shared.clock.now();
        let lesson = self
            .school
            .lessons(Some(now))
            .into_iter()
            .find(|lesson| lesson.register && !lesson.cancelled && lesson.minutes == 60)
            .expect("a lesson");
        let [one, two] = [0, 1].map(|n: usize| lesson.pupils[n].to_string());
        (lesson, one, two)
    }
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}
