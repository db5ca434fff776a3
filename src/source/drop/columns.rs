//! Where a file has its columns: under our own names, or as configuration maps them. From the first line to a
//! reading of every row. Pure. Says names of columns and never what stands in a cell.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::kind::{Kind, SKOLA24_GUARDIANS};
use super::records::{Fault, Fields};
use crate::model::shown;

/// How alike a mistyped column must be to be suggested (Jaro–Winkler, 0 to 1).
const ALIKE: f64 = 0.8;
/// Most characters of a column's name that are repeated.
const SHOWN: usize = 40;

/// Where each of our columns is.
pub type Columns = BTreeMap<String, Place>;

/// Where one column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Under these names, whose cells are joined by a space.
    Names(Vec<String>),
    /// In the column of this number, from 1; several are joined by a space.
    Numbers(Vec<usize>),
    /// In no column: it is always this.
    Fixed(String),
}

impl Place {
    /// Reads `Elev-id`, `Datum + Tid`, `#3`, `#3 + #4` or `=bjork`.
    ///
    /// # Errors
    /// With what to write.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WRITE: &str = "the name of a column, \"Datum + Tid\" for two, \"#3\" for the third, or \"=text\" for one that is always so";
        if let Some(fixed) = text.strip_prefix('=') {
            return Ok(Self::Fixed(fixed.trim().to_owned()));
        }
        let parts: Vec<&str> = text.split(" + ").map(str::trim).collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(WRITE);
        }
        if !parts.iter().all(|part| part.starts_with('#')) {
            return Ok(Self::Names(parts.iter().map(|part| plain(part)).collect()));
        }
        let number =
            |part: &&str| part[1..].parse::<usize>().ok().filter(|n| (1..=1000).contains(n));
        parts.iter().map(number).collect::<Option<_>>().map(Self::Numbers).ok_or(WRITE)
    }
}

/// How a name of a column is compared.
fn plain(name: &str) -> String {
    name.trim().to_lowercase()
}

/// How our own names are compared.
fn own(name: &str) -> String {
    plain(name).replace([' ', '_'], "-")
}

/// Where the cells of one file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    width: Option<usize>,
    takes: BTreeMap<String, Take>,
    /// Keys of JSON that are known; none: others are passed over.
    known: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Take {
    Cells(Vec<usize>),
    Keys(Vec<String>),
    Fixed(String),
}

impl Reading {
    /// Reads a head; none: the file has none, or is JSON.
    ///
    /// # Errors
    /// When a column is missing, doubled or unknown: nothing below it could be trusted.
    pub fn of(
        kind: Kind,
        mapped: Option<&Columns>,
        head: Option<&[String]>,
        is_json: bool,
    ) -> Result<Self, Fault> {
        let names = kind.columns();
        let ours = |name: &str| if kind.is_wide() { plain(name) } else { own(name) };
        let mut reading =
            Self { width: head.map(<[String]>::len), takes: BTreeMap::new(), known: None };
        let Some(mapped) = mapped else {
            if is_json {
                let keys = names.all().map(|name| (name.to_owned(), Take::Keys(vec![ours(name)])));
                reading.takes = keys.collect();
                reading.known = (!kind.is_wide()).then(|| names.all().map(ours).collect());
                return Ok(reading);
            }
            let Some(head) = head else {
                return Err(Fault::new(
                    None,
                    "the file has no head and nothing says where its columns are",
                    format!("set {}-columns", kind.as_str()),
                ));
            };
            for (at, name) in head.iter().enumerate() {
                let found = names.all().find(|known| ours(known) == ours(name));
                match found {
                    Some(known) => {
                        if reading.takes.insert(known.to_owned(), Take::Cells(vec![at])).is_some() {
                            return Err(head_fault(
                                &format!("has the column {known} twice"),
                                "remove one",
                            ));
                        }
                    }
                    None if kind.is_wide() => {}
                    None if head.iter().all(|n| !names.all().any(|k| ours(k) == ours(n))) => {
                        // Cells of a file without head are somebody's data: they are not repeated.
                        return Err(head_fault(
                            "holds none of the known names of columns",
                            &format!(
                                "start the file with names among: {}; or set {}-columns",
                                names.all().collect::<Vec<_>>().join(", "),
                                kind.as_str()
                            ),
                        ));
                    }
                    None => return Err(unknown(name, kind)),
                }
            }
            reading.require(kind)?;
            return Ok(reading);
        };
        for (name, place) in mapped {
            let take = match place {
                Place::Fixed(text) => Take::Fixed(text.clone()),
                Place::Names(wanted) if is_json => Take::Keys(wanted.clone()),
                Place::Numbers(_) if is_json => {
                    let what =
                        format!("{name} is mapped to a number of a column, and JSON has none");
                    return Err(Fault::new(
                        None,
                        &what,
                        format!("give the key in {}-columns", kind.as_str()),
                    ));
                }
                Place::Numbers(numbers) => {
                    Take::Cells(numbers.iter().map(|number| number - 1).collect())
                }
                Place::Names(wanted) => {
                    let Some(head) = head else {
                        let what = format!(
                            "{name} is mapped to the name of a column, and the file has no head"
                        );
                        return Err(Fault::new(None, &what, "give its number, as \"#3\"".into()));
                    };
                    Take::Cells(wanted.iter().map(|w| find(head, w)).collect::<Result<_, _>>()?)
                }
            };
            reading.takes.insert(name.clone(), take);
        }
        for name in names.all().filter(|name| !mapped.contains_key(*name)) {
            if is_json {
                reading.takes.insert(name.to_owned(), Take::Keys(vec![ours(name)]));
            } else if let Some(at) =
                head.and_then(|head| head.iter().position(|h| ours(h) == ours(name)))
            {
                reading.takes.insert(name.to_owned(), Take::Cells(vec![at]));
            }
        }
        reading.require(kind)?;
        Ok(reading)
    }

