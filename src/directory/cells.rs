//! Text to records of cells, by RFC 4180 with comma or semicolon. Strict where a forgiving reader
//! would swallow rows: a quote that is never closed and text after a closing quote are errors.

/// One record: the line it starts on, counted from 1, and its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// First line.
    pub line: usize,
    /// Cells as they stand, quotes resolved.
    pub cells: Vec<String>,
}

/// Why a text is not records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellError {
    /// A quote was opened on this line and never closed.
    Unclosed(usize),
    /// On this line something follows a closing quote.
    AfterQuote(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// At the start of a cell.
    Start,
    /// In a cell without quotes.
    Bare,
    /// Between quotes.
    Quoted,
    /// After a quote that closed the cell, or was the first of two.
    Closed,
}

/// Splits a text; empty lines and lines of nothing but delimiters are left out.
///
/// # Errors
/// At the first quote that is not right: nothing after it can be trusted.
pub fn records(text: &str, delimiter: char) -> Result<Vec<Record>, CellError> {
    let mut splitter = Splitter::new(delimiter);
    let mut records = Vec::new();
    for c in text.chars() {
        records.extend(splitter.push(c)?);
    }
    records.extend(splitter.finish()?);
    Ok(records)
}

/// Splits a text that comes piece by piece. After an error it is of no use.
pub struct Splitter {
    delimiter: char,
    state: In,
    cell: String,
    cells: Vec<String>,
    line: usize,
    start: usize,
    quote: usize,
    /// The last character was a carriage return: a line feed after it ends no line of its own.
    returned: bool,
}

impl Splitter {
    /// Starts with the first line.
    pub fn new(delimiter: char) -> Self {
        Self {
            delimiter,
            state: In::Start,
            cell: String::new(),
            cells: Vec::new(),
            line: 1,
            start: 1,
            quote: 1,
            returned: false,
        }
    }

    /// Takes one character; the record that it ends, if it ends one that is not empty.
    ///
    /// # Errors
    /// When a quote is not right.
    pub fn push(&mut self, c: char) -> Result<Option<Record>, CellError> {
        let after_return = std::mem::replace(&mut self.returned, c == '\r') && c == '\n';
        let ends_line = matches!(c, '\r' | '\n') && !after_return;
        let mut record = None;
        match (self.state, c) {
            (In::Quoted, '"') => self.state = In::Closed,
            (In::Quoted, _) => self.cell.push(c),
            (In::Closed, '"') => {
                self.cell.push('"');
                self.state = In::Quoted;
            }
            (In::Start, '"') => {
                self.quote = self.line;
                self.state = In::Quoted;
            }
            _ if after_return => {}
            _ if ends_line => {
                record = self.end();
                self.start = self.line + 1;
            }
            _ if c == self.delimiter => {
                self.cells.push(std::mem::take(&mut self.cell));
                self.state = In::Start;
            }
            // Spaces between a closing quote and the delimiter do no harm.
            (In::Closed, ' ') => {}
            (In::Closed, _) => return Err(CellError::AfterQuote(self.line)),
            (In::Start | In::Bare, _) => {
                self.cell.push(c);
                self.state = In::Bare;
            }
        }
        if ends_line {
            self.line += 1;
        }
        Ok(record)
    }

    /// Whether the text so far ends where a line ends: neither in a cell nor between quotes.
    pub fn is_between(&self) -> bool {
        self.state == In::Start && self.cells.is_empty()
    }

    /// The line that the next character stands on, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The last record, which no line end follows.
    ///
    /// # Errors
    /// When a quote was never closed.
    pub fn finish(mut self) -> Result<Option<Record>, CellError> {
        if self.state == In::Quoted {
            return Err(CellError::Unclosed(self.quote));
        }
        Ok(self.end())
    }

    fn end(&mut self) -> Option<Record> {
        self.state = In::Start;
        let mut cells = std::mem::take(&mut self.cells);
        cells.push(std::mem::take(&mut self.cell));
        let is_empty = cells.iter().all(|c| c.trim().is_empty());
        (!is_empty).then_some(Record { line: self.start, cells })
    }
}

/// Comma or semicolon, whichever the first line has more of outside quotes; a comma if neither.
pub fn delimiter(text: &str) -> char {
    let header = text.trim_start().lines().next().unwrap_or_default();
    let bare = header.split('"').step_by(2);
    let count = |wanted: char| bare.clone().flat_map(str::chars).filter(|c| *c == wanted).count();
    if count(';') > count(',') { ';' } else { ',' }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Result<Vec<(usize, Vec<String>)>, CellError> {
        records(text, delimiter(text)).map(|r| r.into_iter().map(|r| (r.line, r.cells)).collect())
    }

    #[test]
    fn records_of_any_export() {
        let want = vec![
            (1, vec!["a".to_owned(), "b".to_owned()]),
            (2, vec!["1".to_owned(), "x".to_owned()]),
        ];
        for text in [
            "a,b\n1,x\n",
            "a,b\n1,x",
            "a,b\r\n1,x\r\n",
            "a,b\r1,x\r",
            "a;b\n1;x\n",
            "\"a\";\"b\"\n\"1\";\"x\"",
            "a,b\n\"1\" ,x\n\n,\n",
            "\"a\",b\n1,\"x\"\r\n\r\n",
        ] {
            assert_eq!(split(text).as_ref(), Ok(&want), "{text:?}");
        }
    }

    #[test]
    fn quotes() {
        let cells = |text: &str| {
            split(text).map(|r| r.into_iter().map(|(l, c)| (l, c.join("|"))).collect::<Vec<_>>())
        };
        assert_eq!(cells("a\n\"x,\"\"y\"\"\"\n"), Ok(vec![(1, "a".into()), (2, "x,\"y\"".into())]));
        assert_eq!(
            cells("a,b\n\"x\r\ny\",1\nz,2"),
            Ok(vec![(1, "a|b".into()), (2, "x\r\ny|1".into()), (4, "z|2".into())])
        );
        assert_eq!(
            cells("a\nAnna \"Nickan\" Ek"),
            Ok(vec![(1, "a".into()), (2, "Anna \"Nickan\" Ek".into())])
        );
        assert_eq!(cells("a\nb\n\"c\nd\n"), Err(CellError::Unclosed(3)));
        assert_eq!(cells("a\n\"b\"c\n"), Err(CellError::AfterQuote(2)));
        assert_eq!(cells("a\n\"b\nc,\"d\"\n"), Err(CellError::AfterQuote(3)));
        assert_eq!(cells(""), Ok(vec![]));
    }

    #[test]
    fn the_header_decides_the_delimiter() {
        for (text, want) in
            [("a;b;c\n1,2;3", ';'), ("a,b;c,d", ','), ("a", ','), ("\"x,y\";b", ';')]
        {
            assert_eq!(delimiter(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn quoted_cells_come_back(
            rows in proptest::collection::vec(
                proptest::collection::vec("[a-zå\",;\r\n ]{0,6}x", 1..5), 1..6),
            semicolon: bool,
        ) {
            let by = if semicolon { ';' } else { ',' };
            let text: String = rows.iter().map(|row| {
                let quote = |c: &String| format!("\"{}\"", c.replace('"', "\"\""));
                let cells: Vec<_> = row.iter().map(quote).collect();
                cells.join(&by.to_string()) + "\r\n"
            }).collect();
            let back = records(&text, by).expect("well formed");
            let back: Vec<_> = back.into_iter().map(|r| r.cells).collect();
            prop_assert_eq!(back, rows);
        }
    }
}
