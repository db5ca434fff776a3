//! From rows to a roster: every cell and every reference is checked, and everything that is wrong
//! is found in one go. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::problem::{LoadError, Place, RosterProblem};
use super::reader::Reader;
use super::rows::{GuardianRow, PupilRow, Rows, StaffRow};
use super::snapshot::{self, MAX_ROW};
use super::{Guardian, GuardianLink, Loaded, Pupil, Roster, Staff};
use crate::model::{GuardianId, PupilId, SchoolId, StaffId};

pub use super::reader::Context;

/// What is wrong with a guardian's row whose pupil is in no other row.
pub const NO_SUCH_PUPIL: &str = "there is no such pupil of that school";

/// What was seen so far, with where it was first seen.
#[derive(Default)]
struct Seen {
    pupils: BTreeMap<(SchoolId, PupilId), Place>,
    guardians: BTreeMap<GuardianId, Place>,
    links: BTreeMap<(SchoolId, PupilId, GuardianId), Place>,
    staff: BTreeMap<StaffId, Place>,
    mentors: BTreeMap<StaffId, Place>,
}

/// Makes a roster of rows. `problems` are those found while the rows were read.
///
/// # Errors
/// Everything fatal, those of reading included, sorted by place.
pub fn check(
    rows: Rows,
    context: Context<'_>,
    problems: Vec<RosterProblem>,
) -> Result<Loaded, LoadError> {
    let mut reader = Reader::new(context, problems);
    let mut seen = Seen::default();
    let mut roster = Roster { loaded_at: Some(context.now), ..Roster::default() };
    if !rows.had_protection_column {
        let place = rows.pupils.first().map_or(Place::Whole, |(place, _)| whole(*place));
        reader.warn(RosterProblem::at(
            place,
            "nothing says who is protected, so nobody is told about any pupil",
            "export the column protection",
        ));
    }
    for (place, row) in rows.pupils {
        if let Some(pupil) = pupil(&mut reader, &mut seen, place, row) {
            let school = roster.pupils.entry(pupil.school.clone()).or_default();
            school.insert(pupil.id.clone(), pupil);
        }
    }
    for (place, row) in rows.guardians {
        let complete = !rows.pupils_incomplete;
        guardian(&mut reader, &mut seen, &mut roster, place, row, complete);
    }
    for (place, row) in rows.staff {
        if let Some(staff) = staff(&mut reader, &mut seen, place, row) {
            roster.staff.insert(staff.id.clone(), staff);
        }
    }
    for (mentor, place) in &seen.mentors {
        if !seen.staff.contains_key(mentor) {
            // Some exports put an address here: the cell is not repeated.
            let what = "is not the id of anybody among the staff";
            let remedy = "add the mentor to staff, or correct the id";
            reader.warn(RosterProblem::at(*place, what, remedy).column("mentor"));
        }
    }
    rows_fit(&mut reader, &seen, &roster);
    let warnings = reader.finish()?;
    Ok(Loaded::new(roster, warnings, rows.had_protection_column))
}

fn whole(place: Place) -> Place {
    match place {
        Place::Line(file, _) => Place::File(file),
        _ => Place::Whole,
    }
}

/// Fatal: the id was given before.
fn first<K: Ord>(
    reader: &mut Reader<'_>,
    map: &mut BTreeMap<K, Place>,
    key: K,
    place: Place,
    what: &str,
) -> bool {
    match map.entry(key) {
        Entry::Vacant(free) => {
            free.insert(place);
            true
        }
        Entry::Occupied(taken) => {
            let what = format!("{what} was given before, at {}", taken.get());
            reader.fail(RosterProblem::at(place, what, "keep one of the two rows"));
            false
        }
    }
}

fn pupil(reader: &mut Reader<'_>, seen: &mut Seen, place: Place, row: PupilRow) -> Option<Pupil> {
    let id = reader.id(place, "id", &row.id, |t| PupilId::new(t));
    let school = reader.school(place, &row.school);
    let given_name = reader.name(place, "given-name", Some(row.given_name));
    if given_name.is_none() {
        reader.empty(place, "given-name");
    }
    let mentor = reader.optional_id(place, "mentor", row.mentor, |t| StaffId::new(t));
    let (phone, phone_is_mobile) = reader.phone(place, row.phone);
    let class = reader.name(place, "class", row.class);
    let family_name = reader.name(place, "family-name", row.family_name);
    let birth_date = reader.birth_date(place, row.birth_date);
    let protection = reader.protection(place, row.protection);
    let email = reader.email(place, row.email);
    let channel = reader.channel(place, row.channel);
    let language = reader.language(place, row.language);
    let groups = reader.groups(place, row.groups);
    let year = reader.year(place, row.year);
    // In doubt somebody is told sooner.
    let flagged = reader.truth(place, "flagged", row.flagged, Some(false));
    let home = reader.municipality(place, "home-municipality", row.home_municipality);
    let (id, school) = (id?, school?);
    let key = (school.clone(), id.clone());
    let is_first = first(reader, &mut seen.pupils, key, place, "the same pupil");
    if let Some(mentor) = &mentor {
        seen.mentors.entry(mentor.clone()).or_insert(place);
    }
    is_first.then_some(Pupil {
        id,
        school,
        class,
        given_name: given_name?,
        family_name,
        birth_date,
        protection,
        mentor,
        phone,
        phone_is_mobile,
        email,
        channel,
        language,
        groups,
        year,
        home_municipality: home,
        flagged: flagged?,
        guardians: Vec::new(),
    })
}

