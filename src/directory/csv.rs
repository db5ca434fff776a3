//! `pupils.csv`, `guardians.csv` and `staff.csv`: bytes in, a checked roster out. UTF-8, comma or
//! semicolon, a header line with the columns of [`rows`](super::rows) in any order and case.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::cells::{self, CellError, Record};
use super::check::{Context, check};
use super::encoding::utf8;
pub use super::loaded::Loaded;
use super::phone::PhoneRules;
pub use super::problem::LoadError;
use super::problem::{Place, RosterProblem, SHOWN};
use super::rows::{Columns, GUARDIANS, GuardianRow, PUPILS, PupilRow, Rows, STAFF, StaffRow};
use crate::model::{SchoolId, shown};

/// Name of the file of pupils.
pub const PUPILS_FILE: &str = "pupils.csv";
/// Name of the file of guardians.
pub const GUARDIANS_FILE: &str = "guardians.csv";
/// Name of the file of staff.
pub const STAFF_FILE: &str = "staff.csv";

/// What stands between groups in a cell.
pub const GROUPS: char = '|';
/// How alike a mistyped column must be to be suggested (Jaro–Winkler, 0 to 1).
const ALIKE: f64 = 0.8;
/// The bytes of the files.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    /// `pupils.csv`.
    pub pupils: &'a [u8],
    /// `guardians.csv`.
    pub guardians: &'a [u8],
    /// `staff.csv`, if there is one.
    pub staff: Option<&'a [u8]>,
}

/// Reads and checks the files.
///
/// # Errors
/// Everything that is wrong in any of them.
pub fn load_csv(
    files: Files<'_>,
    schools: &BTreeSet<SchoolId>,
    rules: &PhoneRules,
    now: Timestamp,
) -> Result<Loaded, LoadError> {
    let mut problems = Vec::new();
    let mut rows = Rows::default();
    let pupils = Table::read(PUPILS_FILE, files.pupils, &PUPILS, true, &mut problems);
    rows.pupils_incomplete = !problems.is_empty();
    rows.had_protection_column = pupils.has("protection");
    rows.pupils = pupils.rows(|row| PupilRow {
        id: row.text("id"),
        school: row.text("school"),
        given_name: row.text("given-name"),
        class: row.cell("class"),
        family_name: row.cell("family-name"),
        birth_date: row.cell("birth-date"),
        protection: row.cell("protection"),
        mentor: row.cell("mentor"),
        phone: row.cell("phone"),
        email: row.cell("email"),
        channel: row.cell("channel"),
        language: row.cell("language"),
        groups: row.text("groups").split(GROUPS).map(str::to_owned).collect(),
        year: row.cell("year"),
        flagged: row.cell("flagged"),
        home_municipality: row.cell("home-municipality"),
    });
    let guardians = Table::read(GUARDIANS_FILE, files.guardians, &GUARDIANS, true, &mut problems);
    rows.guardians = guardians.rows(|row| GuardianRow {
        pupil: row.text("pupil"),
        school: row.text("school"),
        guardian: row.text("guardian"),
        name: row.cell("name"),
        phone: row.cell("phone"),
        email: row.cell("email"),
        channel: row.cell("channel"),
        language: row.cell("language"),
        household: row.cell("household"),
        may_receive: row.text("may-receive"),
        from: row.cell("from"),
        to: row.cell("to"),
        deny: row.cell("deny"),
        deny_from: row.cell("deny-from"),
        deny_to: row.cell("deny-to"),
    });
    if let Some(bytes) = files.staff {
        let staff = Table::read(STAFF_FILE, bytes, &STAFF, false, &mut problems);
        rows.staff = staff.rows(|row| StaffRow {
            id: row.text("id"),
            school: row.cell("school"),
            role: row.text("role"),
            name: row.cell("name"),
            email: row.cell("email"),
            phone: row.cell("phone"),
            municipality: row.cell("municipality"),
        });
    }
    check(rows, Context { schools, phone: rules, now }, problems)
}

/// The records of one file under its header.
#[derive(Default)]
struct Table {
    file: &'static str,
    header: Vec<&'static str>,
    records: Vec<Record>,
}

/// One record with its header.
struct Row<'a> {
    header: &'a [&'static str],
    cells: &'a [String],
}

impl Row<'_> {
    /// A cell of a column that may be missing.
    fn cell(&self, column: &str) -> Option<String> {
        let at = self.header.iter().position(|h| *h == column)?;
        self.cells.get(at).cloned()
    }

    /// A cell of a required column.
    fn text(&self, column: &str) -> String {
        self.cell(column).unwrap_or_default()
    }
}

