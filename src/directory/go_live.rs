//! Schools that an operator has taken from their guests to everybody, over what configuration says. Pure.
//!
//! Configuration has the last word: only a school that it has in guests mode can be raised, and one that it
//! moves to another mode is no longer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Mode, School};
use crate::model::SchoolId;

/// That a school has gone live, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GoneLive {
    /// When.
    pub at: Timestamp,
    /// Who did it, as the system says: `uid 0`.
    pub by: String,
}

impl School {
    /// What configuration says.
    pub fn configured_mode(&self) -> Mode {
        if self.gone_live.is_some() { Mode::Guests } else { self.mode }
    }

    /// As configuration has it.
    #[must_use]
    pub fn as_configured(mut self) -> Self {
        self.mode = self.configured_mode();
        self.gone_live = None;
        self
    }
}

/// The schools that are in force: as configured, those in guests mode that have gone live raised. Schools that
/// were raised before may be given as they are.
pub fn effective(
    schools: &BTreeMap<SchoolId, School>,
    gone_live: &BTreeMap<SchoolId, GoneLive>,
) -> BTreeMap<SchoolId, School> {
    let raised = schools.iter().map(|(id, school)| {
        let mut school = school.clone().as_configured();
        if let (Mode::Guests, Some(row)) = (school.mode, gone_live.get(id)) {
            school.mode = Mode::Live;
            school.gone_live = Some(row.clone());
        }
        (id.clone(), school)
    });
    raised.collect()
}

/// Those of the rows that mean nothing under these schools: configuration has the school in another mode, or
/// has it no longer. They are to be removed, or a school that is put back among its guests later would be live.
pub fn withdrawn<'a>(
    schools: &BTreeMap<SchoolId, School>,
    gone_live: &'a BTreeMap<SchoolId, GoneLive>,
) -> Vec<&'a SchoolId> {
    let stands = |id: &SchoolId| {
        schools.get(id).is_some_and(|school| school.configured_mode() == Mode::Guests)
    };
    gone_live.keys().filter(|id| !stands(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::settings as school;

    fn row() -> GoneLive {
        GoneLive { at: Timestamp::UNIX_EPOCH, by: "uid 0".into() }
    }

    fn of(mode: Mode) -> BTreeMap<SchoolId, School> {
        let school = School { mode, ..school() };
        [(school.id.clone(), school)].into()
    }

    #[test]
    fn configuration_has_the_last_word() {
        for (configured, has_row, mode, stays) in [
            (Mode::Shadow, false, Mode::Shadow, true),
            (Mode::Shadow, true, Mode::Shadow, false),
            (Mode::Guests, false, Mode::Guests, true),
            (Mode::Guests, true, Mode::Live, true),
            (Mode::Live, false, Mode::Live, true),
            (Mode::Live, true, Mode::Live, false),
        ] {
            let schools = of(configured);
            let id = school().id;
            let rows: BTreeMap<_, _> = has_row.then(|| (id.clone(), row())).into_iter().collect();
            let found = effective(&schools, &rows);
            let raised = (configured == Mode::Guests && has_row).then(row);
            assert_eq!((found[&id].mode, &found[&id].gone_live), (mode, &raised), "{configured:?}");
            assert_eq!(found[&id].configured_mode(), configured, "{configured:?} {has_row}");
            assert_eq!(withdrawn(&schools, &rows).is_empty(), stays, "{configured:?} {has_row}");
            // From what is in force: the same, and back again without the row.
            assert_eq!(effective(&found, &rows)[&id].mode, mode, "{configured:?} {has_row}");
            assert_eq!(effective(&found, &BTreeMap::new())[&id].mode, configured, "{configured:?}");
        }
    }

    #[test]
    fn a_row_of_a_school_that_is_no_more_or_of_another_raises_nobody() {
        let other = SchoolId::new("other").expect("id");
        let rows = [(other.clone(), row())].into();
        let schools = of(Mode::Guests);
        assert_eq!(effective(&schools, &rows)[&school().id].mode, Mode::Guests);
        assert_eq!(withdrawn(&schools, &rows), [&other]);
    }
}
