//! Pupils, guardians and staff as loaded: one immutable value, swapped as a whole.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::Period;
use crate::model::{
    Channel, EmailAddress, GroupId, GuardianId, Locale, Phone, PupilId, SchoolId, StaffId,
    StaffRole,
};

/// What is known of a pupil's protection. `Unknown` is treated as `Protected`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default,
)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// The source says that there is none.
    None,
    /// Sekretessmarkering, skyddad folkbokföring or the like.
    Protected,
    /// The source does not say.
    #[default]
    Unknown,
}

fn yes() -> bool {
    true
}

/// One pupil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pupil {
    /// Unique within the school.
    pub id: PupilId,
    /// The school.
    pub school: SchoolId,
    /// Class, for staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The name guardians read.
    pub given_name: String,
    /// For staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// For the age at send time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Date>,
    /// Protection status.
    #[serde(default)]
    pub protection: Protection,
    /// The mentor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentor: Option<StaffId>,
    /// The pupil's own, used from 18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Whether `phone` takes texts.
    #[serde(default = "yes")]
    pub phone_is_mobile: bool,
    /// The pupil's own, used from 18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Which of the two the pupil prefers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The pupil's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Locale>,
    /// The groups the pupil is in today, in order; what lessons name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// School year, 0 (förskoleklass) to 10; none: not known, and in upper secondary school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u8>,
    /// The code of the municipality that the pupil lives in, where that is another one than the school's (SCB's four
    /// digits).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_municipality: Option<String>,
    /// The school wants to know at once when nobody has registered this pupil.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
    /// Who answers for the pupil.
    #[serde(default)]
    pub guardians: Vec<GuardianLink>,
}

/// One guardian of one pupil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardianLink {
    /// Who.
    pub guardian: GuardianId,
    /// May be told about this pupil.
    pub may_receive: bool,
    /// Must not be told, whatever else says so; wins over everything.
    #[serde(default)]
    pub deny: bool,
    /// When `may_receive` holds.
    #[serde(default, skip_serializing_if = "Period::is_always")]
    pub receives: Period,
    /// When `deny` holds.
    #[serde(default, skip_serializing_if = "Period::is_always")]
    pub denied: Period,
}

impl GuardianLink {
    /// One without dates.
    pub fn of(guardian: GuardianId, may_receive: bool, deny: bool) -> Self {
        let (receives, denied) = (Period::default(), Period::default());
        Self { guardian, may_receive, deny, receives, denied }
    }

    /// Whether the guardian must not be told on a day of the school's.
    pub fn is_denied(&self, day: Date) -> bool {
        self.deny && self.denied.holds(day)
    }

    /// Whether the guardian may be told on a day of the school's, denials of other rows aside.
    pub fn is_open(&self, day: Date) -> bool {
        self.may_receive && self.receives.holds(day) && !self.is_denied(day)
    }
}

/// One guardian, who may answer for several pupils.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardian {
    /// Unique within the directory.
    pub id: GuardianId,
    /// For staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For texts, when mobile; for staff to ring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Whether `phone` takes texts.
    #[serde(default = "yes")]
    pub phone_is_mobile: bool,
    /// For mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Preferred; none: text, then mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Reads this language; none: the school's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Locale>,
    /// An opaque word for the home; guardians of one word live in one. None: nobody else is known to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<String>,
}

impl Guardian {
    /// Whether there is anywhere a message could go.
    pub fn is_reachable(&self) -> bool {
        self.email.is_some() || (self.phone.is_some() && self.phone_is_mobile)
    }
}

/// One member of staff or one shared inbox in one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Unique within the directory.
    pub id: StaffId,
    /// Which school; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
    /// In which role.
    pub role: StaffRole,
    /// For which municipality's pupils, in the role that is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub municipality: Option<String>,
    /// For staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// For texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// Everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// By school and id.
    pub pupils: BTreeMap<SchoolId, BTreeMap<PupilId, Pupil>>,
    /// By id.
    pub guardians: BTreeMap<GuardianId, Guardian>,
    /// By id.
    pub staff: BTreeMap<StaffId, Staff>,
    /// When it was loaded; none: nothing has been loaded yet.
    pub loaded_at: Option<Timestamp>,
}

impl Roster {
    /// One pupil of one school.
    pub fn pupil(&self, school: &SchoolId, pupil: &PupilId) -> Option<&Pupil> {
        self.pupils.get(school)?.get(pupil)
    }

    /// The same people in the least room: maps that grew row by row are half empty, and a directory is
    /// made once and kept for a day.
    #[must_use]
    pub fn compact(self) -> Self {
        let pupils = self.pupils.into_iter().map(|(school, mut pupils)| {
            for pupil in pupils.values_mut() {
                pupil.guardians.shrink_to_fit();
                pupil.groups.shrink_to_fit();
            }
            (school, pupils.into_iter().collect())
        });
        Self {
            pupils: pupils.collect(),
            guardians: self.guardians.into_iter().collect(),
            staff: self.staff,
            loaded_at: self.loaded_at,
        }
    }

    /// How many pupils there are.
    pub fn pupil_count(&self) -> usize {
        self.pupils.values().map(BTreeMap::len).sum()
    }
}
