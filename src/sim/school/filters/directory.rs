//! The lists of a directory: organisations, persons, groups, duties, activities. Pure.

use std::collections::BTreeSet;

use super::{Dates, Keep, Listed, newest_first, organisations, within};
use crate::sim::school::id::Id;
use crate::sim::school::query::{Query, Refusal, bad};
use crate::sim::school::quirks::Quirks;
use crate::sim::school::rows::{Activity, Duty, Group, Organisation, Part, Person, Resource};
use crate::sim::school::table::{Row, Table};
use crate::sim::school::world::World;

const START_END: [&str; 4] =
    ["startDate.onOrBefore", "startDate.onOrAfter", "endDate.onOrBefore", "endDate.onOrAfter"];

impl Listed for Organisation {
    const FILTERS: &[&str] = &[
        "parent",
        "schoolUnitCode",
        "organisationCode",
        "municipalityCode",
        "type",
        "schoolTypes",
        START_END[0],
        START_END[1],
        START_END[2],
        START_END[3],
        "sortkey",
    ];
    const EXPAND: &[&str] = &[];

    fn table(world: &World) -> &Table<Self> {
        &world.organisations
    }

    fn keep<'a>(_: &'a World, _: &Quirks, query: &'a Query) -> Result<Keep<'a, Self>, Refusal> {
        let parents = query.ids("parent")?;
        let (codes, units) = (query.words("organisationCode"), query.words("schoolUnitCode"));
        let (kinds, types) = (query.words("type"), query.words("schoolTypes"));
        Ok(Box::new(move |row| {
            let is = &row.is;
            let unit = is.unit_code.as_deref();
            parents.as_ref().is_none_or(|all| is.parent.is_some_and(|one| all.contains(&one)))
                && codes.as_ref().is_none_or(|all| all.contains(is.code.as_str()))
                && units.as_ref().is_none_or(|all| unit.is_some_and(|one| all.contains(one)))
                && kinds.as_ref().is_none_or(|all| all.contains(is.kind))
                && types.as_ref().is_none_or(|all| is.types.iter().any(|one| all.contains(one)))
        }))
    }

    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        match key {
            "ModifiedDesc" => newest_first(rows),
            "DisplayNameAsc" => {
                rows.sort_by(|a, b| a.is.name.cmp(&b.is.name));
                true
            }
            _ => false,
        }
    }
}

const RELATIONS: [&str; 8] = [
    "enrolment",
    "duty",
    "placement.child",
    "placement.owner",
    "responsibleFor.enrolment",
    "responsibleFor.placement",
    "groupMembership",
    "",
];

impl Listed for Person {
    const FILTERS: &[&str] = &[
        "nameContains",
        "civicNo",
        "relationship.entity.type",
        "relationship.organisation",
        "relationship.startDate.onOrBefore",
        "relationship.startDate.onOrAfter",
        "relationship.endDate.onOrBefore",
        "relationship.endDate.onOrAfter",
        "sortkey",
    ];
    const EXPAND: &[&str] =
        &["duties", "responsibleFor", "placements", "ownedPlacements", "groupMemberships"];

    fn table(world: &World) -> &Table<Self> {
        &world.persons
    }

    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal> {
        if quirks.lookup_only {
            return Err(Refusal::Forbidden("persons cannot be listed; look them up"));
        }
        let civic = query.one("civicNo")?;
        let names: Vec<&str> = query.all("nameContains").collect();
        let relation = query.one("relationship.entity.type")?;
        if let Some(relation) = relation
            && !RELATIONS.contains(&relation)
        {
            return bad("relationship", format!("{relation:?} is no relation"));
        }
        let starts = Dates::of(query, "relationship.startDate")?;
        let ends = Dates::of(query, "relationship.endDate")?;
        let organisation = query.id("relationship.organisation")?;
        let below = organisation.map(|top| world.below(top));
        if quirks.edlevo && relation.is_none() && organisation.is_some() {
            return bad("relationship", "relationship.* goes with relationship.entity.type only");
        }
        let narrowed = relation.is_some()
            || organisation.is_some()
            || starts.0.or(starts.1).or(ends.0).or(ends.1).is_some();
        let enrolled = move |is: &Person| {
            is.enrolments.iter().any(|enrolment| {
                within(below.as_ref(), enrolment.school)
                    && starts.admit(Some(enrolment.start))
                    && ends.admit(None)
            })
        };
        let below = organisation.map(|top| world.below(top));
        let employed: Option<BTreeSet<Id>> = narrowed.then(|| {
            let duties = world.duties.iter().map(|row| &row.is);
            duties
                .filter(|duty| {
                    within(below.as_ref(), duty.school) && starts.admit(Some(duty.start))
                })
                .map(|duty| duty.person)
                .collect()
        });
        Ok(Box::new(move |row| {
            let is = &row.is;
            if world.lost.contains(&row.id) {
                return false;
            }
            if civic.is_some_and(|civic| is.civic.as_deref() != Some(civic)) {
                return false;
            }
            let name = is.name().to_lowercase();
            if !names.iter().all(|part| name.contains(&part.to_lowercase())) {
                return false;
            }
            if !narrowed {
                return true;
            }
            let answers = || {
                let pupils = world.pupils_of.get(&row.id).into_iter().flatten();
                let mut pupils = pupils.filter_map(|pupil| world.persons.get(*pupil));
                is.part == Part::Guardian && pupils.any(|pupil| enrolled(&pupil.is))
            };
            let works = || employed.as_ref().is_some_and(|all| all.contains(&row.id));
            match relation {
                Some("enrolment" | "groupMembership") => enrolled(is),
                Some("duty") => works(),
                Some("responsibleFor.enrolment") => answers(),
                Some(_) => false,
                None => enrolled(is) || works() || answers(),
            }
        }))
    }

    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        let by = |row: &Row<Self>, given: bool| {
            if given { row.is.given.clone() } else { row.is.family.clone() }
        };
        match key {
            "ModifiedDesc" => newest_first(rows),
            "GivenNameAsc" | "FamilyNameAsc" => {
                rows.sort_by_key(|row| by(row, key == "GivenNameAsc"));
                true
            }
            _ => false,
        }
    }
}

