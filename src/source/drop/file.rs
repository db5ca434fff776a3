//! One file, read twice: once to see that all of it can be trusted and what it is, and once to take its rows, a
//! batch at a time. Blocking; hands rows on as they stand.

use std::fs;
use std::io;
use std::path::Path;

use super::columns::Reading;
use super::folder::{self, About};
use super::kind::Kind;
use super::records::{Fault, Fields, Format, Records, Row, Stopped};
use super::rows;
use super::settings::Writing;
use super::text::{self, Encoding};

/// What the first reading found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Digest of its content.
    pub digest: String,
    /// How many rows there are below the head.
    pub rows: u64,
    /// Whether its last line is ended: one that is not may have been cut off.
    pub is_ended: bool,
    /// How many bytes.
    pub bytes: u64,
}

/// Reads a file from end to end, and checks what holds for the whole of it.
///
/// # Errors
/// When it cannot be read, or nothing in it can be used.
pub fn survey(path: &Path, about: About, kind: Kind, writing: &Writing) -> Result<Survey, Stopped> {
    let mut open = Open::new(path, about, kind, writing)?;
    let mut rows = 0;
    while open.records.next()?.is_some() {
        rows += 1;
    }
    Ok(Survey {
        digest: open.records.digest(),
        rows,
        is_ended: open.is_ended(),
        bytes: open.records.bytes(),
    })
}

/// A file being read.
pub struct Open {
    records: Records<fs::File>,
    /// Where its columns are.
    pub reading: Reading,
    head: Option<Row>,
}

/// The file was changed while it was read.
pub fn changed() -> Stopped {
    Stopped::Io(io::Error::new(io::ErrorKind::Interrupted, "changed while it was read"))
}

impl Open {
    /// Opens it and reads its head.
    ///
    /// # Errors
    /// As [`survey`], and when it is not the file that was looked at.
    pub fn new(path: &Path, about: About, kind: Kind, writing: &Writing) -> Result<Self, Stopped> {
        let (file, found) = folder::open(path).map_err(Stopped::Io)?;
        if found != about {
            return Err(changed());
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let format = Format::of(name).unwrap_or(Format::Csv);
        let mut records = Records::new(file, format, writing.encoding, writing.delimiter);
        let has_head = format == Format::Csv && writing.has_head(kind);
        let head = if has_head { records.next()? } else { None };
        if has_head && head.is_none() {
            return Err(Stopped::Bad(Fault::new(
                None,
                "is empty",
                "export it again, with the line that names the columns".into(),
            )));
        }
        let cells = head.as_ref().and_then(|row| match &row.fields {
            Ok(Fields::Cells(cells)) => Some(cells.as_slice()),
            _ => None,
        });
        let columns = writing.columns_of(kind);
        let reading = Reading::of(kind, columns.as_ref(), cells, format == Format::JsonLines);
        let reading = reading.map_err(Stopped::Bad)?;
        if format == Format::Csv
            && let Some(fault) = rows::lacks(kind, &reading)
        {
            return Err(Stopped::Bad(fault));
        }
        Ok(Self { records, reading, head })
    }

    /// Opens it as it is now, and reads its head: for a file that nobody writes to any more.
    ///
    /// # Errors
    /// As [`survey`].
    pub fn now(path: &Path, kind: Kind, writing: &Writing) -> Result<Self, Stopped> {
        let gone = || Stopped::Io(io::ErrorKind::NotFound.into());
        let about = folder::about(path).map_err(Stopped::Io)?.ok_or_else(gone)?;
        Self::new(path, about, kind, writing)
    }

    /// The next rows, at most so many; nothing: it is over.
    ///
    /// # Errors
    /// As [`survey`].
    pub fn batch(&mut self, most: usize) -> Result<Vec<Row>, Stopped> {
        let mut rows = Vec::new();
        while rows.len() < most {
            match self.records.next()? {
                Some(row) => rows.push(row),
                None => break,
            }
        }
        Ok(rows)
    }

    /// Whether its last line is ended. To be asked at its end.
    pub fn is_ended(&self) -> bool {
        self.records.is_ended() && self.records.bytes() > 0
    }

    /// Digest of all that was read.
    pub fn digest(&self) -> String {
        self.records.digest()
    }

    /// The head as it stands, with the mark of its encoding, to begin another file with.
    pub fn head(&self) -> Vec<u8> {
        let mark = text::mark(self.encoding());
        let head = self.head.as_ref().map(|row| self.as_it_stood(row)).unwrap_or_default();
        [mark, &head].concat()
    }

    fn encoding(&self) -> Encoding {
        self.records.encoding()
    }

    /// A row as it stood, to be mended and put back.
    pub fn as_it_stood(&self, row: &Row) -> Vec<u8> {
        let by = self.records.delimiter();
        let line = match (&row.raw, &row.fields) {
            (Some(raw), _) => raw.clone(),
            (None, Ok(Fields::Cells(cells))) => {
                cells.iter().map(|cell| quoted(cell, by)).collect::<Vec<_>>().join(&by.to_string())
            }
            (None, _) => String::new(),
        };
        text::encode(&format!("{line}\r\n"), self.encoding())
    }
}

fn quoted(cell: &str, by: char) -> String {
    if cell.contains([by, '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
