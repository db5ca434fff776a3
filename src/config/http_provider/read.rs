//! Reads a gateway's table.

use std::ops::RangeInclusive;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    HttpAuth, HttpBody, HttpCodes, HttpLookup, HttpMethod, HttpProvider, HttpReceipts,
    NumberFormat, PLACEHOLDERS,
};
use crate::config::address::{http_url, is_exposed};
use crate::config::problem::did_you_mean;
use crate::config::provider::url;
use crate::config::reader::Reader;

/// The placeholders of a text, or what is wrong with it.
fn placeholders(text: &str) -> Result<Vec<&str>, String> {
    let lone = || "has a lone brace; write {{ or }} for a brace itself".to_owned();
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
        if let Some(after) = after.strip_prefix(brace) {
            rest = after;
            continue;
        }
        let (name, after) = after.split_once('}').filter(|_| brace == "{").ok_or_else(lone)?;
        if !PLACEHOLDERS.contains(&name) {
            let near = did_you_mean(name, PLACEHOLDERS).map_or_else(
                || format!("use {{{}}}", PLACEHOLDERS.join("}, {")),
                |near| format!("did you mean {{{near}}}?"),
            );
            return Err(format!("holds the unknown {{{name}}}; {near}"));
        }
        found.push(name);
        rest = after;
    }
    Ok(found)
}

/// RFC 6901.
fn pointer(text: &str) -> Result<String, Option<String>> {
    let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    match text.strip_prefix('/') {
        Some(_) if escaped => Ok(text.to_owned()),
        Some(_) => Err(None),
        None => Err(Some(format!("/{}", text.replace('.', "/")))),
    }
}

fn header_name(text: &str) -> Result<String, Option<String>> {
    http::HeaderName::from_bytes(text.as_bytes()).map(|_| text.to_owned()).map_err(|_| None)
}

fn words(reader: &Reader<'_>, key: &'static str) -> Vec<String> {
    let code = |text: &str| if text.is_empty() { Err(None) } else { Ok(text.to_owned()) };
    reader.list(key, false, "texts, as [\"401\", \"no-credit\"]", code).unwrap_or_default()
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
        let methods = [("POST", HttpMethod::Post), ("PUT", HttpMethod::Put)];
        let address = url(reader, http_url);
        let address = reader.require("url", address, "\"https://sms.example.se/send\"");
        let (auth, body) = (auth(reader), body(reader));
        let word = |key, usual: &str| reader.text(key).unwrap_or_else(|| usual.to_owned());
        let provider = Self {
            url: address.clone().unwrap_or_default(),
            method: reader.choice("method", &methods).unwrap_or(HttpMethod::Post),
            auth: auth.clone().unwrap_or(HttpAuth::None),
            body: body.clone().unwrap_or(HttpBody::Json(Value::Null)),
            secret_fields: reader.secret_table("secret-field-files"),
            number_format: reader.choice("number-format", &formats).unwrap_or(NumberFormat::Plus),
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
        (address.is_some() && auth.is_some() && body.is_some()).then_some(provider)
    }
}

fn auth(reader: &Reader<'_>) -> Option<HttpAuth> {
    let kind = reader.choice("auth", &[("none", 0), ("basic", 1), ("bearer", 2), ("header", 3)]);
    let username = reader.secret("username-file");
    let password = reader.secret("password-file");
    let token = reader.secret("token-file");
    let name = reader.parsed("header-name", "the name of a header, as \"X-Api-Key\"", header_name);
    if token
        .as_ref()
        .is_some_and(|token| !token.expose_secret().bytes().all(|b| b.is_ascii_graphic()))
    {
        reader.error(
            "token-file",
            "the token holds characters that no header carries",
            "copy it again",
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
    let mut found = Vec::new();
    for text in texts {
        match placeholders(text) {
            Ok(names) => found.extend(names),
            Err(fault) => reader.error(key, format!("a text in `{key}` {fault}"), ""),
        }
    }
    for needed in ["to", "text"] {
        if !found.contains(&needed) {
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
    for key in ["permanent-codes", "bad-number-codes", "config-codes", "retry-codes"] {
        if reader.has(key) && !reader.has("code-pointer") {
            reader.error(
                key,
                format!("`{key}` without `code-pointer`"),
                "add code-pointer = \"/error/code\"",
            );
        }
    }
    at.map(|_| codes)
}

fn lookup(reader: &Reader<'_>) -> Option<HttpLookup> {
    together(reader, "lookup-url", "lookup-pointer");
    let url =
        reader.parsed("lookup-url", "an https address with {id} in its path or query", |text| {
            let example = http_url(&text.replace("{id}", "0"))?;
            let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
            let good = path.is_some_and(|(_, path)| path.contains("{id}")) && !is_exposed(&example);
            if good { Ok(text.to_owned()) } else { Err(None) }
        });
    let pointer = reader.parsed("lookup-pointer", POINTER, pointer);
    url.zip(pointer).map(|(url, pointer)| HttpLookup { url, pointer })
}

fn receipts(reader: &Reader<'_>) -> Option<HttpReceipts> {
    let status = reader.text("receipt-status");
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
            .unwrap_or(204),
        ack_body: reader.text("receipt-ack-body").unwrap_or_default(),
    };
    together(reader, "receipt-status", "receipt-delivered");
    status.map(|_| receipts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_a_text() {
        assert_eq!(placeholders("to {to}: {text} {{as it is}}"), Ok(vec!["to", "text"]));
        assert!(placeholders("{txt}").expect_err("unknown").contains("did you mean {text}?"));
        for lone in ["{to", "to}", "{"] {
            assert!(placeholders(lone).expect_err("lone").contains("lone brace"), "{lone}");
        }
    }

    #[test]
    fn pointers_and_statuses() {
        assert_eq!(pointer("/a/b"), Ok("/a/b".into()));
        assert_eq!(pointer("a.b"), Err(Some("/a/b".into())));
        assert_eq!(pointer("/a~2"), Err(None));
        assert_eq!(statuses("200-299"), Ok(200..=299));
        assert_eq!(statuses("202"), Ok(202..=202));
        assert_eq!(statuses("202-200"), Err(Some("200-202".into())));
        assert_eq!(statuses("404"), Err(None));
    }
}
