//! Lessons as the schedule has them: when, of what, who teaches, who is to come, and whether attendance is to be
//! registered. Pure.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::types::{Activity, ActivityType, CalendarEvent};
use crate::model::{GroupId, Lesson, LessonId, Planned, PupilId, SchoolId, StaffId, local_date};

/// Longest lesson.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A lesson of one school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// At which school.
    pub school: SchoolId,
    /// Which, and when.
    pub lesson: Lesson,
    /// Who is to come, and the like.
    pub planned: Planned,
    /// The source's id of what it is of.
    pub activity: Option<CompactString>,
    /// Minutes that count for pupils, where they are not from start to end.
    pub length: Option<i64>,
    /// The same for single pupils.
    pub lengths: BTreeMap<PupilId, i64>,
}

/// A time that a school of today can mean.
pub fn is_likely(at: Timestamp) -> bool {
    let year = at.to_zoned_datetime(TimeZone::UTC).year();
    (2000..2200).contains(&year)
}

/// Reads a lesson.
///
/// # Errors
/// A stable word, where it is no lesson that anybody can be missing from.
pub fn scheduled(
    school: &SchoolId,
    zone: &TimeZone,
    event: &CalendarEvent,
    activity: Option<&Activity>,
) -> Result<Scheduled, &'static str> {
    let id = LessonId::new(event.id.clone()).map_err(|_| "lesson-id")?;
    let (Some(start), Some(end)) = (event.start_time, event.end_time) else {
        return Err("no-times");
    };
    if end <= start || end.duration_since(start) > LONGEST || !is_likely(start) {
        return Err("impossible-times");
    }
    let date = local_date(start, zone);
    let label = activity.and_then(|a| a.display_name.as_ref()).map(ToString::to_string);
    let mut planned = Planned {
        registered: activity.is_none_or(is_registered),
        cancelled: event.cancelled == Some(true),
        teachers: teachers(event, activity, date),
        groups: activity.map(groups).unwrap_or_default(),
        also: BTreeSet::new(),
        except: BTreeSet::new(),
        modified_at: event.meta.modified.filter(|at| is_likely(*at)),
    };
    let mut lengths = BTreeMap::new();
    for exception in &event.student_exceptions {
        let Some(pupil) = exception.student.as_ref().and_then(|s| PupilId::new(s.id.clone()).ok())
        else {
            continue;
        };
        let own = match (exception.start_time, exception.end_time) {
            (None, None) => None,
            (from, to) => {
                let span = to.unwrap_or(end).duration_since(from.unwrap_or(start));
                Some(span.as_mins()).filter(|minutes| *minutes > 0)
            }
        };
        if let Some(length) = exception.teaching_length.filter(|m| *m > 0).or(own) {
            lengths.insert(pupil.clone(), length);
        }
        match exception.participates {
            Some(false) => planned.except.insert(pupil),
            Some(true) => planned.also.insert(pupil),
            None => false,
        };
    }
    Ok(Scheduled {
        school: school.clone(),
        lesson: Lesson { id, start, end, label },
        planned,
        activity: event.activity.as_ref().map(|activity| activity.id.clone()),
        length: event.teaching_length_student,
        lengths,
    })
}

/// Whether attendance is registered at what it is (SS 12000:2020, `Activity.activityType`): not where teachers meet,
/// nor at lunch. What nobody knows may be a lesson.
fn is_registered(activity: &Activity) -> bool {
    !matches!(activity.activity_type, Some(ActivityType::Teachers | ActivityType::Unspecified))
}

fn groups(activity: &Activity) -> Vec<GroupId> {
    let mut groups: Vec<GroupId> =
        activity.groups.iter().filter_map(|group| GroupId::new(group.id.clone()).ok()).collect();
    groups.sort();
    groups.dedup();
    groups
}

