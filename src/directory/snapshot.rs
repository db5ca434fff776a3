//! A roster as rows of the store and back: one row per pupil, guardian and member of staff. Also what
//! tells two contents apart: the digest is taken over these rows.

use sha2::{Digest as _, Sha256};

use super::{Guardian, Pupil, Roster, Staff};
use crate::model::{PupilId, SchoolId, hex};

/// Largest value one row may have, in bytes.
pub const MAX_ROW: usize = 4096;

/// Between a school's id and a pupil's: no id holds a control character.
const SEPARATOR: char = '\u{1}';

/// Why rows are not a roster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The key is none of this module's.
    #[error("a row has a key of an unknown kind; the store is newer, or damaged")]
    Key,
    /// The value is not that of its key.
    #[error("the row {0:?} cannot be read; load the directory again")]
    Value(String),
}

/// Keys (to be put after a prefix of the table) with JSON values, in key order for each kind.
/// `loaded_at` is not among them. Made one by one: all of a large municipality's are more than the
/// roster itself.
pub fn to_rows(roster: &Roster) -> impl Iterator<Item = (String, Vec<u8>)> {
    let pupils = roster.pupils.values().flat_map(|school| school.values());
    pupils
        .map(|p| (pupil_key(p), json(p)))
        .chain(roster.guardians.values().map(|g| (guardian_key(g), json(g))))
        .chain(roster.staff.values().map(|s| (staff_key(s), json(s))))
}

/// The roster of rows made by [`to_rows`], in any order.
///
/// # Errors
/// See [`put_row`].
pub fn from_rows(rows: impl Iterator<Item = (String, Vec<u8>)>) -> Result<Roster, SnapshotError> {
    let mut roster = Roster::default();
    for (key, value) in rows {
        put_row(&mut roster, &key, &value)?;
    }
    Ok(roster.compact())
}

/// Puts one of the rows made by [`to_rows`] into a roster, in any order.
///
/// # Errors
/// When it is not one of these or its value does not belong to its key.
pub fn put_row(roster: &mut Roster, key: &str, value: &[u8]) -> Result<(), SnapshotError> {
    match key.as_bytes() {
        [b'p', b'/', ..] => {
            let pupil: Pupil = value_of(key, value, pupil_key)?;
            let school = roster.pupils.entry(pupil.school.clone()).or_default();
            school.insert(pupil.id.clone(), pupil);
        }
        [b'g', b'/', ..] => {
            let guardian: Guardian = value_of(key, value, guardian_key)?;
            roster.guardians.insert(guardian.id.clone(), guardian);
        }
        [b's', b'/', ..] => {
            let staff: Staff = value_of(key, value, staff_key)?;
            roster.staff.insert(staff.id.clone(), staff);
        }
        _ => return Err(SnapshotError::Key),
    }
    Ok(())
}

/// SHA-256 of the content, in hexadecimal: the same people give the same digest, whatever file or
/// request they came in.
pub fn digest(roster: &Roster, had_protection_column: bool) -> String {
    let mut hash = Sha256::new();
    hash.update([u8::from(had_protection_column)]);
    for (key, value) in to_rows(roster) {
        for part in [key.as_bytes(), &value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex(hash.finalize().as_slice())
}

/// How large a pupil's row is, in bytes.
pub fn pupil_size(pupil: &Pupil) -> usize {
    json(pupil).len()
}

fn pupil_key(pupil: &Pupil) -> String {
    key_of_pupil(&pupil.school, &pupil.id)
}

/// The key of a pupil's row, as [`to_rows`] makes it.
pub fn key_of_pupil(school: &SchoolId, pupil: &PupilId) -> String {
    format!("p/{school}{SEPARATOR}{pupil}")
}

fn guardian_key(guardian: &Guardian) -> String {
    format!("g/{}", guardian.id)
}

fn staff_key(staff: &Staff) -> String {
    format!("s/{}", staff.id)
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structs with string keys always become JSON")
}

fn value_of<T: serde::de::DeserializeOwned>(
    key: &str,
    value: &[u8],
    key_of: fn(&T) -> String,
) -> Result<T, SnapshotError> {
    let parsed: Option<T> = serde_json::from_slice(value).ok();
    parsed.filter(|v| key_of(v) == key).ok_or_else(|| SnapshotError::Value(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::directory::testing::{any_roster, pupil, roster};

    #[test]
    fn keys_do_not_run_together() {
        let roster =
            roster([pupil("a", "b/c"), pupil("a/b", "c"), pupil("a", "b"), pupil("b", "b")]);
        let rows: Vec<_> = to_rows(&roster).collect();
        let keys: std::collections::BTreeSet<_> = rows.iter().map(|(key, _)| key).collect();
        assert_eq!((rows.len(), keys.len()), (7, 7));
        assert!(keys.contains(&"p/a\u{1}b/c".to_owned()) && keys.contains(&"g/g-c".to_owned()));
    }

    #[test]
    fn damaged_rows_are_refused() {
        let (key, value) = to_rows(&roster([pupil("a", "p")])).next().expect("a pupil");
        for (key, value, error) in [
            (key.clone(), b"{}".to_vec(), SnapshotError::Value(key.clone())),
            (key.clone(), value[..value.len() - 1].to_vec(), SnapshotError::Value(key.clone())),
            ("p/a\u{1}q".into(), value.clone(), SnapshotError::Value("p/a\u{1}q".into())),
            ("x/a".into(), value.clone(), SnapshotError::Key),
            (String::new(), value, SnapshotError::Key),
        ] {
            assert_eq!(from_rows([(key, value)].into_iter()), Err(error));
        }
    }

    #[test]
    fn a_digest_tells_contents_apart() {
        let one = roster([pupil("a", "p")]);
        assert_eq!(digest(&one, true), digest(&one.clone(), true));
        assert_ne!(digest(&one, true), digest(&one, false));
        let other = roster([Pupil { given_name: "Åke".into(), ..pupil("a", "p") }]);
        assert_ne!(digest(&one, true), digest(&other, true));
        let later = Roster { loaded_at: Some(jiff::Timestamp::UNIX_EPOCH), ..one.clone() };
        assert_eq!(digest(&one, true), digest(&later, true));
    }

    proptest! {
        #[test]
        fn rosters_come_back(roster in any_roster()) {
            let mut rows: Vec<_> = to_rows(&roster).collect();
            prop_assert!(rows.iter().all(|(_, value)| value.len() <= MAX_ROW));
            rows.reverse();
            prop_assert_eq!(from_rows(rows.into_iter()), Ok(roster));
        }
    }
}
