//! The tables of what a school has asked silence for.

use jiff::Timestamp;

use super::{key, time};
use crate::model::{SchoolId, SilencedTarget, Silencing};

/// A silence that the school has asked for, by its target and end. Value: `Silencing`.
pub fn silencing(row: &Silencing) -> Vec<u8> {
    let mut key = silencings_ending_after(&row.school, &row.target, row.to);
    key.extend_from_slice(row.id.as_bytes());
    key
}

/// Where the silences of one target that end at or after `at` begin.
pub fn silencings_ending_after(
    school: &SchoolId,
    target: &SilencedTarget,
    at: Timestamp,
) -> Vec<u8> {
    let mut key = silencings(school, target);
    key.extend_from_slice(&time(at));
    key
}

/// All silences of one target.
pub fn silencings(school: &SchoolId, target: &SilencedTarget) -> Vec<u8> {
    key("hu/", &[school.as_str(), &target.to_string()])
}

/// Every silence that a school has asked for.
pub const SILENCINGS: &[u8] = b"hu/";

/// A counter that every change of a school's silences moves; none: it never had one. Value: [`super::rows::Day`].
pub fn silencing_guard(school: &SchoolId) -> Vec<u8> {
    key("hg/", &[school.as_str()])
}

/// Every guard of a school's silences.
pub const SILENCING_GUARDS: &[u8] = b"hg/";
