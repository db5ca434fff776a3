//! Placeholders in configured fields. A template is parsed once; a value is put in as a value, after
//! the syntax around it (form, JSON, URL) is fixed, so no text can change that syntax. Pure.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    To,
    From,
    Text,
    Id,
    ReceiptUrl,
    ExpiresSeconds,
    ExpiresAt,
    Encoding,
}

const SLOTS: [(&str, Slot); 8] = [
    ("to", Slot::To),
    ("from", Slot::From),
    ("text", Slot::Text),
    ("id", Slot::Id),
    ("receipt-url", Slot::ReceiptUrl),
    ("expires-seconds", Slot::ExpiresSeconds),
    ("expires-at", Slot::ExpiresAt),
    ("encoding", Slot::Encoding),
];

/// The names of all placeholders.
pub const PLACEHOLDERS: [&str; SLOTS.len()] = {
    let mut names = [""; SLOTS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = SLOTS[at].0;
        at += 1;
    }
    names
};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Slot(Slot),
    /// A secret field by its name.
    Secret(String),
}

/// Before the name of a secret field, as `{secret:password}`.
const SECRET: &str = "secret:";

/// A text with [`PLACEHOLDERS`] in braces, as `{to}`. A brace itself is doubled: `{{`, `}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not one of the placeholders.
    #[error("holds the unknown {{{0}}}, which is none of {{{names}}}", names = PLACEHOLDERS.join("} {"))]
    Unknown(String),
    /// A brace without its fellow.
    #[error("has a lone brace; write {{{{ or }}}} for a brace itself")]
    LoneBrace,
    /// A JSON body that is a list or a single value.
    #[error("is not a JSON object")]
    NotObject,
}

/// The values of one message.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) text: String,
    pub(super) id: String,
    pub(super) receipt_url: Option<String>,
    pub(super) expires_seconds: i64,
    pub(super) expires_at: String,
    pub(super) encoding: String,
    pub(super) secrets: BTreeMap<String, SecretString>,
}

impl Values {
    /// Some message without a receipt address, to try settings on.
    pub(super) fn example() -> Self {
        Self {
            to: "46701740605".into(),
            from: "Skolan".into(),
            text: "Hej".into(),
            id: "1f".into(),
            receipt_url: None,
            expires_seconds: 3_600,
            expires_at: "2026-10-06T09:15:00Z".into(),
            encoding: "text".into(),
            secrets: BTreeMap::new(),
        }
    }
}

impl Template {
    /// Takes a text from configuration.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::read(text, false)
    }

    /// So, where secret fields too may stand, as `{secret:password}`.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn parse_with_secrets(text: &str) -> Result<Self, TemplateError> {
        Self::read(text, true)
    }

    fn read(text: &str, secrets: bool) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = match brace {
                "{" => rest.split_once('}').ok_or(TemplateError::LoneBrace)?,
                _ => return Err(TemplateError::LoneBrace),
            };
            let secret = name.strip_prefix(SECRET).filter(|name| secrets && !name.is_empty());
            let slot =
                SLOTS.iter().find(|(own, _)| *own == name).map(|(_, slot)| Part::Slot(*slot));
            let part = slot
                .or_else(|| secret.map(|name| Part::Secret(name.to_owned())))
                .ok_or_else(|| TemplateError::Unknown(name.into()))?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// Whether a placeholder stands in it.
    pub fn asks_for(&self, placeholder: &str) -> bool {
        self.0.iter().any(|part| match part {
            Part::Literal(_) | Part::Secret(_) => false,
            Part::Slot(slot) => SLOTS.iter().any(|(name, own)| own == slot && *name == placeholder),
        })
    }

    /// With the values in; none when it asks for a value that is absent, so that its field is left out.
    pub(super) fn fill(&self, values: &Values) -> Option<String> {
        self.fill_with(values, str::to_owned, &|value| value.to_owned())
    }

    /// So, with the fixed text and the values each written as the syntax around them wants it.
    pub(super) fn fill_with(
        &self,
        values: &Values,
        literal: fn(&str) -> String,
        value: &dyn Fn(&str) -> String,
    ) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(&literal(text)),
                part => filled.push_str(&value(&part.value(values)?)),
            }
        }
        Some(filled)
    }

    /// With the values in, each as `value` writes it and the fixed text as it is; an absent one is empty.
    pub(super) fn fill_all(
        &self,
        values: &Values,
        mut value: impl FnMut(&str) -> String,
    ) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(text),
                part => filled.push_str(&value(&part.value(values).unwrap_or_default())),
            }
        }
        filled
    }

    /// The fixed text, with `mark` for each placeholder.
    pub(super) fn outline(&self, mark: char) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(fixed) => text.push_str(&fixed.replace(mark, "\u{fffd}")),
                Part::Slot(_) | Part::Secret(_) => text.push(mark),
            }
        }
        text
    }

    /// The names of the secret fields that stand in it.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Part {
    fn value(&self, values: &Values) -> Option<String> {
        match self {
            Self::Literal(text) => Some(text.clone()),
            Self::Slot(slot) => slot.value(values),
            Self::Secret(name) => Some(values.secrets.get(name)?.expose_secret().to_owned()),
        }
    }
}

impl Slot {
    fn value(self, values: &Values) -> Option<String> {
        Some(match self {
            Self::To => values.to.clone(),
            Self::From => values.from.clone(),
            Self::Text => values.text.clone(),
            Self::Id => values.id.clone(),
            Self::ReceiptUrl => values.receipt_url.clone()?,
            Self::ExpiresSeconds => values.expires_seconds.to_string(),
            Self::ExpiresAt => values.expires_at.clone(),
            Self::Encoding => values.encoding.clone(),
        })
    }
}

