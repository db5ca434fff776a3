//! A table of one resource: by id, and in the order in which rows were made. Pure.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;

use super::id::Id;

/// One row, with what every resource has.
#[derive(Debug, Clone)]
pub(super) struct Row<T> {
    pub(super) id: Id,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) is: T,
}

/// Rows by id and by number.
#[derive(Debug)]
pub(super) struct Table<T> {
    rows: BTreeMap<u64, Row<T>>,
    numbers: BTreeMap<Id, u64>,
    next: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), numbers: BTreeMap::new(), next: 0 }
    }
}

impl<T> Table<T> {
    pub(super) fn insert(&mut self, id: Id, at: Timestamp, is: T) {
        self.numbers.insert(id, self.next);
        self.rows.insert(self.next, Row { id, created: at, modified: at, is });
        self.next += 1;
    }

    pub(super) fn get(&self, id: Id) -> Option<&Row<T>> {
        self.rows.get(self.numbers.get(&id)?)
    }

    /// To be changed at `at`.
    pub(super) fn change(&mut self, id: Id, at: Timestamp) -> Option<&mut T> {
        let row = self.rows.get_mut(self.numbers.get(&id)?)?;
        row.modified = row.modified.max(at);
        Some(&mut row.is)
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        Some(self.rows.remove(&self.numbers.remove(&id)?)?.is)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Row<T>> {
        self.rows.values()
    }

    /// In the order they were made, from behind `after` on, each with its number.
    pub(super) fn made(&self, after: Option<u64>) -> impl Iterator<Item = (u64, &Row<T>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.rows.range((from, Bound::Unbounded)).map(|(number, row)| (*number, row))
    }

    /// In the order of their ids, from behind `after` on.
    pub(super) fn shuffled(&self, after: Option<Id>) -> impl Iterator<Item = (u64, &Row<T>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let numbers = self.numbers.range((from, Bound::Unbounded));
        numbers.filter_map(|(_, number)| Some((*number, self.rows.get(number)?)))
    }
}
