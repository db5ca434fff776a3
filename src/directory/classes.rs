//! The classes of a school, as the pupils of its directory make them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{Protection, Pupil, Roster};
use crate::model::{SchoolId, StaffId};

/// Of so many pupils of a class one must be in a school year for the class to count as one of it: a class of two years
/// has both, and one pupil with a wrong year, or who takes it again, makes no class of that year.
const SHARE: usize = 4;

/// One class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// The school years that it is of, 0 for förskoleklass; empty: not known.
    pub years: BTreeSet<u8>,
    /// The mentors of its pupils.
    pub mentors: BTreeSet<StaffId>,
}

/// The classes of a school, by name. Pupils who are protected, or of whom nobody knows, make none: a class, its years and
/// its mentors are told to others.
pub fn of_school(roster: &Roster, school: &SchoolId) -> BTreeMap<String, Class> {
    let mut members: BTreeMap<&str, Vec<&Pupil>> = BTreeMap::new();
    let pupils = roster.pupils.get(school).into_iter().flat_map(BTreeMap::values);
    for pupil in pupils.filter(|pupil| pupil.protection == Protection::None) {
        if let Some(class) = &pupil.class {
            members.entry(class).or_default().push(pupil);
        }
    }
    members.into_iter().map(|(name, pupils)| (name.to_owned(), class(name, &pupils))).collect()
}

fn class(name: &str, pupils: &[&Pupil]) -> Class {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    for year in pupils.iter().filter_map(|pupil| pupil.year) {
        *counts.entry(year).or_default() += 1;
    }
    let known: usize = counts.values().sum();
    let years = counts.into_iter().filter(|(_, count)| count * SHARE >= known);
    Class {
        name: name.to_owned(),
        years: years.map(|(year, _)| year).collect(),
        mentors: pupils.iter().filter_map(|pupil| pupil.mentor.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::model::PupilId;

    #[test]
    fn a_class_is_what_its_pupils_are() {
        let mut roster = Roster::default();
        let mut add = |class: &str, year: Option<u8>, mentor: &str, protection, count: usize| {
            let pupils = roster.pupils.entry(testing::school("s")).or_default();
            for _ in 0..count {
                let id = format!("p{}", pupils.len());
                let mut pupil = testing::pupil("s", &id);
                pupil.class = (!class.is_empty()).then(|| class.to_owned());
                (pupil.year, pupil.protection) = (year, protection);
                pupil.mentor = StaffId::new(mentor).ok();
                pupils.insert(PupilId::new(id).expect("id"), pupil);
            }
        };
        let open = Protection::None;
        add("4A", Some(4), "kim", open, 23);
        add("4A", Some(5), "kim", open, 1);
        add("4A", Some(4), "secret", Protection::Protected, 1);
        add("3-4", Some(3), "", open, 12);
        add("3-4", Some(4), "lo", open, 6);
        add("3-4", Some(4), "mo", open, 1);
        add("X", None, "", open, 2);
        add("Z", Some(7), "", Protection::Unknown, 2);
        add("", Some(7), "", open, 2);
        let told: Vec<_> = of_school(&roster, &testing::school("s"))
            .into_values()
            .map(|class| {
                let mentors: Vec<_> = class.mentors.iter().map(ToString::to_string).collect();
                (class.name, class.years.into_iter().collect::<Vec<_>>(), mentors.join(" "))
            })
            .collect();
        let row = |name: &str, years: &[u8], mentors: &str| {
            (name.to_owned(), years.to_vec(), mentors.to_owned())
        };
        let wanted = [row("3-4", &[3, 4], "lo mo"), row("4A", &[4], "kim"), row("X", &[], "")];
        assert_eq!(told, wanted);
        assert!(of_school(&roster, &testing::school("t")).is_empty());
    }
}