/// A JSON document whose texts are templates. A text that is only `{expires-seconds}` becomes a number.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonTemplate(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(Template),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    Fixed(Value),
}

impl JsonTemplate {
    /// Takes a document from configuration.
    ///
    /// # Errors
    /// The JSON pointer of the text at fault, and [`TemplateError`].
    pub fn parse(document: &Value) -> Result<Self, (String, TemplateError)> {
        if !document.is_object() {
            return Err((String::new(), TemplateError::NotObject));
        }
        node(document, "").map(Self)
    }

    /// Whether a placeholder stands in any of its texts.
    pub fn asks_for(&self, placeholder: &str) -> bool {
        fn within(node: &Node, placeholder: &str) -> bool {
            match node {
                Node::Text(template) => template.asks_for(placeholder),
                Node::List(list) => list.iter().any(|inner| within(inner, placeholder)),
                Node::Object(pairs) => pairs.iter().any(|(_, inner)| within(inner, placeholder)),
                Node::Fixed(_) => false,
            }
        }
        within(&self.0, placeholder)
    }

    /// The names at its top.
    pub(super) fn names(&self) -> Vec<&str> {
        match &self.0 {
            Node::Object(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
            Node::Text(_) | Node::List(_) | Node::Fixed(_) => Vec::new(),
        }
    }

    pub(super) fn fill(&self, values: &Values) -> Value {
        fill(&self.0, values).unwrap_or(Value::Null)
    }
}

fn node(value: &Value, at: &str) -> Result<Node, (String, TemplateError)> {
    Ok(match value {
        Value::String(text) => {
            Node::Text(Template::parse(text).map_err(|error| (at.to_owned(), error))?)
        }
        Value::Array(list) => {
            let nodes = list.iter().enumerate().map(|(i, inner)| node(inner, &format!("{at}/{i}")));
            Node::List(nodes.collect::<Result<_, _>>()?)
        }
        Value::Object(object) => {
            let pairs = object
                .iter()
                .map(|(key, inner)| Ok((key.clone(), node(inner, &format!("{at}/{key}"))?)));
            Node::Object(pairs.collect::<Result<_, _>>()?)
        }
        fixed => Node::Fixed(fixed.clone()),
    })
}

fn fill(node: &Node, values: &Values) -> Option<Value> {
    Some(match node {
        Node::Text(Template(parts)) if parts.as_slice() == [Part::Slot(Slot::ExpiresSeconds)] => {
            values.expires_seconds.into()
        }
        Node::Text(template) => template.fill(values)?.into(),
        Node::List(list) => list.iter().filter_map(|inner| fill(inner, values)).collect(),
        Node::Object(pairs) => Value::Object(
            pairs
                .iter()
                .filter_map(|(key, inner)| Some((key.clone(), fill(inner, values)?)))
                .collect(),
        ),
        Node::Fixed(value) => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values(text: &str) -> Values {
        let (to, from) = ("+46701740605".into(), "Ekskolan".into());
        Values { to, from, text: text.into(), ..Values::example() }
    }

    #[test]
    fn templates() {
        let fill = |text: &str| Template::parse(text).map(|template| template.fill(&values("Hej")));
        let some = |text: &str| Ok(Some(text.to_owned()));
        for (text, expected) in [
            ("{to}", some("+46701740605")),
            ("{from}: {text}.", some("Ekskolan: Hej.")),
            ("fixed", some("fixed")),
            ("", some("")),
            ("{{{id}}}", some("{1f}")),
            ("{expires-seconds}", some("3600")),
            ("see {receipt-url}", Ok(None)),
            ("{name}", Err(TemplateError::Unknown("name".into()))),
            ("{To}", Err(TemplateError::Unknown("To".into()))),
            ("{to", Err(TemplateError::LoneBrace)),
            ("to}", Err(TemplateError::LoneBrace)),
        ] {
            assert_eq!(fill(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_placeholder_is_known_and_says_so() {
        for name in PLACEHOLDERS {
            let template = Template::parse(&format!("a {{{name}}} b")).unwrap();
            for other in PLACEHOLDERS {
                assert_eq!(template.asks_for(other), name == other, "{name} {other}");
            }
            let document = json!({ "a": { "b": [1, format!("{{{name}}}")] }, "c": "{{to}}" });
            let document = JsonTemplate::parse(&document).unwrap();
            assert!(document.asks_for(name) && (name == "to" || !document.asks_for("to")));
            assert_eq!(document.names(), ["a", "c"]);
        }
        let error = Template::parse("{txt}").unwrap_err().to_string();
        assert!(error.contains("{txt}") && error.contains("{to} {from} {text}"), "{error}");
    }

    #[test]
    fn json_keeps_its_shape() {
        let document = json!({
            "to": ["{to}"], "body": "{text}", "ttl": "{expires-seconds}", "flash": false,
            "callback": "{receipt-url}", "nested": { "reports": "{receipt-url}", "n": 1 },
        });
        let template = JsonTemplate::parse(&document).unwrap();
        assert_eq!(
            template.fill(&values("\"},{\"x\":\"")),
            json!({
                "to": ["+46701740605"], "body": "\"},{\"x\":\"", "ttl": 3600, "flash": false,
                "nested": { "n": 1 },
            })
        );
        let (at, _) = JsonTemplate::parse(&json!({ "a": ["x", "{y}"] })).unwrap_err();
        assert_eq!(at, "/a/1");
        assert!(JsonTemplate::parse(&json!(["{text}"])).is_err());
    }

    proptest! {
        #[test]
        fn a_text_is_never_read_as_a_template(text in "\\PC{0,40}") {
            let template = Template::parse("<{text}>").unwrap();
            prop_assert_eq!(template.fill(&values(&text)).unwrap(), format!("<{text}>"));
        }
    }
}
