//! The text of a ladder, read to what the program means, with everything that is wrong with it at once: line, what was
//! found, what was expected, and what to do. Also refuses what can be read but can never come true, or never ends.
//! What only a school can tell (its terms, its schedule, how long things are kept) is asked by `needs`. Pure.

mod condition;
mod duty;
mod example;
mod judge;
#[cfg(test)]
mod mangled_tests;
mod step;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use toml::de::DeTable;

use super::example::Example;
use super::plan::{Ladder, Step};
use super::words::{is_name, name};
use table::{Faults, Table};

/// Longest text for people, in characters: it stands in one paragraph of a mail.
pub const LONGEST_TEXT: usize = 600;

/// Longest text of a ladder that is read, in bytes.
pub const MOST_BYTES: u64 = 1 << 20;

/// Something wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.line, self.column, self.message, self.remedy)
    }
}

/// A ladder with its examples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The ladder.
    pub ladder: Ladder,
    /// The examples beside it, in the order of the text.
    pub examples: Vec<Example>,
    /// Where each step begins in the text, from 1; as many as there are steps.
    pub lines: Vec<usize>,
}

/// Reads one text.
///
/// # Errors
/// With everything that is wrong, in the order of the text; never an empty list.
pub fn read(text: &str) -> Result<Plan, Vec<Fault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let faults = Faults::new(text);
    let (parsed, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let place = error.span().unwrap_or(0..0);
        let remedy = "write key = \"text\" on one line, { … } on one line, and [[step]] on a line of its own";
        faults.push(place, format!("not TOML: {}", error.message()), remedy.into());
    }
    // A tree with holes would make faults that are not there.
    let plan = if errors.is_empty() { whole(&faults, parsed.get_ref()) } else { None };
    let found = faults.into_found();
    match plan {
        Some(plan) if found.is_empty() => Ok(plan),
        _ => Err(found),
    }
}

fn whole(faults: &Faults<'_>, root: &DeTable<'_>) -> Option<Plan> {
    // The tree is borrowed for as long as the list of its faults.
    let root = Table::new(faults, root, 0..0, "the ladder");
    let own = root.parsed("name", "a name as \"plan\"", name);
    let own = root.require("name", own, "\"plan\"");
    let title = root.text("title");
    let title = root.require("title", title, "{ sv = \"…\", en = \"…\" }");
    let from = root.date("from");
    let from = root.require("from", from, "2026-08-01, the first day on which it is in force");
    let source = root.line_of_text("source");
    let source =
        root.require("source", source, "\"where the plan is published, or who decided it\"");
    let tables = root.tables("step", |at| format!("step {at}"));
    if tables.is_empty() && !root.has("step") {
        root.error_at_head("the ladder has no step", "add [[step]]");
    }
    let lines: Vec<usize> = tables.iter().map(Table::line).collect();
    let places: Vec<_> = tables.iter().map(|table| table.place.clone()).collect();
    let steps: Vec<_> = {
        let mut before = Vec::new();
        let names = step::names(&tables);
        let read = |table| step::read(table, &names, &mut before);
        tables.into_iter().map(read).collect()
    };
    for (step, place) in steps.iter().zip(places) {
        judge_idle(faults, step.as_ref(), &steps, place);
    }
    let examples = example::read_all(&root, from, &steps);
    root.finish();
    let ladder = Ladder {
        name: own?,
        title: title?,
        from: from?,
        source: source?,
        steps: steps.into_iter().collect::<Option<_>>()?,
    };
    Some(Plan { ladder, examples: examples?, lines })
}

/// Notes when nothing follows from a step: neither for people, nor for a step after it.
fn judge_idle(faults: &Faults<'_>, step: Option<&Step>, all: &[Option<Step>], place: Range<usize>) {
    let Some(step) = step.filter(|step| step.notify.is_empty() && step.duties.is_empty()) else {
        return;
    };
    let is_named = |other: &Step| other.when.steps().contains(&step.id.as_str());
    // One that could not be read may be what it is for.
    if !all.iter().any(|other| other.as_ref().is_none_or(is_named)) {
        let message = format!("nothing follows from step {:?}", step.id);
        faults.push(place, message, "add [[step.notify]] or [[step.duty]]".into());
    }
}

/// Whether a text can be the name of a ladder.
pub fn is_ladder_name(text: &str) -> bool {
    is_name(text)
}
