//! Reads one table of the file by asking for keys. Each question is remembered, so that what was
//! never asked for can be reported as unknown; each fault is noted with its place and the reading
//! goes on, so that all of them are told at once.

mod values;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Severity, did_you_mean};
use super::secret::Loader;

pub(super) use values::Cap;

/// What all readers of one file share.
pub(super) struct Context<'a> {
    /// The file as the operator named it.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// For paths and secrets.
    pub loader: &'a Loader,
    /// Found so far.
    pub problems: RefCell<Vec<Problem>>,
    /// Every key asked for, with `*` for a name the operator chose: what the file's comments must cover.
    pub known: RefCell<BTreeSet<String>>,
    /// The same with the operator's names: what it is a question of, and where its answer stands.
    pub asked: RefCell<BTreeMap<String, Question>>,
}

/// A key that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// As in [`Context::known`].
    pub pattern: String,
    /// Where its value stands; none: it is not in the file.
    pub place: Option<Range<usize>>,
}

impl Context<'_> {
    /// Notes a problem once.
    pub fn push(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

/// One table, present or not.
pub(super) struct Reader<'a> {
    pub context: &'a Context<'a>,
    table: Option<&'a DeTable<'a>>,
    place: Option<Range<usize>>,
    path: String,
    pattern: String,
    asked: RefCell<BTreeSet<&'static str>>,
    excused: Cell<bool>,
}

/// A value with the place where it stands.
type Found<'a> = &'a Spanned<DeValue<'a>>;

fn join(path: &str, key: &str) -> String {
    if path.is_empty() || key.is_empty() { format!("{path}{key}") } else { format!("{path}.{key}") }
}

