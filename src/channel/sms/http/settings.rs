//! What an operator says about a gateway we have no file for. Values only; each part is checked when
//! it is made, so that the adapter has nothing left to refuse.

use std::{collections::BTreeMap, ops::RangeInclusive};

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    address::Address,
    charset::Charset,
    place::{Place, Pointer},
    raw::RawTemplate,
    template::{JsonTemplate, Template},
    xml::XmlTemplate,
};
use crate::{
    channel::sms::receipt::Ack,
    model::ReceiptStatus,
    model::{Endpoint, EndpointError, PlainHttp, ProviderId},
};

/// A gateway that takes one message in one HTTP request.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where messages are submitted.
    pub url: Address,
    /// How we show who we are.
    pub auth: HttpAuth,
    /// The account for which the wire adds a token or a client certificate, if it does.
    pub account: Option<ProviderId>,
    /// The request's method and content.
    pub body: HttpBody,
    /// In which bytes address and body are written; JSON is UTF-8 always.
    pub charset: Charset,
    /// What the body is called, where that is not what its kind is usually called.
    pub content_type: Option<ContentType>,
    /// Secrets that stand in the body: fields of a form, a query or a document, added as they are; in
    /// other bodies, `{secret:NAME}`.
    pub secret_fields: BTreeMap<String, SecretString>,
    /// The header that carries our id, the same at every try of a message, for gateways that send a
    /// message once however often it is submitted (draft-ietf-httpapi-idempotency-key-header).
    pub idempotency_header: Option<HeaderName>,
    /// How the recipient's number is written.
    pub number: NumberFormat,
    /// What `{encoding}` stands for.
    pub encoding: Encoding,
    /// When an answer means that the message was taken.
    pub success: Success,
    /// Where the gateway's id of the message stands in the answer. Without a success test, an answer
    /// without the id leaves the attempt in doubt.
    pub reference: Option<Place>,
    /// Where the number of parts stands.
    pub parts: Option<Place>,
    /// What the gateway's own codes mean.
    pub codes: Option<Codes>,
    /// How to ask for a message by our id.
    pub lookup: Option<HttpLookup>,
    /// How delivery reports are read.
    pub receipts: Option<HttpReceipts>,
}

impl HttpSettings {
    /// Whether a placeholder stands anywhere in the request.
    pub fn asks_for(&self, placeholder: &str) -> bool {
        self.url.asks_for(placeholder) || self.body.asks_for(placeholder)
    }
}

/// How we show who we are.
#[derive(Debug, Clone)]
pub enum HttpAuth {
    /// Not in a header.
    None,
    /// `Authorization: Basic` (RFC 7617).
    Basic {
        /// User name.
        username: SecretString,
        /// Password.
        password: SecretString,
    },
    /// `Authorization: Bearer` (RFC 6750).
    Bearer(HeaderSecret),
    /// So, with a token that the wire keeps for the account (RFC 6749 §4.4).
    Token,
    /// A header of the gateway's own.
    Header {
        /// Its name.
        name: HeaderName,
        /// Its value.
        value: HeaderSecret,
    },
}

/// The name of a header that may be added to a request: any but those that the request is made of.
///
/// # Errors
/// When it is no header's name (RFC 9110 §5.1), or one that says how the body is to be read.
pub fn free_header(text: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(text.as_bytes())
        .map_err(|_| "is not the name of a header, as X-Api-Key".to_owned())?;
    match name.as_str() {
        "connection" | "content-encoding" | "content-length" | "content-type" | "expect"
        | "host" | "te" | "trailer" | "transfer-encoding" | "upgrade" => {
            Err(format!("is {name}, which the request itself is made of"))
        }
        _ => Ok(name),
    }
}

/// A secret that fits into a header.
#[derive(Debug, Clone)]
pub struct HeaderSecret(SecretString);

