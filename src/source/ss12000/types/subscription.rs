//! What a source says of telling us that something has changed.

use compact_str::CompactString;
use jiff::Timestamp;
use serde::Deserialize;

use super::lenient;

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    #[serde(deserialize_with = "lenient::id")]
    pub id: CompactString,
    /// What we called it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: Option<CompactString>,
    /// Where it calls us.
    #[serde(default, deserialize_with = "lenient::text")]
    pub target: Option<CompactString>,
    /// When it ends.
    #[serde(default, deserialize_with = "lenient::maybe_moment")]
    pub expires: Option<Timestamp>,
}

/// What a callback says: that something has changed, of these kinds. All of it may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Callback {
    /// Kinds of rows that have changed, in the standard's spelling or the right one.
    #[serde(
        default,
        rename = "modifiedEntites",
        alias = "modifiedEntities",
        deserialize_with = "lenient::lax_list"
    )]
    pub modified: Vec<CompactString>,
    /// Something is gone.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub deleted_entities: Option<bool>,
}
