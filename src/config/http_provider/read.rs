//! Reads a gateway's table.

use std::ops::RangeInclusive;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    BodyMethod, HttpAuth, HttpBody, HttpCodes, HttpLookup, HttpProvider, HttpReceipts,
    NumberFormat, PLACEHOLDERS,
};
use crate::channel::sms::http::{
    HeaderSecret, LookupUrl, Pointer, Template, TemplateError, free_header,
};
use crate::config::address::http_url;
use crate::config::problem::did_you_mean;
use crate::config::provider::url;
use crate::config::reader::Reader;
use crate::model::PlainHttp;

/// A text with its placeholders, or what is wrong with it.
fn template(text: &str) -> Result<Template, String> {
    Template::parse(text).map_err(|fault| match fault {
        TemplateError::Unknown(name) => match did_you_mean(&name, PLACEHOLDERS) {
            Some(near) => format!("holds the unknown {{{name}}}; did you mean {{{near}}}?"),
            None => TemplateError::Unknown(name).to_string(),
        },
        other => other.to_string(),
    })
}

fn pointer(text: &str) -> Result<String, Option<String>> {
    let slashed = || format!("/{}", text.replace('.', "/"));
    match Pointer::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) if text.starts_with('/') => Err(None),
        Err(_) => Err(Some(slashed()).filter(|remedy| Pointer::parse(remedy).is_ok())),
    }
}

fn header_name(text: &str) -> Result<String, Option<String>> {
    free_header(text).map(|_| text.to_owned()).map_err(|_| None)
}

/// Warns of keys that nothing comes of, as another one is what it is.
fn idle(reader: &Reader<'_>, keys: &[&'static str], why: &str) {
    for key in keys {
        if reader.has(key) {
            reader.warn(key, format!("`{key}` does nothing {why}"), "remove it");
        }
    }
}

fn words(reader: &Reader<'_>, key: &'static str) -> Vec<String> {
    let code = |text: &str| if text.is_empty() { Err(None) } else { Ok(text.to_owned()) };
    reader.list(key, false, "texts, as [\"401\", \"no-credit\"]", code).unwrap_or_default()
}

/// Keys that are nothing without another.
fn without(reader: &Reader<'_>, keys: &[&'static str], needed: &'static str, example: &str) {
    for key in keys {
        if reader.has(key) && !reader.has(needed) {
            let remedy = format!("add {needed} = {example}, or remove it");
            reader.error(key, format!("`{key}` without `{needed}`"), remedy);
        }
    }
}

/// Two keys of which each is nothing without the other.
fn together(reader: &Reader<'_>, one: &'static str, other: &'static str) {
    if reader.has(one) != reader.has(other) {
        let there = if reader.has(one) { one } else { other };
        reader.error(there, format!("`{one}` and `{other}` go together"), "write both or neither");
    }
}

const POINTER: &str = "a JSON pointer, as \"/message/id\"";

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
        if address.as_ref().is_some_and(|url| url.contains(['{', '}'])) {
            reader.error(
                "url",
                "`url` holds a brace: placeholders stand in the body only",
                "write them in `fields` or `json`; body = \"query\" sends `fields` in the address",
            );
        }
        let address = reader.require("url", address, "\"https://sms.example.se/send\"");
        let (auth, body) = (auth(reader), body(reader));
        let word = |key, usual: &str| reader.text(key).unwrap_or_else(|| usual.to_owned());
        let provider = Self {
            url: address.clone().unwrap_or_default(),
            method: reader.choice("method", &methods).unwrap_or_default(),
            auth: auth.clone().unwrap_or(HttpAuth::None),
            body: body.clone().unwrap_or(HttpBody::Json(Value::Null)),
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
                together(reader, "success-pointer", "success-values");
                let values = words(reader, "success-values");
                reader.parsed("success-pointer", POINTER, pointer).map(|at| (at, values))
            },
            reference_pointer: reader.parsed("reference-pointer", POINTER, pointer),
            parts_pointer: reader.parsed("parts-pointer", POINTER, pointer),
            codes: codes(reader),
            lookup: lookup(reader),
            receipts: receipts(reader),
        };
        if address.is_none() || auth.is_none() || body.is_none() {
            return None;
        }
        provider.judge(reader);
        Some(provider)
    }

    /// Warns of keys without effect.
    fn judge(&self, reader: &Reader<'_>) {
        match &self.auth {
            HttpAuth::None => {
                let keys = ["username-file", "password-file", "token-file", "header-name"];
                idle(reader, &keys, "with auth = \"none\"");
            }
            HttpAuth::Basic { .. } => {
                idle(reader, &["token-file", "header-name"], "with auth = \"basic\"");
            }
            HttpAuth::Bearer(_) => {
                let keys = ["username-file", "password-file", "header-name"];
                idle(reader, &keys, "with auth = \"bearer\"");
            }
            HttpAuth::Header { .. } => {
                idle(reader, &["username-file", "password-file"], "with auth = \"header\"");
            }
        }
        match &self.body {
            HttpBody::Form(_) => idle(reader, &["json"], "with body = \"form\""),
            HttpBody::Json(_) => idle(reader, &["fields"], "with body = \"json\""),
            HttpBody::Query(_) => {
                idle(reader, &["json", "method"], "with body = \"query\", which is a GET");
            }
        }
        let asks = |placeholder| self.body.asks_for(placeholder);
        if !asks("encoding") {
            let why = "where no text of the body holds {encoding}";
            idle(reader, &["encoding-gsm", "encoding-unicode"], why);
        }
        if asks("receipt-url") && self.receipts.is_none() && !reader.has("receipt-status") {
            reader.warn(
                "receipt-status",
                "the body asks for delivery reports with {receipt-url}, but no `receipt-status` says how to read them",
                "add receipt-status and receipt-delivered, or take {receipt-url} away",
            );
        }
    }
}