impl HeaderSecret {
    /// Takes a token from a file.
    ///
    /// # Errors
    /// When it is empty or holds anything but visible ASCII characters; often a line end of its file.
    pub fn new(secret: SecretString) -> Result<Self, String> {
        let text = secret.expose_secret();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("is empty or holds a space, line end or non-ASCII character".into());
        }
        Ok(Self(secret))
    }

    /// Takes the whole value of a header from a file. It may hold a scheme, as `App 0123abcd`: spaces
    /// within are allowed (RFC 9110 §5.5).
    ///
    /// # Errors
    /// When it is empty, begins or ends with a space, or holds anything else but visible ASCII.
    pub fn value(secret: SecretString) -> Result<Self, String> {
        let text = secret.expose_secret();
        let plain = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if text.is_empty() || text.trim() != text || !plain {
            return Err("is empty, begins or ends with a space, or holds a line end or non-ASCII \
                        character"
                .into());
        }
        Ok(Self(secret))
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// The request's method and content.
#[derive(Debug, Clone)]
pub enum HttpBody {
    /// `application/x-www-form-urlencoded`, names and values in this order.
    Form(BodyMethod, Vec<(String, Template)>),
    /// `application/json`.
    Json(BodyMethod, JsonTemplate),
    /// An XML document.
    Xml(BodyMethod, XmlTemplate),
    /// A text in a format of the gateway's own.
    Raw(BodyMethod, RawTemplate),
    /// A `GET` with everything in the query. The last resort: queries are written to logs on the way.
    Query(Vec<(String, Template)>),
}

impl HttpBody {
    /// Whether a placeholder stands anywhere in it.
    pub fn asks_for(&self, placeholder: &str) -> bool {
        match self {
            Self::Form(_, fields) | Self::Query(fields) => {
                fields.iter().any(|(_, template)| template.asks_for(placeholder))
            }
            Self::Json(_, template) => template.asks_for(placeholder),
            Self::Xml(_, template) => template.asks_for(placeholder),
            Self::Raw(_, template) => template.asks_for(placeholder),
        }
    }

    /// All text in it that is the operator's.
    pub(super) fn fixed(&self) -> String {
        match self {
            Self::Form(_, fields) | Self::Query(fields) => {
                fields.iter().flat_map(|(name, text)| [name.clone(), text.outline('\0')]).collect()
            }
            Self::Json(..) => String::new(),
            Self::Xml(_, template) => template.template().outline('\0'),
            Self::Raw(_, template) => template.template().outline('\0'),
        }
    }

    /// The template in which secret fields are called by their names; none where they are added.
    pub(super) fn written(&self) -> Option<&Template> {
        match self {
            Self::Xml(_, template) => Some(template.template()),
            Self::Raw(_, template) => Some(template.template()),
            Self::Form(..) | Self::Query(_) | Self::Json(..) => None,
        }
    }

    /// The names of its fields; of a document, those at its top.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Form(_, fields) | Self::Query(fields) => {
                fields.iter().map(|(name, _)| name.as_str()).collect()
            }
            Self::Json(_, template) => template.names(),
            Self::Xml(..) | Self::Raw(..) => Vec::new(),
        }
    }
}

/// A media type (RFC 9110 §8.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType(pub(super) HeaderValue);

impl ContentType {
    /// Takes a media type from configuration, with its parameters.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let kind = text.split(';').next().unwrap_or_default().trim_end();
        let token = |part: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
            !part.is_empty() && part.bytes().all(plain)
        };
        let named = kind.split_once('/').is_some_and(|(top, sub)| token(top) && token(sub));
        match HeaderValue::from_str(text) {
            Ok(value) if named && text.is_ascii() => Ok(Self(value)),
            _ => Err("is no media type, as text/xml; charset=utf-8".into()),
        }
    }

    /// The value of its parameter `charset`, in lower case.
    pub(super) fn charset(&self) -> Option<String> {
        self.0.to_str().ok()?.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"').to_lowercase();
            name.trim().eq_ignore_ascii_case("charset").then_some(value)
        })
    }
}

