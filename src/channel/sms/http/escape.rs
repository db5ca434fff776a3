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

/// A name or value of `application/x-www-form-urlencoded` (WHATWG URL §5.2).
pub(super) fn form(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                out.push(char::from(*byte));
            }
            b' ' => out.push('+'),
            other => write!(out, "%{other:02X}").expect("a String takes all"),
        }
    }
    out
}

/// The inside of a JSON string (RFC 8259 §7).
pub(super) fn json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Text between tags. What XML 1.0 §2.2 has no way to write is replaced.
pub(super) fn xml_text(value: &str) -> String {
    xml(value, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        // A reader would make a line feed of it (§2.11).
        '\r' => Some("&#13;"),
        _ => None,
    })
}

/// An attribute's value between either quotation marks; a reader would make spaces of line ends and tabs
/// (§3.3.3).
pub(super) fn xml_attribute(value: &str) -> String {
    xml(value, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

/// Inside a CDATA section, which is left for each `>`, so that none ends it, whatever stands before.
pub(super) fn xml_cdata(value: &str) -> String {
    xml(value, |c| match c {
        '>' => Some("]]>&gt;<![CDATA["),
        '\r' => Some("]]>&#13;<![CDATA["),
        _ => None,
    })
}

fn xml(value: &str, special: impl Fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        let known = c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}' || "\t\n\r".contains(c);
        match special(c) {
            Some(text) => out.push_str(text),
            None if known => out.push(c),
            None => out.push(char::REPLACEMENT_CHARACTER),
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
        fn a_form_is_that_of_the_standard(value in any::<String>()) {
            let known = serde_urlencoded::to_string([("a", &value)]).unwrap();
            prop_assert_eq!(format!("a={}", form(value.as_bytes())), known);
        }

        #[test]
        fn a_value_comes_back_from_a_query(value in "\\PC{0,40}") {
            let query = format!("a={}", url(value.as_bytes()));
            let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&query).unwrap();
            prop_assert_eq!(pairs, [("a".to_owned(), value)]);
        }
    }
}
