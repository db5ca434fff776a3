//! A gateway as its operator described it → the adapter's settings, every part checked by the adapter
//! itself. Pure. What configuration has checked passes; what only the whole can show (a look-up by an id
//! that is never sent) is refused here, with the operator's words for it.

use std::collections::BTreeMap;
use std::fmt;

use crate::channel::sms::http::{
    Address, Codes, ContentType, Contradiction, Encoding, HeaderSecret, HttpAuth, HttpBody,
    HttpLookup, HttpReceipts, HttpSettings, JsonTemplate, LookupUrl, Place, Pointer, RawTemplate,
    Success, Template, XmlTemplate, free_header,
};
use crate::channel::sms::receipt::Ack;
use crate::config;
use crate::model::{PlainHttp, ReceiptStatus};

/// All that is wrong with a gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct GatewayProblem(pub Vec<GatewayFault>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayFault {
    /// The key in `[providers.<id>]`.
    pub key: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Prints as `` `lookup-url`: has no {id} in its path or query; write … ``.
impl fmt::Display for GatewayFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}; {}", self.key, self.message, self.remedy)
    }
}

/// What the adapter needs of what the operator wrote.
///
/// # Errors
/// With everything that the adapter refuses, each by its key.
pub fn gateway(http: &config::HttpProvider) -> Result<HttpSettings, GatewayProblem> {
    let mut faults = Faults::default();
    let url = faults.take("url", URL, Address::parse(&http.url, PlainHttp::LoopbackOnly));
    let auth = auth(&http.auth, &mut faults);
    let body = body(http, &mut faults);
    let content_type = http.content_type.as_deref();
    let content_type =
        content_type.and_then(|text| faults.take("content-type", KIND, ContentType::parse(text)));
    let idempotency_header = http
        .idempotency_header
        .as_deref()
        .and_then(|name| faults.take("idempotency-header", HEADER, free_header(name)));
    let fields = http.answer_delimiter.as_deref();
    let test = http
        .success_test
        .as_ref()
        .and_then(|(at, values)| Some((faults.place("success-at", at, fields)?, values.clone())));
    let reference = http.reference_at.as_ref();
    let reference = reference.and_then(|at| faults.place("reference-at", at, fields));
    let parts = http.parts_at.as_ref().and_then(|at| faults.place("parts-at", at, fields));
    let codes = http.codes.as_ref().and_then(|codes| {
        Some(Codes {
            at: faults.place("code-at", &codes.at, fields)?,
            permanent: codes.permanent.clone(),
            bad_contact: codes.bad_number.clone(),
            config: codes.config.clone(),
            retry: codes.retry.clone(),
        })
    });
    let lookup = http.lookup.as_ref().and_then(|lookup| {
        let url = LookupUrl::parse(&lookup.url, PlainHttp::LoopbackOnly);
        let url = faults.take("lookup-url", "write https://…/{id}", url);
        let reference = Pointer::parse(&lookup.pointer);
        let reference = faults.take("lookup-pointer", POINTER, reference);
        Some(HttpLookup { url: url?, reference: reference? })
    });
    let receipts = http.receipts.as_ref().map(|receipts| read_receipts(receipts, &mut faults));
    let (Some(url), Some(auth), Some(body)) = (url, auth, body) else {
        return Err(GatewayProblem(faults.0));
    };
    let settings = HttpSettings {
        url,
        auth,
        // The whole account is known to the wiring only.
        account: None,
        body,
        charset: http.charset,
        content_type,
        secret_fields: http.secret_fields.clone(),
        idempotency_header,
        number: http.number_format,
        encoding: Encoding {
            gsm: http.encoding_gsm.clone(),
            unicode: http.encoding_unicode.clone(),
        },
        success: Success { statuses: http.success_status.clone(), test },
        reference,
        parts,
        codes,
        lookup,
        receipts,
    };
    // A part that failed is absent here, and its absence must not be reported as a fault of its own.
    if faults.0.is_empty() {
        faults.0.extend(settings.check().iter().map(|found| contradiction(found, http)));
    }
    if faults.0.is_empty() { Ok(settings) } else { Err(GatewayProblem(faults.0)) }
}