impl Listed for Group {
    const FILTERS: &[&str] = &[
        "groupType",
        "schoolTypes",
        "organisation",
        START_END[0],
        START_END[1],
        START_END[2],
        START_END[3],
        "sortkey",
    ];
    const EXPAND: &[&str] = &["assignmentRoles"];

    fn table(world: &World) -> &Table<Self> {
        &world.groups
    }

    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal> {
        let schools = organisations(world, quirks, query, Resource::Group)?;
        let (kinds, types) = (query.words("groupType"), query.words("schoolTypes"));
        let starts = Dates::of(query, "startDate")?;
        Dates::of(query, "endDate")?;
        Ok(Box::new(move |row| {
            let is = &row.is;
            within(schools.as_ref(), is.school)
                && kinds.as_ref().is_none_or(|all| all.contains(is.kind))
                && types
                    .as_ref()
                    .is_none_or(|all| is.school_type.is_some_and(|one| all.contains(one)))
                && starts.admit(Some(is.start))
        }))
    }

    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        match key {
            "ModifiedDesc" => newest_first(rows),
            "DisplayNameAsc" => {
                rows.sort_by(|a, b| a.is.name.cmp(&b.is.name));
                true
            }
            "StartDateAsc" | "EndDateAsc" => {
                rows.sort_by_key(|row| row.is.start);
                true
            }
            _ => false,
        }
    }
}

impl Listed for Duty {
    const FILTERS: &[&str] = &[
        "organisation",
        "dutyRole",
        "person",
        START_END[0],
        START_END[1],
        START_END[2],
        START_END[3],
        "sortkey",
    ];
    const EXPAND: &[&str] = &["person"];

    fn table(world: &World) -> &Table<Self> {
        &world.duties
    }

    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal> {
        let schools = organisations(world, quirks, query, Resource::Duty)?;
        let (person, role) = (query.id("person")?, query.one("dutyRole")?);
        let starts = Dates::of(query, "startDate")?;
        Dates::of(query, "endDate")?;
        let edlevo = quirks.edlevo;
        Ok(Box::new(move |row| {
            within(schools.as_ref(), world.workplace(row.is.school, edlevo))
                && person.is_none_or(|person| row.is.person == person)
                && role.is_none_or(|role| row.is.role == role)
                && starts.admit(Some(row.is.start))
        }))
    }

    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        match key {
            "ModifiedDesc" => newest_first(rows),
            "StartDateAsc" => {
                rows.sort_by_key(|row| row.is.start);
                true
            }
            "StartDateDesc" => {
                rows.sort_by_key(|row| std::cmp::Reverse(row.is.start));
                true
            }
            _ => false,
        }
    }
}

impl Listed for Activity {
    const FILTERS: &[&str] = &[
        "member",
        "teacher",
        "organisation",
        "group",
        START_END[0],
        START_END[1],
        START_END[2],
        START_END[3],
        "sortkey",
    ];
    const EXPAND: &[&str] = &["groups", "teachers", "syllabus"];

    fn table(world: &World) -> &Table<Self> {
        &world.activities
    }

    fn keep<'a>(
        world: &'a World,
        quirks: &Quirks,
        query: &'a Query,
    ) -> Result<Keep<'a, Self>, Refusal> {
        let schools = organisations(world, quirks, query, Resource::Activity)?;
        let (member, teacher, group) =
            (query.id("member")?, query.id("teacher")?, query.id("group")?);
        let starts = Dates::of(query, "startDate")?;
        Dates::of(query, "endDate")?;
        let of_member = member.map(|member| world.groups_of.get(&member));
        let edlevo = quirks.edlevo;
        Ok(Box::new(move |row| {
            let is = &row.is;
            within(schools.as_ref(), world.workplace(is.school, edlevo))
                && teacher.is_none_or(|duty| is.teachers.contains(&duty))
                && group.is_none_or(|group| is.groups.contains(&group))
                && of_member.is_none_or(|groups| {
                    groups.is_some_and(|groups| groups.iter().any(|one| is.groups.contains(one)))
                })
                && starts.admit(Some(is.start))
        }))
    }

    fn sort(rows: &mut [&Row<Self>], key: &str) -> bool {
        match key {
            "ModifiedDesc" => newest_first(rows),
            "DisplayNameAsc" => {
                rows.sort_by(|a, b| a.is.name.cmp(&b.is.name));
                true
            }
            _ => false,
        }
    }
}
