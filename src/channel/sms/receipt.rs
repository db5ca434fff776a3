//! What all providers' callbacks share: our own id in the query of the receipt address, and reading
//! forms. A report that comes before we have stored the provider's id still finds its message.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use crate::model::NotificationId;

/// The query parameter that carries our id.
pub const OWN_ID: &str = "n";

/// What the web answers to a callback that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// HTTP status.
    pub status: u16,
    /// Body; empty for almost all, because some providers text it on to the recipient.
    pub body: String,
}

impl Default for Ack {
    fn default() -> Self {
        Self { status: 204, body: String::new() }
    }
}

/// The receipt address with our id.
pub fn receipt_url(base: &str, id: &NotificationId) -> String {
    let joint = if base.contains('?') { '&' } else { '?' };
    format!("{base}{joint}{OWN_ID}={id}")
}

/// Our id in a callback's query; none if absent or not an id.
pub fn own_id(query: Option<&str>) -> Option<NotificationId> {
    let pairs = form(query.unwrap_or_default().as_bytes());
    value(&pairs, OWN_ID).and_then(|text| NotificationId::parse(text).ok())
}

/// Names and values of `application/x-www-form-urlencoded` bytes.
pub fn form(bytes: &[u8]) -> Vec<(String, String)> {
    // It takes any bytes: what is not `name=value` comes out as a name with an empty value.
    serde_urlencoded::from_bytes(bytes).unwrap_or_default()
}

/// The first value of that name.
pub fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// A provider's time: RFC 3339, or without a zone suffix (46elks: `2018-02-14T09:52:07.302000`), which
/// is UTC.
pub fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_and_without_a_zone() {
        let expected = "2026-10-06T08:16:02.5Z".parse().ok();
        for text in
            ["2026-10-06T08:16:02.5Z", "2026-10-06T10:16:02.5+02:00", "2026-10-06T08:16:02.500000"]
        {
            assert_eq!(time(text), expected, "{text}");
        }
        assert_eq!(time("igår"), None);
    }

    #[test]
    fn our_id_goes_out_and_comes_back() {
        let id = NotificationId::of(&["a"]);
        for base in ["https://u.se/receipts/elks/s3cret", "https://u.se/r?k=1"] {
            let url = receipt_url(base, &id);
            let (_, query) = url.split_once('?').unwrap();
            assert_eq!(own_id(Some(query)), Some(id.clone()), "{base}");
        }
        for query in [None, Some(""), Some("n="), Some("n=../../x"), Some("m=1"), Some("%")] {
            assert_eq!(own_id(query), None, "{query:?}");
        }
    }
}
