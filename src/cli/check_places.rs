//! The part of `upprop check` that is about places on this machine which the daemon makes things in at its start:
//! the control socket's folder. Looks, and makes nothing.

use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt as _;

use crate::config::{Config, Problem, Report, Severity};

/// What stands in the way of the control socket.
pub fn problems(report: &Report, config: &Config) -> Option<Problem> {
    let socket = &config.server.control;
    let at = |severity, message: String, remedy: &str| {
        Some(report.places.problem(severity, &["server"], "control", message, remedy))
    };
    if let Ok(found) = std::fs::symlink_metadata(socket)
        && !found.file_type().is_socket()
    {
        return at(
            Severity::Error,
            format!(
                "the control socket {} cannot be made: something else is there",
                socket.display()
            ),
            "remove it, or name another path as `control` of [server]",
        );
    }
    let folder = socket.parent().filter(|folder| **folder != config.store.dir)?;
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => None,
        Ok(_) => at(
            Severity::Error,
            format!("the control socket cannot be made: {} is not a folder", folder.display()),
            "name another path as `control` of [server]",
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => at(
            Severity::Warning,
            format!("the folder of the control socket, {}, is not there", folder.display()),
            "make it, for the daemon's user to write in, or let the unit make it (RuntimeDirectory=)",
        ),
        // Of what this user may not see nothing can be said.
        Err(_) => None,
    }
}
