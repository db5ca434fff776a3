//! One row of `/absences`, as an advance notice. Pure.

use jiff::{SignedDuration, Timestamp};

use super::super::timetable::is_likely;
use super::super::types::{Absence, AbsenceType};
use crate::model::{AdvanceNotice, NoticeKind, PupilId};

/// A notice without an end counts for so long.
const ENDLESS: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Reads a row. No notice: it ends before it begins, as one that is taken back does.
pub(super) fn notice(row: &Absence) -> Result<(PupilId, Option<AdvanceNotice>), &'static str> {
    let student = row.student.as_ref().ok_or("no-pupil")?;
    let pupil = PupilId::new(student.id.clone()).map_err(|_| "pupil-id")?;
    let (Some(from), Some(to)) = (row.start_time, row.end_time) else { return Err("no-times") };
    if to <= from && is_likely(to) {
        return Ok((pupil, None));
    }
    // Until further notice is written as a year far ahead.
    let to = to.min(from.saturating_add(ENDLESS).unwrap_or(Timestamp::MAX));
    if to <= from || !is_likely(from) {
        return Err("impossible-times");
    }
    let kind = match row.kind {
        Some(AbsenceType::Leave) => NoticeKind::Leave,
        // It says that the pupil is away and somebody knows, whatever its name.
        Some(AbsenceType::Reported | AbsenceType::Other(_)) | None => NoticeKind::Notified,
    };
    Ok((pupil, Some(AdvanceNotice { from, to, kind })))
}
