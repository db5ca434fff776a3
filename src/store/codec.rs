//! How a row's value is spelled: one byte of version, then JSON. Pure. Which rows exist, and which
//! version each is at, is known to whoever owns the table.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// Why a value could not be read. Never quotes the value: rows hold personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not even a version byte.
    #[error("the row is empty: it has no version byte")]
    Empty,
    /// From a newer program.
    #[error(
        "the row was written by a newer upprop (row version {found}, this binary knows {known}); \
         install that release or a later one"
    )]
    Newer {
        /// The version in the row.
        found: u8,
        /// The newest version this program reads.
        known: u8,
    },
    /// The version is known and the JSON does not fit.
    #[error(
        "the row (version {version}) is not what this binary expects: {what} at column {column}"
    )]
    Malformed {
        /// The version in the row.
        version: u8,
        /// What kind of trouble, without the data that caused it.
        what: &'static str,
        /// Where in the JSON, counted from 1.
        column: usize,
    },
}

/// Spells a row: `version`, then `value` as JSON on one line.
///
/// # Panics
/// When `value` cannot be JSON (a map whose keys are not strings): a defect in the row's type, which
/// its first test shows.
pub fn encode<T: Serialize>(version: u8, value: &T) -> Bytes {
    let mut row = vec![version];
    serde_json::to_writer(&mut row, value)
        .expect("rows are structs of strings, numbers and lists, which JSON can hold");
    row.into()
}

/// Reads a row of version `known` or older. An older version must fit the same type: fields added
/// since carry `#[serde(default)]`.
///
/// # Errors
/// See [`CodecError`]; a newer version is refused, never guessed at.
pub fn decode<T: DeserializeOwned>(known: u8, row: &[u8]) -> Result<T, CodecError> {
    let (&version, json) = row.split_first().ok_or(CodecError::Empty)?;
    if version > known {
        return Err(CodecError::Newer { found: version, known });
    }
    serde_json::from_slice(json).map_err(|error| CodecError::Malformed {
        version,
        // serde_json's own words quote the offending value.
        what: match error.classify() {
            serde_json::error::Category::Io => "unreadable",
            serde_json::error::Category::Syntax => "not JSON",
            serde_json::error::Category::Data => "a field is missing or of the wrong kind",
            serde_json::error::Category::Eof => "cut short",
        },
        column: error.column(),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        name: String,
        #[serde(default)]
        added_later: u32,
    }

    #[test]
    fn a_row_comes_back_and_an_older_one_is_filled_in() {
        let row = Row { name: "Åsa".into(), added_later: 7 };
        assert_eq!(decode(2, &encode(2, &row)), Ok(row));
        assert_eq!(
            decode(2, b"\x01{\"name\":\"x\"}"),
            Ok(Row { name: "x".into(), added_later: 0 })
        );
    }

    #[test]
    fn a_newer_row_is_refused_in_words() {
        let error = decode::<Row>(2, &encode(3, &1)).unwrap_err();
        assert_eq!(error, CodecError::Newer { found: 3, known: 2 });
        assert!(error.to_string().contains("newer upprop"));
    }

    #[test]
    fn an_error_never_quotes_the_row() {
        for row in [&b"\x01{\"name\":5,\"x\":\"Anna\"}"[..], b"\x01\"Anna\"", b"\x01Anna", b""] {
            let error = decode::<Row>(1, row).unwrap_err().to_string();
            assert!(!error.contains("Anna"), "{error}");
        }
    }
}
