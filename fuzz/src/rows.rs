//! Rows of the store: what is read is written and read again as the same, and no error says what stands
//! in a row. The first line names the kind of row.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use upprop::delivery::accounts::Account;
use upprop::directory::snapshot::{from_rows, to_rows};
use upprop::model::{LessonState, Notification};
use upprop::store::codec::{decode, encode};
use upprop::store::ledger::ROW_VERSION;
use upprop::store::rows::{Audit, BadContact, Day, Due, Failing, Notice, Register, Seen, SentTo};

use super::input::tells_nothing;

/// The longest word about a row.
const WORDS: usize = 200;

/// The check.
pub fn check(data: &[u8]) {
    let at = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (kind, row) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    match kind {
        b"notification" => same::<Notification>(row),
        b"lesson" => same::<LessonState>(row),
        b"account" => same::<Account>(row),
        b"audit" => same::<Audit>(row),
        b"bad-contact" => same::<BadContact>(row),
        b"day" => same::<Day>(row),
        b"due" => same::<Due>(row),
        b"failing" => same::<Failing>(row),
        b"notice" => same::<Notice>(row),
        b"register" => same::<Register>(row),
        b"sent-to" => same::<SentTo>(row),
        b"seen" => same::<Seen>(row),
        person => from_snapshot(person, row),
    }
}

fn same<T: Serialize + DeserializeOwned + Debug + PartialEq>(row: &[u8]) {
    // A row is a byte of version before the JSON; the corpus has its digit, to be read by people.
    let mut row = row.to_vec();
    if let Some(first) = row.first_mut() {
        *first = first.wrapping_sub(b'0');
    }
    match decode::<T>(ROW_VERSION, &row) {
        Ok(value) => {
            let again = encode(ROW_VERSION, &value);
            assert_eq!(decode::<T>(ROW_VERSION, &again).as_ref(), Ok(&value), "written and read");
        }
        Err(error) => tells_nothing(&error.to_string(), &row, WORDS),
    }
}

/// Rows of the directory have their kind in the key.
fn from_snapshot(key: &[u8], row: &[u8]) {
    let Ok(key) = str::from_utf8(key) else { return };
    // No text holds the separator of a pupil's key; `|` stands for it.
    let key = key.replace('|', "\u{1}");
    let read = from_rows([(key.clone(), row.to_vec())].into_iter());
    if let Ok(roster) = read {
        let rows: Vec<_> = to_rows(&roster).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].0, key, "its own key");
        assert_eq!(from_rows(rows.into_iter()), Ok(roster), "written and read");
    }
}
