//! CloudEvents 1.0 as an envelope: from attributes and data to the fields of one event. Sources:
//! CloudEvents core specification 1.0.2 section 3, JSON event format section 3, HTTP protocol
//! binding section 3.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::explain::{Fault, kind, one_of};
use super::wire::TYPES;
use crate::model::{EventId, IdError, shown};

/// The HTTP header prefix of attributes in binary mode.
pub(super) const PREFIX: &str = "ce-";

/// One event out of its envelope: the fields as the native form has them, and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Opened {
    /// One of [`TYPES`].
    pub kind: &'static str,
    /// With `id` and `school`, without `type`.
    pub fields: Value,
    /// The attribute that named the school, unless `data` did.
    school_from: Option<String>,
    prefix: &'static str,
}

impl Opened {
    /// Tells a fault in the fields by the place the sender wrote it.
    pub fn relocate(&self, fault: Fault) -> Fault {
        let path = match (fault.path.as_str(), &self.school_from) {
            ("id", _) => format!("{}id", self.prefix),
            ("school", Some(attribute)) => attribute.clone(),
            (path, _) => format!("data.{path}"),
        };
        Fault { path, ..fault }
    }
}

/// Opens an event in structured mode, or one of a batch.
///
/// # Errors
/// The first fault of the envelope.
pub(super) fn open_structured(mut event: Map<String, Value>) -> Result<Opened, Fault> {
    if event.contains_key("data_base64") {
        return Err(fault("data_base64", "is not read here; put the fields as JSON in data"));
    }
    let Some(data) = event.remove("data") else { return Err(fault("data", "is missing")) };
    let mut attributes = BTreeMap::new();
    for (name, value) in event {
        match value {
            Value::String(text) => drop(attributes.insert(name, text)),
            // Absent, says the JSON event format, section 2.2.
            Value::Null => {}
            other
                if matches!(
                    name.as_str(),
                    "specversion" | "id" | "source" | "type" | "subject" | "school"
                ) =>
            {
                return Err(fault(&name, &format!("must be a string, not {}", kind(Some(&other)))));
            }
            _ => {}
        }
    }
    if attributes.get("datacontenttype").is_some_and(|media| !is_json(media)) {
        return Err(fault("datacontenttype", "must be application/json"));
    }
    open(&attributes, data, "")
}

/// Opens an event in binary mode: attributes in headers, data in the body.
///
/// # Errors
/// The first fault of the envelope.
pub(super) fn open_binary(headers: &HeaderMap, data: Value) -> Result<Opened, Fault> {
    let mut attributes = BTreeMap::new();
    for name in headers.keys() {
        let Some(attribute) = name.as_str().strip_prefix(PREFIX) else { continue };
        let mut values = headers.get_all(name).iter();
        if let (Some(value), None) = (values.next(), values.next()) {
            let text = header_text(value.as_bytes()).map_err(|what| fault(name.as_str(), what))?;
            attributes.insert(attribute.to_owned(), text);
        } else {
            return Err(fault(name.as_str(), "appears twice"));
        }
    }
    open(&attributes, data, PREFIX)
}

