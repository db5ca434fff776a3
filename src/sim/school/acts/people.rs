//! What happens to people: notices, numbers, protection, who belongs to whom.

use jiff::Timestamp;

use super::{ActError, Done, person};
use crate::sim::school::id::Id;
use crate::sim::school::rows::{Marking, Notice, Number, Part, Resource};
use crate::sim::school::world::World;

pub(super) fn notice(
    world: &mut World,
    pupil: &str,
    (start, end): (Timestamp, Timestamp),
    leave: bool,
) -> Result<Done, ActError> {
    let name = pupil;
    let pupil = person(world, name)?;
    let unknown = || ActError::Unknown { what: "pupil", name: name.to_owned() };
    let school = world.school_of(pupil).ok_or_else(unknown)?;
    let by = world
        .persons
        .get(pupil)
        .and_then(|row| row.is.responsibles.first())
        .map(|(guardian, _)| *guardian)
        .filter(|_| !leave);
    Ok(Done::one(world.add_notice(Notice { pupil, school, start, end, leave, by })))
}

pub(super) fn end_notice(world: &mut World, id: Id, end: Timestamp) -> Result<Done, ActError> {
    let now = world.now();
    let unknown = || ActError::Unknown { what: "notice", name: id.to_string() };
    world.notices.change(id, now).ok_or_else(unknown)?.end = end;
    world.modified(Resource::Notice);
    Ok(Done::one(id))
}

pub(super) fn withdraw(world: &mut World, id: Id) -> Result<Done, ActError> {
    let unknown = || ActError::Unknown { what: "notice", name: id.to_string() };
    world.notices.remove(id).ok_or_else(unknown)?;
    world.deleted(Resource::Notice, id);
    Ok(Done::one(id))
}

pub(super) fn contact(
    world: &mut World,
    name: &str,
    phones: Vec<String>,
    emails: Vec<String>,
) -> Result<Done, ActError> {
    let id = person(world, name)?;
    let now = world.now();
    if let Some(is) = world.persons.change(id, now) {
        let (number, address) = match is.part {
            Part::Staff => ("Arbete", "Skola personal"),
            Part::Pupil | Part::Guardian => ("Hem", "Privat"),
        };
        is.phones =
            phones.into_iter().map(|value| Number { value, kind: number, mobile: true }).collect();
        is.emails = emails.into_iter().map(|value| (value, address)).collect();
    }
    world.modified(Resource::Person);
    Ok(Done::one(id))
}

pub(super) fn protect(world: &mut World, name: &str, marking: Marking) -> Result<Done, ActError> {
    let id = person(world, name)?;
    let now = world.now();
    if let Some(is) = world.persons.change(id, now) {
        is.marking = marking;
    }
    world.modified(Resource::Person);
    Ok(Done::one(id))
}

pub(super) fn part(world: &mut World, pupil: &str, guardian: &str) -> Result<Done, ActError> {
    let (pupil, guardian) = (person(world, pupil)?, person(world, guardian)?);
    let now = world.now();
    if let Some(is) = world.persons.change(pupil, now) {
        is.responsibles.retain(|(other, _)| *other != guardian);
    }
    if let Some(pupils) = world.pupils_of.get_mut(&guardian) {
        pupils.retain(|other| *other != pupil);
    }
    world.modified(Resource::Person);
    Ok(Done::one(pupil))
}

pub(super) fn remove(world: &mut World, name: &str) -> Result<Done, ActError> {
    let id = person(world, name)?;
    let now = world.now();
    for group in world.groups_of.remove(&id).unwrap_or_default() {
        if let Some(is) = world.groups.change(group, now) {
            is.members.retain(|other| *other != id);
            world.modified(Resource::Group);
        }
    }
    for pupil in world.pupils_of.remove(&id).unwrap_or_default() {
        if let Some(is) = world.persons.change(pupil, now) {
            is.responsibles.retain(|(other, _)| *other != id);
        }
    }
    if let Some(gone) = world.persons.remove(id) {
        for (guardian, _) in gone.responsibles {
            if let Some(pupils) = world.pupils_of.get_mut(&guardian) {
                pupils.retain(|other| *other != id);
            }
        }
    }
    world.modified(Resource::Person);
    world.deleted(Resource::Person, id);
    Ok(Done::one(id))
}

pub(super) fn lose(world: &mut World, percent: u8) -> Done {
    world.lost.clear();
    let pupils: Vec<Id> =
        world.persons.iter().filter(|row| row.is.part == Part::Pupil).map(|row| row.id).collect();
    let lost = pupils.len() * usize::from(percent.min(100)) / 100;
    world.lost.extend(pupils.into_iter().take(lost));
    Done { id: None, rows: lost }
}
