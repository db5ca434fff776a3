//! The numbers of a school's ladders over some days: steps that were reached, and what became of duties. Small ones are
//! hidden by whoever shows them, where they are about pupils.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::StaffRole;

/// The numbers of some days. Protected pupils, those of whom it is not known, and those who have left are in none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LadderCounts {
    /// Each step of each ladder, in their order.
    pub steps: Vec<StepCounts>,
    /// Duties that were made on these days.
    pub made: u64,
    /// That were done on these days, before they were due.
    pub in_time: u64,
    /// That were done on these days, and later than that.
    pub late: u64,
    /// What people have to do when this is counted, by the role that has it.
    pub owners: BTreeMap<StaffRole, OwnerCounts>,
    /// How many of what is to be done are calls home.
    pub calls: u64,
    /// What has been overdue for longest when this is counted, the first one first.
    pub oldest: Vec<OldestDuty>,
}

/// One step of a ladder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepCounts {
    /// The ladder's name.
    pub ladder: String,
    /// What it is called, in the school's language.
    pub ladder_title: String,
    /// The step.
    pub step: String,
    /// What it is called.
    pub title: String,
    /// How often it was reached on these days.
    pub reached: u64,
    /// How many of these were taken back since.
    pub taken_back: u64,
    /// How many pupils have reached it in this term, and no later one of the ladder.
    pub pupils: u64,
}

/// What those in a role have to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OwnerCounts {
    /// Duties to be done, overdue or not.
    pub open: u64,
    /// How many of them are overdue.
    pub overdue: u64,
}

/// A duty that is overdue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OldestDuty {
    /// The number of its case.
    pub case: String,
    /// What people call it by.
    pub number: String,
    /// What is to be done, in the school's language.
    pub what: String,
    /// Who has it.
    pub owner: StaffRole,
    /// Since which day it is overdue, in the school's zone.
    pub since: Date,
}

impl LadderCounts {
    /// Whether there is nothing to tell of these days, nor anything left to be done.
    pub fn is_nothing(&self) -> bool {
        let any = self.steps.iter().any(|step| step.reached > 0);
        let done = self.made + self.in_time + self.late;
        !any && done == 0 && self.owners.is_empty()
    }
}
