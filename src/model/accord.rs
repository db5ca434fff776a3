//! What a school has agreed about one pupil with those whom it concerns: an adult's consent that a guardian is told,
//! that one verified number of a protected pupil's home may be asked to ring, or how the home is told from now on. Nothing
//! is looked up here.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{GuardianId, NotificationId, Period, Phone, PupilId, Recipient, SchoolId};

/// How the home is told of absence from now on, as agreed with the attendance team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reports {
    /// Each lesson has a message of its own, whatever the school does of further lessons.
    EveryLesson,
    /// The first lesson of the day at once; further ones in one message when the day is over.
    LineADay,
    /// One message on the last school day of the week about all lessons of it. The law wants the home told the same day
    /// (skollagen 7 kap. 17 §): the team phones, and is told at once.
    LineAWeek,
    /// No message: the team phones first, and is told at once.
    PhoneFirst,
}

impl Reports {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 4] =
        [Self::EveryLesson, Self::LineADay, Self::LineAWeek, Self::PhoneFirst];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EveryLesson => "every-lesson",
            Self::LineADay => "line-a-day",
            Self::LineAWeek => "line-a-week",
            Self::PhoneFirst => "phone-first",
        }
    }

    /// Takes the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.as_str() == text)
    }

    /// Whether the team phones the same day.
    pub fn is_phoned(self) -> bool {
        matches!(self, Self::LineAWeek | Self::PhoneFirst)
    }
}

/// What was agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccordAbout {
    /// The pupil, who is of age, consents that this guardian is told.
    Guardian(GuardianId),
    /// This number may be asked to ring the school, though the pupil is protected.
    Number(Phone),
    /// So this guardian is told of absence, or everybody at home.
    Reports {
        /// How.
        how: Reports,
        /// Whom it is about; none: everybody who is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<GuardianId>,
    },
}

impl AccordAbout {
    /// The word for its kind, as commands are called.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Guardian(_) => "consent",
            Self::Number(_) | Self::Reports { .. } => "agreement",
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
        let (from, to) = (day(days.from), day(days.to));
        let of = |kind: &str, with: &[&str]| {
            let parts = [&[kind, school.as_str(), pupil.as_str()], with, &[&from, &to]].concat();
            NotificationId::of(&parts).as_str()[..12].to_owned()
        };
        match about {
            AccordAbout::Guardian(id) => of(about.kind(), &[id.as_str()]),
            AccordAbout::Number(phone) => of(about.kind(), &[phone.expose()]),
            AccordAbout::Reports { how, to } => {
                of("reports", &[how.as_str(), to.as_ref().map_or("", GuardianId::as_str)])
            }
        }
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
        AccordAbout::Guardian(_) | AccordAbout::Reports { .. } => None,
    });
    numbers.max_by_key(|(since, id, _)| (*since, *id)).map(|(_, _, phone)| phone)
}

/// Whether an adult consents that a guardian is told on a day.
pub fn consents(accords: &[Accord], guardian: &GuardianId, day: Date) -> bool {
    let is_about = |accord: &Accord| match &accord.about {
        AccordAbout::Guardian(id) => id == guardian,
        AccordAbout::Number(_) | AccordAbout::Reports { .. } => false,
    };
    accords.iter().any(|accord| accord.holds(day) && is_about(accord))
}

/// How a recipient is told on a day; none: as the school tells everybody. What was agreed with one guardian comes before
/// what was agreed for all; of several the one entered last.
pub fn reports(accords: &[Accord], recipient: &Recipient, day: Date) -> Option<Reports> {
    let concerns = |accord: &Accord| match &accord.about {
        AccordAbout::Reports { how, to: None } => Some((false, accord.since, *how)),
        AccordAbout::Reports { how, to: Some(id) } => {
            let is_theirs = matches!(recipient, Recipient::Guardian(of) if of == id);
            is_theirs.then_some((true, accord.since, *how))
        }
        AccordAbout::Guardian(_) | AccordAbout::Number(_) => None,
    };
    let in_force = accords.iter().filter(|accord| accord.holds(day));
    in_force.filter_map(concerns).max().map(|(_, _, how)| how)
}

/// Whether the team phones somebody at home at once on a day.
pub fn is_phoned_first(accords: &[Accord], day: Date) -> bool {
    let phoned = |accord: &Accord| match &accord.about {
        AccordAbout::Reports { how, .. } => how.is_phoned(),
        AccordAbout::Guardian(_) | AccordAbout::Number(_) => false,
    };
    accords
        .iter()
        .any(|accord| phoned(accord) && accord.holds(day) && !is_outdone(accord, accords, day))
}

/// Whether another that is in force, entered later, is about the same people.
fn is_outdone(accord: &Accord, accords: &[Accord], day: Date) -> bool {
    let to = |accord: &Accord| match &accord.about {
        AccordAbout::Reports { to, .. } => Some(to.clone()),
        AccordAbout::Guardian(_) | AccordAbout::Number(_) => None,
    };
    accords
        .iter()
        .any(|other| other.holds(day) && to(other) == to(accord) && other.since > accord.since)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accord(how: Reports, to: Option<&str>, since: i64) -> Accord {
        let to = to.map(|id| GuardianId::new(id).expect("an id"));
        let about = AccordAbout::Reports { how, to };
        let (school, pupil) =
            (SchoolId::new("s").expect("an id"), PupilId::new("p").expect("an id"));
        let days = Period { from: None, to: Some(Date::constant(2026, 12, 1)) };
        Accord {
            id: Accord::id_of((&school, &pupil), &about, &days),
            school,
            pupil,
            about,
            days,
            recorded_by: "team".into(),
            by: "uid 0".into(),
            since: Timestamp::from_second(since).expect("a time"),
            ended: None,
        }
    }

    #[test]
    fn one_guardians_agreement_comes_before_everybodys_and_the_last_before_the_first() {
        let day = Date::constant(2026, 11, 26);
        let [g, other] = ["g", "h"].map(|id| Recipient::Guardian(GuardianId::new(id).expect("id")));
        let all = accord(Reports::LineADay, None, 5);
        let one = accord(Reports::PhoneFirst, Some("g"), 1);
        let both = [all.clone(), one.clone()];
        assert_eq!(reports(&both, &g, day), Some(Reports::PhoneFirst));
        assert_eq!(reports(&both, &other, day), Some(Reports::LineADay));
        assert_eq!(reports(&both, &Recipient::Pupil, day), Some(Reports::LineADay));
        assert!(is_phoned_first(&both, day));
        let later = accord(Reports::EveryLesson, Some("g"), 2);
        let three = [all.clone(), one.clone(), later];
        assert_eq!(reports(&three, &g, day), Some(Reports::EveryLesson));
        assert!(!is_phoned_first(&three, day));
        assert!(is_phoned_first(&[accord(Reports::LineAWeek, Some("g"), 1)], day));
        assert!(!is_phoned_first(&[accord(Reports::LineADay, Some("g"), 1)], day));
        let over = AccordEnd { at: Timestamp::UNIX_EPOCH, by: "uid 0".into() };
        let ended = [all.clone(), Accord { ended: Some(over), ..one.clone() }];
        assert_eq!(reports(&ended, &g, day), Some(Reports::LineADay));
        assert_eq!(reports(&both, &g, Date::constant(2026, 12, 2)), None);
        assert_ne!(all.id, one.id);
        let text = serde_json::to_string(&one).expect("JSON");
        assert_eq!(serde_json::from_str::<Accord>(&text).expect("an accord"), one);
    }
}