const URL: &str = "write https://…, with placeholders in its path or query, if at all";
const KIND: &str = "write a media type, as \"text/xml; charset=utf-8\"";
const HEADER: &str = "write the name that the gateway's documentation gives";
const COPY: &str = "put it alone into its file again";
const PLACE: &str = "write where the gateway's documentation shows the value";
const POINTER: &str = "write a JSON pointer, as \"/message/id\"";

#[derive(Default)]
struct Faults(Vec<GatewayFault>);

impl Faults {
    fn take<T, E: fmt::Display>(
        &mut self,
        key: &'static str,
        remedy: &'static str,
        part: Result<T, E>,
    ) -> Option<T> {
        part.map_err(|error| {
            self.0.push(GatewayFault { key, message: error.to_string(), remedy });
        })
        .ok()
    }

    fn place(&mut self, key: &'static str, text: &str, delimiter: Option<&str>) -> Option<Place> {
        self.take(key, PLACE, Place::parse(text, delimiter))
    }
}

fn auth(auth: &config::HttpAuth, faults: &mut Faults) -> Option<HttpAuth> {
    Some(match auth {
        config::HttpAuth::None => HttpAuth::None,
        config::HttpAuth::Basic { username, password } => {
            HttpAuth::Basic { username: username.clone(), password: password.clone() }
        }
        config::HttpAuth::Bearer(token) => {
            HttpAuth::Bearer(faults.take("token-file", COPY, HeaderSecret::new(token.clone()))?)
        }
        config::HttpAuth::Token(_) => HttpAuth::Token,
        config::HttpAuth::Header { name, value } => {
            let name = faults.take("header-name", HEADER, free_header(name));
            let value = faults.take("token-file", COPY, HeaderSecret::value(value.clone()));
            HttpAuth::Header { name: name?, value: value? }
        }
    })
}

/// The header that shows who we are, where it is the same in every request.
pub(super) fn header(own: &config::HttpAuth) -> Option<(http::HeaderName, http::HeaderValue)> {
    auth(own, &mut Faults::default())?.header()
}

fn body(http: &config::HttpProvider, faults: &mut Faults) -> Option<HttpBody> {
    const REMEDY: &str = "write placeholders as {to}, and a brace itself as {{";
    let mut fields = |fields: &BTreeMap<String, String>| -> Option<Vec<(String, Template)>> {
        // All are parsed, so that all bad ones are told.
        let parsed: Vec<_> = fields
            .iter()
            .map(|(name, text)| {
                let template = Template::parse(text).map_err(|error| format!("{name:?} {error}"));
                Some((name.clone(), faults.take("fields", REMEDY, template)?))
            })
            .collect();
        parsed.into_iter().collect()
    };
    Some(match &http.body {
        config::HttpBody::Form(texts) => HttpBody::Form(http.method, fields(texts)?),
        config::HttpBody::Query(texts) => HttpBody::Query(fields(texts)?),
        config::HttpBody::Json(document) => {
            let template = JsonTemplate::parse(document)
                .map_err(|(at, error)| format!("{at} {error}").trim_start().to_owned());
            HttpBody::Json(http.method, faults.take("json", REMEDY, template)?)
        }
        config::HttpBody::Xml(text) => {
            HttpBody::Xml(http.method, faults.take("xml", REMEDY, XmlTemplate::parse(text))?)
        }
        config::HttpBody::Raw(text, escape) => {
            let template = RawTemplate::parse(text, *escape);
            HttpBody::Raw(http.method, faults.take("raw", REMEDY, template)?)
        }
    })
}

