//! Rows of files, whole and cut.

use proptest::prelude::*;

use super::*;

fn rows(bytes: &[u8], format: Format) -> Result<(Vec<Row>, bool), String> {
    rows_by(bytes, format, None)
}

fn rows_by(bytes: &[u8], format: Format, by: Option<char>) -> Result<(Vec<Row>, bool), String> {
    let mut records = Records::new(bytes, format, Encoding::Utf8, by);
    let mut rows = Vec::new();
    loop {
        match records.next() {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => return Ok((rows, records.is_ended())),
            Err(Stopped::Bad(fault)) => return Err(fault.to_string()),
            Err(Stopped::Io(error)) => return Err(error.to_string()),
        }
    }
}

fn cells(row: &Row) -> String {
    match row.fields.as_ref() {
        Ok(Fields::Cells(cells)) => format!("{} {}", row.line, cells.join("|")),
        Ok(Fields::Named(named)) => format!("{} {named:?}", row.line),
        Err(why) => format!("{} {why}", row.line),
    }
}

#[test]
fn csv_and_json_lines() {
    let (found, ended) =
        rows("a\tb\r\n1\t\"x\ny\"\r\n\n2\tz".as_bytes(), Format::Csv).expect("rows");
    assert_eq!(found.iter().map(cells).collect::<Vec<_>>(), ["1 a|b", "2 1|x\ny", "5 2|z"]);
    assert!(!ended, "the last row has no line end");
    let text = "{\"Pupil\":\"p1\",\"lesson\":{\"id\":7,\"start\":null},\"groups\":[\"a\",\"b\"],\"ok\":true}\n\n[1]\n{\"a\":1,\"a\":2}\n{\"a\"\n";
    let (found, ended) = rows(text.as_bytes(), Format::JsonLines).expect("rows");
    assert_eq!(
        found.iter().map(cells).collect::<Vec<_>>(),
        [
            "1 {\"groups\": \"a|b\", \"lesson.id\": \"7\", \"ok\": \"true\", \"pupil\": \"p1\"}",
            "3 is no JSON object",
            "4 has a key twice",
            "5 is not JSON",
        ]
    );
    assert!(ended);
    assert_eq!(rows(b"", Format::Csv), Ok((vec![], true)));
}

#[test]
fn what_spoils_a_file() {
    for (text, words) in [
        ("a,b\n\"x,1\n", "line 2: opens a quotation mark"),
        ("a,b\n\"x\"y,1\n", "line 2: has text after"),
        ("a\n\u{0}\n", "NUL"),
    ] {
        let error = rows(text.as_bytes(), Format::Csv).expect_err(words);
        assert!(error.contains(words), "{error}");
    }
    let endless = format!("a,b\n\"{}", "x\n".repeat(MAX_ROW));
    let error = rows(endless.as_bytes(), Format::Csv).expect_err("endless");
    assert!(error.contains("longer than a row"), "{error}");
    let long = format!("{{\"a\":\"{}\"}}\n", "x".repeat(MAX_ROW));
    assert!(rows(long.as_bytes(), Format::JsonLines).is_err());
}

proptest! {
    /// Cut anywhere, a file gives rows of the whole one, or says that its last line is not ended.
    #[test]
    fn a_cut_file_is_never_mistaken_for_another(
        table in proptest::collection::vec(proptest::collection::vec("[a-zå\"\n;]{0,5}", 2..4), 1..6),
        cut in 0usize..200,
    ) {
        let quoted = |c: &String| format!("\"{}\"", c.replace('"', "\"\""));
        let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(";") + "\r\n";
        let bytes = table.iter().map(line).collect::<String>().into_bytes();
        let (whole, ended) = rows_by(&bytes, Format::Csv, Some(';')).expect("good");
        prop_assert!(ended);
        let cut = cut.min(bytes.len());
        if let Ok((part, true)) = rows_by(&bytes[..cut], Format::Csv, Some(';')) {
            prop_assert_eq!(&part[..], &whole[..part.len()]);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = rows(&bytes, Format::Csv);
        let _ = rows(&bytes, Format::JsonLines);
    }
}
