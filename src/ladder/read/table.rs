//! Reads one table of a ladder's text by asking for keys. What was never asked for is reported as unknown; each fault is
//! noted with its place and the reading goes on, so that all of them are told at once. Pure.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Fault, LONGEST_TEXT};
use crate::ladder::plan::Text;
use crate::ladder::words::Word;
use crate::model::did_you_mean;

/// A value with the place where it stands.
pub(super) type Found<'a> = &'a Spanned<DeValue<'a>>;

/// Words that are written for a key by those who know other rule languages, and the key.
const MEANT: [(&str, &str); 16] = [
    ("rule", "step"),
    ("steps", "step"),
    ("examples", "example"),
    ("trigger", "when"),
    ("if", "when"),
    ("filter", "for"),
    ("window", "within"),
    ("in", "within"),
    ("min", "at-least"),
    ("threshold", "at-least"),
    ("times", "at-least"),
    ("task", "duty"),
    ("deadline", "due"),
    ("reminder", "remind"),
    ("hand-over", "if-not-done"),
    ("escalate", "if-not-done"),
];

/// All that is wrong with one text.
pub(super) struct Faults<'t> {
    text: &'t str,
    found: RefCell<Vec<Fault>>,
}

impl<'t> Faults<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Notes one, once.
    pub fn push(&self, place: Range<usize>, message: String, remedy: String) {
        let (line, column) = self.place(place.start);
        let fault = Fault { line, column, message, remedy };
        let mut found = self.found.borrow_mut();
        if !found.contains(&fault) {
            found.push(fault);
        }
    }

    /// Line and column of a byte, from 1.
    pub fn place(&self, start: usize) -> (usize, usize) {
        let before = self.text.get(..start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// In the order of the text.
    pub fn into_found(self) -> Vec<Fault> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|fault| (fault.line, fault.column));
        found
    }
}

