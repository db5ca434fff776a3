//! Whether the daemon that answers is of this program's version, and what to do when it is not. Decides from
//! what the daemon says of itself; may not ask anything.

use std::cmp::Ordering;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;

use crate::operate::{FORMAT, VERSION};
use crate::web::control::{FORMAT_HEADER, VERSION_HEADER};

/// What an answer says of who gave it.
#[derive(Debug, PartialEq, Eq)]
pub enum Kin {
    /// The same program.
    Same,
    /// Another version that can be understood; in words.
    Other(String),
    /// One whose documents mean something else; in words.
    Foreign(String),
}

/// Judges an answer. A daemon from before it said who it is, is known by its document's `format`.
pub fn judge(headers: &HeaderMap, body: &Bytes) -> Kin {
    #[derive(Deserialize)]
    struct Formed {
        format: u32,
    }
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let version = said(VERSION_HEADER).unwrap_or("of an unknown version");
    let format = match said(FORMAT_HEADER) {
        Some(format) => Some(format.to_owned()),
        None => serde_json::from_slice::<Formed>(body).ok().map(|doc| doc.format.to_string()),
    };
    match format {
        Some(format) if format != FORMAT.to_string() => Kin::Foreign(format!(
            "the daemon is upprop {version} and answers in format {format}, which this program ({VERSION}, \
             format {FORMAT}) does not know; {}",
            remedy(version)
        )),
        Some(_) if said(VERSION_HEADER).is_some_and(|version| version != VERSION) => {
            Kin::Other(format!(
                "note: the daemon is upprop {version}, this program {VERSION}; {}",
                remedy(version)
            ))
        }
        _ => Kin::Same,
    }
}

/// What to do about a daemon of another version.
fn remedy(daemon: &str) -> &'static str {
    match compared(daemon, VERSION) {
        Some(Ordering::Less) => {
            "the daemon still runs the older one: restart it (systemctl restart upprop)"
        }
        Some(Ordering::Greater) => {
            "this is an older copy: use the `upprop` that the daemon runs (systemctl cat upprop names it)"
        }
        _ => {
            "use the `upprop` that the daemon runs (systemctl cat upprop names it), or restart the daemon \
             after an upgrade"
        }
    }
}

/// Versions by their numbers; none where one has none, or only what follows the numbers differs.
fn compared(one: &str, other: &str) -> Option<Ordering> {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let plain = text.split(['-', '+']).next()?;
        plain.split('.').map(|part| part.parse().ok()).collect()
    };
    let order = numbers(one)?.cmp(&numbers(other)?);
    (order != Ordering::Equal).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(headers: &[(&'static str, &str)], body: &str) -> Kin {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a value"));
        }
        judge(&map, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn who_answers_is_told_by_header_or_document() {
        assert_eq!(judged(&[], r#"{"format":1}"#), Kin::Same);
        assert_eq!(judged(&[], r#"{"error":"x"}"#), Kin::Same);
        assert_eq!(judged(&[(FORMAT_HEADER, "1"), (VERSION_HEADER, VERSION)], "{}"), Kin::Same);
        for (version, words) in
            [("99.0.0", "older copy"), ("0.0.1", "restart it"), ("unknown", "or restart")]
        {
            let Kin::Other(told) = judged(&[(FORMAT_HEADER, "1"), (VERSION_HEADER, version)], "{}")
            else {
                panic!("{version}");
            };
            assert!(told.contains(words) && told.contains(version), "{told}");
        }
        for (headers, body) in [
            (&[(FORMAT_HEADER, "2"), (VERSION_HEADER, "99.0.0")][..], "{}"),
            (&[][..], r#"{"format":2}"#),
        ] {
            let Kin::Foreign(told) = judged(headers, body) else { panic!("{body}") };
            assert!(told.contains("format 2"), "{told}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(compared("0.9.0", "0.10.0"), Some(Ordering::Less));
        assert_eq!(compared("1.0.0-rc1", "1.0.0"), None);
        assert_eq!(compared("new", "1.0.0"), None);
    }
}