    fn require(&self, kind: Kind) -> Result<(), Fault> {
        // Skola24's have others, by their place.
        if kind == Kind::Guardians && self.takes.contains_key(SKOLA24_GUARDIANS.required[0]) {
            return Ok(());
        }
        // A source for one school need not name it in every row: whoever reads the row knows.
        let required = kind.columns().required.iter().filter(|name| **name != "school");
        for name in required {
            if !self.takes.contains_key(*name) {
                return Err(head_fault(&format!("lacks the column {name}"), "export it too"));
            }
        }
        Ok(())
    }

    /// How many cells every row must have; none: it is not known.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether the files speak of a column at all.
    pub fn has(&self, name: &str) -> bool {
        self.takes.contains_key(name)
    }

    /// What a row has in one of our columns; nothing where it is empty.
    pub fn get<'a>(&'a self, fields: &'a Fields, name: &str) -> Option<Cow<'a, str>> {
        let joined = |parts: Vec<&'a str>| match parts[..] {
            [] => None,
            [one] => Some(Cow::Borrowed(one)),
            _ => Some(Cow::Owned(parts.join(" "))),
        };
        let found = match (self.takes.get(name)?, fields) {
            (Take::Fixed(text), _) => Some(Cow::Borrowed(text.as_str())),
            (Take::Cells(places), Fields::Cells(cells)) => joined(
                places
                    .iter()
                    .filter_map(|at| cells.get(*at))
                    .map(|c| c.trim())
                    .filter(|c| !c.is_empty())
                    .collect(),
            ),
            (Take::Keys(keys), Fields::Named(named)) => joined(
                keys.iter()
                    .filter_map(|key| named.get(key))
                    .map(|c| c.trim())
                    .filter(|c| !c.is_empty())
                    .collect(),
            ),
            (Take::Cells(_), Fields::Named(_)) | (Take::Keys(_), Fields::Cells(_)) => None,
        };
        found.filter(|text| !text.is_empty())
    }

    /// What is wrong with the shape of a row.
    pub fn misfit(&self, fields: &Fields) -> Option<(Option<String>, String, String)> {
        match fields {
            Fields::Cells(cells) => {
                let width = self.width?;
                (cells.len() != width).then(|| {
                    let what = format!(
                        "has {} cells where the head has {width}: cut off, or a delimiter not in quotes",
                        cells.len()
                    );
                    (None, what, "export the row again".into())
                })
            }
            Fields::Named(named) => {
                let known = self.known.as_ref()?;
                let stray = named.keys().find(|key| !known.contains(&own(key)))?;
                Some((
                    Some(shown(stray, SHOWN)),
                    "is no key that is known".into(),
                    "remove it, or map the keys".into(),
                ))
            }
        }
    }
}

fn head_fault(what: &str, remedy: &str) -> Fault {
    Fault::new(Some(1), what, remedy.to_owned())
}

