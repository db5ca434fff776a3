//! Whether the store is this user's to open. What is made in it while it is open would else belong to somebody
//! else, and keep the daemon out. Looks at owners; changes nothing.

use std::os::unix::fs::MetadataExt as _;

use crate::store::Settings;

/// Says whose the store is, and what to do, when it is another user's. `command` is what to run as that user.
///
/// # Errors
/// In words.
pub fn ours(settings: &Settings, command: &str) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    for folder in [&settings.dir, &settings.store_dir(), &settings.journal_dir()] {
        let Ok(found) = std::fs::metadata(folder) else { continue };
        if found.uid() != own {
            return Err(format!(
                "{} belongs to uid {}, and what you would make there would keep the daemon out; run it as that \
                 user: runuser -u upprop -- {command}",
                folder.display(),
                found.uid()
            ));
        }
    }
    Ok(())
}
