//! One question to a source, before it is asked. Pure.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::settings::Resource;

/// One question.
pub(super) struct Ask {
    pub resource: Resource,
    pub method: Method,
    /// What follows the base and the resource.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
    /// Whether less may be asked for at a time.
    pub divisible: bool,
}

impl Ask {
    /// For people, without ids.
    pub fn words(&self) -> String {
        let place = if self.path.is_empty() { "" } else { "/…" };
        let place = if self.path == "/lookup" { "/lookup" } else { place };
        format!("{} /{}{place}", self.method, self.resource.as_str())
    }

    /// Whether a list is asked for.
    pub fn is_for_list(&self) -> bool {
        self.path == "/lookup" || (self.method == Method::GET && self.path.is_empty())
    }

    /// Whether asking twice is the same as asking once.
    pub fn is_repeatable(&self) -> bool {
        self.method != Method::POST || self.path == "/lookup"
    }
}

/// A query of our own words.
pub(super) fn owned(query: &[(&str, &str)]) -> Vec<(String, String)> {
    query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What need not be encoded stays as it is (RFC 3986 §2.3): some servers do not decode it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as the end of a path.
pub(super) fn segment(id: &str) -> String {
    format!("/{}", utf8_percent_encode(id, RESERVED))
}
