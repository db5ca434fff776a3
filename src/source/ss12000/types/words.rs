//! Closed lists of words that vendors and versions extend: each is known, or another.

use compact_str::CompactString;
use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization as _;

fn plain(word: &str) -> CompactString {
    word.trim().nfc().collect::<String>().to_lowercase().into()
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
            /// Another word.
            Other(CompactString),
        }

        impl From<CompactString> for $name {
            fn from(word: CompactString) -> Self {
                let known = plain(&word);
                $(if known == plain($word) { return Self::$variant; })+
                Self::Other(word)
            }
        }

        impl $name {
            /// The word as the standard writes it; another as it came.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                CompactString::deserialize(from).map(Self::from)
            }
        }
    };
}

words!(
    /// Protection of personal data, as the population register has it.
    SecurityMarking {
        /// None.
        None = "Ingen",
        /// Sekretessmarkering.
        Marked = "Sekretessmarkering",
        /// Skyddad folkbokföring.
        ProtectedRegistration = "Skyddad folkbokföring",
    }
);
words!(
    /// Whether a person is there.
    PersonStatus {
        /// Yes.
        Active = "Aktiv",
        /// Has left the country.
        Emigrated = "Utvandrad",
        /// Has died.
        Dead = "Avliden",
    }
);
words!(
    /// What somebody who answers for a pupil is.
    RelationType {
        /// Vårdnadshavare.
        Guardian = "Vårdnadshavare",
        /// Somebody else who is responsible.
        OtherResponsible = "Annan ansvarig",
        /// God man.
        Trustee = "God man",
        /// Appointed by guardians, to fetch a child.
        Appointed = "Utsedd behörig",
    }
);
words!(
    /// What an address is for.
    EmailType {
        /// Private.
        Private = "Privat",
        /// A pupil's at school.
        SchoolPupil = "Skola elev",
        /// Staff's at school.
        SchoolStaff = "Skola personal",
        /// Another place of work.
        OtherWork = "Arbete övrigt",
    }
);
words!(
    /// Where a number rings.
    PhoneType {
        /// At home.
        Home = "Hem",
        /// At work.
        Work = "Arbete",
    }
);
words!(
    /// What a group is for.
    GroupType {
        /// Lessons.
        Teaching = "Undervisning",
        /// A class.
        Class = "Klass",
        /// A mentor's pupils.
        Mentor = "Mentor",
        /// A test.
        Test = "Provgrupp",
        /// The schedule.
        Schedule = "Schema",
        /// A department of a preschool.
        Department = "Avdelning",
        /// Staff.
        Staff = "Personalgrupp",
        /// Something else.
        Unspecified = "Övrigt",
    }
);
words!(
    /// What somebody is to a group, teaching aside.
    AssignmentRoleType {
        /// Mentor; of a class, its class teacher.
        Mentor = "Mentor",
    }
);
words!(
    /// What somebody is employed as.
    DutyRole {
        /// Rektor.
        Principal = "Rektor",
        /// Lärare.
        Teacher = "Lärare",
        /// Förstelärare.
        LeadTeacher = "Förstelärare",
    }
);
words!(
    /// What an organisation is.
    OrganisationType {
        /// Huvudman.
        Authority = "Huvudman",
        /// Skola.
        School = "Skola",
        /// Skolenhet.
        SchoolUnit = "Skolenhet",
    }
);
words!(
    /// What a lesson is for.
    ActivityType {
        /// Teaching by the timetable plan; attendance is registered.
        Teaching = "Undervisning",
        /// Other time with pupils; attendance is registered.
        Pupils = "Elevaktivitet",
        /// A test.
        Test = "Provaktivitet",
        /// Teachers among themselves; attendance is not registered.
        Teachers = "Läraraktivitet",
        /// Lunch and the like; attendance is not registered.
        Unspecified = "Övrigt",
    }
);
words!(
    /// What an advance notice is.
    AbsenceType {
        /// Leave that the school has granted.
        Leave = "Beviljad ledighet",
        /// Reported by the pupil or a guardian.
        Reported = "Anmäld frånvaro",
    }
);
