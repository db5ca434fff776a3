//! Reads what a gateway is sent: who we are, and the message.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::identity::token;
use super::read::idle;
use super::{Escape, HttpAuth, HttpBody, PLACEHOLDERS};
use crate::channel::sms::http::{
    Address, HeaderSecret, Template, TemplateError, XmlError, XmlTemplate, free_header,
};
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

/// The ways to show who we are, and the keys that each goes by.
const AUTH: [(&str, &[&str]); 5] = [
    ("none", &[]),
    ("basic", &["username-file", "password-file"]),
    ("bearer", &["token-file"]),
    ("header", &["header-name", "token-file"]),
    (
        "oauth2-client-credentials",
        &["token-url", "client-id-file", "client-secret-file", "scope", "client-auth"],
    ),
];

/// Who we are to the other side.
pub(in crate::config) fn auth(reader: &Reader<'_>) -> Option<HttpAuth> {
    let kinds: Vec<_> = AUTH.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
    let kind = reader.choice("auth", &kinds);
    let server = token(reader, kind == Some(4));
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
        4 => server?,
        _ => HttpAuth::None,
    })
}

/// Warns of keys that belong to other ways to show who we are.
pub(in crate::config) fn idle_auth(reader: &Reader<'_>, auth: &HttpAuth) {
    let (name, own) = AUTH[auth.kind()];
    for (_, keys) in AUTH {
        let others: Vec<_> = keys.iter().copied().filter(|key| !own.contains(key)).collect();
        idle(reader, &others, &format!("with auth = {name:?}"));
    }
}

impl HttpAuth {
    /// Which of [`AUTH`].
    fn kind(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Basic { .. } => 1,
            Self::Bearer(_) => 2,
            Self::Header { .. } => 3,
            Self::Token(_) => 4,
        }
    }
}

/// The kinds of body: word, key, example.
const KINDS: [(&str, &str, &str); 5] = [
    ("form", "fields", "{ to = \"{to}\", text = \"{text}\" }"),
    ("json", "json", "{ to = \"{to}\", message = \"{text}\" }"),
    ("query", "fields", "{ to = \"{to}\", text = \"{text}\" }"),
    ("xml", "xml", "\"<sms><to>{to}</to><text>{text}</text></sms>\""),
    ("raw", "raw", "\"{to};{text}\""),
];

pub(super) fn body(reader: &Reader<'_>, url: Option<&Address>) -> Option<HttpBody> {
    let kinds: Vec<_> = KINDS.iter().enumerate().map(|(at, kind)| (kind.0, at)).collect();
    let (kind, key, example) = KINDS[reader.choice("body", &kinds).unwrap_or(0)];
    let fields = reader.texts("fields");
    let document = reader.document("json");
    let xml = lines(reader, "xml");
    let raw = lines(reader, "raw");
    let escapes = [
        ("none", Escape::None),
        ("json", Escape::Json),
        ("xml", Escape::Xml),
        ("url", Escape::Url),
    ];
    let escape = reader.choice("escape", &escapes);
    let in_url = |name| url.is_some_and(|url| url.asks_for(name));
    // A GET may hold all of it in its address.
    let all_in_url = kind == "query" && in_url("to") && in_url("text");
    if !reader.has(key) && !all_in_url {
        return reader.require(key, None, example);
    }
    let body = match kind {
        "json" => HttpBody::Json(document?),
        "query" => HttpBody::Query(fields),
        "xml" => HttpBody::Xml(xml?),
        "raw" => {
            // Asked for together, so that both are told.
            let escape = reader.require("escape", escape, "\"json\", as the format is");
            if !reader.has("content-type") {
                reader.require::<()>("content-type", None, "\"text/plain; charset=utf-8\"");
            }
            HttpBody::Raw(raw?, escape?)
        }
        _ => HttpBody::Form(fields),
    };
    let parsed = body.templates();
    for fault in parsed.iter().filter_map(|template| template.as_ref().err()) {
        reader.error(key, format!("a text in `{key}` {fault}"), "");
    }
    if let HttpBody::Xml(text) = &body
        && let Err(fault @ XmlError::Document { .. }) = XmlTemplate::parse(text)
    {
        reader.error(key, format!("`{key}` {fault}"), "");
    }
    for needed in ["to", "text"] {
        let asks = |template: &Template| template.asks_for(needed);
        if !reader.is_faulty("url") && !in_url(needed) && !parsed.iter().flatten().any(asks) {
            reader.error(
                key,
                format!("no text in `{key}` holds {{{needed}}}, nor does `url`"),
                "the gateway must be told",
            );
        }
    }
    Some(body)
}

/// A text of one or more lines.
fn lines(reader: &Reader<'_>, key: &'static str) -> Option<String> {
    reader.parsed(key, "a text, or several lines between \'\'\'", |text| {
        if text.trim().is_empty() { Err(None) } else { Ok(text.to_owned()) }
    })
}

impl HttpBody {
    /// All its texts, each with its placeholders or what is wrong with it.
    fn templates(&self) -> Vec<Result<Template, String>> {
        match self {
            Self::Json(document) => {
                let mut texts = Vec::new();
                leaves(document, &mut texts);
                texts.into_iter().map(template).collect()
            }
            Self::Form(fields) | Self::Query(fields) => {
                fields.values().map(|text| template(text)).collect()
            }
            Self::Xml(text) | Self::Raw(text, _) => {
                vec![Template::parse_with_secrets(text).map_err(|fault| spelt(&fault))]
            }
        }
    }

    pub(super) fn asks_for(&self, placeholder: &str) -> bool {
        self.templates().iter().flatten().any(|template| template.asks_for(placeholder))
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
