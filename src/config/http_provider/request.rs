//! Reads what a gateway is sent: who we are, and the message.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{HttpAuth, HttpBody, PLACEHOLDERS};
use crate::channel::sms::http::{Address, HeaderSecret, Template, TemplateError, free_header};
use crate::config::problem::did_you_mean;
use crate::config::reader::Reader;

/// A text with its placeholders, or what is wrong with it.
fn template(text: &str) -> Result<Template, String> {
    Template::parse(text).map_err(|fault| spelt(&fault))
}

/// What is wrong with a text, and the placeholder that was meant.
pub(super) fn spelt(fault: &TemplateError) -> String {
    let near = match fault {
        TemplateError::Unknown(name) => did_you_mean(name, PLACEHOLDERS).map(|near| (name, near)),
        _ => None,
    };
    match near {
        Some((name, near)) => format!("holds the unknown {{{name}}}; did you mean {{{near}}}?"),
        None => fault.to_string(),
    }
}

pub(super) fn header_name(text: &str) -> Result<String, Option<String>> {
    free_header(text).map(|_| text.to_owned()).map_err(|_| None)
}

pub(super) fn auth(reader: &Reader<'_>) -> Option<HttpAuth> {
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

pub(super) fn body(reader: &Reader<'_>, url: Option<&Address>) -> Option<HttpBody> {
    let kind = reader.choice("body", &[("form", 0), ("json", 1), ("query", 2)]).unwrap_or(0);
    let fields = reader.texts("fields");
    let document = reader.document("json");
    let key = if kind == 1 { "json" } else { "fields" };
    let in_url = |name| url.is_some_and(|url| url.asks_for(name));
    // A GET may hold all of it in its address.
    let all_in_url = kind == 2 && in_url("to") && in_url("text");
    if !reader.has(key) && !all_in_url {
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
        let asks = |template: &Template| template.asks_for(needed);
        if !reader.is_faulty("url") && !in_url(needed) && !parsed.iter().any(asks) {
            reader.error(
                key,
                format!("no text in `{key}` holds {{{needed}}}, nor does `url`"),
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
    pub(super) fn asks_for(&self, placeholder: &str) -> bool {
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
}
