//! From bytes to JSON values: one object or a bounded array, no name twice, no endless nesting.
//! Knows nothing of events. Errors carry a position, never a value.

use std::fmt;

use http::StatusCode;
use serde::de::{self, DeserializeSeed, Deserializer as _};
use serde_json::{Map, Value};

use super::wire::MAX_EVENTS;

/// Why nothing in a request could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// 415: a media type, charset or content coding that is not read here.
    #[error("{0}")]
    MediaType(String),
    /// 400: not JSON at all.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// 400: JSON, but nothing that could hold events; or none.
    #[error("{0}")]
    NoEvents(String),
    /// 413: too many events at once.
    #[error("{0} events in one request; send at most {MAX_EVENTS} at a time")]
    TooMany(usize),
}

impl DecodeError {
    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotJson(_) | Self::NoEvents(_) => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

/// A value and the first name that occurs twice in one of its objects, with the way to it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::source) struct Strict {
    pub value: Value,
    pub twice: Option<String>,
}

/// What a body holds at its top.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// Anything but an array.
    One(Strict),
    /// At least one element and at most [`MAX_EVENTS`].
    Many(Vec<Strict>),
}

/// Reads a whole body.
///
/// # Errors
/// When it is not JSON, is an empty array, or holds too many elements.
pub(super) fn read(body: &[u8]) -> Result<Body, DecodeError> {
    // RFC 8259 section 8.1: a reader may ignore a byte order mark; common on Windows.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(DecodeError::NotJson("it is empty".to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let top = reader
        .deserialize_any(Top)
        .and_then(|top| reader.end().map(|()| top))
        .map_err(|error| DecodeError::NotJson(position(&error)))?;
    match top {
        Read::One(strict) => Ok(Body::One(strict)),
        Read::Many(_, 0) => {
            Err(DecodeError::NoEvents("the array is empty; send at least one event".to_owned()))
        }
        Read::Many(_, count) if count > MAX_EVENTS => Err(DecodeError::TooMany(count)),
        Read::Many(items, _) => Ok(Body::Many(items)),
    }
}

/// Reads a body that is one value, whatever it is.
///
/// # Errors
/// When it is not JSON.
pub(in crate::source) fn read_value(body: &[u8]) -> Result<Strict, DecodeError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(DecodeError::NotJson("it is empty".to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let mut twice = Twice::default();
    let value = Tree(&mut twice)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| DecodeError::NotJson(position(&error)))?;
    Ok(Strict { value, twice: twice.found })
}

/// `serde_json`'s words for syntax name what was expected and where, and quote nothing.
fn position(error: &serde_json::Error) -> String {
    let at = format!("line {}, column {}", error.line(), error.column());
    let words = error.to_string();
    if words.starts_with("recursion limit exceeded") {
        return format!("at {at} it is nested deeper than 127 levels");
    }
    match words.split_once(" at line ") {
        Some((what, _)) => format!("{what}, at {at}"),
        None => format!("at {at}"),
    }
}

enum Read {
    One(Strict),
    Many(Vec<Strict>, usize),
}

struct Top;

/// Forwards what is no container to the tree.
macro_rules! scalars {
    ($value:ty, |$made:ident| $wrap:expr) => {
        fn visit_bool<E: de::Error>(self, value: bool) -> Result<$value, E> {
            let $made = Value::from(value);
            Ok($wrap)
        }
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<$value, E> {
            let $made = Value::from(value);
            Ok($wrap)
        }
        fn visit_u64<E: de::Error>(self, value: u64) -> Result<$value, E> {
            let $made = Value::from(value);
            Ok($wrap)
        }
        fn visit_f64<E: de::Error>(self, value: f64) -> Result<$value, E> {
            let $made = Value::from(value);
            Ok($wrap)
        }
        fn visit_str<E: de::Error>(self, value: &str) -> Result<$value, E> {
            let $made = Value::from(value);
            Ok($wrap)
        }
        fn visit_unit<E: de::Error>(self) -> Result<$value, E> {
            let $made = Value::Null;
            Ok($wrap)
        }
    };
}