fn auth(reader: &Reader<'_>) -> Option<HttpAuth> {
    let kind = reader.choice("auth", &[("none", 0), ("basic", 1), ("bearer", 2), ("header", 3)]);
    let username = reader.secret("username-file");
    let password = reader.secret("password-file");
    let token = reader.secret("token-file");
    let name = reader.parsed("header-name", "the name of a header, as \"X-Api-Key\"", header_name);
    // In a header of the gateway's own, a scheme may stand before the token.
    let fits = if kind == Some(3) { HeaderSecret::value } else { HeaderSecret::new };
    if let Some(fault) = token.clone().and_then(|token| fits(token).err()) {
        reader.error("token-file", format!("the token {fault}"), "copy it again");
    }
    if kind == Some(1) && username.as_ref().is_some_and(|u| u.expose_secret().contains(':')) {
        reader.error(
            "username-file",
            "the username holds a colon, which Basic authentication cannot carry",
            "ask the gateway for another, or for another way to prove who you are",
        );
    }
    Some(match reader.require("auth", kind, "\"basic\"")? {
        1 => HttpAuth::Basic {
            username: reader.require("username-file", username, "\"gateway-username\"")?,
            password: reader.require("password-file", password, "\"gateway-password\"")?,
        },
        2 => HttpAuth::Bearer(reader.require("token-file", token, "\"gateway-token\"")?),
        3 => HttpAuth::Header {
            name: reader.require("header-name", name, "\"X-Api-Key\"")?,
            value: reader.require("token-file", token, "\"gateway-token\"")?,
        },
        _ => HttpAuth::None,
    })
}

fn body(reader: &Reader<'_>) -> Option<HttpBody> {
    let kind = reader.choice("body", &[("form", 0), ("json", 1), ("query", 2)]).unwrap_or(0);
    let fields = reader.texts("fields");
    let document = reader.document("json");
    let key = if kind == 1 { "json" } else { "fields" };
    if !reader.has(key) {
        let example = if kind == 1 {
            "{ to = \"{to}\", message = \"{text}\" }"
        } else {
            "{ to = \"{to}\", text = \"{text}\" }"
        };
        return reader.require(key, None, example);
    }
    let mut texts = Vec::new();
    if kind == 1 {
        leaves(document.as_ref()?, &mut texts);
    } else {
        texts.extend(fields.values().map(String::as_str));
    }
    let mut parsed = Vec::new();
    for text in texts {
        match template(text) {
            Ok(template) => parsed.push(template),
            Err(fault) => reader.error(key, format!("a text in `{key}` {fault}"), ""),
        }
    }
    for needed in ["to", "text"] {
        if !parsed.iter().any(|template| template.asks_for(needed)) {
            reader.error(
                key,
                format!("no text in `{key}` holds {{{needed}}}"),
                "the gateway must be told",
            );
        }
    }
    Some(match kind {
        1 => HttpBody::Json(document?),
        2 => HttpBody::Query(fields),
        _ => HttpBody::Form(fields),
    })
}

