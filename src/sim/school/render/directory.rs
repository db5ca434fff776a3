//! Organisations, persons, groups, duties and activities as JSON. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Pen, Written, embed};
use crate::sim::school::rows::{Activity, Duty, Group, Organisation, Person, Resource};
use crate::sim::school::table::Row;

impl Written for Organisation {
    const RESOURCE: Resource = Resource::Organisation;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let is = &row.is;
        let types = if pen.quirks.unknown_enums { vec!["XGR"] } else { Vec::new() };
        pen.row(
            row,
            json!({
                "displayName": is.name,
                "organisationCode": is.code,
                "organisationType": is.kind,
                "parentOrganisation": pen.maybe(Resource::Organisation, is.parent),
                "schoolUnitCode": is.unit_code,
                "schoolTypes": is.types.iter().copied().chain(types).collect::<Vec<_>>(),
            }),
        )
    }
}

impl Written for Person {
    const RESOURCE: Resource = Resource::Person;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let is = &row.is;
        let world = pen.world;
        let emails: Vec<Value> =
            is.emails.iter().map(|(value, kind)| pen.typed(value, kind)).collect();
        let phones: Vec<Value> = is
            .phones
            .iter()
            .map(|number| {
                // Both kinds are one at Edlevo.
                let kind = if pen.quirks.edlevo { "Hem" } else { number.kind };
                let mut written = pen.typed(&number.value, kind);
                if !pen.quirks.version_2_0 {
                    written["mobile"] = number.mobile.into();
                }
                written
            })
            .collect();
        let responsibles: Vec<Value> = is
            .responsibles
            .iter()
            .filter(|(_, relation)| {
                !pen.quirks.edlevo || matches!(relation.word(), "Vårdnadshavare" | "Annan ansvarig")
            })
            .map(|(person, relation)| {
                json!({
                    "person": pen.to(Resource::Person, *person),
                    "relationType": relation.word(),
                })
            })
            .collect();
        let enrolments: Vec<Value> = is
            .enrolments
            .iter()
            .map(|enrolment| {
                json!({
                    "enroledAt": pen.to(Resource::Organisation, enrolment.school),
                    "schoolYear": enrolment.year,
                    "schoolType": enrolment.kind,
                    "startDate": enrolment.start.to_string(),
                    "cancelled": false,
                })
            })
            .collect();
        let birth = match is.birth {
            Some(birth) => Some(birth.to_string()),
            None => pen.quirks.year_1895.then(|| "1895-03-01".to_owned()),
        };
        let mut fields = json!({
            "givenName": is.given,
            "familyName": is.family,
            "birthDate": birth,
            "civicNo": is.civic.as_ref().map(|value| json!({"value": value, "nationality": "SE"})),
            "sex": pen.word(row.id, "Okänt", "Annat"),
            "securityMarking": pen.marking(row.id),
            "personStatus": pen.word(row.id, "Aktiv", "Vilande"),
            "emails": emails,
            "phoneNumbers": phones,
            "enrolments": pen.and_null(enrolments, json!({"enroledAt": null, "schoolType": null})),
            "responsibles": pen.and_null(responsibles, json!({"person": null, "relationType": null})),
        });
        let mut embedded = Map::new();
        if pen.expand.contains("duties") {
            let duties = world.duties.iter().filter(|duty| duty.is.person == row.id);
            let duties: Vec<Value> = duties.map(|duty| Duty::written(duty, pen)).collect();
            embedded.insert("duties".into(), duties.into());
        }
        if pen.expand.contains("responsibleFor") {
            let pupils = world.pupils_of.get(&row.id).into_iter().flatten();
            let pupils: Vec<Value> = pupils
                .filter_map(|pupil| {
                    let of = &world.persons.get(*pupil)?.is.responsibles;
                    let (_, relation) = of.iter().find(|(person, _)| *person == row.id)?;
                    Some(json!({
                        "person": pen.to(Resource::Person, *pupil),
                        "relationType": relation.word(),
                    }))
                })
                .collect();
            embedded.insert("responsibleFor".into(), pupils.into());
        }
        if pen.expand.contains("groupMemberships") {
            let groups = world.groups_of.get(&row.id).into_iter().flatten();
            let groups: Vec<Value> = groups
                .filter_map(|group| {
                    let start = world.groups.get(*group)?.is.start;
                    Some(json!({
                        "group": pen.to(Resource::Group, *group),
                        "startDate": start.to_string(),
                    }))
                })
                .collect();
            embedded.insert("groupMemberships".into(), groups.into());
        }
        embed(&mut fields, embedded);
        pen.row(row, fields)
    }
}

