//! An XML document (XML 1.0, fifth edition) with placeholders in its texts, attributes and CDATA
//! sections. Pure. The document is read once for where each placeholder stands, so that each value is
//! escaped for its place; anywhere else, and in a document that is not well-formed, it is refused.

use super::{
    escape,
    template::{Template, TemplateError, Values},
};

/// Stands for a placeholder while the document is read: a noncharacter, which XML forbids.
const SLOT: char = '\u{ffff}';

/// A document with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlTemplate {
    template: Template,
    places: Vec<Place>,
    encoding: Option<String>,
}

/// Where a placeholder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Attribute,
    Cdata,
}

/// Why a text is no such document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// A placeholder or a brace at fault.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Not well-formed, or a placeholder where none can stand.
    #[error("is no XML document at its line {line}: {what}")]
    Document {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl XmlTemplate {
    /// Takes a document from configuration.
    ///
    /// # Errors
    /// See [`XmlError`].
    pub fn parse(text: &str) -> Result<Self, XmlError> {
        let template = Template::parse_with_secrets(text.trim())?;
        let document = template.outline(SLOT);
        let mut reader = Reader { document: &document, at: 0, open: Vec::new(), found: Vec::new() };
        let encoding = reader.document().map_err(|what| XmlError::Document {
            line: document[..reader.at].matches('\n').count() + 1,
            what,
        })?;
        let places = reader.found;
        Ok(Self { template, places, encoding })
    }

    /// Whether a placeholder stands in it.
    pub fn asks_for(&self, placeholder: &str) -> bool {
        self.template.asks_for(placeholder)
    }

    /// The template, whose values are not to be put in without this.
    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    /// The encoding that the document declares for itself.
    pub(super) fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    /// With the values in; an absent one is empty.
    pub(super) fn fill(&self, values: &Values) -> String {
        let mut places = self.places.iter();
        self.template.fill_all(values, |value| match places.next() {
            Some(Place::Text) | None => escape::xml_text(value),
            Some(Place::Attribute) => escape::xml_attribute(value),
            Some(Place::Cdata) => escape::xml_cdata(value),
        })
    }
}

/// What is still to be read of a document.
struct Reader<'d> {
    document: &'d str,
    at: usize,
    open: Vec<&'d str>,
    found: Vec<Place>,
}

