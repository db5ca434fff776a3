//! The body of `PUT /api/directory`: the same rows as the files, as JSON. Errors name the path of a
//! value and never the value.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Loaded;
use super::check::{Context, check};
use super::phone::PhoneRules;
use super::problem::{LoadError, Place, RosterProblem, SHOWN};
use super::rows::{Columns, GUARDIANS, GuardianRow, PUPILS, PupilRow, Rows, STAFF, StaffRow};
use crate::model::{SchoolId, shown};

/// The whole directory. It replaces the former one.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Directory")]
pub struct Body<P, G, S> {
    /// Pupils, at least one.
    pupils: Vec<P>,
    /// Guardians, one item per pupil and guardian, at least one.
    guardians: Vec<G>,
    /// Staff.
    #[serde(default)]
    staff: Vec<S>,
}

/// The body as documented in the schema.
pub type DirectoryBody = Body<PupilRow, GuardianRow, StaffRow>;

/// Reads and checks a body.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_json(
    body: &[u8],
    schools: &BTreeSet<SchoolId>,
    rules: &PhoneRules,
    now: Timestamp,
) -> Result<Loaded, LoadError> {
    // Items are read one by one, so that one bad item does not hide the next.
    let body: Body<Value, Value, Value> = serde_json::from_slice(body).map_err(|error| {
        let what = format!("the body cannot be read: {}", without_value(&error.to_string()));
        let place = format!(" (line {}, column {})", error.line(), error.column());
        RosterProblem::at(Place::Whole, what + &place, "send it as the API's schema says")
    })?;
    let mut problems = Vec::new();
    let had_protection_column = body.pupils.iter().any(|p| p.get("protection").is_some());
    let pupils = items("pupils", body.pupils, &PUPILS, true, &mut problems);
    let rows = Rows {
        pupils,
        pupils_incomplete: !problems.is_empty(),
        had_protection_column,
        guardians: items("guardians", body.guardians, &GUARDIANS, true, &mut problems),
        staff: items("staff", body.staff, &STAFF, false, &mut problems),
    };
    check(rows, Context { schools, phone: rules, now }, problems)
}

fn items<T: DeserializeOwned>(
    list: &'static str,
    values: Vec<Value>,
    columns: &Columns,
    needs_items: bool,
    problems: &mut Vec<RosterProblem>,
) -> Vec<(Place, T)> {
    if needs_items && values.is_empty() {
        let remedy = "send all of them; an empty list is not taken for one";
        problems.push(RosterProblem::at(Place::List(list), "is empty", remedy));
    }
    let mut rows = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        let place = Place::Item(list, index);
        match item(value, columns) {
            Ok(row) => rows.push((place, row)),
            Err(problem) => problems.push(RosterProblem { place, ..problem }),
        }
    }
    rows
}

fn item<T: DeserializeOwned>(value: Value, columns: &Columns) -> Result<T, RosterProblem> {
    let remedy = "send it as the API's schema says";
    if !value.is_object() {
        return Err(RosterProblem::at(Place::Whole, "is not an object", remedy));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let what = without_value(&error.inner().to_string());
        let problem = RosterProblem::at(Place::Whole, what, remedy);
        RosterProblem { column: columns.all().find(|c| *c == path), ..problem }
    })
}

