//! JSON as the source sent it, taken apart no further than is asked: as a tree it takes many times its room, and an
//! answer may hold thousands of rows. Pure; never shows what is in it.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

/// What was sent, or a part of it: known to be JSON. Parts share the room of the whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent(Bytes);

impl Sent {
    /// Takes a text for what it is.
    ///
    /// # Errors
    /// Where it is not JSON.
    pub(super) fn read(text: Bytes) -> Result<Self, serde_json::Error> {
        let whole: &RawValue = serde_json::from_slice(&text)?;
        let trimmed = text.slice_ref(whole.get().as_bytes());
        Ok(Self(trimmed))
    }

    /// What stands for no answer.
    pub(super) fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// A list of nothing.
    pub(super) fn no_rows() -> Self {
        Self(Bytes::from_static(b"[]"))
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.0 == "null"
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with(b"{")
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.0.starts_with(b"[")
    }

    /// The rows of a list; none: it is no list.
    pub fn rows(&self) -> Option<Vec<Self>> {
        let rows: Vec<&RawValue> = serde_json::from_slice(&self.0).ok()?;
        Some(rows.into_iter().map(|row| self.part(row)).collect())
    }

    /// The fields of an object, the last of each name; none: it is no object.
    pub fn fields(&self) -> Option<BTreeMap<String, Self>> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(&self.0).ok()?;
        Some(fields.into_iter().map(|(name, field)| (name, self.part(field))).collect())
    }

    /// All of it.
    ///
    /// # Errors
    /// Where it is deeper than anything we ask for, or has a number or character that does not exist.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }

    /// As it was written.
    pub fn text(&self) -> &[u8] {
        &self.0
    }

    fn part(&self, part: &RawValue) -> Self {
        Self(self.0.slice_ref(part.get().as_bytes()))
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sent({} bytes)", self.0.len())
    }
}

#[cfg(test)]
impl From<Value> for Sent {
    fn from(value: Value) -> Self {
        Self::read(Bytes::from(value.to_string())).expect("JSON")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(text: &str) -> Result<Sent, serde_json::Error> {
        Sent::read(Bytes::from(text.to_owned()))
    }

    #[test]
    fn only_json_is_taken() {
        for text in ["", "[1", "{\"data\": [}", "[1] [2]", "<html>", "\"\u{1}\""] {
            assert!(sent(text).is_err(), "{text}");
        }
        assert!(Sent::read(Bytes::from_static(b"[\"\xff\"]")).is_err());
    }

    #[test]
    fn parts_are_what_was_written() {
        let whole =
            sent(" {\"a\": 1, \"data\": [ {\"id\":\"x\"} , null,[2]], \"a\": {}} ").expect("JSON");
        let fields = whole.fields().expect("an object");
        assert!(fields["a"].is_object(), "the last of a name");
        let rows = fields["data"].rows().expect("a list");
        let texts: Vec<&[u8]> = rows.iter().map(Sent::text).collect();
        assert_eq!(texts, [&b"{\"id\":\"x\"}"[..], b"null", b"[2]"]);
        assert_eq!(rows.iter().map(Sent::is_null).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(rows[0].value().expect("JSON"), json!({ "id": "x" }));
        assert_eq!((whole.rows(), rows[2].fields()), (None, None));
        assert_eq!(Sent::no_rows().rows(), Some(Vec::new()));
        assert!(Sent::null().is_null());
    }

    #[test]
    fn what_is_in_it_is_not_shown() {
        let sent = sent("{\"givenName\":\"Alva\"}").expect("JSON");
        assert_eq!(format!("{sent:?}"), "Sent(20 bytes)");
    }

    #[test]
    fn a_part_that_cannot_be_is_alone_with_that() {
        let deep = format!("[1, {}{}, 1e999, \"\\ud800\"]", "[".repeat(500), "]".repeat(500));
        let rows = sent(&deep).expect("JSON").rows().expect("a list");
        let good: Vec<bool> = rows.iter().map(|row| row.value().is_ok()).collect();
        assert_eq!(good, [true, false, false, false]);
    }
}
