//! What was counted: faults that were injected, and promises that were looked at where they could have
//! been broken.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Counts by name.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    /// One more.
    pub fn count(&self, what: &'static str) {
        self.add(what, 1);
    }

    /// So many more.
    pub fn add(&self, what: &'static str, many: u64) {
        *self.0.lock().expect("nothing panics with it").entry(what).or_default() += many;
    }

    /// All that another one counted.
    pub fn take(&self, other: &Self) {
        for (what, many) in other.0.lock().expect("nothing panics with it").iter() {
            self.add(what, *many);
        }
    }

    /// How often.
    pub fn of(&self, what: &str) -> u64 {
        self.0.lock().expect("nothing panics with it").get(what).copied().unwrap_or(0)
    }

    /// A line for each name of a list, also for those that never came up.
    pub fn lines(&self, names: &[&str]) -> String {
        let line = |name: &&str| format!("  {:>9}  {name}\n", self.of(name));
        names.iter().map(line).collect()
    }

    /// The names of a list that never came up.
    pub fn missing<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        names.iter().copied().filter(|name| self.of(name) == 0).collect()
    }
}
