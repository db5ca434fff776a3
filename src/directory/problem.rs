//! What is wrong with a directory load: where, what, and what to do. Never holds what stands in a
//! cell, ids included: where columns are misnamed it is somebody's name or number.

use std::fmt;

/// Most characters of an unknown column's name that are repeated.
pub(super) const SHOWN: usize = 30;

/// Where in a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The folder, or the body of a request, as a whole.
    Whole,
    /// A file as a whole.
    File(&'static str),
    /// A line of a file, counted from 1.
    Line(&'static str, usize),
    /// A list in a JSON body as a whole.
    List(&'static str),
    /// An item of a list in a JSON body, counted from 0.
    Item(&'static str, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("directory"),
            Self::File(file) => f.write_str(file),
            Self::Line(file, line) => write!(f, "{file} line {line}"),
            Self::List(list) => write!(f, "$.{list}"),
            Self::Item(list, index) => write!(f, "$.{list}[{index}]"),
        }
    }
}

/// One thing that is wrong, or odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterProblem {
    /// Where.
    pub place: Place,
    /// In which column or key.
    pub column: Option<&'static str>,
    /// What: a phrase that continues "the value …".
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl RosterProblem {
    /// About a place as a whole.
    pub fn at(place: Place, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place, column: None, what: what.into(), remedy: remedy.into() }
    }

    /// The same, about one column.
    #[must_use]
    pub fn column(self, column: &'static str) -> Self {
        Self { column: Some(column), ..self }
    }
}

impl fmt::Display for RosterProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place, self.column) {
            (Place::Item(..), Some(column)) => write!(f, "{}.{column}", self.place)?,
            (_, Some(column)) => write!(f, "{}, column {column}", self.place)?,
            (_, None) => write!(f, "{}", self.place)?,
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

/// A load that cannot be used; nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// Everything that is wrong, in the order of the files.
    pub problems: Vec<RosterProblem>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

impl From<RosterProblem> for LoadError {
    fn from(problem: RosterProblem) -> Self {
        Self { problems: vec![problem] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_one_line_each() {
        let problem = |place| RosterProblem::at(place, "is odd", "make it even");
        let error = LoadError {
            problems: vec![
                problem(Place::Line("pupils.csv", 4)).column("email"),
                problem(Place::Item("pupils", 3)).column("email"),
                problem(Place::File("staff.csv")),
                problem(Place::Whole),
            ],
        };
        assert_eq!(
            error.to_string(),
            "pupils.csv line 4, column email: is odd; make it even\n\
             $.pupils[3].email: is odd; make it even\n\
             staff.csv: is odd; make it even\n\
             directory: is odd; make it even"
        );
    }
}