impl<'a> Reader<'a> {
    /// The whole file.
    pub fn root(context: &'a Context<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            context,
            table: Some(table),
            // What is missing from the top belongs at the top.
            place: Some(0..0),
            path: String::new(),
            pattern: String::new(),
            asked: RefCell::default(),
            excused: Cell::new(false),
        }
    }

    /// Whether the table stands in the file.
    pub fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Where a key stands: `in [sources.trial]`.
    pub fn title(&self) -> String {
        if self.path.is_empty() {
            "at the top of the file".into()
        } else {
            format!("in [{}]", self.path)
        }
    }

    fn find(&self, key: &'static str) -> Option<Found<'a>> {
        self.asked.borrow_mut().insert(key);
        let pattern = join(&self.pattern, key);
        self.context.known.borrow_mut().insert(pattern.clone());
        let found =
            self.table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == key));
        let found = found.map(|(_, value)| value);
        let question = Question { pattern, place: found.map(Spanned::span) };
        self.context.asked.borrow_mut().insert(join(&self.path, key), question);
        found
    }

    /// Whether the key stands in the table, well or badly written.
    pub fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// Notes a problem at the key's value, or at the table's head when the key is not there.
    pub fn note(
        &self,
        severity: Severity,
        key: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let place = self.find(key).map(Spanned::span).or(self.place.clone());
        self.push(severity, key, place, message.into(), remedy.into());
    }

    fn push(
        &self,
        severity: Severity,
        key: &str,
        place: Option<Range<usize>>,
        mut message: String,
        mut remedy: String,
    ) {
        // Words that come from elsewhere bring their remedy with them.
        if remedy.is_empty() {
            let (found, todo) = message.split_once("; ").unwrap_or((&message, "correct it"));
            (message, remedy) = (found.to_owned(), todo.to_owned());
        }
        let mut problem =
            Problem::of_file(self.context.file, severity, message).at(self.context.text, place);
        problem.key = join(&self.path, key);
        problem.remedy = Some(remedy);
        self.context.push(problem);
    }

    /// An error at the key.
    pub fn error(&self, key: &'static str, message: impl Into<String>, remedy: impl Into<String>) {
        self.note(Severity::Error, key, message, remedy);
    }

    /// An error about the table as a whole, at its head.
    pub fn error_at_head(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Error, "", self.place.clone(), message.into(), remedy.into());
    }

    /// A warning about the table as a whole, at its head.
    pub fn warn_at_head(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Warning, "", self.place.clone(), message.into(), remedy.into());
    }

    /// A warning at the key.
    pub fn warn(&self, key: &'static str, message: impl Into<String>, remedy: impl Into<String>) {
        self.note(Severity::Warning, key, message, remedy);
    }

    /// An error when the key is not there at all; a bad value has been reported already.
    pub fn require<T>(&self, key: &'static str, value: Option<T>, example: &str) -> Option<T> {
        if value.is_none() && !self.has(key) {
            let title = self.title();
            self.error(key, format!("no `{key}` {title}"), format!("add {key} = {example}"));
        }
        value
    }

    fn mismatch(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        private: bool,
        expected: &str,
        remedy: Option<String>,
    ) {
        let found = match value.get_ref() {
            _ if private => "a value".to_owned(),
            DeValue::String(text) => format!("{text:?}").chars().take(60).collect(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(word) => word.to_string(),
            other => format!("{} {}", if other.is_array() { "an" } else { "a" }, other.type_str()),
        };
        let example = || expected.split_once(" as ").map_or(expected, |(_, example)| example);
        let remedy = format!("write {}", remedy.unwrap_or_else(|| example().to_owned()));
        self.push(
            Severity::Error,
            key,
            Some(value.span()),
            format!("`{key}` is {found}, expected {expected}"),
            remedy,
        );
    }

    /// A text that `parse` makes something of; `parse` answers with what to write instead.
    pub fn parsed<T>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, Option<String>>,
    ) -> Option<T> {
        self.one(key, self.find(key)?, false, expected, &parse)
    }

    fn one<T>(
        &self,
        key: &'static str,
        value: Found<'a>,
        private: bool,
        expected: &str,
        parse: &impl Fn(&str) -> Result<T, Option<String>>,
    ) -> Option<T> {
        let fault = match value.get_ref().as_str().map(parse) {
            Some(Ok(good)) => return Some(good),
            Some(Err(write)) => write.map(|text| format!("\"{text}\"")),
            None => None,
        };
        self.mismatch(key, value, private, expected, fault);
        None
    }

    /// A list of texts; one text alone is a list of one. None when an entry is bad.
    pub fn list<T>(
        &self,
        key: &'static str,
        private: bool,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, Option<String>>,
    ) -> Option<Vec<T>> {
        let value = self.find(key)?;
        let one = |item| self.one(key, item, private, expected, &parse);
        match value.get_ref() {
            DeValue::Array(items) => {
                // All are read, so that all bad ones are reported.
                let read: Vec<Option<T>> = items.iter().map(one).collect();
                read.into_iter().collect()
            }
            _ => one(value).map(|item| vec![item]),
        }
    }

    /// Whether an error was noted at the key, so that what follows from it goes without saying.
    pub fn is_faulty(&self, key: &'static str) -> bool {
        let path = join(&self.path, key);
        let problems = self.context.problems.borrow();
        problems.iter().any(|problem| problem.key == path && problem.severity == Severity::Error)
    }

    fn inner(
        &self,
        key: &str,
        pattern: &str,
        value: Option<Found<'a>>,
        place: Option<Range<usize>>,
    ) -> Reader<'a> {
        let table = value.and_then(|value| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                let write = format!("[{}] on a line of its own", join(&self.path, key));
                self.mismatch(key, value, true, "a table", Some(write));
            }
            table
        });
        Reader {
            context: self.context,
            table,
            place: place.or_else(|| value.map(Spanned::span)),
            path: join(&self.path, key),
            pattern: join(&self.pattern, pattern),
            asked: RefCell::default(),
            excused: Cell::new(false),
        }
    }

    /// The table under a key; empty when it is not there.
    pub fn table(&self, key: &'static str) -> Reader<'a> {
        self.inner(key, key, self.find(key), None)
    }

    /// The tables under a key, by the names that the operator gave them.
    pub fn tables(&self, key: &'static str) -> Vec<(String, Reader<'a>)> {
        let outer = self.table(key);
        let entries = outer.table.into_iter().flat_map(|table| table.iter());
        entries
            .map(|(name, value)| {
                let place = value.get_ref().is_table().then(|| value.span());
                (name.get_ref().to_string(), outer.inner(name.get_ref(), "*", Some(value), place))
            })
            .collect()
    }

    /// A table of texts by names that the operator chose.
    pub fn texts(&self, key: &'static str) -> BTreeMap<String, String> {
        let outer = self.table(key);
        let entries = outer.table.into_iter().flat_map(|table| table.iter());
        entries
            .filter_map(|(name, value)| {
                let text = value.get_ref().as_str();
                if text.is_none() {
                    outer.mismatch(name.get_ref(), value, false, "a text", None);
                }
                Some((name.get_ref().to_string(), text?.to_owned()))
            })
            .collect()
    }

    /// A table as the JSON document that it reads like.
    pub fn document(&self, key: &'static str) -> Option<serde_json::Value> {
        let value = self.find(key)?;
        if !value.get_ref().is_table() {
            self.mismatch(key, value, true, "a table, as { to = \"{to}\" }", None);
            return None;
        }
        let document = json(value.get_ref());
        if document.is_none() {
            self.mismatch(
                key,
                value,
                true,
                "a table of what JSON knows: texts, numbers, true and false",
                None,
            );
        }
        document
    }

    /// Lets every key pass, where what they would mean is not known.
    pub fn excuse_all(&self) {
        self.excused.set(true);
    }

    /// Reports every key that stands in the table and was never asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (name, value) in self.table.into_iter().flat_map(|table| table.iter()) {
            let key = name.get_ref().as_ref();
            if asked.contains(key) || self.excused.get() {
                continue;
            }
            let title = self.title();
            let (message, remedy) = match inline_secret(key, &asked) {
                Some(right) if value.get_ref().is_str() => (
                    format!("`{key}` {title}: a secret may not stand in this file"),
                    format!(
                        "put it alone in a file of mode 0600, write `{right} = \"…\"` with the file's name, and change the secret"
                    ),
                ),
                _ => (
                    format!("unknown key `{key}` {title}"),
                    match did_you_mean(key, asked.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!(
                            "remove it; known here: {}",
                            asked.iter().copied().collect::<Vec<_>>().join(", ")
                        ),
                    },
                ),
            };
            self.push(Severity::Error, key, Some(name.span()), message, remedy);
        }
    }
}

