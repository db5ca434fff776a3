//! Lessons, what they are of, and who was there.

use compact_str::CompactString;
use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::{AbsenceType, ActivityType, Duty, Meta, Ref, lenient};

/// A lesson (`CalendarEvent`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalendarEvent {
    /// Its id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed; marks do not move it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// What it is of.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub activity: Option<Ref>,
    /// Begins.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub start_time: Option<Timestamp>,
    /// Ends.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub end_time: Option<Timestamp>,
    /// It will not take place.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub cancelled: Option<bool>,
    /// Minutes that count for pupils, where they are not from start to end.
    #[serde(default, deserialize_with = "lenient::number")]
    pub teaching_length_student: Option<i64>,
    /// Pupils for whom it is otherwise.
    #[serde(default, deserialize_with = "lenient::list")]
    pub student_exceptions: Vec<StudentException>,
    /// Teachers for whom it is otherwise.
    #[serde(default, deserialize_with = "lenient::list")]
    pub teacher_exceptions: Vec<TeacherException>,
    /// What was asked for with it.
    #[serde(default, rename = "_embedded", deserialize_with = "lenient::or_default")]
    pub embedded: CalendarEventEmbedded,
}

/// What may come with a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct CalendarEventEmbedded {
    /// What it is of.
    #[serde(default)]
    pub activity: Option<Activity>,
    /// The marks; none: they were not asked for, or do not come this way.
    #[serde(default)]
    pub attendance: Option<Vec<Attendance>>,
}

/// How a lesson is otherwise for one pupil.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StudentException {
    /// Who.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub student: Option<Ref>,
    /// Whether the pupil is to come.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub participates: Option<bool>,
    /// From, where not from the start.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub start_time: Option<Timestamp>,
    /// To, where not to the end.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub end_time: Option<Timestamp>,
    /// Minutes.
    #[serde(default, deserialize_with = "lenient::number")]
    pub teaching_length: Option<i64>,
}

/// How a lesson is otherwise for one teacher: a substitute, or whom the substitute stands in for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TeacherException {
    /// Who.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub duty: Option<Ref>,
    /// Whether the teacher is to come.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub participates: Option<bool>,
}

/// What lessons are of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// Its id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub display_name: Option<CompactString>,
    /// What for.
    #[serde(default, deserialize_with = "lenient::open")]
    pub activity_type: Option<ActivityType>,
    /// From.
    #[serde(default, deserialize_with = "lenient::date")]
    pub start_date: Option<Date>,
    /// To and including; none: without end.
    #[serde(default, deserialize_with = "lenient::date")]
    pub end_date: Option<Date>,
    /// Whose pupils are to come.
    #[serde(default, deserialize_with = "lenient::references")]
    pub groups: Vec<Ref>,
    /// Who teaches.
    #[serde(default, deserialize_with = "lenient::list")]
    pub teachers: Vec<ActivityTeacher>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub organisation: Option<Ref>,
    /// What was asked for with it.
    #[serde(default, rename = "_embedded", deserialize_with = "lenient::or_default")]
    pub embedded: ActivityEmbedded,
}

/// What may come with an activity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct ActivityEmbedded {
    /// Its teachers.
    #[serde(default, deserialize_with = "lenient::list")]
    pub teachers: Vec<Duty>,
}

/// That somebody teaches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivityTeacher {
    /// Who.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub duty: Option<Ref>,
    /// From.
    #[serde(default, deserialize_with = "lenient::date")]
    pub start_date: Option<Date>,
    /// To and including; none: without end.
    #[serde(default, deserialize_with = "lenient::date")]
    pub end_date: Option<Date>,
}

/// The mark of one pupil at one lesson.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attendance {
    /// Its id; a later mark of the same pupil at the same lesson may have another.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// The lesson, which alone has times.
    #[serde(default, alias = "calendareEvent", deserialize_with = "lenient::reference")]
    pub calendar_event: Option<Ref>,
    /// The pupil.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub student: Option<Ref>,
    /// Who has registered it.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub reporter: Option<Ref>,
    /// Whether the lesson is reported.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub is_reported: Option<bool>,
    /// Minutes there.
    #[serde(default, deserialize_with = "lenient::number")]
    pub attendance_minutes: Option<i64>,
    /// Minutes excused.
    #[serde(default, deserialize_with = "lenient::number")]
    pub valid_absence_minutes: Option<i64>,
    /// Minutes unexcused.
    #[serde(default, deserialize_with = "lenient::number")]
    pub invalid_absence_minutes: Option<i64>,
    /// Minutes at something else of the school.
    #[serde(default, deserialize_with = "lenient::number")]
    pub other_attendance_minutes: Option<i64>,
    /// When the lesson was reported.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub reported_timestamp: Option<Timestamp>,
}

/// An advance notice (`Absence`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Absence {
    /// Its id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// From.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub start_time: Option<Timestamp>,
    /// To.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub end_time: Option<Timestamp>,
    /// What it is.
    #[serde(default, rename = "type", deserialize_with = "lenient::open")]
    pub kind: Option<AbsenceType>,
    /// Of whom.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub student: Option<Ref>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub organisation: Option<Ref>,
}
