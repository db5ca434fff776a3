//! Where each key of a file stands, kept for those who find a fault after the file was read. Pure.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Severity};

/// How deep keys stand: `providers.<id>.<key>`.
const DEEPEST: usize = 3;

/// Line and column, both from 1.
type Place = (usize, usize);

/// The places of a file's keys.
#[derive(Debug, Clone, Default)]
pub struct Places {
    file: String,
    keys: BTreeMap<String, Place>,
}

impl Places {
    pub(super) fn of(file: &str, text: &str, root: &DeTable<'_>) -> Self {
        let mut starts = Vec::new();
        gather(root, "", 1, &mut starts);
        starts.sort();
        let (mut line, mut line_start, mut read) = (1, 0, 0);
        let mut keys = BTreeMap::new();
        for (start, path) in starts {
            for at in text[read..start].match_indices('\n').map(|(at, _)| read + at) {
                line += 1;
                line_start = at + 1;
            }
            read = start;
            keys.insert(path, (line, text[line_start..start].chars().count() + 1));
        }
        Self { file: file.to_owned(), keys }
    }

    /// The file as the operator named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A problem at a key of the first of the tables that has it; where none has, at the head of the
    /// first.
    pub fn problem(
        &self,
        severity: Severity,
        tables: &[&str],
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        let path = |table: &&str| format!("{table}.{key}");
        let found = tables.iter().map(path).find(|path| self.keys.contains_key(path));
        let head = tables.first().copied().unwrap_or_default();
        let place = self.keys.get(found.as_deref().unwrap_or(head)).copied().unwrap_or((1, 1));
        let mut problem =
            Problem::of_file(&self.file, severity, message).with_remedy(remedy.into());
        (problem.line, problem.column) = (Some(place.0), Some(place.1));
        problem.key = found.unwrap_or_else(|| path(&head));
        problem
    }
}

/// Every key with the byte at which its value, or its table's head, begins.
fn gather(table: &DeTable<'_>, above: &str, depth: usize, starts: &mut Vec<(usize, String)>) {
    for (name, value) in table {
        let name = name.get_ref();
        let path = if above.is_empty() { name.to_string() } else { format!("{above}.{name}") };
        if let (DeValue::Table(inner), true) = (value.get_ref(), depth < DEEPEST) {
            gather(inner, &path, depth + 1, starts);
        }
        starts.push((value.span().start, path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_found_later_has_its_place_all_the_same() {
        let text = "# å\n[defaults]\nmax-parts = 2\n[schools.s1]\nname = \"Å\"\n[schools.s2]\n  max-parts = 1\n";
        let table = DeTable::parse(text).expect("TOML");
        let places = Places::of("u.toml", text, table.get_ref());
        let at = |school: &str, key| {
            let problem = places.problem(Severity::Error, &[school, "defaults"], key, "x", "y");
            (problem.line, problem.column, problem.key)
        };
        assert_eq!(at("schools.s1", "max-parts"), (Some(3), Some(13), "defaults.max-parts".into()));
        assert_eq!(
            at("schools.s2", "max-parts"),
            (Some(7), Some(15), "schools.s2.max-parts".into())
        );
        assert_eq!(at("schools.s2", "phone"), (Some(6), Some(1), "schools.s2.phone".into()));
        assert_eq!(at("schools.s3", "phone"), (Some(1), Some(1), "schools.s3.phone".into()));
    }
}