/// A value in JSON; none where it holds a date or a number that JSON has not.
fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    use serde_json::Value;
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(n) => Value::from(i64::from_str_radix(n.as_str(), n.radix()).ok()?),
        DeValue::Float(n) => Value::Number(serde_json::Number::from_f64(n.as_str().parse().ok()?)?),
        DeValue::Boolean(word) => Value::Bool(*word),
        DeValue::Datetime(_) => return None,
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let entry = |(name, value): (&Spanned<_>, &Spanned<_>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                Some((name.to_string(), json(value.get_ref())?))
            };
            Value::Object(table.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

/// The `-file` key that should stand instead, when `key` looks like a secret written out.
fn inline_secret(key: &str, asked: &BTreeSet<&'static str>) -> Option<&'static str> {
    let plain = key.to_lowercase().replace('_', "-");
    let secrets =
        || asked.iter().copied().filter(|known| known.ends_with("-file") && *known != "ca-file");
    let exact = secrets().find(|known| known.strip_suffix("-file") == Some(plain.as_str()));
    let telling = ["password", "passwd", "secret", "token", "api-key", "apikey", "bearer"];
    exact.or_else(|| {
        let told = !plain.contains("fil") && telling.iter().any(|word| plain.contains(word));
        if told {
            did_you_mean(&format!("{plain}-file"), secrets()).or_else(|| secrets().next())
        } else {
            None
        }
    })
}
