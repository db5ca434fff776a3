//! `upprop config show`: every key of the configuration with the value in force and where that comes from. Reads the
//! file and looks for its secrets; touches neither network nor store.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::{exit, run};
use crate::config::show::{Origin, Shown};
use crate::config::{self, DEFAULT_FILE, Secrets, Severity};

/// Arguments of `upprop config`.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Shows every key with its value and where it comes from, as the file says now.
    ///
    /// A daemon that runs has what it read at its start or last reload.
    /// Secrets are never shown: only where each is looked for, and whether it was found. Exit code 78: the
    /// configuration has errors, and what could be read of it is shown.
    Show {
        /// The configuration file.
        #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
        file: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// The shape of `--json`. Fields may be added; `format` counts when one changes or goes.
#[derive(Serialize)]
struct Document<'a> {
    format: u8,
    file: &'a str,
    keys: &'a [Shown],
}

/// Runs the command.
///
/// # Errors
/// None that is not an exit code.
pub fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let ConfigCommand::Show { file, json } = &args.command;
    let report = config::load(file, run::credentials_dir(), Secrets::Checked);
    let errors = report.problems.iter().filter(|p| p.severity == Severity::Error);
    let mut faulty = false;
    for problem in errors {
        faulty = true;
        eprintln!("{problem}");
    }
    let name = file.display().to_string();
    if *json {
        let document = Document { format: 1, file: &name, keys: &report.shown };
        println!("{}", serde_json::to_string(&document)?);
    } else {
        print!("{}", told(&name, &report.shown));
    }
    Ok(if faulty { ExitCode::from(exit::CONFIG) } else { ExitCode::SUCCESS })
}

/// The keys by their tables, each with its origin as a comment: what is shown can be read as a configuration.
fn told(file: &str, keys: &[Shown]) -> String {
    let mut tables: Vec<&str> = Vec::new();
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for shown in keys {
        let (table, key) = shown.key.rsplit_once('.').unwrap_or(("", &shown.key));
        if !tables.contains(&table) {
            tables.push(table);
        }
        lines.entry(table).or_default().push(line(file, key, shown));
    }
    let mut out = String::new();
    for table in tables {
        if !table.is_empty() {
            let _ = writeln!(out, "{}[{table}]", if out.is_empty() { "" } else { "\n" });
        }
        for line in &lines[table] {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

fn line(file: &str, key: &str, shown: &Shown) -> String {
    let origin = match &shown.origin {
        Origin::File { line } => format!("{file}:{line}"),
        Origin::Defaults { line } => format!("[defaults], {file}:{line}"),
        Origin::Default => "default".into(),
        Origin::From(other) => format!("from {other}"),
        Origin::NotSet => "not set".into(),
    };
    let note = shown.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
    match &shown.value {
        None => format!("# {key}: {origin}{note}"),
        Some(value) if value.contains('\n') => format!("# {origin}{note}\n{key} = {value}"),
        Some(value) => format!("{:<40} # {origin}{note}", format!("{key} = {value}")),
    }
}
