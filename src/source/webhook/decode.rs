//! From a request to observations: which of the four forms it has, each event on its own, and the
//! checks that reach across fields. Pure; the clock is an argument. Nothing said to the sender
//! repeats a value, save the event's id.

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Rejected;
use super::cloudevents;
use super::explain::{self, Fault};
use super::json::{self, Body, DecodeError, Strict};
use super::scalar::{Instant, Label, Note};
use super::wire::{self, AbsenceNotified, AttendanceMarked, LessonReported, RegisterClosed, TYPES};
use crate::model::{
    AdvanceNotice, EventId, Fact, Lesson, LessonReport, Observation, SchoolId, SourceId, shown,
};

/// Longest lesson.
pub const MAX_LESSON: SignedDuration = SignedDuration::from_hours(24);
/// Longest span of an advance notice: a school year and the summer after it.
pub const MAX_NOTICE: SignedDuration = SignedDuration::from_hours(400 * 24);
/// How far a sender's clock may be ahead of ours. A mark from the future would beat every later
/// correction.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// How much of an event's id is repeated, in characters.
const MAX_ID_CHARS: usize = 128;

/// What a request held: one item per event, in order. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The events.
    pub items: Vec<Item>,
}

impl Decoded {
    /// What is to be accepted, and what the answer says of the rest.
    pub fn into_parts(self) -> (Vec<Observation>, Vec<Rejected>) {
        let (mut good, mut rejected) = (Vec::new(), Vec::new());
        for Item { index, id, result } in self.items {
            match result {
                Ok(observation) => good.push(observation),
                Err(error) => {
                    let index = u32::try_from(index).unwrap_or(u32::MAX);
                    rejected.push(Rejected { index, id, error });
                }
            }
        }
        (good, rejected)
    }
}

/// One event of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place, from 0.
    pub index: usize,
    /// Its id as the sender wrote it, cut and without invisible characters; none where it has none.
    pub id: Option<String>,
    /// What it says, or where the fault is and what would be right, without personal data.
    pub result: Result<Observation, String>,
}

/// Decodes a request. A bad event among good ones spoils only itself.
///
/// # Errors
/// When nothing in it could be used: no JSON, no events, too many, or a media type not read here.
pub fn decode(
    headers: &HeaderMap,
    body: &[u8],
    source: &SourceId,
    now: Timestamp,
) -> Result<Decoded, DecodeError> {
    let form = form(headers)?;
    let events = match form {
        Form::Binary => vec![json::read_value(body)?],
        Form::Native | Form::Structured | Form::Batch => match (json::read(body)?, &form) {
            (Body::One(event), Form::Native | Form::Structured) => {
                if !event.value.is_object() {
                    return Err(DecodeError::NoEvents(format!(
                        "the body must be an event (an object) or an array of events, not {}",
                        explain::kind(Some(&event.value))
                    )));
                }
                vec![event]
            }
            (Body::Many(events), Form::Native | Form::Batch) => events,
            (Body::Many(_), _) => {
                return Err(DecodeError::NoEvents(
                    "application/cloudevents+json holds one event; send an array as \
                     application/cloudevents-batch+json"
                        .to_owned(),
                ));
            }
            (Body::One(_), _) => {
                return Err(DecodeError::NoEvents(
                    "application/cloudevents-batch+json holds an array; send one event as \
                     application/cloudevents+json"
                        .to_owned(),
                ));
            }
        },
    };
    let items = events
        .into_iter()
        .enumerate()
        .map(|(index, event)| {
            let id = match form {
                Form::Binary => headers.get("ce-id").and_then(|value| value.to_str().ok()),
                _ => event.value.get("id").and_then(Value::as_str),
            };
            let id = id.map(|id| shown(id, MAX_ID_CHARS)).filter(|id| !id.is_empty());
            let result = observe(&form, headers, event, source, now).map_err(|fault| {
                if fault.path.is_empty() {
                    fault.what
                } else {
                    format!("{}: {}", fault.path, fault.what)
                }
            });
            Item { index, id, result }
        })
        .collect();
    Ok(Decoded { items })
}

/// The forms of a request.
enum Form {
    Native,
    Structured,
    Batch,
    Binary,
}

