//! Secrets: found by name, read from a file that few may read, never from the configuration
//! itself. Touches files only, and only those that are named; may not print what it read.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use secrecy::{ExposeSecret as _, SecretString};

use crate::model;

/// Longest secret read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Stands for a secret that was not read.
const UNREAD: &str = "(unread)";

/// A secret that was not read.
pub(super) fn unread() -> SecretString {
    SecretString::from(UNREAD)
}

/// Whether a secret was not read, so that nothing can be said of it.
pub(super) fn is_unread(secret: &SecretString) -> bool {
    secret.expose_secret() == UNREAD
}

/// Whether a secret is so short that it can be guessed.
pub(super) fn is_guessable(secret: &SecretString) -> bool {
    !is_unread(secret) && model::is_guessable(secret.expose_secret())
}

/// Whether an `Authorization` header can carry it: RFC 6750 §2.1, b64token.
pub(super) fn is_token(secret: &SecretString) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    is_unread(secret) || secret.expose_secret().trim_end_matches('=').bytes().all(plain)
}

/// Whether it can stand in the path of a URL as it is: RFC 3986 §2.3, unreserved characters.
pub(super) fn is_path_segment(secret: &SecretString) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    is_unread(secret) || secret.expose_secret().bytes().all(plain)
}

/// How a loader treats secret files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Each must be readable now: how the daemon starts.
    Required,
    /// As `Required`, but a systemd credential is passed over, with a note, where there is no
    /// credentials directory: how an operator checks a file outside the unit.
    Checked,
    /// None is touched and each is a placeholder: to check a text that stands alone.
    Skipped,
}

/// Where the things that a configuration names are found.
#[derive(Debug, Clone)]
pub struct Loader {
    /// `$CREDENTIALS_DIRECTORY` (systemd.exec(5), Credentials), if set.
    pub credentials_dir: Option<PathBuf>,
    /// The folder that relative paths start from: the configuration file's.
    pub base_dir: PathBuf,
    /// What is done with secret files.
    pub secrets: Secrets,
}

/// Why a secret could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretFault {
    /// It cannot be told here; it may be well where the daemon runs.
    Unchecked(String),
    /// It will not do: what was found, and what to do.
    Unusable(String, String),
}

impl Loader {
    /// A path from the configuration, made independent of the working directory.
    pub fn path(&self, written: &str) -> PathBuf {
        self.base_dir.join(written)
    }

    /// Where the credential `name` is; none where that cannot be told.
    pub(super) fn credential(&self, name: &str) -> Option<PathBuf> {
        match &self.credentials_dir {
            Some(folder) => {
                // Those of a whole folder get its id and `_` before their names (systemd.exec(5),
                // LoadCredential=); the unit that ships loads one folder.
                let of_folder = folder.join(format!("upprop_{name}"));
                let plain = folder.join(name);
                Some(if !plain.exists() && of_folder.exists() { of_folder } else { plain })
            }
            // Where that unit takes them from, for those who may look there.
            // Whoever may look into the folder and does not find it there knows that it is missing.
            None if self.secrets == Secrets::Checked => {
                let path = self.packaged(name);
                let may_look = || std::fs::read_dir(self.path("credentials")).is_ok();
                (path.exists() || may_look()).then_some(path)
            }
            None => None,
        }
    }

    fn packaged(&self, name: &str) -> PathBuf {
        self.path("credentials").join(name)
    }

    /// Says that the credential `name` was passed over.
    pub(super) fn unchecked(&self, name: &str) -> String {
        format!(
            "credential `{name}` was not checked: $CREDENTIALS_DIRECTORY is not set here, and no {} is to be seen",
            self.packaged(name).display()
        )
    }

    /// The secret in the file `name`: a bare name is a systemd credential, a name with a `/` is a
    /// path from the configuration's folder, or absolute.
    pub(super) fn secret(&self, name: &str) -> Result<SecretString, SecretFault> {
        let unusable = |found: &str, remedy: String| SecretFault::Unusable(found.into(), remedy);
        if name.starts_with("whsec_") || name.trim() != name || name.is_empty() || name.len() > 255
        {
            return Err(unusable(
                "what is written there is not the name of a file",
                "put the secret alone in a file and write the file's name here".into(),
            ));
        }
        if self.secrets == Secrets::Skipped {
            return Ok(unread());
        }
        if name.contains('/') {
            return read(&self.path(name));
        }
        if name == "." || name == ".." {
            return Err(unusable("it names a folder", "write the name of a file".into()));
        }
        match self.credential(name) {
            Some(path) => read(&path),
            None if self.secrets == Secrets::Checked => {
                Err(SecretFault::Unchecked(self.unchecked(name)))
            }
            None => Err(unusable(
                &format!(
                    "credential `{name}` cannot be looked up: $CREDENTIALS_DIRECTORY is not set"
                ),
                format!(
                    "start under systemd with LoadCredential={name}:/path, or write a path, as \"./{name}\""
                ),
            )),
        }
    }
}

/// Opens a file, whatever it is: a named pipe would else be waited for until somebody writes to it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

