//! A school system that pushes: makes the events of the day, signs them as a real sender does and posts
//! them to the daemon's webhook.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::people::{Pupil, SCHOOL};
use super::sender::{Lesson, Word};
use super::{DemoError, within};
use crate::env::{Clock, Wire};
use crate::source::webhook::{HookAnswer, auth};

/// One request, as it may be sent several times.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    id: String,
    body: Bytes,
}

/// The sender.
pub struct Hooks {
    url: String,
    secret: SecretString,
    wire: Arc<dyn Wire>,
    clock: Arc<dyn Clock>,
    serial: u32,
}

impl Hooks {
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

    /// The event that says it, made now.
    pub(super) fn made(&mut self, lesson: &Lesson, word: &Word) -> Value {
        match word {
            Word::Absent(pupil) => self.marked(pupil, lesson, "unexcused"),
            Word::There(pupil) => self.marked(pupil, lesson, "present"),
            Word::Late(pupil, minutes) => {
                let mut event = self.marked(pupil, lesson, "late");
                event["minutes"] = json!({"absent": minutes, "scheduled": lesson.minutes()});
                event
            }
            Word::Leave(pupil) => {
                let hour = SignedDuration::from_hours(1);
                let mut event = self.event("absence.notified", pupil);
                event["kind"] = "leave".into();
                event["from"] = (lesson.start - hour).to_string().into();
                event["to"] = (lesson.end + hour).to_string().into();
                event
            }
            Word::Note(pupil, note) => {
                let mut event = self.event("lesson.report", pupil);
                event["lesson"] = lesson_json(lesson);
                event["reported_by"] = "B. Ask".into();
                event["note"] = (*note).into();
                event
            }
        }
    }

    fn marked(&mut self, pupil: &Pupil, lesson: &Lesson, mark: &str) -> Value {
        let mut event = self.event("attendance.marked", pupil);
        event["lesson"] = lesson_json(lesson);
        event["mark"] = mark.into();
        event["recorded_at"] = self.clock.now().to_string().into();
        event
    }

    fn event(&mut self, kind: &str, pupil: &Pupil) -> Value {
        let id = format!("event-{}", self.next());
        json!({"type": kind, "id": id, "school": SCHOOL, "pupil": pupil.id})
    }

    /// Packs one event, or an array of them, into a request with an id of its own.
    pub(super) fn pack(&mut self, events: &Value) -> Delivery {
        Delivery { id: format!("msg-{}", self.next()), body: events.to_string().into() }
    }

    /// Posts a request, signed now.
    ///
    /// # Errors
    /// When it is not answered, or anything in it is refused.
    pub(super) async fn post(&self, delivery: &Delivery) -> Result<HookAnswer, DemoError> {
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
