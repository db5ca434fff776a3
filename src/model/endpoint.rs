//! Addresses of services we call: an absolute URL that may carry secrets and personal data, so it
//! must be `https`, or plain `http` to this very machine. Pure; the wire asks the same question
//! again before it opens a connection.

use std::net::IpAddr;

use http::{Uri, uri::PathAndQuery, uri::Scheme};

/// Where plain `http` may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlainHttp {
    /// Only to a loopback host: `localhost`, `127.0.0.0/8`, `[::1]`.
    #[default]
    LoopbackOnly,
    /// Anywhere, by the operator's explicit setting.
    Anywhere,
}

/// Why a URL cannot be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL with scheme and host.
    #[error("is not an absolute URL, as https://api.example.se/sms")]
    NotAbsolute,
    /// Neither `https` nor an allowed `http`.
    #[error("is not https; plain http is for a service on this machine only")]
    NotHttps,
    /// A user name or password before the host.
    #[error("holds a user name or password; give them by their own settings")]
    Credentials,
}

/// The base of a service: checked once, so that a request can be built without a way to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Uri);

impl Endpoint {
    /// Takes a URL from configuration.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self, EndpointError> {
        let uri: Uri = text.parse().map_err(|_| EndpointError::NotAbsolute)?;
        check(&uri, plain)?;
        Ok(Self(uri))
    }

    /// The URL as given.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// The URL with `path` (which starts with `/`) after its own, and `query`, already encoded.
    pub fn join(&self, path: &str, query: &str) -> Uri {
        let base = self.0.path().trim_end_matches('/');
        let text = if query.is_empty() {
            format!("{base}{path}")
        } else {
            format!("{base}{path}?{query}")
        };
        self.with(&text)
    }

    /// The URL as given, with `query`, already encoded, after its own.
    pub fn with_query(&self, query: &str) -> Uri {
        let path = self.0.path();
        let text = match self.0.query() {
            _ if query.is_empty() => return self.0.clone(),
            Some(own) => format!("{path}?{own}&{query}"),
            None => format!("{path}?{query}"),
        };
        self.with(&text)
    }

    fn with(&self, path_and_query: &str) -> Uri {
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query =
            Some(path_and_query.parse::<PathAndQuery>().expect("callers give an encoded path"));
        Uri::from_parts(parts).expect("scheme and host were checked when parsed")
    }
}

/// Whether a request may go to `uri`.
///
/// # Errors
/// See [`EndpointError`].
pub fn check(uri: &Uri, plain: PlainHttp) -> Result<(), EndpointError> {
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(EndpointError::NotAbsolute);
    };
    if authority.host().is_empty() {
        return Err(EndpointError::NotAbsolute);
    }
    if authority.as_str().contains('@') {
        return Err(EndpointError::Credentials);
    }
    let allowed = *scheme == Scheme::HTTPS
        || *scheme == Scheme::HTTP
            && (plain == PlainHttp::Anywhere || is_loopback(authority.host()));
    if allowed { Ok(()) } else { Err(EndpointError::NotHttps) }
}

/// Whether a host, as written in a URL or a setting, is this machine.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leaves_the_machine() {
        use EndpointError::{Credentials, NotAbsolute, NotHttps};
        for (text, expected) in [
            ("https://api.example.se", Ok(())),
            ("https://api.example.se:8443/a1", Ok(())),
            ("http://127.0.0.1:8080", Ok(())),
            ("http://[::1]:8080", Ok(())),
            ("http://LocalHost/x", Ok(())),
            ("http://api.example.se", Err(NotHttps)),
            ("http://127.0.0.1.example.se", Err(NotHttps)),
            ("http://localhost.example.se", Err(NotHttps)),
            ("http://10.0.0.1", Err(NotHttps)),
            ("ftp://127.0.0.1", Err(NotHttps)),
            ("https://u:p@api.example.se", Err(Credentials)),
            ("http://127.0.0.1@api.example.se", Err(Credentials)),
            ("api.example.se", Err(NotAbsolute)),
            ("/a1/sms", Err(NotAbsolute)),
            ("", Err(NotAbsolute)),
        ] {
            let got = Endpoint::parse(text, PlainHttp::LoopbackOnly).map(|_| ());
            assert_eq!(got, expected, "{text:?}");
        }
        assert!(Endpoint::parse("http://sms.internal", PlainHttp::Anywhere).is_ok());
        assert!(Endpoint::parse("ftp://sms.internal", PlainHttp::Anywhere).is_err());
    }

    #[test]
    fn joins_under_the_base() {
        let parse = |text| Endpoint::parse(text, PlainHttp::LoopbackOnly).unwrap();
        for (base, expected) in [
            ("https://api.example.se", "https://api.example.se/a1/sms?to=%2B46"),
            ("https://api.example.se/", "https://api.example.se/a1/sms?to=%2B46"),
            ("https://api.example.se/v2/", "https://api.example.se/v2/a1/sms?to=%2B46"),
        ] {
            assert_eq!(parse(base).join("/a1/sms", "to=%2B46").to_string(), expected);
        }
        assert_eq!(
            parse("https://a.se/x?k=1").with_query("b=2").to_string(),
            "https://a.se/x?k=1&b=2"
        );
        assert_eq!(parse("https://a.se/x").with_query("").to_string(), "https://a.se/x");
    }
}