impl<'de> de::Visitor<'de> for Top {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    scalars!(Read, |value| Read::One(Strict { value, twice: None }));

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Read, A::Error> {
        let mut twice = Twice::default();
        let value = de::Visitor::visit_map(Tree(&mut twice), map)?;
        Ok(Read::One(Strict { value, twice: twice.found }))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Read, A::Error> {
        let (mut items, mut count) = (Vec::new(), 0);
        loop {
            // What is over the limit is counted and not kept.
            if count >= MAX_EVENTS {
                if seq.next_element::<de::IgnoredAny>()?.is_none() {
                    break;
                }
            } else {
                let mut twice = Twice::default();
                let Some(value) = seq.next_element_seed(Tree(&mut twice))? else { break };
                items.push(Strict { value, twice: twice.found });
            }
            count += 1;
        }
        Ok(Read::Many(items, count))
    }
}

/// The way to where the reader is, and the first name found twice.
#[derive(Default)]
struct Twice {
    way: Vec<String>,
    found: Option<String>,
}

struct Tree<'a>(&'a mut Twice);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    scalars!(Value, |value| value);

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Tree(self.0))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            self.0.way.push(name.clone());
            let value = map.next_value_seed(Tree(self.0))?;
            // RFC 8259 section 4: of two equal names readers take either one, so two systems could
            // read two different events from the same signed bytes.
            if object.insert(name, value).is_some() && self.0.found.is_none() {
                self.0.found = Some(self.0.way.join("."));
            }
            self.0.way.pop();
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn words(body: &[u8]) -> String {
        let error = read(body).unwrap_err();
        assert_eq!(error.status(), 400, "{error}");
        error.to_string()
    }

    #[test]
    fn what_is_no_json_is_told_where() {
        for (body, part) in [
            (&b""[..], "it is empty"),
            (b" \r\n", "it is empty"),
            (b"\xef\xbb\xbf", "it is empty"),
            (b"{\"a\":", "EOF while parsing a value, at line 1, column 5"),
            (b"{\"a\":1}{\"a\":2}", "trailing characters, at line 1, column 8"),
            (b"id=1&pupil=2", "line 1, column 1"),
            (b"{\"a\":\"\xff\"}", "line 1, column"),
            (b"{\"a\":NaN}", "line 1, column"),
            (b"{\"a\":1e999}", "number out of range"),
            (b"[]", "the array is empty"),
        ] {
            let words = words(body);
            assert!(words.contains(part), "{words}");
        }
    }

    #[test]
    fn ten_thousand_levels_are_an_answer_and_not_a_crash() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            for body in
                [open.repeat(10_000), format!("{}1{}", open.repeat(10_000), close.repeat(10_000))]
            {
                assert!(words(body.as_bytes()).contains("nested deeper"), "{open}");
            }
        }
        let deepest = format!("{}{}", "[".repeat(127), "]".repeat(127));
        assert!(read(deepest.as_bytes()).is_ok());
        assert!(words(format!("[{deepest}]").as_bytes()).contains("deeper than 127"));
        // Beyond the thousandth element nothing is kept, and the depth costs nothing.
        let far = format!("[{}{}", "1,".repeat(1000), "[".repeat(100_000));
        assert!(words(far.as_bytes()).contains("EOF"));
    }

    #[test]
    fn a_thousand_and_no_more() {
        let array = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert!(
            matches!(read(array(1000).as_bytes()), Ok(Body::Many(items)) if items.len() == 1000)
        );
        let error = read(array(1001).as_bytes()).unwrap_err();
        assert_eq!((error.status().as_u16(), error), (413, DecodeError::TooMany(1001)));
    }

    #[test]
    fn a_name_twice_spoils_its_own_event_only() {
        let Ok(Body::Many(items)) = read(
            br#"[{"a":{"b":1,"\u0062":2}},{"a":1,"b":{"a":1}},{"x":[{"y":1},{"y":1,"y":1}]}]"#,
        ) else {
            panic!("an array")
        };
        let twice: Vec<_> = items.iter().map(|item| item.twice.as_deref()).collect();
        assert_eq!(twice, [Some("a.b"), None, Some("x.y")]);
    }

    #[test]
    fn a_byte_order_mark_is_no_fault() {
        assert!(matches!(read(b"\xef\xbb\xbf{}"), Ok(Body::One(_))));
        assert_eq!(read_value(b"\xef\xbb\xbf[1]").unwrap().value, json!([1]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }

        #[test]
        fn reads_what_serde_json_reads(text in "[\\[\\]{}:,\"a1 .e-]{0,12}") {
            if let Ok(Body::One(strict)) = read(text.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(strict.value));
            }
        }
    }
}
