//! That a pupil's absence reached a step of a ladder: when, by which version, because of which days. Values only.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{NotificationId, PupilId, Reason, SchoolId};

/// A step that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    /// Deterministic: of school, pupil, ladder, step, `key` and `revision`.
    pub id: NotificationId,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The ladder.
    pub ladder: String,
    /// Its version: the day from which that is in force.
    pub version: Date,
    /// The step.
    pub step: String,
    /// Which time this is, of those at which the step can be reached: the first day or lesson of what it counts, as
    /// the replay writes it.
    pub key: String,
    /// How often it was reached at this time before, and taken back.
    #[serde(default)]
    pub revision: u32,
    /// The day on which it became true, in the school's zone.
    pub day: Date,
    /// When that was found.
    pub at: Timestamp,
    /// The days of absence that made it true, in order; the last ones of many.
    pub because: Vec<Date>,
    /// When it was found not to be so, or not any more, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retracted: Option<Retracted>,
    /// What was told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<NotificationId>,
    /// Its duties, by their rules' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<String>,
}

/// That a step was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retracted {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Firing {
    /// The id of a step reached.
    pub fn id_of(
        school: &SchoolId,
        pupil: &PupilId,
        (ladder, step): (&str, &str),
        key: &str,
        revision: u32,
    ) -> NotificationId {
        let revision = revision.to_string();
        let parts = ["ladder", school.as_str(), pupil.as_str(), ladder, step, key, &revision];
        NotificationId::of(&parts)
    }

    /// Whether it stands.
    pub fn stands(&self) -> bool {
        self.retracted.is_none()
    }
}