fn guardian(
    reader: &mut Reader<'_>,
    seen: &mut Seen,
    roster: &mut Roster,
    place: Place,
    row: GuardianRow,
    pupils_complete: bool,
) {
    let pupil = reader.id(place, "pupil", &row.pupil, |t| PupilId::new(t));
    let school = reader.school(place, &row.school);
    let id = reader.id(place, "guardian", &row.guardian, |t| GuardianId::new(t));
    let may_receive = reader.truth(place, "may-receive", Some(row.may_receive), None);
    let deny = reader.truth(place, "deny", row.deny, Some(false));
    // A day that cannot be read closes the link: nobody is told too long, and nobody denied too short.
    let never = "this guardian is not told about this pupil";
    let receives = reader.period(place, ["from", "to"], [row.from, row.to], never);
    let dated = [&row.deny_from, &row.deny_to].into_iter().flatten().any(|t| !t.trim().is_empty());
    let days = ["deny-from", "deny-to"];
    let denied = reader.period(place, days, [row.deny_from, row.deny_to], never);
    let undenied = dated && deny == Some(false);
    if undenied {
        let what = format!("has days of a denial and no denial, so {never}");
        let remedy = "write yes, or leave out deny-from and deny-to";
        reader.warn(RosterProblem::at(place, what, remedy).column("deny"));
    }
    let name = reader.name(place, "name", row.name);
    let (phone, phone_is_mobile) = reader.phone(place, row.phone);
    let email = reader.email(place, row.email);
    let channel = reader.channel(place, row.channel);
    let language = reader.language(place, row.language);
    let household = reader.name(place, "household", row.household);
    let Some(id) = id else { return };
    let person = Guardian {
        id: id.clone(),
        name,
        phone,
        phone_is_mobile,
        email,
        channel,
        language,
        household,
    };
    let known = *seen.guardians.entry(id.clone()).or_insert(place);
    if *roster.guardians.entry(id.clone()).or_insert_with(|| person.clone()) != person {
        let what = format!("the guardian's contact data differ from those at {known}");
        reader.fail(RosterProblem::at(place, what, "make them the same in every row"));
    }
    let (Some(pupil), Some(school)) = (pupil, school) else { return };
    if !seen.pupils.contains_key(&(school.clone(), pupil.clone())) {
        if pupils_complete {
            let remedy = "add the pupil, or remove this row";
            reader.fail(RosterProblem::at(place, NO_SUCH_PUPIL, remedy).column("pupil"));
        }
        return;
    }
    let link = (school.clone(), pupil.clone(), id.clone());
    let is_first =
        first(reader, &mut seen.links, link, place, "the same guardian of the same pupil");
    let (Some(may_receive), Some(deny), true) = (may_receive, deny, is_first) else { return };
    if let Some(pupil) = roster.pupils.get_mut(&school).and_then(|s| s.get_mut(&pupil)) {
        pupil.guardians.push(GuardianLink {
            guardian: id,
            may_receive: may_receive && receives.is_some(),
            deny: deny || undenied,
            receives: receives.unwrap_or_default(),
            denied: denied.filter(|_| !undenied).unwrap_or_default(),
        });
    }
}

fn staff(reader: &mut Reader<'_>, seen: &mut Seen, place: Place, row: StaffRow) -> Option<Staff> {
    let id = reader.id(place, "id", &row.id, |t| StaffId::new(t));
    let school = match row.school.filter(|s| !s.trim().is_empty()) {
        Some(text) => reader.school(place, &text).map(Some),
        None => Some(None),
    };
    let role = reader.role(place, &row.role);
    let name = reader.name(place, "name", row.name);
    let email = reader.email(place, row.email);
    let phone = match reader.phone(place, row.phone) {
        (phone, true) => phone,
        (_, false) => None,
    };
    let municipality = reader.municipality(place, "municipality", row.municipality);
    let id = id?;
    let is_first = first(reader, &mut seen.staff, id.clone(), place, "the same member of staff");
    let (school, role) = (school?, role?);
    is_first.then_some(Staff { id, school, role, municipality, name, email, phone })
}

/// The store takes rows of [`MAX_ROW`] bytes; only a pupil with very many guardians is larger.
fn rows_fit(reader: &mut Reader<'_>, seen: &Seen, roster: &Roster) {
    for pupil in roster.pupils.values().flat_map(BTreeMap::values) {
        if snapshot::pupil_size(pupil) > MAX_ROW {
            let key = (pupil.school.clone(), pupil.id.clone());
            let place = seen.pupils.get(&key).copied().unwrap_or(Place::Whole);
            let what = "has more guardians than can be kept";
            reader.fail(RosterProblem::at(place, what, "keep those who answer for the pupil"));
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