/// One table.
pub(super) struct Table<'a> {
    pub faults: &'a Faults<'a>,
    keys: &'a DeTable<'a>,
    /// Where it stands.
    pub place: Range<usize>,
    /// Where it is, for people: `step "long"`.
    pub title: String,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Table<'a> {
    pub fn new(
        faults: &'a Faults<'a>,
        table: &'a DeTable<'a>,
        place: Range<usize>,
        title: impl Into<String>,
    ) -> Self {
        Self { faults, keys: table, place, title: title.into(), asked: RefCell::default() }
    }

    /// The line at which it begins, from 1.
    pub fn line(&self) -> usize {
        self.faults.place(self.place.start).0
    }

    pub fn find(&self, key: &'static str) -> Option<Found<'a>> {
        self.asked.borrow_mut().insert(key);
        self.keys.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    pub fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// A fault at a key's value, or at the table's head where it is not there.
    pub fn error(&self, key: &'static str, message: impl Into<String>, remedy: impl Into<String>) {
        let place = self.find(key).map_or_else(|| self.place.clone(), Spanned::span);
        self.faults.push(place, message.into(), remedy.into());
    }

    /// A fault of the table as a whole.
    pub fn error_at_head(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.faults.push(self.place.clone(), message.into(), remedy.into());
    }

    /// A fault when the key is not there; a bad value has been reported already.
    pub fn require<T>(&self, key: &'static str, value: Option<T>, example: &str) -> Option<T> {
        if value.is_none() && !self.has(key) {
            let message = format!("no `{key}` in {}", self.title);
            self.error(key, message, format!("add {key} = {example}"));
        }
        value
    }

    fn mismatch(&self, key: &str, value: Found<'a>, expected: &str, write: Option<&str>) {
        let found = match value.get_ref() {
            DeValue::String(text) => format!("{text:?}").chars().take(60).collect(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(word) => word.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            other => format!("{} {}", if other.is_array() { "an" } else { "a" }, other.type_str()),
        };
        let example = expected.split_once(" as ").map_or(expected, |(_, example)| example);
        let remedy =
            write.map_or_else(|| format!("write {example}"), |right| format!("write {right}"));
        let message = format!("`{key}` in {} is {found}, expected {expected}", self.title);
        self.faults.push(value.span(), message, remedy);
    }

    fn one<T>(
        &self,
        key: &str,
        value: Found<'a>,
        expected: &str,
        parse: &impl Fn(&str) -> Word<T>,
    ) -> Option<T> {
        let write = match value.get_ref().as_str().map(parse) {
            Some(Ok(good)) => return Some(good),
            Some(Err(write)) => write.map(|text| format!("{text:?}")),
            None => None,
        };
        self.mismatch(key, value, expected, write.as_deref());
        None
    }

    /// A text that `parse` makes something of.
    pub fn parsed<T>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Word<T>,
    ) -> Option<T> {
        self.one(key, self.find(key)?, expected, &parse)
    }

    /// A list of texts, each with its place; one text alone is a list of one.
    pub fn list<T>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Word<T>,
    ) -> Option<Vec<(T, Range<usize>)>> {
        let value = self.find(key)?;
        let one = |item: Found<'a>| Some((self.one(key, item, expected, &parse)?, item.span()));
        match value.get_ref() {
            DeValue::Array(items) => {
                // All are read, so that all bad ones are told.
                let read: Vec<_> = items.iter().map(one).collect();
                read.into_iter().collect()
            }
            _ => one(value).map(|item| vec![item]),
        }
    }

    /// A text on one line.
    pub fn line_of_text(&self, key: &'static str) -> Option<String> {
        self.parsed(key, "a text on one line", plain)
    }

    /// A text in Swedish and English; one alone is both.
    pub fn text(&self, key: &'static str) -> Option<Text> {
        let value = self.find(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            let expected = "a text, as { sv = \"…\", en = \"…\" }";
            let both = self.one(key, value, expected, &plain)?;
            return Some(Text { sv: both.clone(), en: both });
        };
        let title = format!("`{key}` of {}", self.title);
        let inner = Table::new(self.faults, table, value.span(), title);
        let language = |key| {
            let text = inner.line_of_text(key);
            inner.require(key, text, "\"…\"")
        };
        let (sv, en) = (language("sv"), language("en"));
        inner.finish();
        Some(Text { sv: sv?, en: en? })
    }

    /// A whole number in a range.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<u16>) -> Option<u16> {
        let value = self.find(key)?;
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| u16::from_str_radix(n.as_str(), n.radix()).ok());
        let found = number.filter(|number| range.contains(number));
        if found.is_none() {
            let expected = format!("a whole number {}–{}", range.start(), range.end());
            self.mismatch(key, value, &expected, None);
        }
        found
    }

    /// A date.
    pub fn date(&self, key: &'static str) -> Option<Date> {
        let value = self.find(key)?;
        let found = match value.get_ref() {
            DeValue::Datetime(moment) if moment.time.is_none() => moment.to_string().parse().ok(),
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        if found.is_none() {
            self.mismatch(key, value, "a date as 2026-08-01", None);
        }
        found
    }

    /// The table under a key.
    pub fn table(&self, key: &'static str, expected: &str) -> Option<Table<'a>> {
        let value = self.find(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.mismatch(key, value, expected, None);
            return None;
        };
        let title = format!("`{key}` of {}", self.title);
        Some(Table::new(self.faults, table, value.span(), title))
    }

    /// The tables of a list: `[[step]]`, or inline ones. `title` makes what each is called of its place in the list.
    pub fn tables(&self, key: &'static str, title: impl Fn(usize) -> String) -> Vec<Table<'a>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            let write = format!("[[{key}]] on a line of its own");
            self.mismatch(key, value, "a list of tables", Some(&write));
            return Vec::new();
        };
        let mut all = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    all.push(Table::new(self.faults, table, item.span(), title(at + 1)));
                }
                _ => self.mismatch(key, item, "a table", None),
            }
        }
        all
    }

    /// Which of some keys stand in it.
    pub fn present(&self, keys: &[&'static str]) -> Vec<&'static str> {
        keys.iter().copied().filter(|key| self.has(key)).collect()
    }

    /// Reports every key that stands in it and was never asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        let known = || asked.iter().copied();
        for (name, _) in self.keys {
            let key = name.get_ref().as_ref();
            if asked.contains(key) {
                continue;
            }
            let plain = key.replace('_', "-");
            let meant = MEANT.iter().find(|(word, right)| *word == plain && asked.contains(right));
            let near = meant.map(|(_, right)| *right).or_else(|| did_you_mean(&plain, known()));
            let remedy = near.map_or_else(
                || format!("remove it; known here: {}", known().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("unknown key `{key}` in {}", self.title);
            self.faults.push(name.span(), message, remedy);
        }
    }
}

/// A text on one line, not empty, not endless.
fn plain(text: &str) -> Word<String> {
    let good = !text.trim().is_empty()
        && text.chars().count() <= LONGEST_TEXT
        && !text.chars().any(char::is_control);
    if good { Ok(text.to_owned()) } else { Err(None) }
}
