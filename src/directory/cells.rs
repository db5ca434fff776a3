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
    let mut records = Vec::new();
    let mut cells: Vec<String> = Vec::new();
    let mut cell = String::new();
    let (mut line, mut start, mut quote) = (1, 1, 1);
    let mut state = In::Start;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let ends_line = c == '\n' || (c == '\r' && chars.peek() != Some(&'\n'));
        match (state, c) {
            (In::Quoted, '"') => state = In::Closed,
            (In::Quoted, _) => cell.push(c),
            (In::Closed, '"') => {
                cell.push('"');
                state = In::Quoted;
            }
            (In::Start, '"') => {
                quote = line;
                state = In::Quoted;
            }
            (_, '\r') if !ends_line => {}
            _ if ends_line => {
                cells.push(std::mem::take(&mut cell));
                push(&mut records, start, std::mem::take(&mut cells));
                state = In::Start;
                start = line + 1;
            }
            _ if c == delimiter => {
                cells.push(std::mem::take(&mut cell));
                state = In::Start;
            }
            // Spaces between a closing quote and the delimiter do no harm.
            (In::Closed, ' ') => {}
            (In::Closed, _) => return Err(CellError::AfterQuote(line)),
            (In::Start | In::Bare, _) => {
                cell.push(c);
                state = In::Bare;
            }
        }
        if ends_line {
            line += 1;
        }
    }
    if state == In::Quoted {
        return Err(CellError::Unclosed(quote));
    }
    cells.push(cell);
    push(&mut records, start, cells);
    Ok(records)
}

fn push(records: &mut Vec<Record>, line: usize, cells: Vec<String>) {
    if cells.iter().any(|c| !c.trim().is_empty()) {
        records.push(Record { line, cells });
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
