//! What a call from a source says: which parts of it have changed. Pure, and understands anything: what cannot be read
//! says that everything may have.

use std::collections::BTreeSet;

use super::types::Callback;
use crate::source::nudges::Part;

/// The parts that may have changed.
pub fn changed_parts(body: &[u8]) -> BTreeSet<Part> {
    let all = [Part::Directory, Part::Schedule, Part::Attendance];
    let Ok(Callback { modified, deleted_entities }) = serde_json::from_slice(body) else {
        return all.into();
    };
    let mut parts = BTreeSet::new();
    for name in &modified {
        match name.as_str() {
            "Attendance" | "Absence" => drop(parts.insert(Part::Attendance)),
            "CalendarEvent" | "Activity" => drop(parts.insert(Part::Schedule)),
            "Person" | "Group" | "Duty" | "Organisation" => drop(parts.insert(Part::Directory)),
            // Not asked for at all.
            "AttendanceEvent" | "Grade" | "Placement" | "StudyPlan" | "Programme" | "Syllabus"
            | "SchoolUnitOffering" | "AttendanceSchedule" | "Resource" | "Room" => {}
            _ => return all.into(),
        }
    }
    if deleted_entities == Some(true) || modified.is_empty() {
        // What is gone is not said.
        return all.into();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_understood() {
        use Part::{Attendance, Directory, Schedule};
        for (body, parts) in [
            (r#"{"modifiedEntites": ["Attendance"]}"#, &[Attendance][..]),
            (
                r#"{"modifiedEntities": ["Absence", "Room"], "deletedEntities": false}"#,
                &[Attendance],
            ),
            (r#"{"modifiedEntites": ["Person", "CalendarEvent"]}"#, &[Directory, Schedule]),
            (r#"{"modifiedEntites": ["Grade"]}"#, &[]),
            (r#"{"deletedEntities": true}"#, &[Directory, Schedule, Attendance]),
            (r#"{"modifiedEntites": ["Närvaro"]}"#, &[Directory, Schedule, Attendance]),
            (r#"{"modifiedEntites": null}"#, &[Directory, Schedule, Attendance]),
            ("", &[Directory, Schedule, Attendance]),
            ("[1", &[Directory, Schedule, Attendance]),
            ("{}", &[Directory, Schedule, Attendance]),
        ] {
            assert_eq!(changed_parts(body.as_bytes()), parts.iter().copied().collect(), "{body}");
        }
    }
}