impl<'d> Reader<'d> {
    fn rest(&self) -> &'d str {
        &self.document[self.at..]
    }

    fn take(&mut self, lead: &str) -> bool {
        let there = self.rest().starts_with(lead);
        if there {
            self.at += lead.len();
        }
        there
    }

    /// What stands before `end`, which is passed too.
    fn until(&mut self, end: &str, what: &str) -> Result<&'d str, String> {
        let rest = self.rest();
        let size = rest.find(end).ok_or_else(|| format!("{what} has no {end}"))?;
        self.at += size + end.len();
        Ok(&rest[..size])
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) -> &'d str {
        let rest = self.rest();
        let size = rest.find(|c: char| !wanted(c)).unwrap_or(rest.len());
        self.at += size;
        &rest[..size]
    }

    fn name(&mut self) -> Result<&'d str, String> {
        let part = |c: char| c != SLOT && (c.is_alphanumeric() || "_-.:".contains(c));
        let name = self.skip(part);
        match name.chars().next() {
            Some(first) if first.is_alphabetic() || first == '_' => Ok(name),
            _ if self.rest().starts_with(SLOT) => Err("a placeholder stands in a name".into()),
            _ => Err("a name is missing; write &lt; for < itself".into()),
        }
    }

    /// Reads it all; the encoding that it declares.
    fn document(&mut self) -> Result<Option<String>, String> {
        let encoding = if self.take("<?xml") { declared(self.fixed("?>")?) } else { None };
        let mut roots = 0;
        while !self.rest().is_empty() {
            let text = self.skip(|c| c != '<');
            if self.open.is_empty() && !text.trim().is_empty() {
                return Err("text stands outside of the document's element".into());
            }
            self.content(text, Place::Text)?;
            if self.take("<!--") {
                self.fixed("-->")?;
            } else if self.take("<![CDATA[") {
                if self.open.is_empty() {
                    return Err("CDATA stands outside of the document's element".into());
                }
                let text = self.until("]]>", "the CDATA section")?;
                self.found.extend(text.matches(SLOT).map(|_| Place::Cdata));
            } else if self.take("<!") || self.take("<?") {
                return Err("neither a document type nor an instruction may stand here".into());
            } else if self.take("</") {
                let name = self.name()?;
                self.skip(char::is_whitespace);
                let open = self.open.pop();
                if open != Some(name) || !self.take(">") {
                    return Err(match open {
                        Some(open) => format!("</{name}> stands where </{open}> is due"),
                        None => format!("</{name}> closes nothing"),
                    });
                }
            } else if self.take("<") {
                roots += usize::from(self.open.is_empty());
                self.element()?;
            }
        }
        match self.open.pop() {
            Some(open) => Err(format!("<{open}> is not closed")),
            None if roots == 1 => Ok(encoding),
            None => Err(format!("it has {roots} outermost elements; one is due")),
        }
    }

    /// A part of the document in which no value may stand.
    fn fixed(&mut self, end: &str) -> Result<&'d str, String> {
        let text = self.until(end, "what begins here")?;
        if text.contains(SLOT) {
            return Err("a placeholder stands where it is no text and no attribute's value".into());
        }
        Ok(text)
    }

    fn element(&mut self) -> Result<(), String> {
        let name = self.name()?;
        let mut seen = Vec::new();
        loop {
            let space = self.skip(char::is_whitespace);
            if self.take("/>") {
                return Ok(());
            }
            if self.take(">") {
                self.open.push(name);
                return Ok(());
            }
            if space.is_empty() {
                return Err(format!("<{name}> does not end"));
            }
            let attribute = self.name()?;
            if seen.contains(&attribute) {
                return Err(format!("<{name}> has {attribute} twice"));
            }
            seen.push(attribute);
            self.skip(char::is_whitespace);
            let is = self.take("=");
            self.skip(char::is_whitespace);
            let quote = ["\"", "'"].into_iter().find(|quote| self.take(quote));
            let (true, Some(quote)) = (is, quote) else {
                return Err(format!("{attribute} has no value in quotation marks"));
            };
            let value = self.until(quote, "the attribute's value")?;
            if value.contains('<') {
                return Err(format!("< stands in the value of {attribute}; write &lt;"));
            }
            self.content(value, Place::Attribute)?;
        }
    }

    /// Text in which references stand for characters.
    fn content(&mut self, text: &str, place: Place) -> Result<(), String> {
        for after in text.split('&').skip(1) {
            let name = after.split_once(';').map(|(name, _)| name);
            let number = |digits: &str| match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).is_ok(),
                None => digits.parse::<u32>().is_ok(),
            };
            let known = name.is_some_and(|name| {
                ["amp", "lt", "gt", "quot", "apos"].contains(&name)
                    || name.strip_prefix('#').is_some_and(number)
            });
            if !known {
                return Err("& stands alone; write &amp;".into());
            }
        }
        if text.contains("]]>") {
            return Err("]]> stands in a text; write ]]&gt;".into());
        }
        self.found.extend(text.matches(SLOT).map(|_| place));
        Ok(())
    }
}