/// Whether the headers hold an event in binary mode.
pub(super) fn is_binary(headers: &HeaderMap) -> bool {
    ["ce-specversion", "ce-id", "ce-source", "ce-type"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// Whether a media type is JSON: `application/json`, `text/json` or any `…+json` (RFC 6839).
pub(super) fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

fn open(
    attributes: &BTreeMap<String, String>,
    data: Value,
    prefix: &'static str,
) -> Result<Opened, Fault> {
    let required = |name: &str| {
        attributes
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| fault(&format!("{prefix}{name}"), "is missing or empty"))
    };
    if required("specversion")? != "1.0" {
        return Err(fault(&format!("{prefix}specversion"), "must be 1.0"));
    }
    let (id, source, full_type) = (required("id")?, required("source")?, required("type")?);
    let kind = TYPES
        .into_iter()
        .find(|known| {
            full_type
                .strip_suffix(known)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
        .ok_or_else(|| fault(&format!("{prefix}type"), &one_of(full_type, &TYPES)))?;
    let Value::Object(mut fields) = data else {
        return Err(fault(
            "data",
            &format!("must be an object, not {}", super::explain::kind(Some(&data))),
        ));
    };
    for name in ["id", "type"] {
        if fields.contains_key(name) {
            return Err(fault(
                &format!("data.{name}"),
                &format!("belongs in the attribute {name} alone"),
            ));
        }
    }
    let mut school_from = None;
    let attribute = ["school", "subject"]
        .into_iter()
        .find_map(|name| attributes.get(name).map(|text| (name, text)));
    match (fields.get("school"), attribute) {
        (None, Some((name, school))) => {
            fields.insert("school".to_owned(), Value::from(school.as_str()));
            school_from = Some(format!("{prefix}{name}"));
        }
        // A subject may well be something else than the school; an attribute `school` may not.
        (Some(inner), Some(("school", outer))) if inner.as_str() != Some(outer) => {
            return Err(fault("data.school", "differs from the attribute school"));
        }
        _ => {}
    }
    fields.insert("id".to_owned(), Value::from(event_id(source, id)));
    Ok(Opened { kind, fields: Value::Object(fields), school_from, prefix })
}

/// The pair that is unique by the core specification (section 3.1, `id`) as one id: both as they
/// are where that fits, else their hash. A `|` cannot occur in a source, which is a URI reference.
fn event_id(source: &str, id: &str) -> String {
    let joined = format!("{source}|{id}");
    if !source.contains('|') && EventId::new(joined.as_str()) != Err(IdError::TooLong) {
        return joined;
    }
    let mut hash = Sha256::new();
    hash.update((source.len() as u64).to_be_bytes());
    hash.update(source.as_bytes());
    hash.update(id.as_bytes());
    format!("sha256:{}", crate::model::hex(hash.finalize().as_slice()))
}

/// Undoes double quotes, then one round of percent-encoding (HTTP binding section 3.1.3.2).
fn header_text(bytes: &[u8]) -> Result<String, &'static str> {
    let mut plain = Vec::with_capacity(bytes.len());
    if let [b'"', quoted @ .., b'"'] = bytes {
        let mut quoted = quoted.iter();
        while let Some(byte) = quoted.next() {
            plain.push(*if *byte == b'\\' { quoted.next().unwrap_or(byte) } else { byte });
        }
    } else {
        plain.extend_from_slice(bytes);
    }
    let mut out = Vec::with_capacity(plain.len());
    let mut rest = plain.as_slice();
    while let [first, tail @ ..] = rest {
        let hex =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(out).map_err(|_| "is not UTF-8 after percent-decoding")
}

fn fault(path: &str, what: &str) -> Fault {
    Fault { path: shown(path, 64), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_unquoted_and_decoded_once() {
        for (raw, text) in [
            (&b"plain"[..], Ok("plain")),
            (b"Euro%20%E2%82%AC%20%F0%9F%98%80", Ok("Euro \u{20ac} \u{1f600}")),
            (b"%c3%a5", Ok("\u{e5}")),
            (b"100%", Ok("100%")),
            (b"%zz", Ok("%zz")),
            (b"%2541", Ok("%41")),
            (b"\"a \\\"b\\\\\"", Ok("a \"b\\")),
            (b"%C0%A0", Err(())),
            (b"%ff", Err(())),
        ] {
            assert_eq!(header_text(raw).as_deref().map_err(|_| ()), text, "{raw:?}");
        }
    }

    #[test]
    fn two_senders_never_share_an_event_id() {
        assert_eq!(event_id("/dexter", "1"), "/dexter|1");
        assert_ne!(event_id("a|b", "c"), event_id("a", "b|c"));
        assert_ne!(event_id(&"a".repeat(200), "1"), event_id(&"a".repeat(200), "2"));
        assert_ne!(event_id(&"a".repeat(200), "b"), event_id(&"a".repeat(199), "ab"));
        assert_eq!(event_id(&"a".repeat(200), "1").len(), 71);
    }
}
