//! The ladder that an operator names: one that comes with the program, or that of a file.

use std::path::Path;

use crate::config::{Problem, Severity, did_you_mean, ladder_text};
use crate::ladder::read::{Plan, read};
use crate::ladder::{SHIPPED, shipped};

/// Reads it.
///
/// # Errors
/// With everything that is wrong with it.
pub fn plan(named: &str) -> Result<Plan, Vec<Problem>> {
    let is_file = named.contains(['/', '.']) || Path::new(named).exists();
    let found = if is_file { None } else { shipped(named) };
    let text = match found {
        Some(one) => one.text.to_owned(),
        None => ladder_text(Path::new(named)).map_err(|fault| vec![unread(named, fault)])?,
    };
    read(&text).map_err(|faults| {
        let place = |fault: crate::ladder::read::Fault| {
            let mut problem = Problem::of_file(named, Severity::Error, fault.message);
            (problem.line, problem.column) = (Some(fault.line), Some(fault.column));
            problem.with_remedy(fault.remedy)
        };
        faults.into_iter().map(place).collect()
    })
}

fn unread(named: &str, fault: String) -> Problem {
    let known: Vec<&str> = SHIPPED.iter().map(|one| one.name).collect();
    let near = did_you_mean(named, known.iter().copied());
    let near = near.map_or(String::new(), |near| format!("did you mean {near}? "));
    Problem::of_file(named, Severity::Error, fault).with_remedy(format!(
        "{near}name a file, or a ladder that comes with upprop: {}",
        known.join(", ")
    ))
}