fn read(path: &Path) -> Result<SecretString, SecretFault> {
    let shown = path.display();
    let unusable = |found: String, remedy: String| Err(SecretFault::Unusable(found, remedy));
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) => {
            let handed_over = std::env::var_os("CREDENTIALS_DIRECTORY");
            let by_systemd = handed_over.is_some_and(|folder| path.starts_with(folder));
            let remedy = if by_systemd {
                "put it into /etc/upprop/credentials; systemd hands over what is there at a start, so then: \
                 systemctl restart upprop"
            } else {
                "make it, with the secret alone in it, readable for the user that the daemon runs as"
            };
            return unusable(format!("secret file {shown} cannot be read: {error}"), remedy.into());
        }
    };
    // Asked of the open file, so that what is judged is what is read.
    let meta = match file.metadata() {
        Ok(meta) if meta.is_file() => meta,
        _ => return unusable(format!("{shown} is not a file"), "write the name of a file".into()),
    };
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o026 != 0 {
        return unusable(
            format!("secret file {shown} has mode {mode:04o}: others may read it or change it"),
            format!("run `chmod 600 {shown}`, and change the secret if others may have read it"),
        );
    }
    let mut text = String::new();
    let bytes = match file.by_ref().take(MAX_BYTES + 1).read_to_string(&mut text) {
        Ok(bytes) => bytes as u64,
        Err(error) => {
            return unusable(
                format!("secret file {shown} cannot be read: {error}"),
                "write it as UTF-8 text".into(),
            );
        }
    };
    let secret =
        text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t));
    if secret.is_empty() {
        return unusable(format!("secret file {shown} is empty"), "put the secret in it".into());
    }
    if bytes > MAX_BYTES || secret.chars().any(char::is_control) || secret.trim() != secret {
        return unusable(
            format!("secret file {shown} holds more than one line, or starts or ends with a space"),
            "put the secret alone on one line".into(),
        );
    }
    Ok(SecretString::from(secret))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn loader(folder: &Path, credentials: bool, secrets: Secrets) -> Loader {
        Loader {
            credentials_dir: credentials.then(|| folder.join("credentials")),
            base_dir: folder.to_owned(),
            secrets,
        }
    }

    fn write(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        fs::write(path, text).expect("write");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
    }

    #[test]
    fn names_are_looked_up_where_they_say() {
        let folder = tempfile::tempdir().expect("folder");
        write(&folder.path().join("credentials/token"), "from systemd\n", 0o400);
        write(&folder.path().join("credentials/upprop_relay"), "of a folder", 0o400);
        write(&folder.path().join("credentials/upprop_token"), "another", 0o400);
        write(&folder.path().join("secrets/token"), "from the folder\r\n", 0o600);
        let absolute = folder.path().join("absolute");
        write(&absolute, "from afar", 0o640);
        let loader = loader(folder.path(), true, Secrets::Required);
        for (name, text) in [
            ("token", "from systemd"),
            ("relay", "of a folder"),
            ("secrets/token", "from the folder"),
            (absolute.to_str().expect("path"), "from afar"),
        ] {
            assert_eq!(loader.secret(name).expect(name).expose_secret(), text, "{name}");
        }
    }

    #[test]
    fn files_that_will_not_do() {
        let folder = tempfile::tempdir().expect("folder");
        let loader = loader(folder.path(), false, Secrets::Required);
        for (text, mode, say) in [
            ("secret", 0o644, "mode 0644"),
            ("secret", 0o660, "mode 0660"),
            ("secret", 0o602, "mode 0602"),
            ("", 0o600, "empty"),
            ("\n", 0o600, "empty"),
            ("one\ntwo\n", 0o600, "more than one line"),
            ("one\n\n", 0o600, "more than one line"),
            (" one", 0o600, "space"),
        ] {
            write(&folder.path().join("s/file"), text, mode);
            match loader.secret("s/file") {
                Err(SecretFault::Unusable(found, _)) => assert!(found.contains(say), "{found}"),
                other => panic!("{text:?} {mode:o}: {other:?}"),
            }
        }
        let pipe = folder.path().join("s/pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).expect("a pipe");
        for name in ["./missing", "bare", "..", "", "./s", "./s/pipe", "whsec_c2VjcmV0"] {
            assert!(matches!(loader.secret(name), Err(SecretFault::Unusable(..))), "{name}");
        }
    }

    #[test]
    fn a_credential_outside_the_unit_is_unchecked_or_skipped() {
        let folder = tempfile::tempdir().expect("folder");
        let checked = loader(folder.path(), false, Secrets::Checked);
        assert!(matches!(checked.secret("bare"), Err(SecretFault::Unchecked(_))));
        assert!(loader(folder.path(), false, Secrets::Skipped).secret("bare").is_ok());
        // The folder that the unit takes them from is looked into by those who may.
        write(&folder.path().join("credentials/bare"), "of the unit", 0o600);
        assert_eq!(checked.secret("bare").expect("a secret").expose_secret(), "of the unit");
        write(&folder.path().join("credentials/bare"), "of the unit", 0o644);
        assert!(matches!(checked.secret("bare"), Err(SecretFault::Unusable(..))));
        let required = loader(folder.path(), false, Secrets::Required);
        assert!(matches!(required.secret("bare"), Err(SecretFault::Unusable(..))));
    }
}
