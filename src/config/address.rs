//! URLs and hosts as an operator writes them. Pure.

use super::reader::Reader;
use crate::model::endpoint;

/// Takes `http://` and `https://` URLs without user, query or fragment; a slash at the end goes.
pub(super) fn base_url(text: &str) -> Result<String, Option<String>> {
    let url = http_url(text)?;
    if url.contains('?') {
        return Err(None);
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// Takes `http://` and `https://` URLs without user or fragment.
pub(super) fn http_url(text: &str) -> Result<String, Option<String>> {
    let uri: http::Uri = text.parse().map_err(|_| None)?;
    let with_scheme =
        || (text.contains('.') && !text.contains("://")).then(|| format!("https://{text}"));
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(with_scheme());
    };
    let bad = authority.as_str().contains('@') || authority.host().is_empty() || text.contains('#');
    if !matches!(scheme, "http" | "https") || bad {
        return Err(None);
    }
    Ok(text.to_owned())
}

/// Reports an address that requests are sent to, when it is neither TLS nor this machine or when no
/// service can be there; `risk` is what could be read on the way.
pub(super) fn judge(reader: &Reader<'_>, key: &'static str, url: &str, risk: &str) {
    let uri: Option<http::Uri> = url.parse().ok();
    if let Some(fault) = uri.and_then(|uri| endpoint::fault_of_host(uri.host()?)) {
        reader.error(key, format!("`{key}` {fault}"), "write the service's own name or address");
    } else if is_exposed(url) {
        reader.error(
            key,
            format!("`{key}` is not https: {risk} could be read on the way"),
            "write https://…; http is for this machine only",
        );
    }
}

/// Whether what is sent there could be read on the way: neither TLS nor this machine.
pub(super) fn is_exposed(url: &str) -> bool {
    let uri: Option<http::Uri> = url.parse().ok();
    uri.is_none_or(|uri| {
        uri.scheme_str() != Some("https") && !is_loopback(uri.host().unwrap_or_default())
    })
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A host name or address without scheme, port or space.
pub(super) fn host(text: &str) -> Result<String, Option<String>> {
    let bare = text.trim_matches(['[', ']']);
    let name = !bare.is_empty()
        && bare.len() <= 253
        && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        && !bare.starts_with(['.', '-']);
    if name || bare.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(bare.to_owned());
    }
    let inner =
        text.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    Err((inner != text && host(inner).is_ok()).then(|| inner.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(base_url("https://api.example.se/"), Ok("https://api.example.se".into()));
        assert_eq!(base_url("api.example.se"), Err(Some("https://api.example.se".into())));
        for text in [
            "ftp://example.se",
            "https://user:pass@example.se",
            "https://a.se/?b=c",
            "https://",
            "x y",
            "https://a.se/#b",
        ] {
            assert!(base_url(text).is_err(), "{text}");
        }
        assert!(http_url("https://a.se/send?b=c").is_ok());
    }

    #[test]
    fn what_leaves_the_machine_in_the_clear() {
        for (url, exposed) in [
            ("http://127.0.0.1:8751", false),
            ("http://[::1]:8751", false),
            ("http://localhost/x", false),
            ("https://api.example.se", false),
            ("http://api.example.se", true),
            ("http://192.0.2.1", true),
        ] {
            assert_eq!(is_exposed(url), exposed, "{url}");
        }
    }

    #[test]
    fn hosts() {
        assert_eq!(host("relay.example.se"), Ok("relay.example.se".into()));
        assert_eq!(host("[::1]"), Ok("::1".into()));
        assert_eq!(host("smtp://relay.example.se:587"), Err(Some("relay.example.se".into())));
        assert_eq!(host("relay.example.se:587"), Err(Some("relay.example.se".into())));
        assert_eq!(host("a b"), Err(None));
    }
}