impl Written for Group {
    const RESOURCE: Resource = Resource::Group;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let is = &row.is;
        let members = is
            .members
            .iter()
            .map(|member| {
                json!({
                    "person": pen.to(Resource::Person, *member),
                    "startDate": is.start.to_string(),
                })
            })
            .collect();
        let kind = match is.kind {
            "Personalgrupp" if pen.quirks.unknown_enums => "Arbetslag",
            kind => kind,
        };
        let mut fields = json!({
            "displayName": is.name,
            "startDate": is.start.to_string(),
            "groupType": kind,
            "schoolType": is.school_type,
            "organisation": pen.to(Resource::Organisation, is.school),
            "groupMemberships": pen.and_null(members, json!({"person": null})),
        });
        if pen.expand.contains("assignmentRoles") {
            let roles: Vec<Value> = is
                .mentors
                .iter()
                .map(|duty| {
                    json!({
                        "duty": pen.to(Resource::Duty, *duty),
                        "assignmentRoleType": "Mentor",
                        "startDate": is.start.to_string(),
                    })
                })
                .collect();
            let roles = pen.and_null(roles, json!({"duty": null, "assignmentRoleType": "Mentor"}));
            embed(&mut fields, Map::from_iter([("assignmentRoles".to_owned(), roles)]));
        }
        pen.row(row, fields)
    }
}

impl Written for Duty {
    const RESOURCE: Resource = Resource::Duty;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let is = &row.is;
        let roles: Vec<Value> = pen
            .world
            .groups
            .iter()
            .filter(|group| group.is.school == is.school && group.is.mentors.contains(&row.id))
            .map(|group| {
                json!({
                    "group": pen.to(Resource::Group, group.id),
                    "assignmentRoleType": "Mentor",
                    "startDate": group.is.start.to_string(),
                })
            })
            .collect();
        let start = if pen.quirks.year_1895 { "1895-01-01".into() } else { is.start.to_string() };
        let mut fields = json!({
            "person": pen.to(Resource::Person, is.person),
            "assignmentRole": roles,
            "dutyAt": pen.to(Resource::Organisation, pen.workplace(is.school)),
            "dutyRole": pen.word(row.id, is.role, "Resurspedagog"),
            "signature": is.signature,
            "dutyPercent": 100,
            "startDate": start,
        });
        if pen.expand.contains("person")
            && let Some(person) = pen.world.persons.get(is.person)
        {
            let inner = Pen { expand: BTreeSet::new(), ..*pen };
            let person = Person::written(person, &inner);
            embed(&mut fields, Map::from_iter([("person".to_owned(), person)]));
        }
        pen.row(row, fields)
    }
}

impl Written for Activity {
    const RESOURCE: Resource = Resource::Activity;

    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value {
        let (is, world) = (&row.is, pen.world);
        let groups: Vec<Value> =
            is.groups.iter().map(|group| pen.to(Resource::Group, *group)).collect();
        let teachers: Vec<Value> = is
            .teachers
            .iter()
            .map(|duty| {
                json!({
                    "duty": pen.to(Resource::Duty, *duty),
                    "startDate": is.start.to_string(),
                    "grader": true,
                })
            })
            .collect();
        let kind = match is.kind {
            "Övrigt" if pen.quirks.unknown_enums => "Rast",
            kind => kind,
        };
        let mut fields = json!({
            "displayName": is.name,
            "calendarEventsRequired": true,
            "startDate": is.start.to_string(),
            "activityType": kind,
            "groups": groups,
            "teachers": pen.and_null(teachers, json!({"duty": null})),
            "syllabus": null,
            "organisation": pen.to(Resource::Organisation, pen.workplace(is.school)),
            "parentActivity": null,
        });
        let inner = Pen { expand: BTreeSet::new(), ..*pen };
        let mut embedded = Map::new();
        if pen.expand.contains("groups") {
            let groups = is.groups.iter().filter_map(|group| world.groups.get(*group));
            let groups: Vec<Value> = groups.map(|group| Group::written(group, &inner)).collect();
            embedded.insert("groups".into(), groups.into());
        }
        if pen.expand.contains("teachers") {
            let duties = is.teachers.iter().filter_map(|duty| world.duties.get(*duty));
            let duties: Vec<Value> = duties.map(|duty| Duty::written(duty, &inner)).collect();
            embedded.insert("teachers".into(), duties.into());
        }
        embed(&mut fields, embedded);
        pen.row(row, fields)
    }
}
