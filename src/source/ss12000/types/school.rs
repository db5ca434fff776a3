//! Organisations, groups and duties.

use compact_str::CompactString;
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    AssignmentRoleType, DutyRole, GroupType, Meta, OrganisationType, Person, Ref, lenient,
};

/// A school unit, or what is above it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organisation {
    /// Its id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub display_name: Option<CompactString>,
    /// What it is.
    #[serde(default, deserialize_with = "lenient::open")]
    pub organisation_type: Option<OrganisationType>,
    /// Skolenhetskod.
    #[serde(default, deserialize_with = "lenient::text")]
    pub school_unit_code: Option<CompactString>,
    /// What it is part of.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub parent_organisation: Option<Ref>,
}

/// A group of persons.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub display_name: Option<CompactString>,
    /// What for.
    #[serde(default, deserialize_with = "lenient::open")]
    pub group_type: Option<GroupType>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub organisation: Option<Ref>,
    /// From.
    #[serde(default, deserialize_with = "lenient::date")]
    pub start_date: Option<Date>,
    /// To and including; none: without end.
    #[serde(default, deserialize_with = "lenient::date")]
    pub end_date: Option<Date>,
    /// Who is in it, and when.
    #[serde(default, deserialize_with = "lenient::list")]
    pub group_memberships: Vec<Membership>,
    /// What was asked for with it.
    #[serde(default, rename = "_embedded", deserialize_with = "lenient::or_default")]
    pub embedded: GroupEmbedded,
}

/// What may come with a group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupEmbedded {
    /// Who is what to it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub assignment_roles: Vec<AssignmentRole>,
}

/// That somebody is in a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// Who.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub person: Option<Ref>,
    /// From.
    #[serde(default, deserialize_with = "lenient::date")]
    pub start_date: Option<Date>,
    /// To and including; none: without end.
    #[serde(default, deserialize_with = "lenient::date")]
    pub end_date: Option<Date>,
}

/// What somebody is to a group; it stands in the group (with the duty) and in the duty (with the group).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentRole {
    /// Whose.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub duty: Option<Ref>,
    /// Of which group.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub group: Option<Ref>,
    /// As what.
    #[serde(default, deserialize_with = "lenient::open")]
    pub assignment_role_type: Option<AssignmentRoleType>,
    /// From.
    #[serde(default, deserialize_with = "lenient::date")]
    pub start_date: Option<Date>,
    /// To and including; none: without end.
    #[serde(default, deserialize_with = "lenient::date")]
    pub end_date: Option<Date>,
}

/// That somebody works somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duty {
    /// Its id: what lessons name their teachers by.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// When it was made and changed.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub meta: Meta,
    /// Who.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub person: Option<Ref>,
    /// What else the person is to groups.
    #[serde(
        default,
        rename = "assignmentRole",
        alias = "assignmentRoles",
        deserialize_with = "lenient::list"
    )]
    pub assignment_roles: Vec<AssignmentRole>,
    /// Where.
    #[serde(default, deserialize_with = "lenient::reference")]
    pub duty_at: Option<Ref>,
    /// As what.
    #[serde(default, deserialize_with = "lenient::open")]
    pub duty_role: Option<DutyRole>,
    /// From.
    #[serde(default, deserialize_with = "lenient::date")]
    pub start_date: Option<Date>,
    /// To and including; none: without end.
    #[serde(default, deserialize_with = "lenient::date")]
    pub end_date: Option<Date>,
    /// What was asked for with it.
    #[serde(default, rename = "_embedded", deserialize_with = "lenient::or_default")]
    pub embedded: DutyEmbedded,
}

/// What may come with a duty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct DutyEmbedded {
    /// Whose it is.
    #[serde(default)]
    pub person: Option<Person>,
}
