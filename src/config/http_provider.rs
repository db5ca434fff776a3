//! `kind = "http"`: any gateway that takes a text in one HTTP request, described by its operator
//! (providers.md §8), so that a municipality may keep the one it has bought.

mod answer;
mod identity;
mod read;
mod request;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use secrecy::SecretString;
use serde_json::Value;

use crate::model::Endpoint;

pub(super) use identity::identity;
pub(super) use read::idle;
pub(super) use request::{auth, idle_auth};

pub use crate::channel::sms::http::{BodyMethod, Charset, Escape, NumberFormat, PLACEHOLDERS};

/// How we say who we are.
#[derive(Debug, Clone)]
pub enum HttpAuth {
    /// Not in a header.
    None,
    /// HTTP Basic.
    Basic {
        /// The user's name.
        username: SecretString,
        /// The password.
        password: SecretString,
    },
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// So, with a token that a server hands out.
    Token(HttpToken),
    /// A header of the gateway's own.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: SecretString,
    },
}

/// An account with a server that hands out tokens (OAuth 2.0 client credentials, RFC 6749 §4.4).
#[derive(Debug, Clone)]
pub struct HttpToken {
    /// The token endpoint.
    pub url: Endpoint,
    /// The client's identifier.
    pub client_id: SecretString,
    /// The client's secret.
    pub client_secret: SecretString,
    /// What the token is to be good for.
    pub scope: Option<String>,
    /// Whether identifier and secret are sent as fields, and not as HTTP Basic.
    pub in_form: bool,
}

/// Who we are to TLS.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The certificate and those that lead to its root, as PEM.
    pub certificate: String,
    /// Its key, as PEM.
    pub key: SecretString,
}

/// Where the message goes.
#[derive(Debug, Clone, PartialEq)]
pub enum HttpBody {
    /// `application/x-www-form-urlencoded`: field name → text with [`PLACEHOLDERS`].
    Form(BTreeMap<String, String>),
    /// `application/json`: a document whose texts hold [`PLACEHOLDERS`].
    Json(Value),
    /// A GET with all of it in the URL.
    Query(BTreeMap<String, String>),
    /// An XML document whose texts and attributes hold [`PLACEHOLDERS`] and `{secret:NAME}`.
    Xml(String),
    /// A text in the gateway's own format, so too, and how values are written in it.
    Raw(String, Escape),
}

/// The gateway's own codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCodes {
    /// Where the code stands in the answer.
    pub at: String,
    /// This message will never be taken.
    pub permanent: Vec<String>,
    /// So, because the number is at fault.
    pub bad_number: Vec<String>,
    /// No message will be taken until somebody acts.
    pub config: Vec<String>,
    /// Certainly not taken; try again.
    pub retry: Vec<String>,
}

/// How to ask for a message by our id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLookup {
    /// The address, with `{id}`.
    pub url: String,
    /// JSON pointer to the gateway's reference in the answer.
    pub pointer: String,
}

/// How delivery reports are read. Places are names of form fields or query parameters, or JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReceipts {
    /// Where our id stands.
    pub id: Option<String>,
    /// Where the gateway's reference stands.
    pub reference: Option<String>,
    /// Where the status stands.
    pub status: String,
    /// Where the time stands.
    pub time: Option<String>,
    /// Words for *on its way*.
    pub sent: Vec<String>,
    /// Words for *delivered*.
    pub delivered: Vec<String>,
    /// Words for *will not be delivered*.
    pub undelivered: Vec<String>,
    /// The status that the gateway wants to hear.
    pub ack_status: u16,
    /// The body that it wants to hear.
    pub ack_body: String,
}

/// One gateway.
#[derive(Debug, Clone)]
pub struct HttpProvider {
    /// Where texts are sent.
    pub url: String,
    /// With which method, unless the body is a query.
    pub method: BodyMethod,
    /// As whom.
    pub auth: HttpAuth,
    /// As whom to TLS, where the gateway asks.
    pub identity: Option<ClientIdentity>,
    /// What is sent.
    pub body: HttpBody,
    /// In which bytes address and body are written.
    pub charset: Charset,
    /// What the body is called, where that is not what its kind is usually called.
    pub content_type: Option<String>,
    /// Secrets in the body: fields added as they are, or `{secret:NAME}`.
    pub secret_fields: BTreeMap<String, SecretString>,
    /// The header that carries our id, the same at every try of a message.
    pub idempotency_header: Option<String>,
    /// How `{to}` is written.
    pub number_format: NumberFormat,
    /// What `{encoding}` is for a text that fits GSM-7.
    pub encoding_gsm: String,
    /// What `{encoding}` is for a text that does not.
    pub encoding_unicode: String,
    /// Statuses that may mean accepted.
    pub success_status: RangeInclusive<u16>,
    /// What stands between the fields of an answer. Places are JSON pointers, numbers of fields, or
    /// regular expressions with one group.
    pub answer_delimiter: Option<String>,
    /// A place in the answer, and the values of which one must stand there too.
    pub success_test: Option<(String, Vec<String>)>,
    /// Where the gateway's reference stands.
    pub reference_at: Option<String>,
    /// Where the number of parts stands.
    pub parts_at: Option<String>,
    /// What the gateway's own codes mean.
    pub codes: Option<HttpCodes>,
    /// How to ask what became of a message.
    pub lookup: Option<HttpLookup>,
    /// How delivery reports are read.
    pub receipts: Option<HttpReceipts>,
}
