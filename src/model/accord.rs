//! What a school has agreed about one pupil with those whom it concerns: an adult's consent that a guardian is told,
//! or that one verified number of a protected pupil's home may be asked to ring. Nothing is looked up here.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{GuardianId, NotificationId, Period, Phone, PupilId, SchoolId};

/// What was agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccordAbout {
    /// The pupil, who is of age, consents that this guardian is told.
    Guardian(GuardianId),
    /// This number may be asked to ring the school, though the pupil is protected.
    Number(Phone),
}

impl AccordAbout {
    /// The word for its kind, as commands are called.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Guardian(_) => "consent",
            Self::Number(_) => "agreement",
        }
    }
}

/// That it was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccordEnd {
    /// When.
    pub at: Timestamp,
    /// By whom, as the system says: `uid 0`.
    pub by: String,
}

/// One consent or agreement, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Accord {
    /// Twelve hexadecimal digits that say nothing of the pupil.
    pub id: String,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// What was agreed.
    pub about: AccordAbout,
    /// On which days of the school's it holds.
    #[serde(flatten)]
    pub days: Period,
    /// Who took it down, or verified the number, in the operator's words.
    pub recorded_by: String,
    /// Who entered it, as the system says: `uid 0`.
    pub by: String,
    /// When it was entered.
    pub since: Timestamp,
    /// That it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<AccordEnd>,
}

impl Accord {
    /// The id of one about this and these days: making the same one twice makes one.
    pub fn id_of(
        (school, pupil): (&SchoolId, &PupilId),
        about: &AccordAbout,
        days: &Period,
    ) -> String {
        let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
        let with = match about {
            AccordAbout::Guardian(id) => id.as_str(),
            AccordAbout::Number(phone) => phone.expose(),
        };
        let (from, to) = (day(days.from), day(days.to));
        let parts = [about.kind(), school.as_str(), pupil.as_str(), with, &from, &to];
        NotificationId::of(&parts).as_str()[..12].to_owned()
    }

    /// Whether it holds on a day of the school's. One that was revoked never does: what was agreed is over at once.
    pub fn holds(&self, day: Date) -> bool {
        self.ended.is_none() && self.days.holds(day)
    }
}

/// The numbers that may be asked to ring on a day; of several the one entered last.
pub fn agreed_number(accords: &[Accord], day: Date) -> Option<&Phone> {
    let in_force = accords.iter().filter(|accord| accord.holds(day));
    let numbers = in_force.filter_map(|accord| match &accord.about {
        AccordAbout::Number(phone) => Some((accord.since, &accord.id, phone)),
        AccordAbout::Guardian(_) => None,
    });
    numbers.max_by_key(|(since, id, _)| (*since, *id)).map(|(_, _, phone)| phone)
}

/// Whether an adult consents that a guardian is told on a day.
pub fn consents(accords: &[Accord], guardian: &GuardianId, day: Date) -> bool {
    let is_about = |accord: &Accord| match &accord.about {
        AccordAbout::Guardian(id) => id == guardian,
        AccordAbout::Number(_) => false,
    };
    accords.iter().any(|accord| accord.holds(day) && is_about(accord))
}
