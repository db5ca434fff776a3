//! Files of a drop folder: read a byte at a time they are the same as read at once, and a file that was cut gives rows
//! of the whole one, or says that its last line is not ended.

use std::io::{self, Read};

use upprop::source::drop::records::{Format, Records, Row};
use upprop::source::drop::text::Encoding;

/// A file that comes a byte at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(1);
        self.0.read(&mut into[..most])
    }
}

/// All rows before the end or the first fault; whether it was the end, and the last line was ended.
fn rows(mut records: Records<impl Read>) -> (Vec<Row>, bool, String) {
    let mut rows = Vec::new();
    loop {
        match records.next() {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => return (rows, records.is_ended(), records.digest()),
            Err(_) => return (rows, false, String::new()),
        }
    }
}

/// The check: the first byte says how the rest is written.
pub fn check(data: &[u8]) {
    let Some((how, file)) = data.split_first() else { return };
    let format = if how & 1 == 0 { Format::Csv } else { Format::JsonLines };
    let encoding = if how & 2 == 0 { Encoding::Utf8 } else { Encoding::Windows1252 };
    let whole = rows(Records::new(file, format, encoding, Some(';')));
    assert_eq!(whole, rows(Records::new(Slow(file), format, encoding, Some(';'))), "in pieces");
    assert!(whole.0.is_sorted_by_key(|row| row.line), "lines come in their order");
    let cut = &file[..file.len() / 2];
    let (part, is_ended, _) = rows(Records::new(cut, format, encoding, Some(';')));
    // What is bad in the second half may spoil the first, which is decoded with it.
    if is_ended && !whole.2.is_empty() {
        assert!(whole.0.starts_with(&part), "a cut file has rows that the whole one has not");
    }
}
