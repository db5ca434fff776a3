//! From what the source says to rows, one at a time: a row that cannot be read is counted, and the others go on.
//! Pure; its words never repeat a value.

use serde::de::DeserializeOwned;

use super::fault::{Wrong, kinds};
use super::sent::Sent;
use super::settings::Resource;

/// Rows of one listing that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bad {
    /// How many.
    pub count: u64,
    /// Where the first of them is wrong, and how.
    pub first: Option<String>,
}

impl Bad {
    /// Counts one, seen by whoever understands rows better than this file.
    pub fn add(&mut self, how: impl Into<String>) {
        self.count += 1;
        self.first.get_or_insert_with(|| how.into());
    }

    /// Takes those of another listing to these.
    pub fn extend(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
    }

    /// What is to be told of them; none: there are none.
    pub fn wrong(&self, resource: Resource) -> Option<Wrong> {
        let first = self.first.as_deref()?;
        let (count, name) = (self.count, resource.as_str());
        let rows = if count == 1 { "row" } else { "rows" };
        Some(Wrong::new(
            kinds::BAD_ROWS,
            format!(
                "{count} {rows} of /{name} cannot be read and are left out; the first: {first}"
            ),
            "show this to the vendor; the other rows are taken",
        ))
    }
}

/// Reads rows; `bad` is told of those that cannot be read.
pub fn read<T: DeserializeOwned>(rows: Vec<Sent>, bad: &mut Bad) -> Vec<T> {
    let one = |(index, row): (usize, Sent)| {
        // By way of a tree, of one row at a time: of a name that is there twice the last one counts.
        let read = row.value().map_err(|error| (String::new(), error)).and_then(|row| {
            serde_path_to_error::deserialize::<_, T>(row)
                .map_err(|error| (error.path().to_string(), error.into_inner()))
        });
        match read {
            Ok(row) => Some(row),
            Err((path, error)) => {
                let place = match path.as_str() {
                    "" | "." => String::new(),
                    path => format!(" at {path}"),
                };
                bad.add(format!("row {index}{place}: {}", plain(&error.to_string())));
                None
            }
        }
    };
    rows.into_iter().enumerate().filter_map(one).collect()
}

/// serde's words without the value that it quotes in some of them.
fn plain(words: &str) -> String {
    let words = words.rsplit_once(" at line ").map_or(words, |(words, _)| words);
    let Some(found) =
        words.strip_prefix("invalid type: ").or(words.strip_prefix("invalid value: "))
    else {
        return words.split('"').next().unwrap_or_default().trim_end().to_owned();
    };
    let kind = found.split(['"', '`', ',']).next().unwrap_or_default().trim();
    match words.rsplit_once(", expected ") {
        Some((_, expected)) => format!("is {kind}, expected {expected}"),
        None => format!("is {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::types::Person;
    use super::*;

    #[test]
    fn a_bad_row_is_counted_and_the_others_go_on() {
        let rows = vec![
            json!({ "id": "p1" }),
            json!({ "id": 7, "givenName": "Alva" }),
            json!({ "id": "p3", "enrolments": [{ "startDate": "i höstas", "x": 1 }] }),
            json!("Alva"),
            json!({ "givenName": "Alva" }),
            json!({ "id": "p5", "givenName": { "first": "Alva" } }),
        ];
        let mut bad = Bad::default();
        let rows = rows.into_iter().map(Sent::from).collect();
        let read: Vec<Person> = read(rows, &mut bad);
        let ids: Vec<_> = read.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["p1", "7"]);
        assert_eq!(bad.count, 4);
        let what = bad.wrong(Resource::Persons).expect("bad").what;
        assert!(what.contains("4 rows of /persons"), "{what}");
        assert!(what.contains("row 2 at enrolments[0].startDate: is not a date"), "{what}");
        assert!(!what.contains("höstas") && !what.contains("Alva"), "{what}");
    }
}
