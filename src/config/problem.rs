//! One thing wrong, doubtful or worth knowing in a configuration, with its place and its remedy,
//! and the list they are gathered in. Pure.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

pub use crate::model::did_you_mean;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The daemon does not start with it.
    Error,
    /// It starts, and somebody will wish that this had been read.
    Warning,
    /// True, intended, and worth remembering.
    Note,
}

impl Severity {
    /// The word printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One problem. Prints as `upprop.toml:14:3: error: what was found and expected; what to do`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file as it was named by the operator.
    pub file: String,
    /// Line, from 1; none where the problem is something that is not there.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// How much it matters.
    pub severity: Severity,
    /// The key, dotted (`sources.trial.token-file`); empty for the file as a whole.
    pub key: String,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Problem {
    /// A problem with a file as a whole, without a line.
    pub fn of_file(file: &str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            severity,
            key: String::new(),
            message: message.into(),
            remedy: None,
        }
    }

    /// The same with a remedy.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same at a place in `text`: the byte range's start becomes line and column.
    #[must_use]
    pub fn at(mut self, text: &str, place: Option<Range<usize>>) -> Self {
        if let Some(place) = place {
            let before = text.get(..place.start).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            self.line = Some(before.matches('\n').count() + 1);
            self.column = Some(before[line_start..].chars().count() + 1);
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {}", self.severity.as_str(), self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_compilers_do() {
        let text = "a = 1\nåäö = 2\n  b = 3\n";
        let problem = Problem::of_file("upprop.toml", Severity::Error, "found 3")
            .at(text, text.find("b = ").map(|at| at..at + 1))
            .with_remedy("write 4");
        assert_eq!(problem.to_string(), "upprop.toml:3:3: error: found 3; write 4");
        let whole = Problem::of_file("upprop.toml", Severity::Note, "all is well");
        assert_eq!(whole.to_string(), "upprop.toml: note: all is well");
    }
}