impl HttpBody {
    fn asks_for(&self, placeholder: &str) -> bool {
        let mut texts = Vec::new();
        match self {
            Self::Json(document) => leaves(document, &mut texts),
            Self::Form(fields) | Self::Query(fields) => {
                texts.extend(fields.values().map(String::as_str));
            }
        }
        let asks = |text: &str| Template::parse(text).is_ok_and(|t| t.asks_for(placeholder));
        texts.into_iter().any(asks)
    }
}

/// All texts of a document.
fn leaves<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(list) => list.iter().for_each(|inner| leaves(inner, into)),
        Value::Object(object) => object.values().for_each(|inner| leaves(inner, into)),
        _ => {}
    }
}

fn statuses(text: &str) -> Result<RangeInclusive<u16>, Option<String>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let code =
        |t: &str| t.trim().parse::<u16>().ok().filter(|code| (200..300).contains(code)).ok_or(None);
    let (first, last) = (code(first)?, code(last)?);
    if first <= last { Ok(first..=last) } else { Err(Some(format!("{last}-{first}"))) }
}

fn codes(reader: &Reader<'_>) -> Option<HttpCodes> {
    let at = reader.parsed("code-pointer", POINTER, pointer);
    let codes = HttpCodes {
        at: at.clone().unwrap_or_default(),
        permanent: words(reader, "permanent-codes"),
        bad_number: words(reader, "bad-number-codes"),
        config: words(reader, "config-codes"),
        retry: words(reader, "retry-codes"),
    };
    let lists = ["permanent-codes", "bad-number-codes", "config-codes", "retry-codes"];
    without(reader, &lists, "code-pointer", "\"/error/code\"");
    at.map(|_| codes)
}

fn lookup(reader: &Reader<'_>) -> Option<HttpLookup> {
    together(reader, "lookup-url", "lookup-pointer");
    let url =
        reader.parsed("lookup-url", "an https address with {id} in its path or query", |text| {
            http_url(&text.replace("{id}", "0"))?;
            LookupUrl::parse(text, PlainHttp::LoopbackOnly)
                .map(|_| text.to_owned())
                .map_err(|_| None)
        });
    let pointer = reader.parsed("lookup-pointer", POINTER, pointer);
    url.zip(pointer).map(|(url, pointer)| HttpLookup { url, pointer })
}

fn receipts(reader: &Reader<'_>) -> Option<HttpReceipts> {
    let status = reader.text("receipt-status");
    let ack_body = reader.text("receipt-ack-body").unwrap_or_default();
    let usual_status = if ack_body.is_empty() { 204 } else { 200 };
    let receipts = HttpReceipts {
        id: reader.text("receipt-id"),
        reference: reader.text("receipt-reference"),
        status: status.clone().unwrap_or_default(),
        time: reader.text("receipt-time"),
        sent: words(reader, "receipt-sent"),
        delivered: words(reader, "receipt-delivered"),
        undelivered: words(reader, "receipt-undelivered"),
        ack_status: reader
            .integer("receipt-ack-status", 200..=299)
            .and_then(|n| u16::try_from(n).ok())
            .unwrap_or(usual_status),
        ack_body,
    };
    together(reader, "receipt-status", "receipt-delivered");
    let rest = [
        "receipt-id",
        "receipt-reference",
        "receipt-time",
        "receipt-sent",
        "receipt-undelivered",
        "receipt-ack-status",
        "receipt-ack-body",
    ];
    without(reader, &rest, "receipt-status", "\"/status\"");
    status.map(|_| receipts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_a_text() {
        let found = template("to {to}: {text} {{as it is}}").expect("good");
        let names: Vec<_> = PLACEHOLDERS.into_iter().filter(|name| found.asks_for(name)).collect();
        assert_eq!(names, ["to", "text"]);
        assert!(template("{txt}").expect_err("unknown").contains("did you mean {text}?"));
        assert!(template("{pupil}").expect_err("unknown").contains("none of {to} {from}"));
        for lone in ["{to", "to}", "{"] {
            assert!(template(lone).expect_err("lone").contains("lone brace"), "{lone}");
        }
    }

    #[test]
    fn pointers_and_statuses() {
        assert_eq!(pointer("/a/b"), Ok("/a/b".into()));
        assert_eq!(pointer("a.b"), Err(Some("/a/b".into())));
        assert_eq!(pointer("a~2"), Err(None));
        assert_eq!(pointer("/a~2"), Err(None));
        assert_eq!(statuses("200-299"), Ok(200..=299));
        assert_eq!(statuses("202"), Ok(202..=202));
        assert_eq!(statuses("202-200"), Err(Some("200-202".into())));
        assert_eq!(statuses("404"), Err(None));
    }
}
