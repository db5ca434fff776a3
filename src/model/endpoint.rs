//! Addresses of services we call: an absolute URL that may carry secrets and personal data, so it
//! must be `https`, or plain `http` to this very machine. Pure; the wire asks the same question
//! again before it opens a connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// See [`is_no_service`].
    #[error("is link-local, multicast, unspecified or a cloud's metadata: no gateway is there")]
    NoService,
    /// A number that one reader takes for an address and another does not, as `0x7f.1`.
    #[error("ends in a number and is no IPv4 address of four decimal numbers, as 192.0.2.1")]
    Number,
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
    if let Some(fault) = fault_of_host(authority.host()) {
        return Err(fault);
    }
    let allowed = *scheme == Scheme::HTTPS
        || *scheme == Scheme::HTTP
            && (plain == PlainHttp::Anywhere || is_loopback(authority.host()));
    if allowed { Ok(()) } else { Err(EndpointError::NotHttps) }
}

/// What is wrong with a host, as written in a URL.
pub fn fault_of_host(host: &str) -> Option<EndpointError> {
    if let Ok(address) = bare(host).parse::<IpAddr>() {
        return is_no_service(address).then_some(EndpointError::NoService);
    }
    // The URL Standard ("ends in a number") makes an address of these, in octal and hexadecimal too.
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
        || last.len() >= 2 && last.as_bytes()[..2].eq_ignore_ascii_case(b"0x");
    is_number.then_some(EndpointError::Number)
}

/// Whether no gateway can be at an address, whoever says so: link-local (where clouds hand out their
/// machines' credentials), what clouds use beside it, multicast, unspecified and reserved ones. Those
/// of private networks are not among them: gateways stand there, and over `https` show who they are.
pub fn is_no_service(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.octets()[0] == 0
                || v4.octets()[0] >= 224
                || v4.is_link_local()
                || CLOUDS_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || CLOUDS_V6.contains(&v6)
                || inner(v6).is_some_and(|v4| is_no_service(v4.into()))
        }
    }
}

/// Metadata services outside the link: Alibaba's, Azure's; Amazon's, Google's.
const CLOUDS_V4: [Ipv4Addr; 2] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
const CLOUDS_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// The IPv4 address inside an IPv6 one: mapped or compatible (RFC 4291 §2.5.5), NAT64 (RFC 6052),
/// 6to4 (RFC 3056).
fn inner(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let words = v6.segments();
    let of = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match words[..6] {
        [0, 0, 0, 0, 0, 0] if v6 != Ipv6Addr::LOCALHOST => of(words[6], words[7]),
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => of(words[6], words[7]),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

/// A host without the brackets around an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

/// Whether a host, as written in a URL or a setting, is this machine.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || bare(host).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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
    fn no_service_is_at_some_addresses_however_they_are_written() {
        use EndpointError::{NoService, NotAbsolute, Number};
        for (host, expected) in [
            ("169.254.169.254", Some(NoService)),
            ("169.254.169.254.", Some(Number)),
            ("[::ffff:169.254.169.254]", Some(NoService)),
            ("[::ffff:a9fe:a9fe]", Some(NoService)),
            ("[::169.254.169.254]", Some(NoService)),
            ("[64:ff9b::169.254.169.254]", Some(NoService)),
            ("[2002:a9fe:a9fe::1]", Some(NoService)),
            ("[fe80::1]", Some(NoService)),
            ("[fd00:ec2::254]", Some(NoService)),
            ("100.100.100.200", Some(NoService)),
            ("168.63.129.16", Some(NoService)),
            ("0.0.0.0", Some(NoService)),
            ("[::]", Some(NoService)),
            ("224.0.0.1", Some(NoService)),
            ("255.255.255.255", Some(NoService)),
            ("[ff02::1]", Some(NoService)),
            ("2852039166", Some(Number)),
            ("0xA9FEA9FE", Some(Number)),
            ("0xa9.254.0251.0376", Some(Number)),
            ("169.254.43518", Some(Number)),
            ("127.1", Some(Number)),
            ("0177.0.0.1", Some(Number)),
            ("a.se.0x7f", Some(Number)),
            ("%31%36%39.254.169.254", Some(NotAbsolute)),
            ("a.se\\.b.se", Some(NotAbsolute)),
            ("１６９.254.169.254", Some(NotAbsolute)),
            ("a.se", None),
            ("a.se.", None),
            ("7.a.se", None),
            ("10.0.0.1", None),
            ("192.168.1.1", None),
            ("[::1]", None),
            ("[fd12:3456::1]", None),
            ("[2001:db8::1]", None),
        ] {
            let got = Endpoint::parse(&format!("https://{host}/x"), PlainHttp::LoopbackOnly);
            assert_eq!(got.err(), expected, "{host}");
        }
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