impl Table {
    /// Reads a file; what is wrong goes to `problems`, what can be read is kept.
    fn read(
        file: &'static str,
        bytes: &[u8],
        columns: &Columns,
        needs_rows: bool,
        problems: &mut Vec<RosterProblem>,
    ) -> Self {
        Self::parse(file, bytes, columns, needs_rows, problems).unwrap_or_else(|problem| {
            problems.push(problem);
            Self::default()
        })
    }

    fn parse(
        file: &'static str,
        bytes: &[u8],
        columns: &Columns,
        needs_rows: bool,
        problems: &mut Vec<RosterProblem>,
    ) -> Result<Self, RosterProblem> {
        let text = utf8(file, bytes)?;
        let records = cells::records(text, cells::delimiter(text));
        let mut records = records.map_err(|e| quote_problem(file, e))?.into_iter();
        let Some(first) = records.next() else {
            let remedy = "export it again, with the header line and the rows";
            return Err(RosterProblem::at(Place::File(file), "is empty", remedy));
        };
        let before = problems.len();
        let header = header(file, &first, columns, problems);
        if problems.len() > before {
            return Ok(Self { file, ..Self::default() });
        }
        let mut table = Self { file, header, records: Vec::new() };
        for record in records {
            if record.cells.len() == table.header.len() {
                table.records.push(record);
                continue;
            }
            let (has, wants) = (record.cells.len(), table.header.len());
            let what = format!(
                "has {has} cells where the header has {wants}: cut off, or a delimiter not in quotes"
            );
            let remedy = "export the file again";
            problems.push(RosterProblem::at(Place::Line(file, record.line), what, remedy));
        }
        if needs_rows && table.records.is_empty() && problems.len() == before {
            let remedy = "export it again; an empty list is not taken for one";
            return Err(RosterProblem::at(Place::File(file), "has a header and no rows", remedy));
        }
        Ok(table)
    }

    fn has(&self, column: &str) -> bool {
        self.header.contains(&column)
    }

    fn rows<T>(&self, make: impl Fn(Row<'_>) -> T) -> Vec<(Place, T)> {
        self.records
            .iter()
            .map(|record| {
                let row = Row { header: &self.header, cells: &record.cells };
                (Place::Line(self.file, record.line), make(row))
            })
            .collect()
    }
}

fn quote_problem(file: &'static str, error: CellError) -> RosterProblem {
    let (line, what) = match error {
        CellError::Unclosed(line) => (line, "opens a quotation mark that is never closed"),
        CellError::AfterQuote(line) => (line, "has text after a closing quotation mark"),
    };
    let remedy = "export the file again; a quotation mark inside a cell is written twice";
    RosterProblem::at(Place::Line(file, line), what, remedy)
}

/// The known columns in the file's order; unknown, doubled and missing ones are problems.
fn header(
    file: &'static str,
    first: &Record,
    columns: &Columns,
    problems: &mut Vec<RosterProblem>,
) -> Vec<&'static str> {
    let place = Place::Line(file, first.line);
    let find = |name: &str| columns.all().find(|c| *c == name);
    let names: Vec<String> = first.cells.iter().map(|c| column_name(c)).collect();
    if !names.iter().any(|n| find(n).is_some()) {
        // Cells of a file without header are somebody's data: they are not repeated.
        let what = "holds no column name: no header line, or neither comma nor semicolon between";
        let all = columns.all().collect::<Vec<_>>().join(", ");
        problems.push(RosterProblem::at(place, what, format!("start the file with: {all}")));
        return Vec::new();
    }
    let mut header = Vec::new();
    for name in &names {
        match find(name) {
            Some(column) if header.contains(&column) => {
                let what = format!("has the column {column} twice");
                problems.push(RosterProblem::at(place, what, "remove one"));
            }
            Some(column) => header.push(column),
            None => problems.push(unknown(place, name, columns)),
        }
    }
    for column in columns.required.iter().filter(|c| !header.contains(*c)) {
        let what = format!("lacks the column {column}");
        problems.push(RosterProblem::at(place, what, "export it too"));
    }
    header
}

fn column_name(cell: &str) -> String {
    cell.trim().to_lowercase().replace([' ', '_'], "-")
}

fn unknown(place: Place, name: &str, columns: &Columns) -> RosterProblem {
    let likeness = |column: &'static str| (strsim::jaro_winkler(name, column), column);
    let nearest = columns.all().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    let remedy = match nearest {
        Some((alike, column)) if alike >= ALIKE => format!("did you mean {column}?"),
        _ => format!("use only: {}", columns.all().collect::<Vec<_>>().join(", ")),
    };
    let name = shown(name, SHOWN);
    RosterProblem::at(place, format!("has the unknown column \"{name}\""), remedy)
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