fn read_receipts(receipts: &config::HttpReceipts, faults: &mut Faults) -> HttpReceipts {
    let mut statuses = BTreeMap::new();
    for (key, words, status) in [
        ("receipt-sent", &receipts.sent, ReceiptStatus::Sent),
        ("receipt-delivered", &receipts.delivered, ReceiptStatus::Delivered),
        ("receipt-undelivered", &receipts.undelivered, ReceiptStatus::Undelivered),
    ] {
        for word in words {
            if statuses.insert(word.clone(), status).is_some_and(|before| before != status) {
                let message = format!("the status {word:?} has another meaning already");
                faults.0.push(GatewayFault { key, message, remedy: "let it stand in one list" });
            }
        }
    }
    HttpReceipts {
        id: receipts.id.clone(),
        reference: receipts.reference.clone(),
        status: receipts.status.clone(),
        at: receipts.time.clone(),
        statuses,
        ack: Ack { status: receipts.ack_status, body: receipts.ack_body.clone() },
    }
}

/// The operator's words for settings that do not go together.
fn contradiction(found: &Contradiction, http: &config::HttpProvider) -> GatewayFault {
    let body = match http.body {
        config::HttpBody::Json(_) => "json",
        config::HttpBody::Form(_) | config::HttpBody::Query(_) => "fields",
        config::HttpBody::Xml(_) => "xml",
        config::HttpBody::Raw(..) => "raw",
    };
    let (key, remedy) = match found {
        Contradiction::NoProof => {
            ("reference-at", "add reference-at = \"/id\", or success-at and success-values")
        }
        Contradiction::LooseProof => (
            "reference-at",
            "add success-at and success-values, or write an expression that only a success fits, as \"^ID: ([0-9]+)\"",
        ),
        Contradiction::NoSuccessValue => {
            ("success-values", "write what the gateway says when it took a message")
        }
        Contradiction::NotInRequest(_) => (body, "the gateway must be told"),
        Contradiction::LookupWithoutId => {
            ("lookup-url", "send {id} in the field that the look-up goes by, or remove lookup-url")
        }
        Contradiction::ReceiptIdNeverSent => {
            ("receipt-id", "send {id} in the field that comes back, or remove receipt-id")
        }
        Contradiction::ReceiptWithoutMessage => (
            "receipt-status",
            "send {receipt-url}; or set receipt-id and send {id}; or set receipt-reference and reference-at",
        ),
        Contradiction::NoFinalStatus => {
            ("receipt-delivered", "write the gateway's words for delivered and undelivered")
        }
        Contradiction::AckStatus(_) => ("receipt-ack-status", "write 200 or 204"),
        Contradiction::AckBody(_) => {
            ("receipt-ack-body", "remove it, or write receipt-ack-status = 200")
        }
        Contradiction::NoCode => {
            ("code-at", "list codes, as retry-codes = [\"busy\"], or remove code-at")
        }
        Contradiction::CodeTwice(_) => ("code-at", "let the code stand in one list"),
        Contradiction::CodeIsSuccess(_) => {
            ("success-values", "let the value stand in one of the lists")
        }
        Contradiction::SecretFieldTwice(_) => {
            ("secret-field-files", "remove the field there or from the body")
        }
        Contradiction::SecretUnknown(_) => {
            (body, "name its file in secret-field-files, as { password = \"gateway-password\" }")
        }
        Contradiction::SecretUnused(_) => {
            ("secret-field-files", "write {secret:NAME} where it belongs in the body")
        }
        Contradiction::Charset(_) => {
            let declared = matches!(http.body, config::HttpBody::Xml(_));
            (if declared { "xml" } else { "content-type" }, "let it and `charset` say the same")
        }
        Contradiction::CharsetUnsaid => {
            ("content-type", "add \"; charset=iso-8859-1\" to it, or an XML declaration to `xml`")
        }
        Contradiction::JsonCharset => ("charset", "remove it"),
        Contradiction::NotInCharset(_) => ("charset", "write it without, or use utf-8"),
        Contradiction::NotJson => {
            (body, "put placeholders inside \" \", or use body = \"json\", which needs no care")
        }
        Contradiction::HeaderTwice => ("idempotency-header", "remove it, or correct header-name"),
        Contradiction::ColonInUsername => {
            ("username-file", "ask the gateway for another name, or for another way")
        }
    };
    GatewayFault { key, message: found.to_string(), remedy }
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
