//! Where something stands in a gateway's answer: a JSON pointer, a field between delimiters, or the
//! group of a regular expression. Pure. A place that does not fit the answer finds nothing, and what
//! is not found is never success.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// The most memory that a compiled expression may take, in bytes: a table of all letters fits, a
/// repetition of repetitions does not.
const REGEX_BYTES: usize = 256 * 1024;
/// How far into an answer a page for people shows itself, in bytes.
const PAGE_HEAD: usize = 1024;

/// A place in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a JSON document.
    Pointer(Pointer),
    /// In one line of fields, counted from 0.
    Field {
        /// What stands between fields.
        delimiter: String,
        /// Which field.
        index: usize,
    },
    /// What the one group of an expression matches, in any text.
    Capture(Pattern),
}

/// Why a text names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It begins as a pointer, and is none.
    #[error("is not a JSON pointer, as /messages/0/id")]
    Pointer,
    /// A number, and nothing to tell fields apart by.
    #[error("is the number of a field, but nothing says what stands between fields")]
    NoDelimiter,
    /// More fields than an answer has.
    #[error("is too large for the number of a field")]
    Index,
    /// Without a group it finds no value, and with several it does not say which.
    #[error(
        "is neither a JSON pointer, as /message/id, nor the number of a field, nor an expression with \
         one group, as ^ID: ([0-9]+); it has {0} groups"
    )]
    Groups(usize),
    /// Not an expression, or too large a one.
    #[error("is not a regular expression: {0}")]
    Pattern(String),
}

impl Place {
    /// Takes a place from configuration: what begins with `/` is a pointer, digits are the number of a
    /// field, all else is an expression with exactly one group.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn parse(text: &str, delimiter: Option<&str>) -> Result<Self, PlaceError> {
        if text.starts_with('/') {
            return Pointer::parse(text).map(Self::Pointer).map_err(|_| PlaceError::Pointer);
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let delimiter = delimiter.filter(|text| !text.is_empty());
            let delimiter = delimiter.ok_or(PlaceError::NoDelimiter)?.to_owned();
            let index = text.parse::<u16>().map_err(|_| PlaceError::Index)?.into();
            return Ok(Self::Field { delimiter, index });
        }
        Pattern::parse(text).map(Self::Capture)
    }

    /// The value there, without space around it; none where there is none, or an empty one.
    pub(super) fn find(&self, answer: &Answer) -> Option<String> {
        match self {
            Self::Pointer(pointer) => pointer.scalar(answer.json.as_ref()?),
            Self::Field { delimiter, index } => {
                let text = answer.text.as_deref()?.trim_matches(['\r', '\n']);
                // Of several lines, nobody knows which is about this message.
                if !delimiter.contains('\n') && text.contains('\n') {
                    return None;
                }
                let value = text.split(delimiter.as_str()).nth(*index)?.trim();
                (!value.is_empty()).then(|| value.to_owned())
            }
            Self::Capture(pattern) => {
                let found = pattern.regex.captures(answer.text.as_deref()?.trim_end())?.get(1)?;
                let value = found.as_str().trim();
                (!value.is_empty()).then(|| value.to_owned())
            }
        }
    }

    /// Whether the answer is of the kind that the place is in.
    pub(super) fn fits(&self, answer: &Answer) -> bool {
        match self {
            Self::Pointer(_) => answer.json.is_some(),
            Self::Field { .. } | Self::Capture(_) => answer.text.is_some(),
        }
    }

    /// Whether finding something there shows that the message was taken, without a look at what it is.
    /// Every text has fields, and a loose expression fits a refusal too.
    pub(super) fn proves(&self) -> bool {
        const REFUSALS: [&str; 6] =
            ["ERROR", "ERR: 102", "failed", "Invalid number 0701740605", "-1", "1"];
        match self {
            Self::Pointer(_) => true,
            Self::Field { .. } => false,
            Self::Capture(pattern) => !REFUSALS.iter().any(|text| pattern.regex.is_match(text)),
        }
    }
}

/// What a gateway said, read in every way that a [`Place`] may ask for.
pub(super) struct Answer {
    json: Option<Value>,
    text: Option<String>,
}

impl Answer {
    /// Reads the body. A page for people (of a proxy, a login, a fault) is no text of a gateway's.
    /// What is not UTF-8 is ISO-8859-1, in which every byte is a character.
    pub(super) fn read(body: &[u8]) -> Self {
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        let head = String::from_utf8_lossy(&body[..body.len().min(PAGE_HEAD)]).to_lowercase();
        let is_page = head.contains("<!doctype html") || head.contains("<html");
        let text = || match std::str::from_utf8(body) {
            Ok(text) => text.to_owned(),
            Err(_) => body.iter().copied().map(char::from).collect(),
        };
        Self {
            json: serde_json::from_slice(body).ok(),
            text: (!is_page && !body.trim_ascii().is_empty()).then(text),
        }
    }
}