/// serde's words without the value it quotes in them (`invalid type: string "Alva", expected …`) and
/// without the place, which is told apart. The name of a key nobody knows is repeated, cut short.
fn without_value(words: &str) -> String {
    let unknown = words.strip_prefix("unknown field `").and_then(|w| w.rsplit_once("`, expected "));
    if let Some((name, expected)) = unknown {
        let expected = expected.rsplit_once(" at line ").map_or(expected, |(words, _)| words);
        return format!("unknown field `{}`, expected {expected}", shown(name, SHOWN));
    }
    let words = words.rsplit_once(" at line ").map_or(words, |(words, _)| words);
    let Some(found) =
        words.strip_prefix("invalid type: ").or(words.strip_prefix("invalid value: "))
    else {
        return words.to_owned();
    };
    let kind = found.split(['"', '`', ',']).next().unwrap_or_default().trim();
    match words.rsplit_once(", expected ") {
        Some((_, expected)) => format!("is {kind}, expected {expected}"),
        None => format!("is {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::csv;

    const BODY: &str = r#"{
        "pupils": [
            {"id": "p1", "school": "bjork", "given-name": "Alva", "protection": "none",
             "groups": ["ma-7", "7B"], "year": 7, "flagged": true},
            {"id": "p2", "school": "bjork", "given-name": "Åke", "class": null}
        ],
        "guardians": [
            {"pupil": "p1", "school": "bjork", "guardian": "g1", "may-receive": true,
             "phone": "070-174 06 05", "deny": false}
        ]
    }"#;

    fn load(body: &str) -> Result<Loaded, LoadError> {
        let schools = [SchoolId::new("bjork").expect("id")].into();
        let now = "2026-11-23T07:00:00Z".parse().expect("time");
        load_json(body.as_bytes(), &schools, &PhoneRules::default(), now)
    }

    #[test]
    fn the_same_people_have_the_same_digest_as_in_files() {
        let files = csv::Files {
            pupils: "id,school,given-name,protection,groups,year,flagged\n\
                     p1,bjork,Alva,none, 7B |ma-7|7B,7,ja\np2,bjork,Åke,,,,\n"
                .as_bytes(),
            guardians: b"pupil,school,guardian,may-receive,phone\np1,bjork,g1,yes,0701740605\n",
            staff: None,
        };
        let schools = [SchoolId::new("bjork").expect("id")].into();
        let now = "2026-11-24T07:00:00Z".parse().expect("time");
        let from_files = csv::load_csv(files, &schools, &PhoneRules::default(), now).expect("good");
        let sent = load(BODY).expect("good");
        assert_eq!(sent.digest, from_files.digest);
        assert_eq!(sent.roster.pupils, from_files.roster.pupils);
        assert!(sent.had_protection_column);
        let school = &sent.roster.pupils[&SchoolId::new("bjork").expect("id")];
        let alva = school.values().next().expect("a pupil");
        let groups: Vec<&str> = alva.groups.iter().map(crate::model::GroupId::as_str).collect();
        assert_eq!((groups, alva.year, alva.flagged), (vec!["7B", "ma-7"], Some(7), true));
        let without = load(&BODY.replace(r#" "protection": "none","#, "")).expect("good");
        assert!(!without.had_protection_column);
    }

    #[test]
    fn problems_name_the_path_and_not_the_value() {
        for (from, to, what) in [
            ("\"Alva\"", "4711", "$.pupils[0].given-name: is integer, expected a string;"),
            ("true", "\"Alva\"", "$.guardians[0].may-receive: is string, expected a boolean;"),
            (
                "\"070-174 06 05\"",
                "701740605",
                "$.guardians[0].phone: is integer, expected a string",
            ),
            ("\"class\"", "\"klass\"", "unknown field `klass`, expected one of"),
            (
                "\"class\"",
                "\"k\u{202e}lass of the pupil, which nobody has named before\"",
                "unknown field `klass of the pupil, which nobo`, expected one of",
            ),
            ("\"p1\", \"school\"", "\"p1\", \"skola\"", "$.pupils[0]"),
            ("\"guardians\"", "\"parents\"", "unknown field `parents`, expected one of"),
            ("{\"id\": \"p2\"", "7, {\"id\": \"p2\"", "$.pupils[1]: is not an object;"),
            ("\"given-name\": \"Åke\",", "", "$.pupils[1]: missing field `given-name`;"),
            ("true}", "true", "the body cannot be read: "),
            ("\"Alva\"", "\"\"", "$.pupils[0].given-name: is empty;"),
        ] {
            let error = load(&BODY.replace(from, to)).expect_err(what).to_string();
            assert!(error.contains(what), "{what}\n{error}");
            assert!(!["Alva", "4711", "701740605"].iter().any(|v| error.contains(v)), "{error}");
        }
    }

    #[test]
    fn every_bad_item_is_told() {
        let error = load(r#"{"pupils": [1, [], {"id": 2}], "guardians": []}"#).expect_err("bad");
        assert_eq!(error.problems.len(), 4, "{error}");
        assert!(error.to_string().contains("$.guardians: is empty;"));
        for body in ["", "[]", "null", "{}", "{\"pupils\": \"Alva\"}", "\u{feff}{}"] {
            let error = load(body).expect_err(body).to_string();
            assert!(!error.contains("Alva"), "{error}");
        }
    }

    #[test]
    fn the_schema_and_the_files_have_the_same_columns() {
        let schema = schemars::schema_for!(DirectoryBody).to_value();
        for (name, columns) in
            [("PupilRow", PUPILS), ("GuardianRow", GUARDIANS), ("StaffRow", STAFF)]
        {
            let row = &schema["$defs"][name];
            let mut keys: Vec<&str> =
                row["properties"].as_object().expect(name).keys().map(String::as_str).collect();
            let mut names: Vec<&str> = columns.all().collect();
            keys.sort_unstable();
            names.sort_unstable();
            assert_eq!(keys, names, "{name}");
            let mut required: Vec<&str> =
                row["required"].as_array().expect(name).iter().filter_map(Value::as_str).collect();
            let mut wanted = columns.required.to_vec();
            required.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(required, wanted, "{name}");
        }
    }
}
