//! What a schedule says of a lesson beside its times: who teaches, who is to come, and whether anybody is to
//! be registered at all.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GroupId, PupilId, StaffId};

/// A lesson as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Whether attendance is to be registered: not at lunch, and not where teachers meet (SS 12000:2020,
    /// `Activity.activityType`).
    pub registered: bool,
    /// It will not take place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// Who teaches it today: substitutes in the place of those they stand in for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<StaffId>,
    /// Whose pupils are to come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// Who is to come besides.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub also: BTreeSet<PupilId>,
    /// Who of the groups is not to come.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except: BTreeSet<PupilId>,
    /// When the plan was last changed, by the source's clock: the later plan stands. None: that which came last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
}
