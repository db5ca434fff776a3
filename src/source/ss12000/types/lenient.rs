//! Values as servers write them: null for missing, numbers for texts, texts for numbers. What means nothing at all
//! is an error without the value in it.

use compact_str::CompactString;
use jiff::{Timestamp, civil::Date};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Ref, SecurityMarking};

type Made<T, E> = Result<T, E>;

fn word<E: Error>(value: Value, expected: &'static str) -> Made<Option<CompactString>, E> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.into())),
        Value::Number(number) => Ok(Some(number.to_string().into())),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(E::custom(expected)),
    }
}

/// An id that must be there.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Made<CompactString, D::Error> {
    let found = word(Value::deserialize(from)?, "is no id")?;
    found.filter(|id| !id.trim().is_empty()).ok_or_else(|| Error::custom("is no id"))
}

/// A text.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Made<Option<CompactString>, D::Error> {
    Ok(word(Value::deserialize(from)?, "is no text")?.filter(|text| !text.trim().is_empty()))
}

/// A text that stands for something, or for something else.
pub(super) fn open<'de, T: From<CompactString>, D: Deserializer<'de>>(
    from: D,
) -> Made<Option<T>, D::Error> {
    Ok(text(from)?.map(T::from))
}

/// A time with its offset (RFC 3339).
pub(super) fn moment<'de, D: Deserializer<'de>>(from: D) -> Made<Option<Timestamp>, D::Error> {
    let Some(text) = text(from)? else { return Ok(None) };
    match text.trim().parse() {
        Ok(at) => Ok(Some(at)),
        // The last day there is means without an end, and is no instant everywhere.
        Err(_) if text.trim().starts_with("9999-12-3") => Ok(Some(Timestamp::MAX)),
        Err(_) => Err(Error::custom("is not a time with its offset")),
    }
}

/// So too; one that cannot be read is none.
pub(super) fn maybe_moment<'de, D: Deserializer<'de>>(
    from: D,
) -> Made<Option<Timestamp>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(value.as_str().and_then(|text| text.trim().parse().ok()))
}

/// A day; of a time, its day where it was written.
pub(super) fn date<'de, D: Deserializer<'de>>(from: D) -> Made<Option<Date>, D::Error> {
    let Some(text) = text(from)? else { return Ok(None) };
    let day = text.trim();
    let day = match day.get(10..11) {
        Some("T" | "t" | " ") => &day[..10],
        _ => day,
    };
    day.parse().map(Some).map_err(|_| Error::custom("is not a date"))
}

/// Yes or no.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Made<Option<bool>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::Bool(yes) => Ok(Some(yes)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(Error::custom("is neither true nor false")),
    }
}

/// A whole number.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Made<Option<i64>, D::Error> {
    const EXPECTED: &str = "is not a whole number";
    let text = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text,
        _ => return Err(Error::custom(EXPECTED)),
    };
    let text = text.trim();
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole.parse().map(Some).map_err(|_| Error::custom(EXPECTED))
}

/// A list without its nulls; none is an empty one.
pub(super) fn list<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    from: D,
) -> Made<Vec<T>, D::Error> {
    let items = Option::<Vec<Option<T>>>::deserialize(from)?.unwrap_or_default();
    Ok(items.into_iter().flatten().collect())
}

/// A list of what could be read of it: for what one can do without.
pub(super) fn lax_list<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    from: D,
) -> Made<Vec<T>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Array(items) => {
            items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect()
        }
        _ => Vec::new(),
    })
}

/// A value that may be null.
pub(super) fn or_default<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(
    from: D,
) -> Made<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// A reference: an object with an id, or the id alone. One without an id refers to nothing.
pub(super) fn reference<'de, D: Deserializer<'de>>(from: D) -> Made<Option<Ref>, D::Error> {
    Ok(Loose::deserialize(from)?.0)
}

/// References; those to nothing are left out.
pub(super) fn references<'de, D: Deserializer<'de>>(from: D) -> Made<Vec<Ref>, D::Error> {
    let items = Option::<Vec<Loose>>::deserialize(from)?.unwrap_or_default();
    Ok(items.into_iter().filter_map(|item| item.0).collect())
}

/// A reference that may be none.
struct Loose(Option<Ref>);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Made<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Object {
            #[serde(default, deserialize_with = "text")]
            id: Option<CompactString>,
            #[serde(default, deserialize_with = "open")]
            security_marking: Option<SecurityMarking>,
        }
        Ok(Self(match Value::deserialize(from)? {
            Value::Null => None,
            Value::String(id) if id.trim().is_empty() => None,
            Value::String(id) => Some(Ref { id: id.into(), security_marking: None }),
            object @ Value::Object(_) => {
                let object: Object =
                    serde_json::from_value(object).map_err(|_| Error::custom("is no reference"))?;
                object.id.map(|id| Ref { id, security_marking: object.security_marking })
            }
            _ => return Err(Error::custom("is no reference")),
        }))
    }
}
