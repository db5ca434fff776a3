//! The memtable: what was written last, in memory, ahead of sled. Two tables at most: one that takes
//! writes, and one that was sealed and is on its way to sled. Pure; knows nothing of sled, of locks, or
//! of what is durable.

use std::{collections::BTreeMap, mem, ops::Bound, sync::Arc};

use bytes::Bytes;

/// What a key holds since it was last written; `None`: nothing.
pub type Word = Option<Bytes>;

/// The last word about each key.
pub type Table = BTreeMap<Vec<u8>, Word>;

/// The writes that sled may not show yet.
#[derive(Debug, Default)]
pub struct Memtable {
    active: Table,
    sealed: Arc<Table>,
}

impl Memtable {
    /// The last word about a key, if there was one lately.
    pub fn get(&self, key: &[u8]) -> Option<&Word> {
        self.active.get(key).or_else(|| self.sealed.get(key))
    }

    /// Takes a write.
    pub fn insert(&mut self, key: Vec<u8>, value: Option<Bytes>) {
        self.active.insert(key, value);
    }

    /// Seals what is active: it is handed out, still shown, and takes no more writes. What was sealed
    /// before must have been let go of.
    pub fn seal(&mut self) -> Arc<Table> {
        debug_assert!(self.sealed.is_empty(), "one sealed table at a time");
        self.sealed = Arc::new(mem::take(&mut self.active));
        self.sealed.clone()
    }

    /// Lets go of the sealed table, which is handed out so that it is freed outside any lock.
    pub fn release(&mut self) -> Arc<Table> {
        mem::take(&mut self.sealed)
    }

    /// The writes from `from` up to, not including, `to` (none: to the end), in order, each key once.
    pub fn range<'a>(&'a self, from: &[u8], to: Option<&[u8]>) -> Range<'a> {
        let to = to.map_or(Bound::Unbounded, Bound::Excluded);
        let range =
            |table: &'a Table| table.range::<[u8], _>((Bound::Included(from), to)).peekable();
        Range { active: range(&self.active), sealed: range(&self.sealed) }
    }
}

type Rows<'a> = std::iter::Peekable<std::collections::btree_map::Range<'a, Vec<u8>, Option<Bytes>>>;

/// See [`Memtable::range`].
pub struct Range<'a> {
    active: Rows<'a>,
    sealed: Rows<'a>,
}

impl<'a> Range<'a> {
    /// The next key, without going on.
    pub fn peek(&mut self) -> Option<&'a [u8]> {
        let active = self.active.peek().map(|(key, _)| key.as_slice());
        let sealed = self.sealed.peek().map(|(key, _)| key.as_slice());
        match (active, sealed) {
            (Some(active), Some(sealed)) => Some(active.min(sealed)),
            (one, other) => one.or(other),
        }
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = (&'a [u8], Option<&'a Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.peek()?;
        let sealed = self.sealed.next_if(|(found, _)| found.as_slice() == key);
        // The later word stands.
        let active = self.active.next_if(|(found, _)| found.as_slice() == key);
        active.or(sealed).map(|(key, value)| (key.as_slice(), value.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memtable(
        sealed: &[(&str, Option<&'static str>)],
        active: &[(&str, Option<&'static str>)],
    ) -> Memtable {
        let mut memtable = Memtable::default();
        for (key, value) in sealed {
            memtable.insert(key.as_bytes().to_vec(), value.map(Bytes::from));
        }
        memtable.seal();
        for (key, value) in active {
            memtable.insert(key.as_bytes().to_vec(), value.map(Bytes::from));
        }
        memtable
    }

    #[test]
    fn the_later_word_stands_and_removal_is_a_word() {
        let memtable = memtable(
            &[("a", Some("1")), ("b", Some("1")), ("d", None)],
            &[("b", None), ("c", Some("2")), ("d", Some("2"))],
        );
        let get = |key: &str| memtable.get(key.as_bytes());
        assert_eq!(get("a"), Some(&Some("1".into())));
        assert_eq!(get("b"), Some(&None));
        assert_eq!(get("d"), Some(&Some("2".into())));
        assert_eq!(get("e"), None, "nobody said anything");
        let keys = |from: &str, to: Option<&str>| {
            let range = memtable.range(from.as_bytes(), to.map(str::as_bytes));
            let word = |(key, value): (&[u8], Option<&Bytes>)| {
                format!("{}{}", char::from(key[0]), if value.is_some() { '+' } else { '-' })
            };
            range.map(word).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(keys("", None), "a+ b- c+ d+");
        assert_eq!(keys("b", Some("d")), "b- c+");
    }

    #[test]
    fn what_is_let_go_of_is_no_longer_told() {
        let mut memtable = memtable(&[("a", Some("1"))], &[("b", Some("2"))]);
        assert_eq!(memtable.release().len(), 1);
        assert_eq!(memtable.get(b"a"), None);
        assert_eq!(memtable.seal().len(), 1);
        assert_eq!(memtable.get(b"b"), Some(&Some("2".into())));
    }
}
