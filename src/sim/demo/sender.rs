//! The school system of the demo: makes the events of the day, signs them as a real sender does and
//! posts them to the daemon.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::people::{Pupil, SCHOOL};
use super::{DemoError, within};
use crate::env::{Clock, Wire};
use crate::source::webhook::{HookAnswer, auth};

/// A lesson of the day.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// The sender's id.
    pub id: &'static str,
    /// A name for staff.
    pub label: &'static str,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
}

/// One request, as it may be sent several times.
#[derive(Debug, Clone)]
pub struct Delivery {
    id: String,
    body: Bytes,
}

/// The sender.
pub struct Sender {
    url: String,
    secret: SecretString,
    wire: Arc<dyn Wire>,
    clock: Arc<dyn Clock>,
    serial: u32,
}

impl Sender {
    /// Reports to the source of this name, signing with its secret (`whsec_…`).
    pub fn new(
        daemon: SocketAddr,
        source: &str,
        secret: SecretString,
        wire: Arc<dyn Wire>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { url: format!("http://{daemon}/hooks/{source}"), secret, wire, clock, serial: 0 }
    }

    fn next(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    /// `attendance.marked`, made now. `more`: further fields.
    pub fn marked(&mut self, pupil: &Pupil, lesson: &Lesson, mark: &str, more: Value) -> Value {
        let mut event = self.event("attendance.marked", pupil);
        event["lesson"] = lesson_json(lesson);
        event["mark"] = mark.into();
        event["recorded_at"] = self.clock.now().to_string().into();
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        event
    }

    /// `absence.notified`: leave around a lesson.
    pub fn leave(&mut self, pupil: &Pupil, lesson: &Lesson) -> Value {
        let hour = SignedDuration::from_hours(1);
        let mut event = self.event("absence.notified", pupil);
        event["kind"] = "leave".into();
        event["from"] = (lesson.start - hour).to_string().into();
        event["to"] = (lesson.end + hour).to_string().into();
        event
    }

    /// `lesson.report` with a note.
    pub fn report(&mut self, pupil: &Pupil, lesson: &Lesson, note: &str) -> Value {
        let mut event = self.event("lesson.report", pupil);
        event["lesson"] = lesson_json(lesson);
        event["reported_by"] = "B. Ask".into();
        event["note"] = note.into();
        event
    }

    fn event(&mut self, kind: &str, pupil: &Pupil) -> Value {
        let id = format!("event-{}", self.next());
        json!({"type": kind, "id": id, "school": SCHOOL, "pupil": pupil.id})
    }

    /// Packs one event, or an array of them, into a request with an id of its own.
    pub fn pack(&mut self, events: &Value) -> Delivery {
        Delivery { id: format!("msg-{}", self.next()), body: events.to_string().into() }
    }

    /// Posts a request, signed now.
    ///
    /// # Errors
    /// When it is not answered, or anything in it is refused.
    pub async fn post(&self, delivery: &Delivery) -> Result<HookAnswer, DemoError> {
        let refused = |what: String| DemoError::NotTaken(what);
        let now = self.clock.now();
        let signature = auth::sign(&self.secret, &delivery.id, now, &delivery.body)
            .map_err(|e| refused(e.to_string()))?;
        let request = http::Request::post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signature)
            .body(delivery.body.clone())
            .map_err(|e| refused(e.to_string()))?;
        let answer = within("the answer to a report", self.wire.call(request))
            .await?
            .map_err(|e| refused(e.to_string()))?;
        if answer.status() != 202 {
            return Err(refused(format!("answered with {}", answer.status())));
        }
        let answer: HookAnswer =
            serde_json::from_slice(answer.body()).map_err(|e| refused(e.to_string()))?;
        match answer.rejected.first() {
            Some(rejected) => Err(refused(rejected.error.clone())),
            None => Ok(answer),
        }
    }
}

fn lesson_json(lesson: &Lesson) -> Value {
    json!({
        "id": lesson.id,
        "label": lesson.label,
        "start": lesson.start.to_string(),
        "end": lesson.end.to_string(),
    })
}
