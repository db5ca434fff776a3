//! The tables of steps of ladders that were reached, of the duties that come of them, and of how many calls fall due in
//! an hour.

use jiff::{Timestamp, civil::Date};

use super::{key, time};
use crate::model::{Duty, Firing, NotificationId, PupilId, SchoolId};

/// A step that a pupil's absence has reached. Value: `Firing`.
pub fn firing(row: &Firing) -> Vec<u8> {
    firing_of(&row.school, &row.pupil, row.day, &row.id)
}

/// The same, by its parts.
pub fn firing_of(school: &SchoolId, pupil: &PupilId, day: Date, id: &NotificationId) -> Vec<u8> {
    key("ld/", &[school.as_str(), pupil.as_str(), &day.to_string(), id.as_str()])
}

/// All steps that one pupil's absence has reached.
pub fn firings(school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    key("ld/", &[school.as_str(), pupil.as_str()])
}

/// All steps that the absence of a school's pupils has reached.
pub fn firings_at(school: &SchoolId) -> Vec<u8> {
    key("ld/", &[school.as_str()])
}

/// Where those of one pupil begin that were reached on a day or later.
pub fn firings_from(school: &SchoolId, pupil: &PupilId, day: Date) -> Vec<u8> {
    key("ld/", &[school.as_str(), pupil.as_str(), &day.to_string()])
}

/// Every step reached.
pub const FIRINGS: &[u8] = b"ld/";

/// A duty. Value: `Duty`.
pub fn duty(row: &Duty) -> Vec<u8> {
    duty_of(&row.school, &row.pupil, &row.id)
}

/// The same, by its parts.
pub fn duty_of(school: &SchoolId, pupil: &PupilId, id: &NotificationId) -> Vec<u8> {
    key("dy/", &[school.as_str(), pupil.as_str(), id.as_str()])
}

/// All duties about one pupil.
pub fn duties(school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    key("dy/", &[school.as_str(), pupil.as_str()])
}

/// All duties about the pupils of a school.
pub fn duties_at(school: &SchoolId) -> Vec<u8> {
    key("dy/", &[school.as_str()])
}

/// Every duty.
pub const DUTIES: &[u8] = b"dy/";

/// Where the row stands that makes a duty due; none: nothing does.
pub fn duty_due(row: &Duty) -> Option<Vec<u8>> {
    row.look_at.map(|at| {
        let unique = NotificationId::of(&["duty-due", row.id.as_str()]);
        super::due(super::Lane::Timer, at, unique.as_str())
    })
}

/// How many calls home of a school fall due in the hour that begins at an instant. Value: a number.
pub fn calls(school: &SchoolId, hour: Timestamp) -> Vec<u8> {
    let mut key = key("dh/", &[school.as_str()]);
    key.extend_from_slice(&time(hour));
    key
}

/// Every hour's calls.
pub const CALLS: &[u8] = b"dh/";
