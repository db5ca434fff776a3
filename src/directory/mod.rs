//! Pupils, guardians, staff and schools; who may be told what, at this moment. Reads files and
//! requests into one immutable `Roster`; may not send, and may not decide whether to send.

pub mod audit;
pub mod brake;
pub mod cells;
pub mod check;
pub mod classes;
pub mod csv;
mod encoding;
pub mod entitled;
pub mod fatigue;
pub mod field;
pub mod go_live;
mod homes;
pub mod hours;
pub mod json;
mod ladders;
pub mod languages;
pub mod load;
mod loaded;
pub mod phone;
pub mod problem;
mod reader;
pub mod roster;
pub mod rows;
pub mod school;
pub mod settings;
pub mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
pub mod volume;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::model::Period;
pub use fatigue::{Fatigue, FurtherLessons};
pub use hours::{QuietEnd, TimeRules, WhenStale};
pub use ladders::{LadderMail, LadderRules, Version};
pub use languages::{LanguageRules, Price, Translations};
pub use loaded::Loaded;
pub use problem::{LoadError, Place, RosterProblem};
pub use roster::{Guardian, GuardianLink, Protection, Pupil, Roster, Staff};
pub use school::{
    DailyLists, Homes, Mode, Nudge, PeopleRules, ProgrammeRules, QuietHours, RegisterRules, School,
    SubjectIdentity,
};
pub use settings::Settings;
pub use volume::VolumeRules;

use crate::model::SchoolId;

/// The schools in configuration and the people last loaded: what a decision is made from.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Schools by id.
    pub schools: Arc<BTreeMap<SchoolId, School>>,
    /// People.
    pub roster: Arc<Roster>,
}
