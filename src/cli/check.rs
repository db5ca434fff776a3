//! `upprop check`: all that is wrong, doubtful or worth knowing in a configuration, without
//! touching the network or the store.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use super::exit;
use crate::app;
use crate::config::{self, DEFAULT_FILE, Loader, Problem, Report, Secrets, Severity};

/// Check a configuration: exit code 0 is good, 1 is warnings, 78 is errors.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// The file, or - for standard input
    #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
    pub file: PathBuf,
    /// Show what texts take in every language, not only in those in use
    #[arg(long)]
    pub languages: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Further checks of what could be read of a configuration, by rooms that `config` may not know.
pub type Extra<'e> = &'e dyn Fn(&Report) -> Vec<Problem>;

/// The shape of `--json`. Fields may be added; `version` counts when one changes or goes.
#[derive(Serialize)]
struct Summary<'a> {
    version: u8,
    file: &'a str,
    errors: usize,
    warnings: usize,
    notes: usize,
    problems: &'a [Problem],
}

/// Reads, checks and prints.
///
/// # Errors
/// When standard input cannot be read or standard output cannot be written.
pub fn run(
    args: &CheckArgs,
    credentials_dir: Option<PathBuf>,
    extra: Extra<'_>,
) -> anyhow::Result<ExitCode> {
    let (name, report) = if args.file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("standard input cannot be read as UTF-8 text")?;
        let loader =
            Loader { credentials_dir, base_dir: PathBuf::from("."), secrets: Secrets::Checked };
        ("<stdin>".to_owned(), config::load_text("<stdin>", &text, &loader))
    } else {
        (
            args.file.display().to_string(),
            config::load(&args.file, credentials_dir, Secrets::Checked),
        )
    };
    let (text, code) = verdict(&name, report, extra, args.json);
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("standard output cannot be written")?;
    Ok(ExitCode::from(code))
}

/// What `check` prints of a report, and its exit code.
pub fn verdict(name: &str, mut report: Report, extra: Extra<'_>, json: bool) -> (String, u8) {
    let found = extra(&report);
    report.add(found);
    let errors = report.count(Severity::Error);
    let warnings = report.count(Severity::Warning);
    let notes = report.count(Severity::Note);
    let code = match (errors, warnings) {
        (0, 0) => 0,
        (0, _) => exit::WARNINGS,
        _ => exit::CONFIG,
    };
    let text = if json {
        let summary =
            Summary { version: 1, file: name, errors, warnings, notes, problems: &report.problems };
        serde_json::to_string(&summary).expect("text and numbers have a JSON form") + "\n"
    } else {
        let mut text = String::new();
        for problem in &report.problems {
            let _ = writeln!(text, "{problem}");
        }
        let _ = write!(text, "{name}: {}", counted(errors, warnings, notes));
        if let Some(config) = &report.config {
            let _ = write!(
                text,
                "; {}, {}, {}",
                many(config.schools.len(), "school"),
                many(app::described(config).len(), "source"),
                many(config.providers.len(), "provider"),
            );
        }
        text.push('\n');
        text
    };
    (text, code)
}

fn many(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn counted(errors: usize, warnings: usize, notes: usize) -> String {
    let counts: Vec<String> = [(errors, "error"), (warnings, "warning"), (notes, "note")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| many(count, noun))
        .collect();
    if counts.is_empty() { "good".into() } else { counts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SHIPPED;

    const QUIET: &str = "[sources.a]\nbearer-file = \"t\"\n[schools.a]\nname = \"A\"\nphone = \"112\"\nteam-email = \"a@example.se\"\n[mail]\nhost = \"::1\"\nfrom = \"a@example.se\"\n";

    fn check(text: &str, extra: Extra<'_>, json: bool) -> (String, u8) {
        let loader =
            Loader { credentials_dir: None, base_dir: PathBuf::new(), secrets: Secrets::Skipped };
        verdict("u.toml", config::load_text("u.toml", text, &loader), extra, json)
    }

    #[test]
    fn the_exit_code_is_the_worst_of_all() {
        let nothing = |_: &Report| Vec::new();
        assert_eq!(check(QUIET, &nothing, false).1, 0, "{}", check(QUIET, &nothing, false).0);
        assert_eq!(check(SHIPPED, &nothing, false).1, exit::WARNINGS);
        let (text, code) = check("[store]\nsize = 1\n", &nothing, false);
        assert_eq!(code, exit::CONFIG);
        assert!(text.contains("\nu.toml:2:1: error: unknown key `size` in [store]"), "{text}");
        assert!(text.ends_with("u.toml: 1 error, 2 warnings\n"), "{text}");
    }

    #[test]
    fn other_rooms_add_theirs_whatever_else_is_wrong() {
        let broken =
            |_: &Report| vec![Problem::of_file("templates/sms/sv", Severity::Error, "too long")];
        let (text, code) = check(QUIET, &broken, false);
        assert_eq!(code, exit::CONFIG);
        assert!(text.contains("templates/sms/sv: error: too long\n"), "{text}");
        assert!(text.ends_with("1 error, 1 note; 1 school, 1 source, 0 providers\n"), "{text}");
        let (text, _) = check("[store]\nsize = 1\n", &broken, false);
        assert!(text.contains("unknown key `size`") && text.contains("too long"), "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let (text, code) = check("[store]\nsize = 1\n", &|_| Vec::new(), true);
        let json: serde_json::Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!((code, &json["errors"], &json["version"]), (exit::CONFIG, &1.into(), &1.into()));
        let error = json["problems"]
            .as_array()
            .and_then(|all| all.iter().find(|problem| problem["severity"] == "error"));
        let error = error.expect("an error");
        assert_eq!(
            (&error["line"], &error["key"], &error["severity"]),
            (&2.into(), &"store.size".into(), &"error".into())
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_with_a_remedy() {
        let report = config::load(Path::new("/nowhere/upprop.toml"), None, Secrets::Checked);
        let (text, code) = verdict("/nowhere/upprop.toml", report, &|_| Vec::new(), false);
        assert_eq!(code, exit::CONFIG);
        assert!(text.contains("cannot be read") && text.contains("upprop init"), "{text}");
    }
}
