//! Events in the native form: as one, as an array, and with any headers.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};
use upprop::model::{Fact, Lesson, Observation, SourceId};
use upprop::source::webhook::{DecodeError, Decoded, decode, wire::MAX_EVENTS};

use super::input::{headers, parted, tells_nothing};

/// The longest answer about one event: two names of 128 and 64 characters of four bytes, and words.
const WORDS: usize = 1_600;

/// When it is, for every decoder.
pub fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().expect("a time")
}

/// Decodes as the daemon does.
pub fn decoded(headers: &HeaderMap, body: &[u8]) -> Result<Decoded, DecodeError> {
    let source = SourceId::new("school-system").expect("an id");
    decode(headers, body, &source, now())
}

/// The check.
pub fn check(data: &[u8]) {
    let (head, body) = parted(data);
    let mut headers = headers(head);
    headers.entry("content-type").or_insert("application/json".parse().expect("a value"));
    let result = decoded(&headers, body);
    assert_eq!(result, decoded(&headers, body), "the same bytes, the same events");
    for observation in judged(&result, data) {
        let native = "content-type: application/json";
        let again = decoded(&self_headers(native), encode(observation).to_string().as_bytes());
        let again = again.expect("what was decoded is encoded").items.remove(0).result;
        assert_eq!(again.as_ref(), Ok(observation), "encoded and decoded again");
    }
}

fn self_headers(head: &str) -> HeaderMap {
    super::input::headers(head.as_bytes())
}

/// Holds what was decoded against what an answer may be, and gives the good events.
pub fn judged<'a>(result: &'a Result<Decoded, DecodeError>, data: &[u8]) -> Vec<&'a Observation> {
    let decoded = match result {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(error.status().is_client_error());
            tells_nothing(&error.to_string(), data, WORDS);
            return Vec::new();
        }
    };
    assert!((1..=MAX_EVENTS).contains(&decoded.items.len()));
    let mut good = Vec::new();
    for (place, item) in decoded.items.iter().enumerate() {
        assert_eq!(item.index, place, "every event has an answer, in order");
        if let Some(id) = &item.id {
            assert!(!id.is_empty() && id.chars().count() <= 128);
            super::input::is_one_line(id);
        }
        match &item.result {
            Ok(observation) => good.push(observation),
            Err(error) => {
                // Before the colon stand the names of fields, which the sender may have made up.
                let (path, what) = error.split_once(": ").unwrap_or(("", error));
                super::input::is_one_line(path);
                assert!(path.len() <= WORDS, "{path}");
                tells_nothing(what, data, WORDS);
            }
        }
    }
    let (taken, rejected) = decoded.clone().into_parts();
    assert_eq!(taken.len() + rejected.len(), decoded.items.len());
    assert!(rejected.iter().all(|r| (r.index as usize) < decoded.items.len()));
    good
}

/// An event as a school system would write it: by the published description, not by the decoder.
pub fn encode(observation: &Observation) -> Value {
    let mut event = match &observation.fact {
        Fact::Marked {
            pupil,
            lesson,
            mark,
            minutes,
            register_closed,
            recorded_at,
            recorded_by,
        } => {
            json!({
                "type": "attendance.marked", "pupil": pupil, "lesson": encode_lesson(lesson),
                "mark": mark, "minutes": minutes, "register_closed": register_closed,
                "recorded_at": recorded_at, "recorded_by": recorded_by,
            })
        }
        Fact::Notified { pupil, notice, withdrawn, recorded_at } => json!({
            "type": "absence.notified", "pupil": pupil, "from": notice.from, "to": notice.to,
            "kind": notice.kind, "withdrawn": withdrawn, "recorded_at": recorded_at,
        }),
        Fact::LessonReported { pupil, lesson, report } => json!({
            "type": "lesson.report", "pupil": pupil, "lesson": encode_lesson(lesson),
            "reported_by": report.reported_by, "note": report.note,
        }),
        Fact::RegisterClosed { lesson, closed_at, closed_by } => json!({
            "type": "register.closed", "lesson": encode_lesson(lesson), "closed_at": closed_at,
            "closed_by": closed_by,
        }),
        Fact::RegisterBegun { .. } | Fact::LessonPlanned { .. } => {
            unreachable!("no event says this")
        }
    };
    event["id"] = json!(observation.event);
    event["school"] = json!(observation.school);
    without_null(event)
}

fn encode_lesson(lesson: &Lesson) -> Value {
    let Lesson { id, start, end, label } = lesson;
    without_null(json!({ "id": id, "start": start, "end": end, "label": label }))
}

fn without_null(mut value: Value) -> Value {
    value.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    value
}
