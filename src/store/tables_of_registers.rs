//! The tables of registers and their lessons, and of the lists that a school gets every day.

use jiff::{Timestamp, civil::Date};

use super::{key, time};
use crate::model::{LessonId, SchoolId};

/// The register of a lesson. Value: [`super::super::rows::Register`].
pub fn register(school: &SchoolId, lesson: &LessonId) -> Vec<u8> {
    key("rg/", &[school.as_str(), lesson.as_str()])
}

/// That a lesson is planned on a day. Value: its id.
pub fn planned_on(school: &SchoolId, date: Date, lesson: &LessonId) -> Vec<u8> {
    key("rd/", &[school.as_str(), &date.to_string(), lesson.as_str()])
}

/// The lessons that are planned on a day.
pub fn plan_of(school: &SchoolId, date: Date) -> Vec<u8> {
    key("rd/", &[school.as_str(), &date.to_string()])
}

/// The lessons that are planned on any day.
pub const PLANNED: &[u8] = b"rd/";

/// One line of the trail of a register. Value: [`super::super::rows::Audit`].
pub fn register_line(school: &SchoolId, lesson: &LessonId, at: Timestamp, unique: &str) -> Vec<u8> {
    let mut key = register_trail(school, lesson);
    key.extend_from_slice(&time(at));
    key.extend_from_slice(unique.as_bytes());
    key
}

/// The whole trail of a register.
pub fn register_trail(school: &SchoolId, lesson: &LessonId) -> Vec<u8> {
    key("rt/", &[school.as_str(), lesson.as_str()])
}

/// Every trail of a register.
pub const REGISTER_TRAILS: &[u8] = b"rt/";

/// What was last found in a school's directory. Value: [`super::super::rows::RosterLook`].
pub fn roster_look(school: &SchoolId) -> Vec<u8> {
    key("ra/", &[school.as_str()])
}

/// What was last found in each school's directory.
pub const ROSTER_LOOKS: &[u8] = b"ra/";