/// Who teaches on a day, substitutes in the place of those they stand in for: by their duties, as the directory has
/// its staff.
fn teachers(event: &CalendarEvent, activity: Option<&Activity>, date: Date) -> Vec<StaffId> {
    let planned = activity.map(|activity| activity.teachers.as_slice()).unwrap_or_default();
    let mut found: Vec<&CompactString> = planned
        .iter()
        .filter(|t| t.start_date.is_none_or(|from| from <= date))
        .filter(|t| t.end_date.is_none_or(|to| date <= to))
        .filter_map(|t| Some(&t.duty.as_ref()?.id))
        .collect();
    for exception in &event.teacher_exceptions {
        let Some(duty) = exception.duty.as_ref().map(|duty| &duty.id) else { continue };
        match exception.participates {
            Some(false) => found.retain(|other| *other != duty),
            Some(true) if !found.contains(&duty) => found.push(duty),
            _ => {}
        }
    }
    let mut staff: Vec<StaffId> = Vec::new();
    for duty in found {
        if let Ok(id) = StaffId::new(duty.clone())
            && !staff.contains(&id)
        {
            staff.push(id);
        }
    }
    staff
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(event: Value, activity: Option<Value>) -> Result<Scheduled, &'static str> {
        let event = serde_json::from_value(event).expect("an event");
        let activity: Option<Activity> =
            activity.map(|value| serde_json::from_value(value).expect("an activity"));
        let zone = TimeZone::get("Europe/Stockholm").expect("zone");
        scheduled(&SchoolId::new("s").expect("id"), &zone, &event, activity.as_ref())
    }

    fn event(more: &Value) -> Value {
        let mut event = json!({
            "id": "l1", "activity": {"id": "a1"}, "meta": {"modified": "2026-11-20T10:00:00+01:00"},
            "startTime": "2026-11-23T08:20:00+01:00", "endTime": "2026-11-23T09:20:00+01:00",
        });
        for (key, value) in more.as_object().expect("an object") {
            event[key] = value.clone();
        }
        event
    }

    #[test]
    fn a_lesson_with_its_teachers_and_pupils() {
        let activity = json!({
            "id": "a1", "displayName": "Ma 7B", "activityType": "Undervisning",
            "groups": [{"id": "g2"}, null, {"id": "g1"}, {"id": "g1"}],
            "teachers": [
                {"duty": {"id": "d1"}, "startDate": "2026-08-01"},
                {"duty": {"id": "d9"}, "startDate": "2026-08-01", "endDate": "2026-10-01"},
                {"duty": null},
            ],
        });
        let more = json!({
            "teachingLengthStudent": 55,
            "studentExceptions": [
                {"student": {"id": "p1"}, "participates": false},
                {"student": {"id": "p2"}, "participates": true, "teachingLength": 30},
                {"student": {"id": "p3"}, "participates": true, "startTime": "2026-11-23T09:00:00+01:00"},
                {"student": null, "participates": false},
            ],
            "teacherExceptions": [
                {"duty": {"id": "d1"}, "participates": false},
                {"duty": {"id": "d2"}, "participates": true},
                {"duty": {"id": "d3"}, "participates": true},
                null,
            ],
        });
        let found = read(event(&more), Some(activity)).expect("a lesson");
        let texts = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let staff: Vec<_> = found.planned.teachers.iter().map(ToString::to_string).collect();
        assert_eq!(staff, texts(&["d2", "d3"]));
        let groups: Vec<_> = found.planned.groups.iter().map(ToString::to_string).collect();
        assert_eq!(groups, texts(&["g1", "g2"]));
        assert_eq!((found.planned.except.len(), found.planned.also.len()), (1, 2));
        let lengths: Vec<_> = found.lengths.iter().map(|(p, m)| (p.as_str(), *m)).collect();
        assert_eq!((lengths, found.length), (vec![("p2", 30), ("p3", 20)], Some(55)));
        assert_eq!(found.lesson.label.as_deref(), Some("Ma 7B"));
        assert!(found.planned.registered && !found.planned.cancelled);
    }

    #[test]
    fn attendance_is_not_registered_at_everything() {
        for (kind, registered) in [
            (json!("Undervisning"), true),
            (json!("Elevaktivitet"), true),
            (json!("Provaktivitet"), true),
            (json!("Läraraktivitet"), false),
            (json!("Övrigt"), false),
            (json!("Något nytt"), true),
            (Value::Null, true),
        ] {
            let activity = json!({"id": "a1", "activityType": kind});
            let found = read(event(&json!({})), Some(activity)).expect("a lesson");
            assert_eq!(found.planned.registered, registered, "{kind}");
        }
        let found = read(event(&json!({"cancelled": true})), None).expect("a lesson");
        assert!(found.planned.registered && found.planned.cancelled);
    }

    #[test]
    fn what_is_no_lesson() {
        for (more, why) in [
            (json!({"startTime": null}), "no-times"),
            (json!({"endTime": "2026-11-23T08:20:00+01:00"}), "impossible-times"),
            (json!({"endTime": "2026-11-25T08:20:00+01:00"}), "impossible-times"),
            (
                json!({"startTime": "1895-01-01T08:20:00Z", "endTime": "1895-01-01T09:20:00Z"}),
                "impossible-times",
            ),
            (json!({"id": "\u{202e}x"}), "lesson-id"),
        ] {
            assert_eq!(read(event(&more), None).expect_err("no lesson"), why);
        }
        let modified = json!({"meta": {"modified": "1895-01-01T08:20:00Z"}});
        assert_eq!(read(event(&modified), None).expect("a lesson").planned.modified_at, None);
    }
}
