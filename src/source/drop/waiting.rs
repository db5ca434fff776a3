//! What lies in a folder and would be read, for whoever checks a configuration: heads that do not fit, and names that
//! are those of no kind. Reads heads, and changes nothing.

use std::io;

use super::file::Open;
use super::folder;
use super::kind::Kind;
use super::records::Stopped;
use super::settings::Settings;
use crate::model::shown;

/// Most files whose heads are read.
const MOST: usize = 100;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many things are not taken.
    pub strange: usize,
    /// Files whose heads do not fit: the kind, and the name with what is wrong.
    pub faults: Vec<(Kind, String)>,
}

/// Looks.
///
/// # Errors
/// When the folder cannot be read.
pub fn waiting(settings: &Settings) -> io::Result<Waiting> {
    let listed = folder::list(&settings.folder)?;
    let mut found = Waiting { strange: listed.odd, faults: Vec::new() };
    for lying in listed.files.iter().take(MOST) {
        let Some(kind) = settings.kind(&lying.name) else {
            found.strange += 1;
            continue;
        };
        let path = settings.folder.join(&lying.name);
        if let Err(Stopped::Bad(fault)) = Open::new(&path, lying.about, kind, &settings.writing) {
            found.faults.push((kind, format!("{}: {fault}", shown(&lying.name, 80))));
        }
    }
    Ok(found)
}
