//! The published JSON Schemas (2020-12) of what the inlet takes, made from the types it reads.
//! A schema cannot say everything: checks across fields and the byte length of ids are in the
//! descriptions and in `decode`. What decodes always validates.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::wire::{Event, MAX_EVENTS};

/// A request body in the native form: one event, or an array of them.
pub fn native(generator: &mut SchemaGenerator) -> Value {
    one_or_many(&generator.subschema_for::<Event>().to_value())
}

fn one_or_many(one: &Value) -> Value {
    json!({ "anyOf": [one, many(one)] })
}

fn many(one: &Value) -> Value {
    json!({ "type": "array", "items": one, "minItems": 1, "maxItems": MAX_EVENTS })
}

/// One event in a CloudEvents envelope, structured mode. `data` holds the fields of the native form
/// without `id` and `type`; `school` may stand in an attribute instead.
pub fn cloud_event(generator: &mut SchemaGenerator) -> Value {
    let text =
        |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
    let kinds: Vec<Value> = variants(generator)
        .into_iter()
        .map(|(name, description, data)| {
            let suffix = name.replace('.', "\\.");
            json!({
                "title": name,
                "description": description,
                "properties": {
                    "type": { "type": "string", "pattern": format!("(^|\\.){suffix}$") },
                    "data": data,
                },
            })
        })
        .collect();
    json!({
        "type": "object",
        "description": "An event in a CloudEvents 1.0 envelope. The pair of source and id identifies it.",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": text("Unique within source."),
            "source": text("Who says so: a URI reference."),
            "type": text("One of the event types, with or without a reverse-DNS prefix."),
            "school": text("The school unit, unless data names it."),
            "subject": {
                "type": "string",
                "description": "The school unit, when neither data nor the attribute school names it.",
            },
            "datacontenttype": {
                "type": "string",
                "description": "application/json or absent.",
            },
        },
        "oneOf": kinds,
    })
}

/// An array of such events: batch mode.
pub fn cloud_batch(generator: &mut SchemaGenerator) -> Value {
    many(&cloud_event(generator))
}

/// The body in binary mode: the fields of an event, whose type, id and source stand in `ce-*` headers.
pub fn cloud_data(generator: &mut SchemaGenerator) -> Value {
    let data: Vec<Value> = variants(generator).into_iter().map(|(_, _, data)| data).collect();
    json!({ "title": "CloudEvents 1.0 in binary mode, with ce-* headers", "anyOf": data })
}

/// Of each type of event: its name, its description, and the schema of its fields without the ones
/// an envelope holds.
fn variants(generator: &mut SchemaGenerator) -> Vec<(String, Value, Value)> {
    generator.subschema_for::<Event>();
    let Some(kinds) = generator.definitions().get("Event").and_then(|event| event.get("oneOf"))
    else {
        return Vec::new();
    };
    let kinds = kinds.as_array().cloned().unwrap_or_default();
    kinds
        .into_iter()
        .filter_map(|mut kind| {
            let name = kind.pointer("/properties/type/const")?.as_str()?.to_owned();
            let description = kind.get("description").cloned().unwrap_or_default();
            let properties = kind.get_mut("properties")?.as_object_mut()?;
            properties.retain(|name, _| name != "type" && name != "id");
            kind.get_mut("required")?
                .as_array_mut()?
                .retain(|name| !matches!(name.as_str(), Some("type" | "id" | "school")));
            Some((name, description, kind))
        })
        .collect()
}

/// The schema of a request body in the native form, as a document of its own.
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let body = native(&mut generator);
    let mut document = Map::new();
    document.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("title".to_owned(), "Attendance events".into());
    document.insert(
        "description".to_owned(),
        format!("One event, or an array of at most {MAX_EVENTS}.").into(),
    );
    if let Value::Object(body) = body {
        document.extend(body);
    }
    document.insert("$defs".to_owned(), Value::Object(generator.take_definitions(true)));
    Value::Object(document)
}
