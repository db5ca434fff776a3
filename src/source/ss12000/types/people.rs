//! Persons, and what hangs on them.

use compact_str::CompactString;
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    EmailType, Meta, PersonStatus, PhoneType, Ref, RelationType, SecurityMarking, lenient,
};

/// A pupil, guardian or member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Its id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed; a guardian's number does not move the pupil's.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// Given name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub given_name: Option<CompactString>,
    /// Family name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub family_name: Option<CompactString>,
    /// National identity number.
    #[serde(default)]
    pub civic_no: Option<CivicNo>,
    /// Day of birth.
    #[serde(default, deserialize_with = "lenient::date")]
    pub birth_date: Option<Date>,
    /// Protection; none: the source does not say, which is not the same as `Ingen`.
    #[serde(default, deserialize_with = "lenient::open")]
    pub security_marking: Option<SecurityMarking>,
    /// Whether the person is there; none: yes.
    #[serde(default, deserialize_with = "lenient::open")]
    pub person_status: Option<PersonStatus>,
    /// Mail addresses.
    #[serde(default, deserialize_with = "lenient::lax_list")]
    pub emails: Vec<Email>,
    /// Telephone numbers.
    #[serde(default, deserialize_with = "lenient::lax_list")]
    pub phone_numbers: Vec<PhoneNumber>,
    /// Where the person is a pupil.
    #[serde(default, deserialize_with = "lenient::list")]
    pub enrolments: Vec<Enrolment>,
    /// Who answers for the person.
    #[serde(default, deserialize_with = "lenient::list")]
    pub responsibles: Vec<Responsible>,
}

/// A national identity number, in any of the forms it is written in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct CivicNo {
    /// The number.
    #[serde(default, deserialize_with = "lenient::text")]
    pub value: Option<CompactString>,
    /// Whose; none: Sweden's.
    #[serde(default, deserialize_with = "lenient::text")]
    pub nationality: Option<CompactString>,
}

/// A mail address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Email {
    /// The address.
    #[serde(default, deserialize_with = "lenient::text")]
    pub value: Option<CompactString>,
    /// What for.
    #[serde(default, rename = "type", deserialize_with = "lenient::open")]
    pub kind: Option<EmailType>,
}

/// A telephone number; 2.0.0 calls it `number` in its list of what is required.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PhoneNumber {
    /// The number, in any form.
    #[serde(default, alias = "number", deserialize_with = "lenient::text")]
    pub value: Option<CompactString>,
    /// Where it rings.
    #[serde(default, rename = "type", deserialize_with = "lenient::open")]
    pub kind: Option<PhoneType>,
    /// Whether it is a mobile; none: yes.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub mobile: Option<bool>,
}

/// That somebody is a pupil somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    /// The school unit.
    #[serde(default, alias = "enrolledAt", deserialize_with = "lenient::reference")]
    pub enroled_at: Option<Ref>,
    /// School year, 0 to 10.
    #[serde(default, deserialize_with = "lenient::number")]
    pub school_year: Option<i64>,
    /// School form, as `GR`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub school_type: Option<CompactString>,
    /// From.
    #[serde(default, deserialize_with = "lenient::date")]
    pub start_date: Option<Date>,
    /// To and including; none: without end.
    #[serde(default, deserialize_with = "lenient::date")]
    pub end_date: Option<Date>,
    /// It is not so any more.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub cancelled: Option<bool>,
}

/// Somebody who answers for a pupil.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Responsible {
    /// Who.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub person: Option<Ref>,
    /// As what.
    #[serde(default, deserialize_with = "lenient::open")]
    pub relation_type: Option<RelationType>,
}
