//! Remembers events that were refused, for `upprop why` and `upprop rejected`. A sender that sends nothing
//! else may not fill the store with them: so many an hour of each source, and the log has the rest.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::model::{PupilId, SchoolId, SourceId};
use crate::source::webhook::Rejected;
use crate::store::ledger::Unit;
use crate::store::rows::Rejection;
use crate::store::{Commit, Kv, tables};

/// Most that are remembered of one source in one hour.
const AN_HOUR: u32 = 600;
/// Most of one request: one commit.
const A_REQUEST: usize = 100;
/// Most characters of what was wrong.
const WORDS: usize = 500;

/// How many of one source were remembered since when.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<Option<(Timestamp, u32)>>);

impl Remembered {
    /// How many more may be, of so many; they are counted.
    fn room(&self, wanted: usize, now: Timestamp) -> usize {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = SignedDuration::from_hours(1);
        let (since, used) =
            count.filter(|(since, _)| now.duration_since(*since).abs() < hour).unwrap_or((now, 0));
        let room = usize::try_from(AN_HOUR - used).unwrap_or(0).min(wanted).min(A_REQUEST);
        *count = Some((since, used + u32::try_from(room).unwrap_or(0)));
        room
    }
}

/// Writes what was refused of a request. What cannot be written is in the sender's answer all the same.
pub async fn remember(
    kv: &dyn Kv,
    remembered: &Remembered,
    source: &SourceId,
    body: &[u8],
    rejected: &[Rejected],
    now: Timestamp,
) {
    let room = remembered.room(rejected.len(), now);
    if room == 0 {
        return;
    }
    let events = events(body);
    let mut unit = Unit::new(kv);
    for refused in &rejected[..room] {
        let event = usize::try_from(refused.index).ok().and_then(|i| events.get(i));
        let row = Rejection {
            at: now,
            source: source.clone(),
            event: refused.id.clone(),
            school: event.and_then(|event| SchoolId::new(told(event, "school")?).ok()),
            pupil: event.and_then(|event| PupilId::new(told(event, "pupil")?).ok()),
            why: refused.error.chars().take(WORDS).collect(),
        };
        unit.write(tables::rejected(source, now, refused.index), &row);
    }
    match unit.commit().await {
        Ok(Commit::Done) => {}
        Ok(Commit::Conflict) => tracing::debug!(%source, "refused events were not remembered"),
        Err(error) => tracing::debug!(%source, %error, "refused events were not remembered"),
    }
}

/// The events of a body as they came. Read a second time, for this is rare, and without judging them: whom
/// an event was about can often be told where the event itself could not be understood.
fn events(body: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(body) {
        Ok(Value::Array(events)) => events,
        Ok(event) => vec![event],
        Err(_) => Vec::new(),
    }
}

/// A field of the event, bare or in an envelope.
fn told<'a>(event: &'a Value, field: &str) -> Option<&'a str> {
    event.get(field).or_else(|| event.get("data")?.get(field))?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, ledger};

    #[test]
    fn whom_a_bad_event_was_about_is_told_where_it_can_be() {
        let pupils = |body: &str| -> Vec<Option<String>> {
            let pupil = |event| PupilId::new(told(event, "pupil")?).ok();
            events(body.as_bytes()).iter().map(|e| pupil(e).map(Into::into)).collect()
        };
        let some = |id: &str| Some(id.to_owned());
        assert_eq!(pupils(r#"{"type":"x","pupil":"p1","mark":"?"}"#), [some("p1")]);
        let several = r#"[{"data":{"pupil":"p2"}},{"pupil":7},{"pupil":"a\u0000b"},"x",{}]"#;
        assert_eq!(pupils(several), [some("p2"), None, None, None, None]);
        assert_eq!(pupils("no json"), []);
    }

    #[tokio::test]
    async fn the_school_is_remembered_with_the_pupil() {
        let kv = MemoryStore::new();
        let source = SourceId::new("src").expect("id");
        let body = r#"[{"school":"s1","pupil":"p1"},{"data":{"school":"s2","pupil":"p1"}},{"pupil":"p1"}]"#;
        let refused = |index| Rejected { index, id: None, error: "mark: is missing".into() };
        let rejected: Vec<_> = (0..3).map(refused).collect();
        let now = Timestamp::from_second(1_800_000_000).expect("time");
        remember(&kv, &Remembered::default(), &source, body.as_bytes(), &rejected, now).await;
        let rows = kv.rows();
        let rows = rows.iter().map(|(_, value)| ledger::decode::<Rejection>(value).expect("a row"));
        let schools: Vec<_> = rows.map(|row| row.school.map(String::from)).collect();
        assert_eq!(schools, [Some("s1".into()), Some("s2".into()), None]);
    }

    #[test]
    fn so_many_an_hour_and_a_request() {
        let remembered = Remembered::default();
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).expect("time");
        assert_eq!(remembered.room(3, at(0)), 3);
        assert_eq!(remembered.room(1_000, at(1)), 100);
        for _ in 0..4 {
            remembered.room(100, at(2));
        }
        assert_eq!(remembered.room(100, at(3)), 97);
        assert_eq!(remembered.room(100, at(3_599)), 0);
        assert_eq!(remembered.room(100, at(3_600)), 100);
    }
}
