//! The part of `upprop check` that looks into drop folders: whether they are there, and whether what waits in them
//! can be read as the configuration says. Reads heads of files, and changes nothing.

use std::io::ErrorKind;

use crate::app;
use crate::config::{Config, Problem, Report, Severity};
use crate::source::drop::waiting::waiting;

/// What stands in the way.
pub fn problems(report: &Report, config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (id, settings) in app::drop_folders(config) {
        let table = format!("drop.{id}");
        let mut warn = |key: &str, message: String, remedy: &str| {
            let tables = [table.as_str()];
            problems.push(report.places.problem(Severity::Warning, &tables, key, message, remedy));
        };
        let folder = settings.folder.display();
        let found = match waiting(&settings) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                warn(
                    "folder",
                    format!("the folder {folder} is not there"),
                    "make it for the group that exports write as, as `install -d -m 2770 -g upprop-drop FOLDER`",
                );
                continue;
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                problems.push(report.places.problem(
                    Severity::Error,
                    &[table.as_str()],
                    "folder",
                    format!("{folder} is not a folder"),
                    "name a folder",
                ));
                continue;
            }
            // Of what this user may not see nothing can be said.
            Err(_) => continue,
        };
        if found.strange > 0 {
            warn(
                "folder",
                format!(
                    "{} things in {folder} are not taken: their names are those of no kind of file",
                    found.strange
                ),
                "remove them, or set what such files are called (attendance-files and the like) and what the folder `gives`",
            );
        }
        for (kind, fault) in found.faults {
            let (message, remedy) = fault.rsplit_once("; ").unwrap_or((&fault, "export it again"));
            warn(&format!("{}-columns", kind.as_str()), message.to_owned(), remedy);
        }
    }
    problems
}