/// A regular expression with one group. It runs in time linear in the answer.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    fn parse(source: &str) -> Result<Self, PlaceError> {
        let regex = RegexBuilder::new(source).size_limit(REGEX_BYTES).build().map_err(|error| {
            // The last line says what is wrong; those before it draw an arrow.
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default();
            PlaceError::Pattern(last.trim_start_matches("error: ").to_owned())
        })?;
        match regex.captures_len() - 1 {
            1 => Ok(Self { source: source.to_owned(), regex }),
            groups => Err(PlaceError::Groups(groups)),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

/// A JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// Takes a pointer from configuration.
    ///
    /// # Errors
    /// When it does not begin with `/`, or has `~` without `0` or `1` after it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && escaped {
            Ok(Self(text.into()))
        } else {
            Err("is not a JSON pointer, as /messages/0/id".into())
        }
    }

    /// The text or number there.
    fn scalar(&self, document: &Value) -> Option<String> {
        scalar(document.pointer(&self.0)?)
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = String> {
        self.0.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
    }
}

/// A text, number or truth value as a text; none for the rest and for the empty text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(place: &str, body: &str) -> Option<String> {
        let place = Place::parse(place, Some(";")).unwrap_or_else(|e| panic!("{place}: {e}"));
        place.find(&Answer::read(body.as_bytes()))
    }

    #[test]
    fn places_in_answers() {
        let page = "<!DOCTYPE html><p>ID: 7;1005;Queued";
        let xml = "<?xml version=\"1.0\"?>\n<sms><ref>m1</ref><status>OK</status></sms>";
        for (place, body, expected) in [
            ("/a/0/id", r#"{"a":[{"id":7}]}"#, Some("7")),
            ("/a", "a;b", None),
            ("0", "1005;Queued;m1\r\n", Some("1005")),
            ("2", "1005;Queued;m1\r\n", Some("m1")),
            ("2", "1005; Queued ; m1 ", Some("m1")),
            ("1", "1005;;m1", None),
            ("3", "1005;Queued;m1", None),
            ("0", "", None),
            ("0", "\r\n", None),
            ("0", "1005;Queued;m1\n1005;Queued;m2", None),
            ("0", page, None),
            ("^ID: ([0-9]+)", "ID: 77", Some("77")),
            ("^ID: ([0-9]+)", "ERR: 77", None),
            ("^ID: ([0-9]+)", page, None),
            ("ID: ([0-9]+)", page, None),
            ("<ref>([^<]+)</ref>", xml, Some("m1")),
            (r"^(OK|QUEUED)\b", "OK 1", Some("OK")),
            ("(?i)^(ok)", "Ok", Some("Ok")),
            ("x( *)y", "x  y", None),
            (r"^status=(\w+)", "\u{feff}status=ok", Some("ok")),
        ] {
            assert_eq!(find(place, body).as_deref(), expected, "{place} in {body:?}");
        }
        let latin = Place::parse("1", Some(";")).unwrap();
        let answer = Answer::read(b"0;Meddelande k\xf6at");
        assert_eq!(latin.find(&answer).as_deref(), Some("Meddelande köat"));
    }

    #[test]
    fn what_names_no_place() {
        let parse = |text: &str, delimiter| Place::parse(text, delimiter).map(|_| ());
        assert_eq!(parse("/a~2", None), Err(PlaceError::Pointer));
        assert_eq!(parse("0", None), Err(PlaceError::NoDelimiter));
        assert_eq!(parse("0", Some("")), Err(PlaceError::NoDelimiter));
        assert_eq!(parse("70000", Some(";")), Err(PlaceError::Index));
        assert_eq!(parse("id", Some(";")), Err(PlaceError::Groups(0)));
        assert_eq!(parse("", None), Err(PlaceError::Groups(0)));
        assert_eq!(parse("(a)(b)", None), Err(PlaceError::Groups(2)));
        assert_eq!(parse("(a", None), Err(PlaceError::Pattern("unclosed group".into())));
        assert!(matches!(parse(r"((\w{500}){500})", None), Err(PlaceError::Pattern(_))));
    }

    #[test]
    fn what_proves_by_being_found() {
        for (place, proves) in [
            ("/id", true),
            ("2", false),
            ("^ID: ([0-9]+)", true),
            ("([0-9]+)", false),
            (r"^(\w+)", false),
            ("<ref>([^<]+)</ref>", true),
        ] {
            assert_eq!(Place::parse(place, Some(";")).unwrap().proves(), proves, "{place}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_can_be_asked(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let answer = Answer::read(&body);
            for place in ["/a", "0", "9", r"(\S+)$"] {
                let found = Place::parse(place, Some(";")).unwrap().find(&answer);
                prop_assert!(found.is_none_or(|value| !value.trim().is_empty()));
            }
        }
    }
}
