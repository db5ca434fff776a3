//! Rows whose lesson nobody knows: kept, and read again when the lesson may be known.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::book::Place;
use super::super::fault::Fault;
use super::super::types::{Attendance, Ref};
use super::{Attending, Round};
use crate::store::rows::Cursor;

/// How long a row is asked for again for which there is no room.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

impl Attending {
    /// Reads again what waits of a school.
    pub(super) async fn read_again(
        &mut self,
        place: &Place,
        cursor: &Cursor,
        round: &mut Round,
    ) -> Result<(), Fault> {
        let mut waiting = self.offering.unread().await?;
        waiting.retain(|unread| unread.school == place.school);
        if waiting.is_empty() {
            return Ok(());
        }
        let rows = waiting.iter().filter_map(|unread| serde_json::from_str(&unread.text).ok());
        let offered = self.read(rows.collect(), place, cursor, false, round).await?;
        let still: BTreeSet<String> =
            std::mem::take(&mut round.unknown).into_iter().map(|unread| unread.row).collect();
        self.offer(offered, place, round).await?;
        waiting.retain(|unread| !still.contains(&unread.row));
        Ok(self.offering.was_read(&waiting).await?)
    }

    /// Has what was read and not understood wait. Where there is no room, it is asked for again for a while.
    pub(super) async fn keep_unknown(&self, round: &mut Round) -> Result<(), Fault> {
        let left = self.offering.keep_unread(std::mem::take(&mut round.unknown)).await?;
        let now = self.client.clock().now();
        let changed = left.iter().filter_map(|unread| unread.changed);
        let oldest = changed.filter(|at| now.duration_since(*at) < PATIENCE).min();
        round.again = round.again.into_iter().chain(oldest).min();
        Ok(())
    }
}

/// A row as the standard writes it, as far as it is read.
pub(super) fn text(row: &Attendance) -> String {
    let person = |of: &Option<Ref>| {
        of.as_ref().map(|of| {
            let mut text = json!({ "id": of.id });
            if let Some(marking) = &of.security_marking {
                text["securityMarking"] = marking.as_str().into();
            }
            text
        })
    };
    let mut text = json!({
        "id": row.id,
        "meta": { "created": row.meta.created, "modified": row.meta.modified },
        "calendarEvent": person(&row.calendar_event),
        "student": person(&row.student),
        "reporter": person(&row.reporter),
        "isReported": row.is_reported,
        "attendanceMinutes": row.attendance_minutes,
        "validAbsenceMinutes": row.valid_absence_minutes,
        "invalidAbsenceMinutes": row.invalid_absence_minutes,
        "otherAttendanceMinutes": row.other_attendance_minutes,
        "reportedTimestamp": row.reported_timestamp,
    });
    if let Some(fields) = text.as_object_mut() {
        fields.retain(|_, value| *value != Value::Null);
    }
    text.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_says_what_the_row_said() {
        let row = json!({
            "id": "r1", "meta": { "created": "2026-11-23T07:00:00Z", "modified": "2026-11-23T07:30:00Z" },
            "calendarEvent": { "id": "l1" }, "reporter": { "id": "t1" }, "isReported": true,
            "student": { "id": "p1", "securityMarking": "Sekretessmarkering", "displayName": "Alva" },
            "attendanceMinutes": 0, "validAbsenceMinutes": -1, "invalidAbsenceMinutes": 60,
            "reportedTimestamp": "2026-11-23T07:31:00.5+01:00",
        });
        let read: Attendance = serde_json::from_value(row).expect("a row");
        let kept = text(&read);
        assert_eq!(serde_json::from_str::<Attendance>(&kept).expect("a row"), read);
        assert!(!kept.contains("Alva"), "{kept}");
        let bare: Attendance = serde_json::from_value(json!({ "id": "r1" })).expect("a row");
        assert_eq!(serde_json::from_str::<Attendance>(&text(&bare)).expect("a row"), bare);
    }
}