/// The encoding in an XML declaration, in lower case.
fn declared(declaration: &str) -> Option<String> {
    let (_, after) = declaration.split_once("encoding")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| ['"', '\''].contains(c))?;
    Some(after[1..].split(quote).next()?.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Values {
        Values { text: text.into(), ..Values::example() }
    }

    fn fill(document: &str, text: &str) -> String {
        XmlTemplate::parse(document)
            .unwrap_or_else(|e| panic!("{document}: {e}"))
            .fill(&values(text))
    }

    #[test]
    fn values_are_escaped_for_their_place() {
        let odd = "a<b>&\"c'\nd]]>";
        for (document, expected) in [
            ("<a>{text}</a>", "<a>a&lt;b&gt;&amp;\"c'\nd]]&gt;</a>"),
            ("<a b='{text}'/>", "<a b='a&lt;b&gt;&amp;&quot;c&#39;&#10;d]]&gt;'/>"),
            (
                "<a><![CDATA[{text}]]></a>",
                "<a><![CDATA[a<b]]>&gt;<![CDATA[&\"c'\nd]]]]>&gt;<![CDATA[]]></a>",
            ),
            (
                "<a>{to}<b c=\"{from}\">é&#233;</b></a>",
                "<a>46701740605<b c=\"Skolan\">é&#233;</b></a>",
            ),
            ("<a dlr=\"{receipt-url}\">{{x}}</a>", "<a dlr=\"\">{x}</a>"),
            (
                " <?xml version=\"1.0\"?>\n<!-- x -->\n<a />\n",
                "<?xml version=\"1.0\"?>\n<!-- x -->\n<a />",
            ),
        ] {
            assert_eq!(fill(document, odd), expected, "{document}");
        }
        let declared = "<?xml version='1.0' encoding = 'ISO-8859-1'?><a/>";
        assert_eq!(XmlTemplate::parse(declared).unwrap().encoding(), Some("iso-8859-1"));
    }

    #[test]
    fn what_is_no_document() {
        for (document, what) in [
            ("", "it has 0 outermost elements"),
            ("{text}", "outside of the document's element"),
            ("<a/><b/>", "it has 2 outermost elements"),
            ("<a>", "<a> is not closed"),
            ("<a></b>", "</b> stands where </a> is due"),
            ("<a/></a>", "</a> closes nothing"),
            ("<{text}/>", "a placeholder stands in a name"),
            ("<a {text}='1'/>", "a placeholder stands in a name"),
            ("<a b={text}/>", "b has no value in quotation marks"),
            ("<a b/>", "b has no value in quotation marks"),
            ("<a b='<'/>", "< stands in the value of b"),
            ("<a b='1' b='2'/>", "<a> has b twice"),
            ("<a b='1'c='2'/>", "<a> does not end"),
            ("<a>x & y</a>", "& stands alone"),
            ("<a>&{text};</a>", "& stands alone"),
            ("<a>&aring;</a>", "& stands alone"),
            ("<a>1 < 2</a>", "a name is missing"),
            ("<a><!-- {text} --></a>", "no text and no attribute's value"),
            ("<a><![CDATA[x</a>", "the CDATA section has no ]]>"),
            ("<!DOCTYPE a><a/>", "neither a document type"),
            ("<a><?php {text} ?></a>", "nor an instruction"),
            ("<a>{txt}</a>", "the unknown {txt}"),
        ] {
            let said = XmlTemplate::parse(document).expect_err(document).to_string();
            assert!(said.contains(what), "{document}: {said}");
        }
        let said = XmlTemplate::parse("<a>\n\n<b>\n</a>").unwrap_err().to_string();
        assert!(said.contains("line 4"), "{said}");
    }

    /// Undoes what was done to a value, by the standard's own rules.
    fn read_back(filled: &str) -> String {
        let inside = filled.strip_prefix("<a>").unwrap().strip_suffix("</a>").unwrap();
        let mut text = String::new();
        for (i, piece) in inside.split("<![CDATA[").enumerate() {
            let (raw, rest) = if i == 0 { ("", piece) } else { piece.split_once("]]>").unwrap() };
            assert!(!rest.contains('<'));
            let rest = rest.replace("&lt;", "<").replace("&gt;", ">").replace("&#13;", "\r");
            text += raw;
            text += &rest.replace("&amp;", "&");
        }
        text
    }

    proptest! {
        #[test]
        fn no_text_changes_the_document(text in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\u{fffe}\\u{ffff}]{0,30}|[<>&\\]!\\[CDATA]{0,30}") {
            for document in ["<a>{text}</a>", "<a><![CDATA[{text}]]></a>", "<a><![CDATA[{text}{text}]]></a>"] {
                let expected = if document.contains("}{") { text.repeat(2) } else { text.clone() };
                prop_assert_eq!(read_back(&fill(document, &text)), expected);
            }
            let filled = fill("<a b=\"{text}\"/>", &text);
            let value = filled.strip_prefix("<a b=\"").unwrap().strip_suffix("\"/>").unwrap();
            prop_assert!(!value.contains(['"', '<', '\n', '\t']));
        }

        #[test]
        fn no_document_panics(document in "[<>/?!a='\" &;{}\\[\\]CDAT\n-]{0,40}") {
            let _ = XmlTemplate::parse(&document);
        }
    }
}
