//! A message → the request that submits it. Pure; every part of the settings was checked when it was
//! made, so that only a text in a script that the gateway cannot carry is left to refuse.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
    request::Builder,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    charset::Charset,
    escape,
    settings::{BodyMethod, HttpAuth, HttpBody, HttpSettings, NumberFormat},
    template::{Template, Values},
};
use crate::{
    channel::sms::{SmsMessage, auth, receipt},
    model::{OnBehalfOf, Outcome, Phone},
};

impl HttpSettings {
    /// The request that submits a message, or why it never can be.
    pub(super) fn request(&self, message: &SmsMessage) -> Result<Request<Bytes>, Outcome> {
        let values = self.values(message)?;
        let charset = self.charset;
        let (method, query, body) = match &self.body {
            HttpBody::Query(fields) => (Method::GET, self.form(fields, &values), Vec::new()),
            HttpBody::Form(method, fields) => {
                (method.into(), String::new(), self.form(fields, &values).into())
            }
            HttpBody::Json(method, template) => {
                let mut document = template.fill(&values);
                if let Value::Object(object) = &mut document {
                    for (name, value) in &self.secret_fields {
                        object.insert(name.clone(), value.expose_secret().into());
                    }
                }
                (method.into(), String::new(), document.to_string().into())
            }
            HttpBody::Xml(method, document) => {
                (method.into(), String::new(), charset.encode(&document.fill(&values)))
            }
            HttpBody::Raw(method, text) => {
                (method.into(), String::new(), charset.encode(&text.fill(&values, charset)))
            }
        };
        let url = self.url.fill(&values, charset, &query);
        let mut request = Request::builder().method(method).uri(url);
        if let Some(kind) = self.content_type() {
            request = request.header(CONTENT_TYPE, kind);
        }
        if let Some(name) = &self.idempotency_header {
            request = request.header(name, message.id.as_str());
        }
        let request = self.authorized(request).body(body.into());
        Ok(request.expect("address and headers were checked"))
    }

    /// With what shows who we are, or what tells the wire to add it.
    pub(super) fn authorized(&self, request: Builder) -> Builder {
        let request = match &self.account {
            Some(account) => request.extension(OnBehalfOf(account.clone())),
            None => request,
        };
        match self.auth.header() {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// What the body is called; none where there is no body.
    fn content_type(&self) -> Option<HeaderValue> {
        let usual = match &self.body {
            HttpBody::Query(_) => return None,
            HttpBody::Form(..) => "application/x-www-form-urlencoded",
            HttpBody::Json(..) => "application/json",
            HttpBody::Xml(..) if self.charset == Charset::Latin1 => {
                "application/xml; charset=iso-8859-1"
            }
            HttpBody::Xml(..) => "application/xml; charset=utf-8",
            HttpBody::Raw(..) => "text/plain",
        };
        let own = self.content_type.as_ref().map(|kind| kind.0.clone());
        Some(own.unwrap_or(HeaderValue::from_static(usual)))
    }

    /// The values of a message. Only its text may be of any script; a sender is ASCII.
    fn values(&self, message: &SmsMessage) -> Result<Values, Outcome> {
        let text = self.charset.fold(&message.text).ok_or_else(|| Outcome::RejectMessage {
            code: "not-in-charset".into(),
            bad_contact: false,
        })?;
        let left = message.expires_at.duration_since(message.at).as_secs();
        Ok(Values {
            to: number(&message.to, self.number),
            from: message.sender.clone(),
            text,
            id: message.id.to_string(),
            receipt_url: message
                .receipt_url
                .as_deref()
                .map(|base| receipt::receipt_url(base, &message.id)),
            // Zero and less mean "for ever" to some gateways; the dispatcher drops what has expired.
            expires_seconds: left.max(1),
            expires_at: message.expires_at.to_string(),
            encoding: self.encoding.of(message.unicode).to_owned(),
            secrets: match &self.body {
                HttpBody::Xml(..) | HttpBody::Raw(..) => self.secret_fields.clone(),
                _ => BTreeMap::new(),
            },
        })
    }

    fn form(&self, fields: &[(String, Template)], values: &Values) -> String {
        let encode = |text: &str| escape::form(&self.charset.encode(text));
        let filled = fields.iter().filter_map(|(name, template)| {
            Some(format!("{}={}", encode(name), encode(&template.fill(values)?)))
        });
        let secret = self
            .secret_fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value.expose_secret())));
        filled.chain(secret).collect::<Vec<_>>().join("&")
    }
}

impl HttpAuth {
    /// The header that shows who we are; none where there is none, or where the wire adds it.
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::None | Self::Token => None,
            Self::Basic { username, password } => {
                Some((AUTHORIZATION, auth::basic(username, password)))
            }
            Self::Bearer(token) => Some((AUTHORIZATION, auth::header("Bearer ", token.secret()))),
            Self::Header { name, value } => Some((name.clone(), auth::header("", value.secret()))),
        }
    }
}

impl From<&BodyMethod> for Method {
    fn from(method: &BodyMethod) -> Self {
        match method {
            BodyMethod::Post => Self::POST,
            BodyMethod::Put => Self::PUT,
        }
    }
}

/// A number as the gateway wants it.
pub(super) fn number(phone: &Phone, format: NumberFormat) -> String {
    let plus = phone.expose();
    let digits = plus.trim_start_matches('+');
    match (format, digits.strip_prefix("46")) {
        (NumberFormat::Plus, _) => plus.to_owned(),
        (NumberFormat::Digits, _) => digits.to_owned(),
        (NumberFormat::National, Some(rest)) => format!("0{rest}"),
        (NumberFormat::DoubleZero | NumberFormat::National, _) => format!("00{digits}"),
    }
}
