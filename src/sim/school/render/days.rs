//! Lessons, attendances and advance notices as JSON. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Pen, Written, embed};
use crate::sim::school::rows::{Activity, Attendance, Lesson, Notice, Resource};
use crate::sim::school::table::Row;

impl Written for Lesson {
    const RESOURCE: Resource = Resource::CalendarEvent;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let (is, world) = (&row.is, pen.world);
        let students: Vec<Value> = is
            .exempt
            .iter()
            .map(|exempt| {
                let mut fields = json!({
                    "student": pen.to(Resource::Person, exempt.pupil),
                    "participates": exempt.participates,
                });
                if let Some(minutes) = exempt.minutes {
                    fields["teachingLength"] = minutes.into();
                }
                fields
            })
            .collect();
        let teachers: Vec<Value> = is
            .substitutes
            .iter()
            .map(|(duty, participates)| {
                json!({"duty": pen.to(Resource::Duty, *duty), "participates": participates})
            })
            .collect();
        let length = (!pen.quirks.no_teaching_length).then_some(is.minutes);
        let mut fields = json!({
            "activity": pen.to(Resource::Activity, is.activity),
            "startTime": pen.moment(is.start),
            "endTime": pen.moment(is.end),
            "cancelled": is.cancelled,
            "teachingLengthTeacher": length,
            "teachingLengthStudent": length,
            "studentExceptions": pen.and_null(students, json!({"student": null, "participates": null})),
            "teacherExceptions": pen.and_null(teachers, json!({"duty": null, "participates": null})),
            "rooms": [],
            "resources": [],
        });
        let mut embedded = Map::new();
        let inner = Pen { expand: BTreeSet::new(), ..*pen };
        if pen.expand.contains("activity")
            && let Some(activity) = world.activities.get(is.activity)
        {
            embedded.insert("activity".into(), Activity::written(activity, &inner));
        }
        if pen.expand.contains("attendance") {
            let rows = world.marks.get(&row.id).into_iter().flatten();
            let rows = rows.filter_map(|(_, id)| world.attendances.get(*id));
            let rows = rows.filter(|mark| mark.is.reported || !pen.quirks.reported_only);
            let rows: Vec<Value> = rows.map(|mark| Attendance::written(mark, &inner)).collect();
            embedded.insert("attendance".into(), rows.into());
        }
        embed(&mut fields, embedded);
        pen.row(row, fields)
    }
}

impl Written for Attendance {
    const RESOURCE: Resource = Resource::Attendance;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let is = &row.is;
        let mut minutes = is.minutes;
        let away = |n: Option<i32>| n.is_some_and(|n| n > 0);
        if pen.quirks.negative_minutes && !away(minutes.invalid) && !away(minutes.valid) {
            // Only of who was there: nobody is to be missed for it.
            (minutes.valid, minutes.invalid) = (Some(-5), Some(-5));
        }
        if pen.quirks.version_2_0 {
            minutes.present = minutes.present.or(Some(0));
        }
        let old = "1895-01-01T00:00:00+01:00";
        let reported_at = match is.reported_at {
            Some(_) if pen.quirks.year_1895 && row.id.is_one_in(2) => old.into(),
            Some(at) => pen.moment(at),
            None => Value::Null,
        };
        let reporter = is.reporter.filter(|_| !pen.quirks.null_references);
        pen.row(
            row,
            json!({
                "calendarEvent": pen.to(Resource::CalendarEvent, is.lesson),
                "student": pen.to(Resource::Person, is.pupil),
                "reporter": pen.maybe(Resource::Person, reporter),
                "isReported": is.reported,
                "attendanceMinutes": minutes.present,
                "validAbsenceMinutes": minutes.valid,
                "invalidAbsenceMinutes": minutes.invalid,
                "otherAttendanceMinutes": minutes.other,
                "absenceReason": is.reason,
                "reportedTimestamp": reported_at,
            }),
        )
    }
}

impl Written for Notice {
    const RESOURCE: Resource = Resource::Notice;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let is = &row.is;
        pen.row(
            row,
            json!({
                "startTime": pen.moment(is.start),
                "endTime": pen.moment(is.end),
                "type": if is.leave { "Beviljad ledighet" } else { "Anmäld frånvaro" },
                "student": pen.to(Resource::Person, is.pupil),
                "organisation": pen.to(Resource::Organisation, is.school),
                "registeredBy": pen.maybe(Resource::Person, is.by),
            }),
        )
    }
}
