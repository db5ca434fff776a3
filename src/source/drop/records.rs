//! A file to rows, a piece at a time: CSV and JSON Lines, of any size in little memory. What makes the rest of a
//! file untrustworthy ends the reading; what spoils one row is that row's alone. Says lines, never what stands there.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::text::{Decoder, Encoding};
use crate::directory::cells::{CellError, Splitter};
use crate::model::hex;
use crate::source::webhook::json;

/// Largest row, in characters: an opening quotation mark that is never closed ends here.
const MAX_ROW: usize = 64 * 1024;
/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells between delimiters.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// By the ending of a name; none: a file that is not taken.
    pub fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_lowercase().as_str() {
            "csv" | "txt" | "tsv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// What stands in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// Cells in the order of the columns.
    Cells(Vec<String>),
    /// Values by their keys: those of objects in objects as `lesson.id`, lists joined by `|`.
    Named(BTreeMap<String, String>),
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its first line, from 1.
    pub line: usize,
    /// What stands in it, or why it is none, in words that continue "the row …".
    pub fields: Result<Fields, &'static str>,
    /// The row as it stands, where it is JSON.
    pub raw: Option<String>,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which line, from 1.
    pub line: Option<usize>,
    /// What is wrong, in words that continue "the file …".
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Fault {
    /// A fault.
    pub fn new(line: Option<usize>, what: &str, remedy: String) -> Self {
        Self { line, what: what.to_owned(), remedy }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// Why reading stopped.
#[derive(Debug)]
pub enum Stopped {
    /// It could not be read.
    Io(std::io::Error),
    /// What was read cannot be used.
    Bad(Fault),
}

/// The rows of one file.
pub struct Records<R> {
    from: R,
    format: Format,
    decoder: Decoder,
    delimiter: Option<char>,
    splitter: Option<Splitter>,
    line: String,
    line_number: usize,
    text: String,
    at: usize,
    since_row: usize,
    hash: Sha256,
    bytes: u64,
    is_over: bool,
    /// Whether the last row was ended by a line end.
    is_ended: bool,
}

impl<R: Read> Records<R> {
    /// Reads nothing yet.
    pub fn new(from: R, format: Format, encoding: Encoding, delimiter: Option<char>) -> Self {
        Self {
            from,
            format,
            decoder: Decoder::new(encoding),
            delimiter,
            splitter: None,
            line: String::new(),
            line_number: 1,
            text: String::new(),
            at: 0,
            since_row: 0,
            hash: Sha256::new(),
            bytes: 0,
            is_over: false,
            is_ended: true,
        }
    }

    /// In what the file is written, once a row has been read.
    pub fn encoding(&self) -> Encoding {
        self.decoder.encoding()
    }

    /// What stands between cells, once a row has been read.
    pub fn delimiter(&self) -> char {
        self.delimiter.unwrap_or(',')
    }

    /// How many bytes have been read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the file ended where a line ends. To be asked at its end.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// SHA-256 of all that was read, in hexadecimal.
    pub fn digest(&self) -> String {
        hex(self.hash.clone().finalize().as_slice())
    }

    /// The next row; none: the file is over.
    ///
    /// # Errors
    /// When the rest cannot be read, or not be trusted.
    #[allow(clippy::should_implement_trait, reason = "an iterator would go on after an error")]
    pub fn next(&mut self) -> Result<Option<Row>, Stopped> {
        loop {
            while let Some(letter) = self.text[self.at..].chars().next() {
                self.at += letter.len_utf8();
                if let Some(row) = self.push(letter)? {
                    self.since_row = 0;
                    return Ok(Some(row));
                }
                self.since_row += 1;
                if self.since_row > MAX_ROW {
                    return Err(Stopped::Bad(Fault::new(
                        Some(self.line_now()),
                        "is longer than a row can be: an opening quotation mark that is never closed, or no list",
                        "export it again".into(),
                    )));
                }
            }
            if self.is_over {
                return self.last();
            }
            self.fill()?;
        }
    }

    fn line_now(&self) -> usize {
        self.splitter.as_ref().map_or(self.line_number, Splitter::line)
    }

    fn fill(&mut self) -> Result<(), Stopped> {
        self.text.clear();
        self.at = 0;
        let mut piece = Vec::with_capacity(PIECE);
        (&mut self.from).take(PIECE as u64).read_to_end(&mut piece).map_err(Stopped::Io)?;
        self.is_over = piece.is_empty();
        self.bytes += piece.len() as u64;
        self.hash.update(&piece);
        let decoded = if self.is_over {
            self.decoder.finish()
        } else {
            self.decoder.push(&piece, &mut self.text)
        };
        decoded.map_err(|what| {
            Stopped::Bad(Fault::new(Some(self.line_now()), what, "export it again as text".into()))
        })?;
        if self.delimiter.is_none() && !self.text.is_empty() {
            self.delimiter = Some(delimiter(&self.text));
        }
        Ok(())
    }

    fn push(&mut self, letter: char) -> Result<Option<Row>, Stopped> {
        match self.format {
            Format::Csv => {
                let by = self.delimiter();
                let splitter = self.splitter.get_or_insert_with(|| Splitter::new(by));
                let record = splitter.push(letter).map_err(quote)?;
                self.is_ended = splitter.is_between();
                Ok(record.map(|r| Row {
                    line: r.line,
                    fields: Ok(Fields::Cells(r.cells)),
                    raw: None,
                }))
            }
            Format::JsonLines if letter == '\n' => {
                let line = std::mem::take(&mut self.line);
                let number = self.line_number;
                self.line_number += 1;
                self.is_ended = true;
                Ok(json_row(line.trim(), number))
            }
            Format::JsonLines => {
                self.line.push(letter);
                self.is_ended = false;
                Ok(None)
            }
        }
    }

    fn last(&mut self) -> Result<Option<Row>, Stopped> {
        match self.format {
            Format::Csv => {
                let record =
                    self.splitter.take().map(Splitter::finish).transpose().map_err(quote)?;
                let row = |r: crate::directory::cells::Record| Row {
                    line: r.line,
                    fields: Ok(Fields::Cells(r.cells)),
                    raw: None,
                };
                Ok(record.flatten().map(row))
            }
            Format::JsonLines => {
                let line = std::mem::take(&mut self.line);
                Ok(json_row(line.trim(), self.line_number))
            }
        }
    }
}

fn quote(error: CellError) -> Stopped {
    let (line, what) = match error {
        CellError::Unclosed(line) => (line, "opens a quotation mark that is never closed"),
        CellError::AfterQuote(line) => (line, "has text after a closing quotation mark"),
    };
    let remedy = "export it again; a quotation mark inside a cell is written twice";
    Stopped::Bad(Fault::new(Some(line), what, remedy.into()))
}

/// Comma, semicolon, tab or bar, whichever the first line has most of outside quotes; a comma if none.
fn delimiter(text: &str) -> char {
    let head = text.trim_start_matches(['\r', '\n']).lines().next().unwrap_or_default();
    let count = |wanted: char| {
        head.split('"').step_by(2).flat_map(str::chars).filter(|c| *c == wanted).count()
    };
    [',', '|', '\t', ';'].into_iter().max_by_key(|by| (count(*by), *by == ',')).unwrap_or(',')
}

fn json_row(line: &str, number: usize) -> Option<Row> {
    if line.is_empty() {
        return None;
    }
    let fields = match json::read_value(line.as_bytes()) {
        Ok(strict) if strict.twice.is_some() => Err("has a key twice"),
        Ok(strict) => match strict.value {
            Value::Object(object) => {
                let mut named = BTreeMap::new();
                flatten("", &object, &mut named);
                Ok(Fields::Named(named))
            }
            _ => Err("is no JSON object"),
        },
        Err(_) => Err("is not JSON"),
    };
    Some(Row { line: number, fields, raw: Some(line.to_owned()) })
}

fn flatten(
    above: &str,
    object: &serde_json::Map<String, Value>,
    into: &mut BTreeMap<String, String>,
) {
    for (key, value) in object {
        let key = format!("{above}{}", key.trim().to_lowercase().replace([' ', '_'], "-"));
        match value {
            Value::Null => {}
            Value::Object(inner) => flatten(&format!("{key}."), inner, into),
            Value::Array(items) => {
                let texts: Vec<String> = items.iter().map(text).collect();
                into.insert(key, texts.join("|"));
            }
            other => drop(into.insert(key, text(other))),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
