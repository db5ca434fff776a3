//! Reads a gateway's table.

use serde_json::Value;

use super::answer::{codes, delimiter, lookup, place, receipts, statuses};
use super::identity::identity;
use super::request::{auth, body, header_name, idle_auth, spelt};
use super::{BodyMethod, Charset, HttpAuth, HttpBody, HttpProvider, NumberFormat};
use crate::channel::sms::http::{Address, AddressError, ContentType};
use crate::config::address::http_url;
use crate::config::provider::url;
use crate::config::reader::Reader;
use crate::model::PlainHttp;

/// Warns of keys that nothing comes of, as another one is what it is.
pub(in crate::config) fn idle(reader: &Reader<'_>, keys: &[&'static str], why: &str) {
    for key in keys {
        if reader.has(key) {
            reader.warn(key, format!("`{key}` does nothing {why}"), "remove it");
        }
    }
}

pub(super) fn words(reader: &Reader<'_>, key: &'static str) -> Vec<String> {
    let code = |text: &str| if text.is_empty() { Err(None) } else { Ok(text.to_owned()) };
    reader.list(key, false, "texts, as [\"401\", \"no-credit\"]", code).unwrap_or_default()
}

/// Keys that are nothing without another.
pub(super) fn without(
    reader: &Reader<'_>,
    keys: &[&'static str],
    needed: &'static str,
    example: &str,
) {
    for key in keys {
        if reader.has(key) && !reader.has(needed) {
            let remedy = format!("add {needed} = {example}, or remove it");
            reader.error(key, format!("`{key}` without `{needed}`"), remedy);
        }
    }
}

/// Two keys of which each is nothing without the other.
pub(super) fn together(reader: &Reader<'_>, one: &'static str, other: &'static str) {
    if reader.has(one) != reader.has(other) {
        let there = if reader.has(one) { one } else { other };
        reader.error(there, format!("`{one}` and `{other}` go together"), "write both or neither");
    }
}

impl HttpProvider {
    /// Asks for every key before anything is given up, or a key would be reported as unknown.
    pub(in crate::config) fn read(reader: &Reader<'_>) -> Option<Self> {
        let formats = [
            ("plus", NumberFormat::Plus),
            ("digits", NumberFormat::Digits),
            ("double-zero", NumberFormat::DoubleZero),
            ("national", NumberFormat::National),
        ];
        let methods = [("POST", BodyMethod::Post), ("PUT", BodyMethod::Put)];
        let address = url(reader, http_url);
        let whole = address.as_deref().map(|url| Address::parse(url, PlainHttp::LoopbackOnly));
        if let Some(Err(fault)) = whole.as_ref().filter(|_| !reader.is_faulty("url")) {
            let fault = match fault {
                AddressError::Template(fault) => spelt(fault),
                other => other.to_string(),
            };
            reader.error("url", format!("`url` {fault}"), "");
        }
        let whole = whole.and_then(Result::ok);
        let address = reader.require("url", address, "\"https://sms.example.se/send\"");
        let (auth, body) = (auth(reader), body(reader, whole.as_ref()));
        let word = |key, usual: &str| reader.text(key).unwrap_or_else(|| usual.to_owned());
        let delimiter = delimiter(reader);
        let fields = delimiter.as_deref();
        let provider = Self {
            url: address.clone().unwrap_or_default(),
            method: reader.choice("method", &methods).unwrap_or_default(),
            auth: auth.clone().unwrap_or(HttpAuth::None),
            identity: identity(reader),
            body: body.clone().unwrap_or(HttpBody::Json(Value::Null)),
            charset: reader
                .choice("charset", &[("utf-8", Charset::Utf8), ("iso-8859-1", Charset::Latin1)])
                .unwrap_or_default(),
            content_type: reader.parsed(
                "content-type",
                "a media type, as \"text/xml; charset=utf-8\"",
                |text| ContentType::parse(text).map(|_| text.to_owned()).map_err(|_| None),
            ),
            secret_fields: reader.secret_table("secret-field-files"),
            idempotency_header: reader.parsed(
                "idempotency-header",
                "the name of a header that is not the request's own, as \"Idempotency-Key\"",
                header_name,
            ),
            number_format: reader.choice("number-format", &formats).unwrap_or_default(),
            encoding_gsm: word("encoding-gsm", "text"),
            encoding_unicode: word("encoding-unicode", "unicode"),
            success_status: reader
                .parsed("success-status", "statuses as \"200-299\" or \"202\"", statuses)
                .unwrap_or(200..=299),
            success_test: {
                together(reader, "success-at", "success-values");
                let values = words(reader, "success-values");
                place(reader, "success-at", fields).map(|at| (at, values))
            },
            reference_at: place(reader, "reference-at", fields),
            parts_at: place(reader, "parts-at", fields),
            codes: codes(reader, fields),
            lookup: lookup(reader),
            receipts: receipts(reader),
            answer_delimiter: delimiter.clone(),
        };
        if address.is_none() || auth.is_none() || body.is_none() {
            return None;
        }
        provider.judge(reader, whole.as_ref());
        Some(provider)
    }

    /// Warns of keys without effect.
    fn judge(&self, reader: &Reader<'_>, url: Option<&Address>) {
        idle_auth(reader, &self.auth);
        match &self.body {
            HttpBody::Form(_) => {
                idle(reader, &["json", "xml", "raw", "escape"], "with body = \"form\"");
            }
            HttpBody::Json(_) => {
                idle(reader, &["fields", "xml", "raw", "escape"], "with body = \"json\"");
            }
            HttpBody::Query(_) => {
                let keys = ["json", "xml", "raw", "escape", "content-type", "method"];
                idle(reader, &keys, "with body = \"query\", which is a GET");
            }
            HttpBody::Xml(_) => {
                idle(reader, &["fields", "json", "raw", "escape"], "with body = \"xml\"");
            }
            HttpBody::Raw(..) => {
                idle(reader, &["fields", "json", "xml"], "with body = \"raw\"");
            }
        }
        let places = self.success_test.iter().map(|(at, _)| at);
        let places = places.chain(&self.reference_at).chain(&self.parts_at);
        let mut places = places.chain(self.codes.iter().map(|codes| &codes.at));
        if !places.any(|at| at.bytes().all(|b| b.is_ascii_digit())) {
            idle(reader, &["answer-delimiter"], "where no place is the number of a field");
        }
        let in_url = |placeholder| url.is_some_and(|url| url.asks_for(placeholder));
        let asks = |placeholder| in_url(placeholder) || self.body.asks_for(placeholder);
        if !asks("encoding") {
            let why = "where no text holds {encoding}";
            idle(reader, &["encoding-gsm", "encoding-unicode"], why);
        }
        if asks("receipt-url") && self.receipts.is_none() && !reader.has("receipt-status") {
            reader.warn(
                "receipt-status",
                "the gateway is asked for delivery reports with {receipt-url}, but no `receipt-status` says how to read them",
                "add receipt-status and receipt-delivered, or take {receipt-url} away",
            );
        }
    }
}
