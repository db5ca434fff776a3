//! Turns a reader's error into words for the sender: where, what, and what would be right. The
//! reader's own words quote what they found, and what they found may be a name or a note, so none
//! of them passes: only places, kinds, and what the schema allows.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::model::shown;

/// Longest name of a field that is repeated to the sender, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Reads a value as `T`.
///
/// # Errors
/// `<path>: <what was wrong>`, without values.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let what = error.inner().to_string();
        Fault::new(value, error.path(), &what)
    })
}

/// Where and what, kept apart so that the place can be told in the sender's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// As in `lesson.start`; empty for the event itself.
    pub path: String,
    /// In words.
    pub what: String,
}

impl Fault {
    fn new(root: &Value, path: &Path, message: &str) -> Self {
        let segments: Vec<&Segment> = path.iter().collect();
        let mut way = way(&segments);
        let found = segments.iter().try_fold(root, |value, segment| step(value, segment));
        let what = if let Some(field) = quoted_after(message, "missing field `") {
            extend(&mut way, field);
            "is missing".to_owned()
        } else if message.starts_with("unknown field ") {
            // The way ends with the unknown name itself.
            let name = match segments.last() {
                Some(Segment::Map { key }) => key.as_str(),
                _ => "",
            };
            let allowed = alternatives(message);
            format!(
                "is not a field here{}; allowed: {}",
                suggestion(name, &allowed),
                allowed.join(", ")
            )
        } else if message.starts_with("unknown variant ") {
            let allowed = alternatives(message);
            let word = found.and_then(Value::as_str).unwrap_or_default();
            one_of(word, &allowed)
        } else if message.starts_with("invalid type: ") {
            format!("must be {}, not {}", expected(message), kind(found))
        } else if message.starts_with("invalid value: ") || message.starts_with("invalid length ") {
            format!("must be {}", expected(message))
        } else {
            // What the room's own types say: written here, quoting nothing.
            message.to_owned()
        };
        Self { path: way, what }
    }
}

/// Says which words are allowed, and which of them may have been meant.
pub(super) fn one_of(word: &str, allowed: &[&str]) -> String {
    format!("is not one of {}{}", allowed.join(", "), suggestion(word, allowed))
}

/// ` (did you mean x?)` when one of the allowed words is close: at most a third of it is different.
fn suggestion(word: &str, allowed: &[&str]) -> String {
    let word: String = word.chars().take(MAX_NAME_CHARS).collect::<String>().to_lowercase();
    allowed
        .iter()
        .map(|right| (strsim::damerau_levenshtein(&word.replace('-', "_"), right), *right))
        .filter(|(distance, right)| *distance <= (right.chars().count() / 3).max(1))
        .min()
        .map_or_else(String::new, |(_, right)| format!(" (did you mean {right}?)"))
}

fn step<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Map { key } => value.get(key),
        Segment::Seq { index } => value.get(index),
        Segment::Enum { .. } | Segment::Unknown => Some(value),
    }
}

fn way(segments: &[&Segment]) -> String {
    let mut way = String::new();
    for segment in segments {
        match segment {
            Segment::Map { key } => extend(&mut way, &shown(key, MAX_NAME_CHARS)),
            Segment::Seq { index } => extend(&mut way, &index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    way
}

fn extend(way: &mut String, part: &str) {
    if !way.is_empty() {
        way.push('.');
    }
    way.push_str(part);
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_suffix('`')
}

/// The words serde lists: "expected one of `a`, `b`", "expected `a` or `b`", "expected `a`". The
/// list is the program's own and stands last.
fn alternatives(message: &str) -> Vec<&str> {
    let list = message.rsplit_once(", expected ").map_or("", |(_, list)| list);
    list.split('`').skip(1).step_by(2).collect()
}

/// What serde expected, in a sender's terms.
fn expected(message: &str) -> &str {
    match message.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected) {
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "an object",
        other if other.contains("identifier") || other.starts_with("enum ") => "a string",
        other => other,
    }
}

/// The kind of a value, for "must be …, not …".
pub(super) fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a string",
        Some(Value::Array(_)) => "an array",
        Some(Value::Object(_)) => "an object",
    }
}
