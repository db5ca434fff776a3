//! Rows as the JSON of SS 12000, with the quirks in force. Pure.

mod days;
mod directory;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Map, Value, json};

use super::id::Id;
use super::quirks::Quirks;
use super::rows::Resource;
use super::table::Row;
use super::world::World;

/// What a row is written with.
pub(super) struct Pen<'a> {
    pub(super) world: &'a World,
    pub(super) quirks: &'a Quirks,
    /// Whether references say what they are called.
    pub(super) names: bool,
    pub(super) expand: BTreeSet<&'a str>,
}

/// A resource that can be written.
pub(super) trait Written: Sized {
    const RESOURCE: Resource;
    fn written(row: &Row<Self>, pen: &Pen<'_>) -> Value;
}

impl Pen<'_> {
    /// A moment with the school's offset, as the standard's examples have it.
    pub(super) fn moment(&self, at: Timestamp) -> Value {
        const PRINTER: DateTimePrinter = DateTimePrinter::new();
        let offset = self.world.zone.to_offset(at);
        PRINTER.timestamp_with_offset_to_string(&at, offset).into()
    }

    fn row<T>(&self, row: &Row<T>, mut fields: Value) -> Value {
        let Some(object) = fields.as_object_mut() else { return fields };
        object.insert("id".into(), row.id.to_string().into());
        if !self.quirks.version_2_0 {
            let meta = json!({
                "created": self.moment(row.created),
                "modified": self.moment(row.modified),
            });
            object.insert("meta".into(), meta);
        }
        object.retain(|_, value| !value.is_null() || self.quirks.null_references);
        fields
    }

    fn name_of(&self, resource: Resource, id: Id) -> Option<String> {
        let world = self.world;
        Some(match resource {
            Resource::Organisation => world.organisations.get(id)?.is.name.clone(),
            Resource::Person => world.persons.get(id)?.is.name(),
            Resource::Group => world.groups.get(id)?.is.name.clone(),
            Resource::Activity => world.activities.get(id)?.is.name.clone(),
            Resource::Duty => world.duties.get(id)?.is.signature.clone(),
            Resource::CalendarEvent => {
                self.name_of(Resource::Activity, world.lessons.get(id)?.is.activity)?
            }
            Resource::Attendance | Resource::Notice => return None,
        })
    }

    fn to(&self, resource: Resource, id: Id) -> Value {
        let mut reference = Map::from_iter([("id".to_owned(), Value::from(id.to_string()))]);
        if self.names
            && let Some(name) = self.name_of(resource, id)
        {
            reference.insert("displayName".into(), name.into());
        }
        if resource == Resource::Person
            && let Some(marking) = self.marking(id)
        {
            reference.insert("securityMarking".into(), marking);
        }
        Value::Object(reference)
    }

    fn workplace(&self, unit: Id) -> Id {
        self.world.workplace(unit, self.quirks.edlevo)
    }

    fn maybe(&self, resource: Resource, id: Option<Id>) -> Value {
        id.map_or(Value::Null, |id| self.to(resource, id))
    }

    fn marking(&self, person: Id) -> Option<Value> {
        let marking = self.world.persons.get(person)?.is.marking;
        if self.quirks.no_marking {
            return None;
        }
        let known = marking.word();
        let odd = self.quirks.unknown_enums && known == "Sekretessmarkering";
        Some(if odd { "Kvarskrivning" } else { known }.into())
    }

    /// An address or number with its type, which older servers need not give.
    fn typed(&self, value: &str, kind: &str) -> Value {
        if self.quirks.version_2_0 {
            json!({ "value": value })
        } else {
            json!({ "value": value, "type": kind })
        }
    }

    /// A word, or one that no list has.
    fn word(&self, id: Id, known: &'static str, odd: &'static str) -> &'static str {
        if self.quirks.unknown_enums && id.is_one_in(5) { odd } else { known }
    }

    /// One more that is null, where nulls are asked for.
    fn and_null(&self, mut list: Vec<Value>, null: Value) -> Value {
        if self.quirks.null_references {
            list.push(null);
        }
        list.into()
    }
}

/// A row whose references are null, which some servers have.
pub(super) fn hollow(resource: Resource, pen: &Pen<'_>) -> Value {
    let id = Id::of(0, resource.name(), 0).to_string();
    let at = pen.moment(pen.world.now());
    let meta = json!({"created": at, "modified": at});
    match resource {
        Resource::Attendance => json!({
            "id": id, "meta": meta, "calendarEvent": null, "student": null, "reporter": null,
            "isReported": null, "invalidAbsenceMinutes": 60,
        }),
        Resource::Notice => json!({
            "id": id, "meta": meta, "student": null, "type": null, "startTime": null,
            "endTime": null, "organisation": null,
        }),
        Resource::CalendarEvent => json!({
            "id": id, "meta": meta, "activity": null, "startTime": at, "endTime": at,
            "cancelled": null, "studentExceptions": null, "teacherExceptions": null,
        }),
        Resource::Person => json!({
            "id": id, "meta": meta, "givenName": null, "familyName": null, "civicNo": null,
            "emails": null, "phoneNumbers": null, "responsibles": null, "enrolments": null,
        }),
        Resource::Group => json!({
            "id": id, "meta": meta, "displayName": null, "groupType": null, "organisation": null,
            "groupMemberships": null,
        }),
        Resource::Duty => json!({
            "id": id, "meta": meta, "person": null, "dutyAt": null, "dutyRole": null,
            "assignmentRole": null,
        }),
        Resource::Activity => json!({
            "id": id, "meta": meta, "displayName": null, "groups": null, "teachers": null,
            "organisation": null, "activityType": null,
        }),
        Resource::Organisation => json!({
            "id": id, "meta": meta, "displayName": null, "organisationType": null,
            "parentOrganisation": null,
        }),
    }
}

fn embed(fields: &mut Value, embedded: Map<String, Value>) {
    if !embedded.is_empty() {
        fields["_embedded"] = embedded.into();
    }
}
