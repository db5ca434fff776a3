//! How a value is written so that it cannot end where it stands: in a URL, and in other syntaxes that
//! bodies are made of. Pure.

use std::fmt::Write as _;

/// Percent-encodes all bytes but the unreserved ones (RFC 3986 §2.3), which is right in a segment of a
/// path and in a query alike.
pub(super) fn url(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            other => write!(out, "%{other:02X}").expect("a String takes all"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_in_an_address() {
        for (value, expected) in [
            ("+46701740605", "%2B46701740605"),
            ("a b&c=d/e?f#g", "a%20b%26c%3Dd%2Fe%3Ff%23g"),
            ("Åsa-1._~", "%C3%85sa-1._~"),
        ] {
            assert_eq!(url(value.as_bytes()), expected);
        }
    }

    proptest! {
        #[test]
        fn a_value_comes_back_from_a_query(value in "\\PC{0,40}") {
            let query = format!("a={}", url(value.as_bytes()));
            let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&query).unwrap();
            prop_assert_eq!(pairs, [("a".to_owned(), value)]);
        }
    }
}
