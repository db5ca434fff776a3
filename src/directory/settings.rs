//! Where the directory comes from and how far a load may differ from the one before it.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::brake::BrakeRules;
use super::phone::PhoneRules;
use crate::model::SourceId;

/// Settings of the directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Folder of `pupils.csv`, `guardians.csv` and `staff.csv`; none: `PUT /api/directory`.
    pub folder: Option<PathBuf>,
    /// The source that it is read from, by itself; then there is no folder, and no `PUT`.
    pub source: Option<SourceId>,
    /// How often the folder is looked at, for file systems that give no notice of changes.
    pub poll: SignedDuration,
    /// When a load is held back.
    pub brake: BrakeRules,
    /// Which numbers are taken.
    pub phone: PhoneRules,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: None,
            source: None,
            poll: SignedDuration::from_mins(1),
            brake: BrakeRules::default(),
            phone: PhoneRules::default(),
        }
    }
}
