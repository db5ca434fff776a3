//! The roles in which staff are told of things. Values only; who has one is the directory's.

use serde::{Deserialize, Serialize};

/// Staff reached by role, resolved per pupil and school at send time.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StaffRole {
    /// The pupil's mentor.
    Mentor,
    /// Närvaroteam.
    AttendanceTeam,
    /// Elevhälsoteam.
    StudentHealthTeam,
    /// Rektor.
    Principal,
    /// Skolchef, of the municipality.
    HeadOfEducation,
    /// Whom the pupil's home municipality has named, where it is another one (skollagen 7 kap. 19 a §).
    HomeMunicipality,
    /// Who gives lessons; each as the schedule names them.
    Teacher,
    /// Those who run upprop and what it is connected to: the address in configuration.
    Operations,
    /// The school's office, where the directory is kept right.
    Office,
}

impl StaffRole {
    /// The stable kebab-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mentor => "mentor",
            Self::AttendanceTeam => "attendance-team",
            Self::StudentHealthTeam => "student-health-team",
            Self::Principal => "principal",
            Self::HeadOfEducation => "head-of-education",
            Self::HomeMunicipality => "home-municipality",
            Self::Teacher => "teacher",
            Self::Operations => "operations",
            Self::Office => "office",
        }
    }
}
