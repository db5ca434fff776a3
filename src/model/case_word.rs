//! What the attendance team has recorded of a case, one pupil at one school on one day: a word each time, none of which is
//! ever changed. The last that says what came of it counts. Nothing is looked up here.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{NotificationId, PupilId, SchoolId};

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseWhat {
    /// Somebody at home, or the pupil who is of age, was spoken with.
    Reached,
    /// Nobody answered.
    NoAnswer,
    /// The home has explained the absence. The reason is not asked for.
    Explained,
    /// The pupil was there: the mark is to be mended in the school system.
    WrongMark,
    /// A note, and nothing else.
    Note,
}

impl CaseWhat {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 5] =
        [Self::Reached, Self::NoAnswer, Self::Explained, Self::WrongMark, Self::Note];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::NoAnswer => "no-answer",
            Self::Explained => "explained",
            Self::WrongMark => "wrong-mark",
            Self::Note => "note",
        }
    }

    /// Takes the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == text)
    }

    /// Whether it says what came of the case.
    pub fn is_outcome(self) -> bool {
        self != Self::Note
    }

    /// Whether the home knows of the absence by it.
    pub fn home_knows(self) -> bool {
        matches!(self, Self::Reached | Self::Explained)
    }
}

/// What the mentor hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MentorTold {
    /// By this message.
    By(NotificationId),
    /// Nothing: it says what the last one said, or says nothing of what came of it.
    NoNews,
    /// Nothing: the directory names no mentor with an address.
    NoMentor,
}

/// One word, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseWord {
    /// The same however often it is recorded.
    pub id: NotificationId,
    /// The school.
    pub school: SchoolId,
    /// The pupil.
    pub pupil: PupilId,
    /// The day, in the school's zone.
    pub date: Date,
    /// When it was recorded, UTC.
    pub at: Timestamp,
    /// By which link: the key of the recipient whom it was mailed to, as `staff:AttendanceTeam`. Or who typed it, as the
    /// system says: `uid 0`. Never a person.
    pub by: String,
    /// The message whose link it was; none: it was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<NotificationId>,
    /// What.
    pub what: CaseWhat,
    /// What was written beside it, for staff. Goes with contacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the mentor hears of it.
    pub mentor: MentorTold,
}

/// The word that counts: the last that says what came of the case.
pub fn last_outcome(words: &[CaseWord]) -> Option<&CaseWord> {
    words.iter().filter(|word| word.what.is_outcome()).max_by_key(|word| (word.at, &word.id))
}

/// Since when the home knows, by the word that counts; none: it says otherwise, or there is none.
pub fn home_knows_since(words: &[CaseWord]) -> Option<Timestamp> {
    last_outcome(words).filter(|word| word.what.home_knows()).map(|word| word.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(what: CaseWhat, second: i64) -> CaseWord {
        CaseWord {
            id: NotificationId::of(&[what.as_str(), &second.to_string()]),
            school: SchoolId::new("s").expect("an id"),
            pupil: PupilId::new("p").expect("an id"),
            date: Date::constant(2026, 11, 23),
            at: Timestamp::from_second(second).expect("a time"),
            by: "staff:AttendanceTeam".into(),
            link: None,
            what,
            note: None,
            mentor: MentorTold::NoNews,
        }
    }

    #[test]
    fn the_last_word_counts_and_a_note_is_none() {
        use CaseWhat::{Explained, NoAnswer, Note, Reached, WrongMark};
        let of = |all: &[(CaseWhat, i64)]| {
            let words: Vec<_> = all.iter().map(|(what, at)| word(*what, *at)).collect();
            let since = home_knows_since(&words).map(Timestamp::as_second);
            (last_outcome(&words).map(|word| word.what), since)
        };
        assert_eq!(of(&[]), (None, None));
        assert_eq!(of(&[(Note, 1)]), (None, None));
        assert_eq!(of(&[(Reached, 1), (Note, 2)]), (Some(Reached), Some(1)));
        assert_eq!(of(&[(Explained, 3), (NoAnswer, 2)]), (Some(Explained), Some(3)));
        assert_eq!(of(&[(Reached, 1), (NoAnswer, 2)]), (Some(NoAnswer), None));
        assert_eq!(of(&[(Reached, 1), (WrongMark, 2)]), (Some(WrongMark), None));
        for what in CaseWhat::ALL {
            assert_eq!(CaseWhat::parse(what.as_str()), Some(what));
        }
        assert_eq!(CaseWhat::parse("sick"), None);
    }
}
