//! A body in a format of the gateway's own. Pure. How values are escaped is the operator's word: there
//! is no way that suits all formats, and none that goes without saying.

use super::{
    charset::Charset,
    escape,
    template::{Template, TemplateError, Values},
};

/// How values are written in a raw body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As they are. Only where no value can be mistaken for what stands around it.
    None,
    /// As the inside of a JSON string (RFC 8259 §7).
    Json,
    /// As the value of an XML attribute, which is right in a text too.
    Xml,
    /// Percent-encoded.
    Url,
}

/// A text with placeholders, and how their values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawTemplate {
    template: Template,
    escape: Escape,
}

impl RawTemplate {
    /// Takes a text from configuration.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn parse(text: &str, escape: Escape) -> Result<Self, TemplateError> {
        Ok(Self { template: Template::parse_with_secrets(text)?, escape })
    }

    /// Whether a placeholder stands in it.
    pub fn asks_for(&self, placeholder: &str) -> bool {
        self.template.asks_for(placeholder)
    }

    /// The template, whose values are not to be put in without this.
    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    /// How values are written.
    pub(super) fn escape(&self) -> Escape {
        self.escape
    }

    /// With the values in; an absent one is empty.
    pub(super) fn fill(&self, values: &Values, charset: Charset) -> String {
        self.template.fill_all(values, |value| match self.escape {
            Escape::None => value.to_owned(),
            Escape::Json => escape::json(value),
            Escape::Xml => escape::xml_attribute(value),
            Escape::Url => escape::url(&charset.encode(value)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(text: &str, escape: Escape, value: &str) -> String {
        let values = Values { text: value.into(), ..Values::example() };
        RawTemplate::parse(text, escape).unwrap().fill(&values, Charset::Utf8)
    }

    #[test]
    fn values_are_written_as_the_operator_says() {
        let odd = "å \"<&\\\n";
        for (escape, expected) in [
            (Escape::None, "m=å \"<&\\\n;46701740605;"),
            (Escape::Json, "m=å \\\"<&\\\\\\n;46701740605;"),
            (Escape::Xml, "m=å &quot;&lt;&amp;\\&#10;;46701740605;"),
            (Escape::Url, "m=%C3%A5%20%22%3C%26%5C%0A;46701740605;"),
        ] {
            assert_eq!(fill("m={text};{to};{receipt-url}", escape, odd), expected, "{escape:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_comes_back_from_json(text in any::<String>()) {
            let filled = fill("{{\"m\":\"{text}\"}}", Escape::Json, &text);
            let read: serde_json::Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(read, serde_json::json!({ "m": text }));
        }
    }
}
