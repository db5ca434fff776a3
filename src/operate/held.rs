//! A directory that is held back, and what became of the word that it is right: the document only.

use serde::{Deserialize, Serialize};

use crate::model::SourceId;

/// A directory that a source has given and that is held back. Ids and counts only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeldDirectory {
    /// [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// What it is confirmed with; none: none is held back.
    pub digest: Option<String>,
    /// Whose it is.
    pub source: Option<SourceId>,
    /// Why it is held back, one line each.
    pub causes: Vec<String>,
    /// How many pupils it has.
    pub pupils: usize,
    /// How many guardians it has.
    pub guardians: usize,
    /// Whether it is in force now, by this very word.
    pub in_force: bool,
}
