//! Where delivery reports and callbacks may go: `http://` on this machine and nowhere else, so that a
//! stand-in cannot be used to reach others. Pure.

use std::net::IpAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{Uri, header::HeaderValue};

/// Where they go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) uri: Uri,
    pub(super) authorization: Option<HeaderValue>,
}

impl Target {
    /// Takes `http://` with a loopback host; a name and password before the host become HTTP Basic.
    pub(super) fn new(url: &str) -> Option<Self> {
        let given: Uri = url.parse().ok()?;
        let authority = given.authority()?.as_str();
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let host = given.host()?.trim_matches(['[', ']']);
        let local = host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if !local || given.scheme_str() != Some("http") {
            return None;
        }
        let uri = Uri::builder()
            .scheme("http")
            .authority(place)
            .path_and_query(given.path_and_query().map_or("/", |rest| rest.as_str()))
            .build()
            .ok()?;
        let authorization = match login {
            Some(login) => {
                let encoded = BASE64_STANDARD.encode(unescaped(login));
                Some(HeaderValue::try_from(format!("Basic {encoded}")).ok()?)
            }
            None => None,
        };
        Some(Self { uri, authorization })
    }
}

/// Percent-decoding (RFC 3986 §2.1); what is no escape stands for itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = if byte == b'%' { after.get(..2) } else { None };
        let value = escape.and_then(|two| std::str::from_utf8(two).ok());
        if let Some(value) = value.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(value);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        for url in [
            "http://127.0.0.1:8080/receipts/elks/x?id=1",
            "http://localhost/",
            "http://[::1]:80/r",
            "http://127.8.8.8/",
        ] {
            assert!(Target::new(url).is_some(), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "http://example.se/",
            "http://192.168.1.1/",
            "http://127.0.0.1@example.se/",
            "http://127.0.0.1.example.se/",
            "http://[::ffff:10.0.0.1]/",
            "http://0.0.0.0/",
            "file:///etc/passwd",
            "/receipts",
            "",
        ] {
            assert_eq!(Target::new(url), None, "{url}");
        }
    }

    #[test]
    fn a_name_and_password_become_basic() {
        let target = Target::new("http://us%65r:p%40ss@127.0.0.1:9/r?x=1").expect("local");
        assert_eq!(target.uri, "http://127.0.0.1:9/r?x=1");
        let expected = format!("Basic {}", BASE64_STANDARD.encode("user:p@ss"));
        assert_eq!(target.authorization.expect("set"), expected);
    }
}
