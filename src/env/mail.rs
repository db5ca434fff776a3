//! The real mail transports: a relay over SMTP, a folder of `.eml` files, or memory. They take
//! finished bytes; what the relay's replies mean is decided in `channel::email::outcome`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

pub use super::smtp::{MailSetupError, SmtpTransport};
use super::{MailEnvelope, MailOutcome, MailWire, Pending, Probed};

/// Where mail goes.
#[derive(Debug)]
pub enum MailTransport {
    /// To a relay.
    Smtp(Box<SmtpTransport>),
    /// Into a folder, for trying things out and for relays that watch one.
    File(MailFolder),
    /// Nowhere, for demonstrations and tests.
    Memory(MailMemory),
}

impl MailTransport {
    /// Ends idle connections politely. To be called once, at the end.
    pub async fn close(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}

impl MailWire for MailTransport {
    fn send<'a>(&'a self, envelope: &'a MailEnvelope, message: Bytes) -> Pending<'a, MailOutcome> {
        match self {
            Self::Smtp(smtp) => Box::pin(smtp.deliver(envelope, message)),
            Self::File(folder) => Box::pin(folder.keep(message)),
            Self::Memory(memory) => {
                memory.lock().push((envelope.clone(), message));
                Box::pin(std::future::ready(accepted(None)))
            }
        }
    }

    fn probe(&self) -> Pending<'_, Probed> {
        match self {
            Self::Smtp(smtp) => Box::pin(smtp.probe()),
            Self::File(_) | Self::Memory(_) => Box::pin(std::future::ready(Probed::Untried)),
        }
    }
}

/// A folder that gets one `.eml` file for each message. The name is a hash of the message, so that
/// one sent twice (same `Message-ID`, same bytes) is there once.
#[derive(Debug)]
pub struct MailFolder {
    path: PathBuf,
}

impl MailFolder {
    /// Makes the folder if it is not there, for its owner only: the files name pupils.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = path.into();
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    /// Whether [`MailFolder::new`] would find or make the folder, as far as can be told without
    /// making it: what is there of its path must be folders.
    ///
    /// # Errors
    /// When something else is in the way.
    pub fn probe(path: &Path) -> io::Result<()> {
        for part in path.ancestors().filter(|part| !part.as_os_str().is_empty()) {
            match std::fs::metadata(part) {
                Ok(found) if found.is_dir() => return Ok(()),
                Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn keep(&self, message: Bytes) -> MailOutcome {
        let folder = self.path.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, &message)).await;
        match written {
            Ok(Ok(name)) => accepted(Some(name)),
            Ok(Err(error)) => unwritten(error.kind()),
            Err(_) => unwritten(io::ErrorKind::Interrupted),
        }
    }
}

/// Writes under another name first, so that a watcher never sees half a message.
fn write(folder: &Path, message: &[u8]) -> io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let digest = Sha256::digest(message);
    let stem = crate::model::hex(&digest.as_slice()[..16]);
    let (part, name) = (format!("{stem}.part"), format!("{stem}.eml"));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(folder.join(&part))?;
    file.write_all(message)?;
    file.sync_all()?;
    std::fs::rename(folder.join(&part), folder.join(&name))?;
    Ok(name)
}

/// Messages kept in memory, in the order they came. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MailMemory {
    sent: Arc<Mutex<Vec<(MailEnvelope, Bytes)>>>,
}

impl MailMemory {
    /// A copy of what has been sent.
    pub fn sent(&self) -> Vec<(MailEnvelope, Bytes)> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(MailEnvelope, Bytes)>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accepted(reference: Option<String>) -> MailOutcome {
    MailOutcome::Accepted { reference, parts: None }
}

fn unwritten(kind: io::ErrorKind) -> MailOutcome {
    let code = match kind {
        io::ErrorKind::NotFound => "folder-missing",
        io::ErrorKind::PermissionDenied => "folder-permission",
        io::ErrorKind::StorageFull => "folder-full",
        _ => "folder-error",
    };
    MailOutcome::Retry { after: None, code: code.into(), provider_wide: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EmailAddress;

    fn envelope() -> MailEnvelope {
        let address = |text| EmailAddress::new(text).unwrap();
        MailEnvelope { from: address("studs@skola.example"), to: address("asa@example.se") }
    }

    const MESSAGE: Bytes = Bytes::from_static(b"Subject: x\r\n\r\nHej\r\n");

    #[tokio::test]
    async fn a_folder_keeps_each_message_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ut");
        let mail = MailTransport::File(MailFolder::new(&path).unwrap());
        let first = mail.send(&envelope(), MESSAGE).await;
        assert_eq!(mail.send(&envelope(), MESSAGE).await, first);
        let names: Vec<_> =
            std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names.len(), 1);
        assert_eq!(std::fs::read(&names[0]).unwrap(), MESSAGE);

        std::fs::remove_dir_all(&path).unwrap();
        assert_eq!(mail.send(&envelope(), MESSAGE).await, unwritten(io::ErrorKind::NotFound));
    }

    #[test]
    fn a_folder_that_cannot_be_is_told_without_making_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        MailFolder::probe(&path).unwrap();
        assert!(!dir.path().join("a").exists());
        std::fs::write(dir.path().join("a"), "").unwrap();
        assert_eq!(MailFolder::probe(&path).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert!(MailFolder::new(&path).is_err());
        MailFolder::probe(Path::new("not-there")).unwrap();
    }

    #[tokio::test]
    async fn memory_keeps_order() {
        let memory = MailMemory::default();
        let mail = MailTransport::Memory(memory.clone());
        assert_eq!(mail.send(&envelope(), MESSAGE).await, accepted(None));
        assert_eq!(memory.sent(), [(envelope(), MESSAGE)]);
    }
}
