//! The rows a directory is made of, before anything in them is believed: the one form that files
//! and requests share. The column names here are the contract with whoever exports them.

use serde::{Deserialize, Deserializer};

use super::problem::Place;

/// The columns of one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// Columns that must be there, and may not be empty in any row.
    pub required: &'static [&'static str],
    /// Columns that may be left out.
    pub optional: &'static [&'static str],
}

impl Columns {
    /// Every column.
    pub fn all(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// Columns of `pupils`.
pub const PUPILS: Columns = Columns {
    required: &["id", "school", "given-name"],
    optional: &[
        "class",
        "family-name",
        "birth-date",
        "protection",
        "mentor",
        "phone",
        "email",
        "channel",
        "language",
        "groups",
        "year",
        "flagged",
        "home-municipality",
    ],
};

/// Columns of `guardians`.
pub const GUARDIANS: Columns = Columns {
    required: &["pupil", "school", "guardian", "may-receive"],
    optional: &[
        "name",
        "phone",
        "email",
        "channel",
        "language",
        "household",
        "from",
        "to",
        "deny",
        "deny-from",
        "deny-to",
    ],
};

/// Columns of `staff`.
pub const STAFF: Columns = Columns {
    required: &["id", "role"],
    optional: &["school", "name", "email", "phone", "municipality"],
};

/// One pupil.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PupilRow {
    /// Unique within the school.
    pub id: String,
    /// The school's id in configuration.
    pub school: String,
    /// The name guardians read.
    pub given_name: String,
    /// Class, for staff.
    pub class: Option<String>,
    /// For staff.
    pub family_name: Option<String>,
    /// `2013-05-04`; without it nobody is told.
    pub birth_date: Option<String>,
    /// `none`, `protected` or `unknown` (`ingen`, `sekretessmarkering`, `skyddad folkbokföring`);
    /// anything else and nothing at all mean `unknown`, and nobody is told.
    pub protection: Option<String>,
    /// The id of a row in `staff`.
    pub mentor: Option<String>,
    /// The pupil's own, used from 18.
    pub phone: Option<String>,
    /// The pupil's own, used from 18.
    pub email: Option<String>,
    /// `sms` or `email`: the preferred of the two.
    pub channel: Option<String>,
    /// A language tag, as `sv`.
    pub language: Option<String>,
    /// The groups the pupil is in today, as the schedule names them; the class counts as one by its name. In a
    /// file, `|` stands between them.
    #[serde(default)]
    pub groups: Vec<String>,
    /// School year: 0 (förskoleklass) to 10.
    #[serde(default, deserialize_with = "some_year")]
    #[schemars(with = "Option<u8>", range(max = 10))]
    pub year: Option<String>,
    /// Whether the team is to be told at once where the register of a lesson of this pupil is not taken.
    #[serde(default, deserialize_with = "some_truth")]
    #[schemars(with = "Option<bool>")]
    pub flagged: Option<String>,
    /// The code of the municipality that the pupil lives in, where that is another one than the school's: four digits
    /// (SCB).
    pub home_municipality: Option<String>,
}

/// One guardian of one pupil. The contact data of a guardian of several pupils are the same in each
/// row.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GuardianRow {
    /// The pupil's id.
    pub pupil: String,
    /// The pupil's school.
    pub school: String,
    /// The guardian's id, unique within the directory.
    pub guardian: String,
    /// For staff.
    pub name: Option<String>,
    /// A mobile number, to be texted.
    pub phone: Option<String>,
    /// For mail.
    pub email: Option<String>,
    /// `sms` or `email`: the preferred of the two.
    pub channel: Option<String>,
    /// A language tag, as `sv`.
    pub language: Option<String>,
    /// An opaque word for the home; guardians with the same word live in one.
    pub household: Option<String>,
    /// Whether this guardian may be told about this pupil.
    #[serde(deserialize_with = "truth")]
    #[schemars(with = "bool")]
    pub may_receive: String,
    /// The first day on which that is so, as `2026-11-23`; nothing: always was.
    pub from: Option<String>,
    /// The last day on which that is so; nothing: no end is known.
    pub to: Option<String>,
    /// Whether this guardian must not be told, whatever else says so.
    #[serde(default, deserialize_with = "some_truth")]
    #[schemars(with = "Option<bool>")]
    pub deny: Option<String>,
    /// The first day of the denial; nothing: always was.
    pub deny_from: Option<String>,
    /// The last day of the denial; nothing: it has no end.
    pub deny_to: Option<String>,
}

/// One member of staff, or one shared inbox, in one role.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StaffRow {
    /// Unique within the directory.
    pub id: String,
    /// The school's id in configuration; nothing: all schools.
    pub school: Option<String>,
    /// `attendance-team`, `mentor`, `student-health-team`, `principal`, `head-of-education`, `home-municipality`,
    /// `teacher` or `office`.
    pub role: String,
    /// For staff.
    pub name: Option<String>,
    /// For mail.
    pub email: Option<String>,
    /// For texts.
    pub phone: Option<String>,
    /// Of a role `home-municipality`: the code of the municipality whose pupils it is for.
    pub municipality: Option<String>,
}

fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    bool::deserialize(from).map(word)
}

fn some_truth<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<bool>::deserialize(from)?.map(word))
}

fn some_year<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<u8>::deserialize(from)?.map(|year| year.to_string()))
}

/// The word a file would hold.
fn word(value: bool) -> String {
    if value { "yes".into() } else { "no".into() }
}

/// Everything read, each row with its place.
#[derive(Clone, Default)]
pub struct Rows {
    /// Pupils.
    pub pupils: Vec<(Place, PupilRow)>,
    /// Guardians, one row per pupil and guardian.
    pub guardians: Vec<(Place, GuardianRow)>,
    /// Staff.
    pub staff: Vec<(Place, StaffRow)>,
    /// Whether the source speaks of protection at all.
    pub had_protection_column: bool,
    /// Whether some pupils' rows could not be read, so that references to pupils prove nothing.
    pub pupils_incomplete: bool,
}
