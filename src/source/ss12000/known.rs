//! What has been read of a source's directory: the latest of each row. Pure; what it means is `join`'s.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::Timestamp;

use super::deleted::Deleted;
use super::types::{Duty, Group, Meta, Organisation, Person, RelationType};

/// Rows by id. Boxed: a tree's leaves are half empty, and rows are large and many.
type Rows<T> = BTreeMap<CompactString, Box<T>>;

/// The directory of a source, as its rows.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// School units and what is above them; none: they may not be read.
    pub organisations: Option<Rows<Organisation>>,
    /// Pupils, guardians and staff.
    pub persons: Rows<Person>,
    /// Groups of the schools.
    pub groups: Rows<Group>,
    /// Duties at the schools.
    pub duties: Rows<Duty>,
    /// The newest change that is among them, by the source's clock.
    pub newest: Option<Timestamp>,
}

impl Known {
    fn newer(&mut self, meta: Meta) {
        self.newest = self.newest.max(meta.modified);
    }

    /// Takes organisations.
    pub fn take_organisations(&mut self, rows: Vec<Organisation>) {
        for row in rows {
            self.newer(row.meta);
            self.organisations.get_or_insert_default().insert(row.id.clone(), Box::new(row));
        }
    }

    /// Takes persons. Returns whether anything is otherwise.
    pub fn take_persons(&mut self, rows: Vec<Person>) -> bool {
        let mut any = false;
        for mut row in rows {
            self.newer(row.meta);
            if is_older(self.persons.get(&row.id).map(|known| known.meta), row.meta) {
                continue;
            }
            row.emails.shrink_to_fit();
            row.phone_numbers.shrink_to_fit();
            row.enrolments.shrink_to_fit();
            row.responsibles.shrink_to_fit();
            any |= put(&mut self.persons, row.id.clone(), row);
        }
        any
    }

    /// Takes groups. Returns whether anything is otherwise.
    pub fn take_groups(&mut self, rows: Vec<Group>) -> bool {
        let mut any = false;
        for mut row in rows {
            self.newer(row.meta);
            if is_older(self.groups.get(&row.id).map(|known| known.meta), row.meta) {
                continue;
            }
            row.group_memberships.shrink_to_fit();
            any |= put(&mut self.groups, row.id.clone(), row);
        }
        any
    }

    /// Takes duties that came after the groups: what a duty says of its groups is newer than what they say of it,
    /// where duties say that at all. Returns whether anything is otherwise.
    pub fn take_changed_duties(&mut self, rows: Vec<Duty>) -> bool {
        let speak = self
            .duties
            .values()
            .map(AsRef::as_ref)
            .chain(&rows)
            .any(|duty| !duty.assignment_roles.is_empty());
        let mut any = false;
        if speak {
            let changed: BTreeSet<_> = rows.iter().map(|duty| &duty.id).collect();
            for group in self.groups.values_mut() {
                let roles = &mut group.embedded.assignment_roles;
                let before = roles.len();
                roles.retain(|role| {
                    role.duty.as_ref().is_none_or(|duty| !changed.contains(&duty.id))
                });
                any |= roles.len() < before;
            }
        }
        self.take_duties(rows) || any
    }

    /// Takes duties. Returns whether anything is otherwise.
    pub fn take_duties(&mut self, rows: Vec<Duty>) -> bool {
        let mut any = false;
        for mut row in rows {
            self.newer(row.meta);
            if is_older(self.duties.get(&row.id).map(|known| known.meta), row.meta) {
                continue;
            }
            if let Some(person) = row.embedded.person.take() {
                any |= self.take_persons(vec![person]);
            }
            any |= put(&mut self.duties, row.id.clone(), row);
        }
        any
    }

    /// Takes away what is gone. Returns whether anything of it was known.
    pub fn remove(&mut self, gone: &Deleted) -> bool {
        fn of<T>(rows: &mut Rows<T>, ids: &BTreeSet<String>) -> bool {
            let before = rows.len();
            rows.retain(|id, _| !ids.contains(id.as_str()));
            rows.len() < before
        }
        let persons = of(&mut self.persons, &gone.persons);
        let groups = of(&mut self.groups, &gone.groups);
        let duties = of(&mut self.duties, &gone.duties);
        persons || groups || duties
    }

    /// Persons whom groups and duties name: all pupils and staff, where persons cannot be listed.
    pub fn named(&self) -> BTreeSet<CompactString> {
        let members = self.groups.values().flat_map(|group| &group.group_memberships);
        let members = members.filter_map(|membership| membership.person.as_ref());
        let staff = self.duties.values().filter_map(|duty| duty.person.as_ref());
        members.chain(staff).map(|person| person.id.clone()).collect()
    }

    /// Persons who are needed: who is or was enrolled at these organisations, who answers for them in one of
    /// these relations, and who works there.
    pub fn needed(
        &self,
        schools: &BTreeSet<CompactString>,
        relations: &[RelationType],
    ) -> BTreeSet<CompactString> {
        let mut needed: BTreeSet<CompactString> = BTreeSet::new();
        for person in self.persons.values() {
            let is_pupil = person.enrolments.iter().any(|enrolment| {
                enrolment.enroled_at.as_ref().is_some_and(|at| schools.contains(&at.id))
            });
            if !is_pupil {
                continue;
            }
            needed.insert(person.id.clone());
            let answer = person.responsibles.iter().filter(|responsible| {
                responsible.relation_type.as_ref().is_some_and(|is| relations.contains(is))
            });
            needed.extend(answer.filter_map(|r| r.person.as_ref()).map(|who| who.id.clone()));
        }
        let staff = self.duties.values().filter_map(|duty| duty.person.as_ref());
        needed.extend(staff.map(|person| person.id.clone()));
        needed
    }

    /// Lets everybody else go.
    pub fn retain(&mut self, needed: &BTreeSet<CompactString>) {
        self.persons.retain(|id, _| needed.contains(id));
    }
}

/// Keeps a row; whether it is new, or another.
fn put<T: PartialEq>(rows: &mut Rows<T>, id: CompactString, row: T) -> bool {
    if rows.get(&id).is_some_and(|known| **known == row) {
        return false;
    }
    rows.insert(id, Box::new(row));
    true
}

/// Whether a row that came later is the older one: pages overtake each other.
fn is_older(known: Option<Meta>, new: Meta) -> bool {
    match (known.and_then(|meta| meta.modified), new.modified) {
        (Some(known), Some(new)) => new < known,
        _ => false,
    }
}
