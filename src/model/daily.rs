//! What a school's lists of the day speak of.

use serde::{Deserialize, Serialize};

/// What in the directory keeps somebody from being told of a pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RosterFault {
    /// Nothing is known of the pupil's protection, so nobody is told. Such a pupil is counted and not named.
    ProtectionUnknown,
    /// The date of birth is not known, so nobody is told.
    BirthDateMissing,
    /// Nobody can be told: there is no guardian who may be, or none with an address that works.
    Unreachable,
    /// Somebody can be told; another's number or address does not work.
    BadContact,
}

impl RosterFault {
    /// All, the worst first.
    pub const ALL: [Self; 4] =
        [Self::ProtectionUnknown, Self::BirthDateMissing, Self::Unreachable, Self::BadContact];

    /// The name that templates know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProtectionUnknown => "protection-unknown",
            Self::BirthDateMissing => "birth-date-missing",
            Self::Unreachable => "unreachable",
            Self::BadContact => "bad-contact",
        }
    }
}
