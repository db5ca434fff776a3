//! The page upprop.toml(5), made from the shipped file: its sections, tables, keys with their defaults, and
//! the prose that stands before each. Knows the file's form and nothing of what it says.

use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::config::SHIPPED;

/// What follows the prose before a key whose value is not a default.
const EXAMPLE: &str = "Example:";

/// The page; `date` is the day that it bears.
pub fn page(date: &str) -> String {
    let mut page = Roff::new();
    let source = concat!("upprop ", env!("CARGO_PKG_VERSION"));
    page.control("TH", ["upprop.toml", "5", date, source, "Attendance notification gateway"]);
    page.control("SH", ["NAME"]).text([roman("upprop.toml - configuration of upprop(8)")]);
    page.control("SH", ["SYNOPSIS"]).text([roman("/etc/upprop/upprop.toml")]);
    page.control("SH", ["DESCRIPTION"]);
    let mut writer = Writer { page, prose: Vec::new(), indent: 0, keys: Vec::new(), opened: true };
    for line in SHIPPED.lines() {
        writer.take(line);
    }
    writer.flush();
    let mut page = writer.page;
    let others = "upprop(8), upprop-check(8), systemd.exec(5)";
    page.control("SH", ["SEE ALSO"]).text([roman(others)]);
    page.render()
}

/// A piece of prose.
enum Prose {
    /// Running text.
    Text(String),
    /// A word in a column, and what it means.
    Entry(String, String),
}

struct Writer<'s> {
    page: Roff,
    /// What has been said and not yet written.
    prose: Vec<Prose>,
    /// How far in the last line of it stood.
    indent: usize,
    /// The keys that it is about, as they stand.
    keys: Vec<&'s str>,
    /// Whether a heading was the last thing written.
    opened: bool,
}

impl<'s> Writer<'s> {
    fn take(&mut self, line: &'s str) {
        if let Some(title) = line.strip_prefix("# ── ") {
            self.flush();
            let title = title.trim_end_matches('─').trim().to_uppercase();
            self.page.control("SH", [title.as_str()]);
            self.opened = true;
        } else if let Some(table) = table(line) {
            // What was said just before is about the table.
            let about = if self.keys.is_empty() { std::mem::take(&mut self.prose) } else { vec![] };
            self.flush();
            self.page.control("SS", [table]);
            self.opened = true;
            self.prose = about;
            self.write_prose();
        } else if let Some(key) = key(line) {
            self.keys.push(key);
        } else if let Some(said) = line.strip_prefix('#') {
            if !self.keys.is_empty() {
                self.flush();
            }
            self.say(said);
        } else if line.is_empty() {
            self.flush();
        }
    }

    /// Adds a line of prose; a line that is indented continues one that is, or is a word and its meaning.
    fn say(&mut self, said: &str) {
        let text = said.trim();
        if text.is_empty() {
            self.prose.push(Prose::Text(String::new()));
            return;
        }
        let indent = said.len() - said.trim_start().len();
        let continued = std::mem::replace(&mut self.indent, indent) == indent;
        let columns = (indent > 1).then(|| text.split_once("   ")).flatten();
        match (columns, self.prose.last_mut()) {
            (Some((word, meaning)), _) => {
                self.prose.push(Prose::Entry(word.into(), meaning.trim().into()));
            }
            (None, Some(Prose::Entry(_, meaning))) if indent > 1 => {
                meaning.push(' ');
                meaning.push_str(text);
            }
            (None, Some(Prose::Text(before))) if continued && !before.is_empty() => {
                before.push(' ');
                before.push_str(text);
            }
            _ => self.prose.push(Prose::Text(text.into())),
        }
    }

    /// Writes the keys with what was said of them, or else what was said alone.
    fn flush(&mut self) {
        if self.keys.is_empty() {
            self.write_prose();
            return;
        }
        let mut example = false;
        if let Some(Prose::Text(text)) = self.prose.last_mut()
            && let Some(rest) = text.strip_suffix(EXAMPLE)
        {
            example = true;
            *text = rest.trim_end().into();
        }
        let mut how = "TP";
        for line in std::mem::take(&mut self.keys) {
            let (key, value) = line.split_once(" = ").unwrap_or((line, ""));
            let mut tag = vec![bold(key), roman(format!(" = {value}"))];
            if example {
                tag.push(roman(" (example)"));
            }
            self.page.control(how, []).text(tag);
            how = "TQ";
        }
        let mut first = true;
        for said in std::mem::take(&mut self.prose) {
            match said {
                Prose::Text(text) if text.is_empty() => continue,
                Prose::Text(text) => {
                    if !first {
                        self.page.control("IP", []);
                    }
                    self.page.text(inline(&text));
                }
                Prose::Entry(word, meaning) => {
                    self.page.control("RS", []);
                    self.page.control("TP", []).text(inline(&word)).text(inline(&meaning));
                    self.page.control("RE", []);
                }
            }
            first = false;
        }
        self.opened = false;
    }

    fn write_prose(&mut self) {
        for said in std::mem::take(&mut self.prose) {
            match said {
                Prose::Text(text) if text.is_empty() => continue,
                Prose::Text(text) => {
                    if !self.opened {
                        self.page.control("PP", []);
                    }
                    self.page.text(inline(&text));
                }
                Prose::Entry(word, meaning) => {
                    self.page.control("TP", []).text(inline(&word)).text(inline(&meaning));
                }
            }
            self.opened = false;
        }
    }
}

/// The head of a table, also of one that is an example to uncomment.
fn table(line: &str) -> Option<&str> {
    let line = line.strip_prefix('#').unwrap_or(line);
    (line.starts_with('[') && line.ends_with(']')).then_some(line)
}

/// A key and its value, to uncomment or not.
fn key(line: &str) -> Option<&str> {
    let line = line.strip_prefix('#').unwrap_or(line);
    line.starts_with(|c: char| c.is_ascii_lowercase()).then_some(line)
}

/// Prose; what stands between backticks is bold.
pub fn inline(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(i, part)| if i % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_key_of_the_shipped_file_is_explained() {
        let page = page("2026-11-25");
        let roff = |text: &str| text.replace('-', "\\-").replace('\'', "\\*(Aq");
        let mut count = 0;
        for line in SHIPPED.lines() {
            if let Some(table) = table(line) {
                assert!(page.contains(&format!(".SS {table}\n")), "{table}");
            } else if let Some((key, value)) = key(line).and_then(|key| key.split_once(" = ")) {
                let tag = format!("\n\\fB{}\\fR = {}", roff(key), roff(value));
                assert!(page.contains(&tag), "{tag}\n{page}");
                count += 1;
            }
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn prose_goes_with_its_keys_and_examples_are_called_so() {
        let page = page("");
        let expected = [
            ".TP\n\\fBlow\\-water\\fR = \"512 MiB\"\nWith less free disk than this",
            ".TP\n\\fBmax\\-drop\\-pupils\\fR = \"20%\"\n.TQ\n\\fBmax\\-drop\\-contacts\\fR = \"20%\"\nA load that",
            "\\fBpublic\\-url\\fR = \"https://upprop.example.se\" (example)\n",
            ".SH \"WHO REPORTS\"\n.SS [sources.skolsystem]\nOne table for each",
            ".RS\n.TP\n\"/status\"\na JSON pointer\n.RE\n",
        ];
        for expected in expected {
            assert!(page.contains(expected), "{expected}\n{page}");
        }
        assert!(!page.contains("Example:\n"), "{page}");
    }
}