/// Methods that carry a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyMethod {
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
}

/// How the recipient's number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumberFormat {
    /// `+46701740605`.
    #[default]
    Plus,
    /// `46701740605`.
    Digits,
    /// `0046701740605`.
    DoubleZero,
    /// `0701740605` for a Swedish number, as [`NumberFormat::DoubleZero`] for others.
    National,
}

/// What `{encoding}` stands for, for gateways that must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// When the text fits GSM-7.
    pub gsm: String,
    /// When it needs UCS-2.
    pub unicode: String,
}

impl Encoding {
    /// For a text that needs UCS-2, or does not.
    pub(super) fn of(&self, unicode: bool) -> &str {
        if unicode { &self.unicode } else { &self.gsm }
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Self { gsm: "text".into(), unicode: "unicode".into() }
    }
}

/// When an answer means that the message was taken: all of it must hold.
#[derive(Debug, Clone)]
pub struct Success {
    /// The HTTP status.
    pub statuses: RangeInclusive<u16>,
    /// A place in the answer and the values it may have (a number is compared by its digits).
    pub test: Option<(Place, Vec<String>)>,
}

impl Default for Success {
    fn default() -> Self {
        Self { statuses: 200..=299, test: None }
    }
}

/// The gateway's own codes. They count before the HTTP status.
#[derive(Debug, Clone)]
pub struct Codes {
    /// Where the code stands in the answer.
    pub at: Place,
    /// This message will never be taken.
    pub permanent: Vec<String>,
    /// So, because the number is at fault.
    pub bad_contact: Vec<String>,
    /// The account, credit or sender is at fault.
    pub config: Vec<String>,
    /// Certainly not taken; may be tried again.
    pub retry: Vec<String>,
}

/// How to ask for a message by our id. The request is a `GET` with the same authorisation.
#[derive(Debug, Clone)]
pub struct HttpLookup {
    /// The address.
    pub url: LookupUrl,
    /// Where the gateway's id of the message stands in the answer, as `/batches/0/id`. 404 with
    /// JSON, and an empty list or `null` on the way there, mean that the gateway does not have it.
    pub reference: Pointer,
}

/// The address of a look-up, with `{id}` in its path or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupUrl(String);

impl LookupUrl {
    /// Takes an address from configuration.
    ///
    /// # Errors
    /// When `{id}` is not in its path or query, or it is not an [`Endpoint`].
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self, String> {
        let path = text.find("://").and_then(|at| text[at + 3..].find('/').map(|p| at + 3 + p));
        if !path.is_some_and(|path| text[path..].contains("{id}")) {
            return Err("has no {id} in its path or query".into());
        }
        let example = text.replace("{id}", "0");
        Endpoint::parse(&example, plain).map_err(|error: EndpointError| error.to_string())?;
        Ok(Self(text.into()))
    }

    /// With our id, which is hexadecimal digits and so needs no encoding.
    pub(super) fn with(&self, id: &crate::model::NotificationId) -> String {
        self.0.replace("{id}", id.as_str())
    }
}

/// How delivery reports are read: from a form, a JSON object, or the callback's query.
#[derive(Debug, Clone)]
pub struct HttpReceipts {
    /// Where our id stands, if the gateway hands it back. The one in `{receipt-url}` counts first.
    pub id: Option<FieldName>,
    /// Where the gateway's id stands.
    pub reference: Option<FieldName>,
    /// Where the status stands.
    pub status: FieldName,
    /// Where the time stands (RFC 3339, or without a zone in UTC).
    pub at: Option<FieldName>,
    /// What statuses mean. Others are passed over: a gateway reports more than we follow.
    pub statuses: BTreeMap<String, ReceiptStatus>,
    /// What the gateway wants to hear.
    pub ack: Ack,
}

/// The name of a form field or query parameter, or a JSON pointer (which begins with `/`).
pub type FieldName = String;
