//! The table of what a school has agreed about single pupils.

use super::key;
use crate::model::{Accord, PupilId, SchoolId};

/// A consent or agreement, by its pupil. Value: `Accord`.
pub fn accord(row: &Accord) -> Vec<u8> {
    let mut key = accords(&row.school, &row.pupil);
    key.extend_from_slice(row.id.as_bytes());
    key
}

/// All consents and agreements of one pupil.
pub fn accords(school: &SchoolId, pupil: &PupilId) -> Vec<u8> {
    key("cs/", &[school.as_str(), pupil.as_str()])
}

/// Every consent and agreement.
pub const ACCORDS: &[u8] = b"cs/";