fn form(headers: &HeaderMap) -> Result<Form, DecodeError> {
    let refuse = |what: &str| Err(DecodeError::MediaType(what.to_owned()));
    if headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return refuse("Content-Encoding is not read here; send the body uncompressed");
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else {
        return refuse("send exactly one Content-Type: application/json");
    };
    let media = first.to_str().unwrap_or_default().to_ascii_lowercase();
    let charset =
        media.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("charset="));
    if charset.is_some_and(|name| !matches!(name.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
    {
        return refuse("the charset is not read here; send UTF-8");
    }
    match media.split(';').next().unwrap_or_default().trim() {
        "application/cloudevents+json" => Ok(Form::Structured),
        "application/cloudevents-batch+json" => Ok(Form::Batch),
        essence if cloudevents::is_binary(headers) && cloudevents::is_json(essence) => {
            Ok(Form::Binary)
        }
        "application/json" => Ok(Form::Native),
        _ => refuse(
            "the Content-Type is not read here; send application/json, \
             application/cloudevents+json or application/cloudevents-batch+json",
        ),
    }
}

fn observe(
    form: &Form,
    headers: &HeaderMap,
    event: Strict,
    source: &SourceId,
    now: Timestamp,
) -> Result<Observation, Fault> {
    if let Some(path) = event.twice {
        let path = shown(&path, MAX_ID_CHARS);
        return Err(fault(&path, "appears twice"));
    }
    let (event, school, fact) = if let Form::Binary = form {
        let opened = cloudevents::open_binary(headers, event.value)?;
        fact(opened.kind, &opened.fields, now).map_err(|fault| opened.relocate(fault))?
    } else {
        let Value::Object(mut fields) = event.value else {
            let found = explain::kind(Some(&event.value));
            return Err(fault("", &format!("an event must be an object, not {found}")));
        };
        if let Form::Native = form {
            let kind = match fields.remove("type") {
                Some(Value::String(word)) => TYPES
                    .into_iter()
                    .find(|known| *known == word)
                    .ok_or_else(|| fault("type", &explain::one_of(&word, &TYPES)))?,
                Some(other) => {
                    let found = explain::kind(Some(&other));
                    return Err(fault("type", &format!("must be a string, not {found}")));
                }
                None => {
                    return Err(fault("type", &format!("is missing; one of {}", TYPES.join(", "))));
                }
            };
            fact(kind, &Value::Object(fields), now)?
        } else {
            let opened = cloudevents::open_structured(fields)?;
            fact(opened.kind, &opened.fields, now).map_err(|fault| opened.relocate(fault))?
        }
    };
    Ok(Observation { source: source.clone(), event, school, fact })
}

/// Reads the fields of one type of event and checks them against each other.
fn fact(kind: &str, fields: &Value, now: Timestamp) -> Result<(EventId, SchoolId, Fact), Fault> {
    fn read<T: DeserializeOwned>(fields: &Value) -> Result<T, Fault> {
        explain::read(fields)
    }
    match kind {
        "attendance.marked" => {
            let event: AttendanceMarked = read(fields)?;
            let fact = Fact::Marked {
                pupil: event.pupil,
                lesson: lesson(event.lesson)?,
                mark: event.mark,
                minutes: event.minutes.map(Into::into),
                register_closed: event.register_closed,
                recorded_at: not_ahead("recorded_at", event.recorded_at, now)?,
                recorded_by: event.recorded_by.map(Into::into),
            };
            Ok((event.id, event.school, fact))
        }
        "absence.notified" => {
            let event: AbsenceNotified = read(fields)?;
            let (from, to) = (event.from.0, event.to.0);
            if to <= from {
                return Err(fault("to", "must be after from"));
            }
            if to.duration_since(from) > MAX_NOTICE {
                return Err(fault("to", "is more than 400 days after from"));
            }
            let notice = AdvanceNotice { from, to, kind: event.kind };
            let fact = Fact::Notified {
                pupil: event.pupil,
                notice,
                withdrawn: event.withdrawn.unwrap_or(false),
                recorded_at: event
                    .recorded_at
                    .map(|at| not_ahead("recorded_at", at, now))
                    .transpose()?,
            };
            Ok((event.id, event.school, fact))
        }
        "lesson.report" => {
            let event: LessonReported = read(fields)?;
            let report = LessonReport {
                reported_by: event.reported_by.into(),
                note: event.note.and_then(Note::into_text),
            };
            let lesson = lesson(event.lesson)?;
            Ok((
                event.id,
                event.school,
                Fact::LessonReported { pupil: event.pupil, lesson, report },
            ))
        }
        _ => {
            let event: RegisterClosed = read(fields)?;
            let fact = Fact::RegisterClosed {
                lesson: lesson(event.lesson)?,
                closed_at: not_ahead("closed_at", event.closed_at, now)?,
                closed_by: event.closed_by.map(Into::into),
            };
            Ok((event.id, event.school, fact))
        }
    }
}

fn lesson(wire: wire::Lesson) -> Result<Lesson, Fault> {
    let (start, end) = (wire.start.0, wire.end.0);
    if end <= start {
        return Err(fault("lesson.end", "must be after lesson.start"));
    }
    if end.duration_since(start) > MAX_LESSON {
        return Err(fault("lesson.end", "is more than 24 hours after lesson.start"));
    }
    Ok(Lesson { id: wire.id, start, end, label: wire.label.and_then(Label::into_text) })
}

fn not_ahead(path: &str, at: Instant, now: Timestamp) -> Result<Timestamp, Fault> {
    if at.0.duration_since(now) > MAX_AHEAD {
        return Err(fault(
            path,
            "is more than 10 minutes ahead of this server's clock; check the sender's clock and offset",
        ));
    }
    Ok(at.0)
}

fn fault(path: &str, what: &str) -> Fault {
    Fault { path: path.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "decode_cloud_tests.rs"]
mod cloud_tests;
