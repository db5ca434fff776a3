//! Of several rows of one file about the same thing, the one that stands: that recorded last, else the lowest. What
//! a lower row puts right is told to nobody first. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::NotificationId;

/// Most things of one file that are told apart; of more, each row counts for itself.
const MOST: usize = 2_000_000;

/// What a row is about, in short.
pub type Key = [u8; 16];

/// The key of these words.
pub fn key(parts: &[&str]) -> Key {
    let mut key = [0; 16];
    key.copy_from_slice(&NotificationId::of(parts).as_str().as_bytes()[..16]);
    key
}

/// Which rows of a file stand.
#[derive(Debug, Default)]
pub struct Standing(BTreeMap<Key, (Option<Timestamp>, usize)>);

impl Standing {
    /// There is such a row.
    pub fn see(&mut self, key: Key, recorded_at: Option<Timestamp>, line: usize) {
        let is_full = self.0.len() >= MOST;
        match self.0.get_mut(&key) {
            Some(known) => {
                let is_older = recorded_at.zip(known.0).is_some_and(|(new, known)| new < known);
                if !is_older {
                    *known = (recorded_at, line);
                }
            }
            None if is_full => {}
            None => drop(self.0.insert(key, (recorded_at, line))),
        }
    }

    /// Whether a row stands.
    pub fn is(&self, key: &Key, line: usize) -> bool {
        self.0.get(key).is_none_or(|(_, standing)| *standing == line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_recorded_last_stands_and_else_the_lowest() {
        let at = |second| Timestamp::from_second(second).ok();
        for (rows, standing) in [
            (vec![(None, 2), (None, 3)], 3),
            (vec![(at(9), 2), (at(5), 3)], 2),
            (vec![(at(5), 2), (at(9), 3), (at(7), 4)], 3),
            (vec![(at(5), 2), (at(5), 3)], 3),
            (vec![(at(9), 2), (None, 3)], 3),
        ] {
            let mut seen = Standing::default();
            let (key, other) = (key(&["p", "l"]), key(&["q", "l"]));
            for (recorded_at, line) in &rows {
                seen.see(key, *recorded_at, *line);
            }
            for (_, line) in &rows {
                assert_eq!(seen.is(&key, *line), *line == standing, "{rows:?}");
            }
            assert!(seen.is(&other, 2), "what was not seen is not held back");
        }
    }
}