fn find(head: &[String], wanted: &str) -> Result<usize, Fault> {
    let mut all = head.iter().enumerate().filter(|(_, name)| plain(name) == wanted);
    let Some((at, _)) = all.next() else {
        let names = head.iter().map(|name| plain(name));
        let near = nearest(wanted, names).map(|near| shown(&near, SHOWN));
        let remedy = near.map_or_else(
            || "correct its name in the configuration, or export it too".to_owned(),
            |near| format!("did you mean \"{near}\" in the configuration?"),
        );
        return Err(head_fault(&format!("lacks the column \"{}\"", shown(wanted, SHOWN)), &remedy));
    };
    if all.next().is_some() {
        let what = format!("has the column \"{}\" twice", shown(wanted, SHOWN));
        return Err(head_fault(&what, "give its number, as \"#3\""));
    }
    Ok(at)
}

fn unknown(name: &str, kind: Kind) -> Fault {
    let names = kind.columns();
    let remedy = match nearest(&own(name), names.all().map(str::to_owned)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!(
            "use only {}; or set {}-columns, and other columns are passed over",
            names.all().collect::<Vec<_>>().join(", "),
            kind.as_str()
        ),
    };
    head_fault(&format!("has the unknown column \"{}\"", shown(name.trim(), SHOWN)), &remedy)
}

fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let likeness = |known: String| (strsim::jaro_winkler(name, &known), known);
    let best = known.map(likeness).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<String> {
        text.split(';').map(str::to_owned).collect()
    }

    fn read(mapped: Option<&Columns>, head: &str) -> Result<Reading, String> {
        Reading::of(Kind::Attendance, mapped, Some(&cells(head)), false).map_err(|f| f.to_string())
    }

    #[test]
    fn our_own_names_in_any_order_and_case() {
        let reading = read(None, "School; Recorded_At ;pupil;LESSON;mark").expect("good");
        let row = Fields::Cells(cells("s1; 2026-11-26T08:00:00Z ;p1;l1;"));
        assert_eq!(reading.get(&row, "recorded-at").as_deref(), Some("2026-11-26T08:00:00Z"));
        assert_eq!(reading.get(&row, "mark"), None, "empty is nothing");
        assert_eq!(reading.misfit(&row), None);
        assert!(reading.misfit(&Fields::Cells(cells("s1;x"))).is_some());
        for (head, words) in [
            ("school;lesson;mark", "lacks the column pupil"),
            ("pupil;recorded-att", "did you mean recorded-at?"),
            ("pupil;pupil", "twice"),
            ("pupil;shoe size", "use only pupil"),
            ("Alva Test;0701740605", "holds none of the known names"),
        ] {
            let error = read(None, head).expect_err(words);
            assert!(error.contains(words) && !error.contains("Alva"), "{error}");
        }
    }

    #[test]
    fn a_map_finds_columns_by_name_number_and_not_at_all() {
        let map = |pairs: &[(&str, &str)]| -> Columns {
            let place = |text: &str| Place::parse(text).expect("good");
            pairs.iter().map(|(name, at)| ((*name).to_owned(), place(at))).collect()
        };
        let mapped = map(&[
            ("pupil", "Elev-ID"),
            ("start", "Datum + Tid"),
            ("mark", "#4"),
            ("school", "=s1"),
        ]);
        let reading = read(Some(&mapped), "elev-id;Datum;Tid;Kod;Kommentar").expect("good");
        let row = Fields::Cells(cells("p1;2026-11-26;08:10;O;sjuk?"));
        let got = |name| reading.get(&row, name).map(Cow::into_owned);
        assert_eq!(got("start").as_deref(), Some("2026-11-26 08:10"));
        assert_eq!((got("mark").as_deref(), got("school").as_deref()), (Some("O"), Some("s1")));
        let error = read(Some(&mapped), "elevid;Datum;Tid;Kod").expect_err("no such column");
        assert!(error.contains("did you mean \"elevid\""), "{error}");
        assert!(read(Some(&map(&[("mark", "#1")])), "a").expect_err("no pupil").contains("pupil"));
        let none = Reading::of(Kind::Attendance, Some(&mapped), None, false);
        assert!(none.expect_err("no head").to_string().contains("no head"));
        assert!(["", "#0", "#x", "a + "].iter().all(|bad| Place::parse(bad).is_err()));
    }

    #[test]
    fn json_has_keys() {
        let reading = Reading::of(Kind::Attendance, None, None, true).expect("good");
        let named = |pairs: &[(&str, &str)]| {
            Fields::Named(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        let row = named(&[("pupil", "p1"), ("recorded-at", "x")]);
        assert_eq!(reading.get(&row, "recorded-at").as_deref(), Some("x"));
        assert_eq!(reading.misfit(&row), None);
        assert!(reading.misfit(&named(&[("pupill", "p1")])).is_some());
    }
}
