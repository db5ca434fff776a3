//! A gateway's address, with placeholders in its path and query. Pure. Scheme and host are fixed: no
//! value chooses whom we speak to.

use http::Uri;

use super::{
    charset::Charset,
    escape,
    template::{Template, TemplateError, Values},
};
use crate::model::{Endpoint, EndpointError, PlainHttp};

/// An address whose path and query hold placeholders. No secret stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    base: Endpoint,
    path: Template,
    query: Vec<Template>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A placeholder or a brace at fault.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A placeholder in scheme or host.
    #[error("has a brace before its path: whom we speak to does not depend on a message")]
    Host,
    /// A text may be any text, `..` too, and a receipt address may be absent.
    #[error("holds {{{0}}} in its path, where it cannot stand; put it into the query or the body")]
    InPath(&'static str),
    /// Fragments are not sent.
    #[error("holds a #, and what comes after it is never sent")]
    Fragment,
    /// Not an address of a service.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl Address {
    /// Takes an address from configuration.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self, AddressError> {
        let host = text.find("://").map_or(0, |at| at + 3);
        let end = text[host..].find(['/', '?', '#']).map_or(text.len(), |at| host + at);
        let (base, rest) = text.split_at(end);
        if base.contains(['{', '}']) {
            return Err(AddressError::Host);
        }
        if rest.contains('#') {
            return Err(AddressError::Fragment);
        }
        let base = Endpoint::parse(base, plain)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = Template::parse(path)?;
        for name in ["text", "receipt-url"] {
            if path.asks_for(name) {
                return Err(AddressError::InPath(name));
            }
        }
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(Template::parse);
        let address = Self { base, path, query: query.collect::<Result<_, _>>()? };
        // What it is made of is fixed from here on, so that one that can be filled always can.
        let example = address
            .text(&Values::example(), Charset::Utf8, "")
            .ok_or(EndpointError::NotAbsolute)?;
        example.parse::<Uri>().map_err(|_| EndpointError::NotAbsolute)?;
        Ok(address)
    }

    /// Whether a placeholder stands in it.
    pub fn asks_for(&self, placeholder: &str) -> bool {
        self.path.asks_for(placeholder) || self.query.iter().any(|pair| pair.asks_for(placeholder))
    }

    /// With the values in, each percent-encoded, and `more`, already encoded, after its own query. A pair
    /// that asks for an absent value is left out.
    pub(super) fn fill(&self, values: &Values, charset: Charset, more: &str) -> Uri {
        let text = self.text(values, charset, more).expect("no value of a path is ever absent");
        text.parse().expect("the fixed parts were checked, and values are encoded")
    }

    fn text(&self, values: &Values, charset: Charset, more: &str) -> Option<String> {
        let fill = |template: &Template| {
            template.fill_with(values, literal, &|value| escape::url(&charset.encode(value)))
        };
        let pairs = self.query.iter().filter_map(fill);
        let more = Some(more.to_owned()).filter(|more| !more.is_empty());
        let query = pairs.chain(more).collect::<Vec<_>>().join("&");
        let base = self.base.uri().to_string();
        let mut text = format!("{}{}", base.trim_end_matches('/'), fill(&self.path)?);
        if !query.is_empty() {
            text.push('?');
            text.push_str(&query);
        }
        Some(text)
    }
}

/// Fixed text is encoded already, but for the braces that stand for themselves.
fn literal(text: &str) -> String {
    text.replace('{', "%7B").replace('}', "%7D")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::parse(text, PlainHttp::LoopbackOnly)
    }

    fn values(to: &str, text: &str) -> Values {
        Values { to: to.into(), text: text.into(), ..Values::example() }
    }

    #[test]
    fn placeholders_in_path_and_query() {
        for (address, more, expected) in [
            ("https://a.se", "", "https://a.se/"),
            ("https://a.se", "x=1", "https://a.se/?x=1"),
            ("https://a.se/s?v=2", "x=1", "https://a.se/s?v=2&x=1"),
            ("https://a.se:8443/to/{to}/send", "", "https://a.se:8443/to/%2B46701740605/send"),
            ("https://a.se/s?to={to}&m={text}", "", "https://a.se/s?to=%2B46701740605&m=a%26%2F.."),
            ("https://a.se?to={to}", "", "https://a.se/?to=%2B46701740605"),
            ("https://a.se/{{x}}?dlr={receipt-url}&v=%20", "", "https://a.se/%7Bx%7D?v=%20"),
            ("https://a.se/s?dlr={receipt-url}", "", "https://a.se/s"),
        ] {
            let filled =
                parse(address).unwrap().fill(&values("+46701740605", "a&/.."), Charset::Utf8, more);
            assert_eq!(filled.to_string(), expected, "{address}");
        }
        let address = parse("https://a.se/{id}?m={text}").unwrap();
        assert!(address.asks_for("id") && address.asks_for("text") && !address.asks_for("to"));
    }

    #[test]
    fn what_is_no_address() {
        use AddressError::{Endpoint, Fragment, Host, InPath};
        for (text, expected) in [
            ("https://{to}.a.se/", Host),
            ("{to}", Host),
            ("https://a.se/{text}", InPath("text")),
            ("https://a.se/{receipt-url}", InPath("receipt-url")),
            ("https://a.se/#{to}", Fragment),
            ("http://a.se/{to}", Endpoint(EndpointError::NotHttps)),
            ("https://u:p@a.se/{to}", Endpoint(EndpointError::Credentials)),
            ("https://a.se/å ä", Endpoint(EndpointError::NotAbsolute)),
            ("/send/{to}", Endpoint(EndpointError::NotAbsolute)),
            ("https://a.se/{too}", TemplateError::Unknown("too".into()).into()),
            ("https://a.se/{to", TemplateError::LoneBrace.into()),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_value_changes_the_address(to in "\\PC{1,20}", text in "\\PC{0,40}") {
            let address = parse("https://a.se/x/{to}/y?m={text}&z=1").unwrap();
            let filled = address.fill(&values(&to, &text), Charset::Utf8, "");
            prop_assert_eq!(filled.host(), Some("a.se"));
            prop_assert_eq!(filled.path().split('/').count(), 4);
            let pairs: Vec<(String, String)> =
                serde_urlencoded::from_str(filled.query().unwrap()).unwrap();
            prop_assert_eq!(pairs, [("m".to_owned(), text), ("z".to_owned(), "1".to_owned())]);
        }
    }
}
