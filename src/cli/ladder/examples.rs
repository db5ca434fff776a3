//! `upprop ladder test`: the examples beside ladders, lived through, and what came that was not expected.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::named;
use crate::cli::exit;
use crate::config::{Problem, Severity};
use crate::ladder::read::Plan;

/// Arguments of `upprop ladder test`.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Files, or ladders that come with upprop
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
}

/// What came of a ladder's examples.
pub struct Tried {
    /// Each example with what differs in it.
    examples: Vec<(usize, String, Vec<String>)>,
    /// Steps that none of them reaches, with their lines.
    unreached: Vec<(usize, String)>,
}

impl Tried {
    /// Lives through them.
    pub fn of(plan: &Plan) -> Self {
        let mut reached = BTreeSet::new();
        let mut examples = Vec::new();
        for example in &plan.examples {
            let outcome = example.run(&plan.ladder);
            reached.extend(outcome.reached);
            let differences = outcome.differences.iter().map(ToString::to_string).collect();
            examples.push((example.line, example.title.clone(), differences));
        }
        let steps = plan.ladder.steps.iter().zip(&plan.lines);
        let unreached = steps.filter(|(step, _)| !reached.contains(&step.id));
        let unreached = unreached.map(|(step, line)| (*line, step.id.clone())).collect();
        Self { examples, unreached }
    }

    /// How many examples failed.
    fn failed(&self) -> usize {
        self.examples.iter().filter(|(.., differences)| !differences.is_empty()).count()
    }

    /// Whether all is as it should be.
    pub fn is_good(&self) -> bool {
        self.failed() == 0 && self.unreached.is_empty()
    }

    /// The same as problems of a file.
    pub fn problems(&self, file: &str) -> Vec<Problem> {
        let at = |severity, line, message: String, remedy: &str| {
            let mut problem = Problem::of_file(file, severity, message);
            (problem.line, problem.column) = (Some(line), Some(1));
            problem.with_remedy(remedy)
        };
        let failed = self.examples.iter().filter(|(.., differences)| !differences.is_empty());
        let failed = failed.map(|(line, title, differences)| {
            let message = format!("example {title:?} fails: {}", differences.join(" · "));
            at(
                Severity::Error,
                *line,
                message,
                "correct the ladder, or the example if that is wrong",
            )
        });
        let unreached = self.unreached.iter().map(|(line, step)| {
            let message = format!("no example reaches step {step}: nobody has tried it");
            at(Severity::Warning, *line, message, "add an [[example]] that does")
        });
        failed.chain(unreached).collect()
    }

    /// In words, a line for each example.
    fn told(&self, named: &str, plan: &Plan) -> String {
        let mut out = String::new();
        let ladder = &plan.ladder;
        let _ = writeln!(out, "{named}: {}, in force from {}", ladder.name, ladder.from);
        for (line, title, differences) in &self.examples {
            if differences.is_empty() {
                let _ = writeln!(out, "  ok      {title}");
                continue;
            }
            let _ = writeln!(out, "  FAILED  {title} (line {line})");
            for difference in differences {
                let _ = writeln!(out, "          {difference}");
            }
        }
        for (line, step) in &self.unreached {
            let _ = writeln!(out, "  FAILED  no example reaches step {step} (line {line})");
        }
        let steps = ladder.steps.len();
        let _ = writeln!(
            out,
            "{named}: {steps} steps, {} examples, {} failed, {} steps not reached by any",
            self.examples.len(),
            self.failed(),
            self.unreached.len()
        );
        out
    }
}

/// Tries them and prints.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let mut good = true;
    let mut out = String::new();
    for named in &args.files {
        match named::plan(named) {
            Ok(plan) => {
                let tried = Tried::of(&plan);
                good &= tried.is_good();
                out.push_str(&tried.told(named, &plan));
            }
            Err(problems) => {
                good = false;
                for problem in problems {
                    let _ = writeln!(out, "{problem}");
                }
            }
        }
    }
    std::io::stdout()
        .lock()
        .write_all(out.as_bytes())
        .context("standard output cannot be written")?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(exit::GENERAL) })
}
