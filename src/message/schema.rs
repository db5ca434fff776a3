//! The published schema of the case that the attendance team's mail carries as JSON.

use serde_json::Value;

use super::facts::TeamCase;

/// JSON Schema (2020-12) of [`TeamCase`], the attachment `case.json`.
pub fn team_case_schema() -> Value {
    let mut schema = schemars::schema_for!(TeamCase).to_value();
    if let Value::Object(fields) = &mut schema {
        fields.insert("title".into(), "upprop case, version 1".into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{samples, team};

    #[test]
    fn every_attachment_is_valid() {
        let schema = team_case_schema();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for case in samples::team_cases() {
            let Some(json) = team::attachment(&case) else { continue };
            let value: Value = serde_json::from_slice(&json).unwrap();
            assert!(validator.is_valid(&value), "{value}");
            assert_eq!(
                serde_json::from_value::<TeamCase>(value).unwrap(),
                team::without_secrets(&case)
            );
        }
        let mut value = serde_json::to_value(samples::team_case()).unwrap();
        value["lessons"][0]["subject"] = "yes".into();
        assert!(!validator.is_valid(&value));
        assert!(!validator.is_valid(&serde_json::json!({ "version": 1 })));
    }

    #[test]
    fn names_are_those_of_the_format() {
        let schema = team_case_schema();
        assert!(schema["properties"]["pupil-name"]["description"].is_string());
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}
