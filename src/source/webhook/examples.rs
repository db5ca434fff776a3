//! One example of every event, for the published description and for whoever tries the inlet out.
//! All of them validate and decode.

use serde_json::{Value, json};

/// Name, what it shows, and the event in the native form.
pub fn events() -> Vec<(&'static str, &'static str, Value)> {
    let lesson = json!({
        "id": "20261123-MA7B-1",
        "start": "2026-11-23T08:20:00+01:00",
        "end": "2026-11-23T09:20:00+01:00",
        "label": "Ma 7B",
    });
    vec![
        (
            "marked",
            "A pupil is missing without a valid reason",
            json!({
                "type": "attendance.marked",
                "id": "evt-000001",
                "school": "lindskolan",
                "pupil": "p-1001",
                "lesson": lesson,
                "mark": "unexcused",
                "minutes": { "absent": 60, "scheduled": 60 },
                "register_closed": true,
                "recorded_at": "2026-11-23T08:31:07+01:00",
                "recorded_by": "t-17",
            }),
        ),
        (
            "corrected",
            "The mark is corrected: the pupil came late",
            json!({
                "type": "attendance.marked",
                "id": "evt-000002",
                "school": "lindskolan",
                "pupil": "p-1001",
                "lesson": lesson,
                "mark": "late",
                "minutes": { "absent": 14, "scheduled": 60 },
                "recorded_at": "2026-11-23T08:36:40+01:00",
            }),
        ),
        (
            "notified",
            "A guardian has notified absence for a day",
            json!({
                "type": "absence.notified",
                "id": "evt-000003",
                "school": "lindskolan",
                "pupil": "p-1002",
                "from": "2026-11-23T00:00:00+01:00",
                "to": "2026-11-24T00:00:00+01:00",
                "kind": "notified",
            }),
        ),
        (
            "withdrawn",
            "Granted leave is withdrawn",
            json!({
                "type": "absence.notified",
                "id": "evt-000004",
                "school": "lindskolan",
                "pupil": "p-1003",
                "from": "2026-11-23T00:00:00+01:00",
                "to": "2026-11-28T00:00:00+01:00",
                "kind": "leave",
                "withdrawn": true,
                "recorded_at": "2026-11-23T08:00:00+01:00",
            }),
        ),
        (
            "report",
            "The teacher reports at the lesson's end that the pupil never came",
            json!({
                "type": "lesson.report",
                "id": "evt-000005",
                "school": "lindskolan",
                "pupil": "p-1001",
                "lesson": lesson,
                "reported_by": "t-17",
                "note": "Seen in the corridor before the lesson.",
            }),
        ),
        (
            "closed",
            "The register of a lesson is complete",
            json!({
                "type": "register.closed",
                "id": "evt-000006",
                "school": "lindskolan",
                "lesson": lesson,
                "closed_at": "2026-11-23T08:40:00+01:00",
                "closed_by": "t-17",
            }),
        ),
    ]
}
