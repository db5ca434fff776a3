//! Looks after the folder of the directory: by notice where the file system gives it, and by looking. Reads
//! through [`RosterFeed::read_folder`] and decides nothing.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{RosterFeed, report};
use crate::directory::load;
use crate::store::StoreError;

/// How long a changed folder must be still before it is read: a copy under way is not a load.
pub(super) const STILL: SignedDuration = SignedDuration::from_secs(2);

impl RosterFeed {
    /// Watches the configured folder until `stop`, and another one when settings change.
    ///
    /// # Errors
    /// When the store fails for good.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) -> Result<(), StoreError> {
        loop {
            let settings = self.settings.load_full();
            let changed = Arc::new(Notify::new());
            let _watcher = settings.folder.as_deref().and_then(|f| watcher(f, changed.clone()));
            loop {
                let until = later(self.clock.now(), settings.poll);
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = self.resettled.notified() => break,
                    () = changed.notified() => {}
                    () = self.clock.sleep_until(until) => {}
                }
                let Some(folder) = &settings.folder else { continue };
                let mut seen = load::fingerprint(folder);
                if self.is_read(&seen) {
                    continue;
                }
                loop {
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        () = self.clock.sleep_until(later(self.clock.now(), STILL)) => {}
                    }
                    let again = load::fingerprint(folder);
                    if again == seen {
                        break;
                    }
                    seen = again;
                }
                let offer = self.read_folder().await;
                self.count(&offer);
                match offer {
                    Ok(offer) => report(&offer),
                    Err(StoreError::Busy(why)) => tracing::warn!(why, "directory load put off"),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// inotify sees nothing on network shares written elsewhere; the poll does, so a failure here only
/// costs time.
fn watcher(folder: &Path, changed: Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    use notify::Watcher as _;
    let tell = move |_: notify::Result<notify::Event>| changed.notify_one();
    let mut watcher = notify::recommended_watcher(tell)
        .inspect_err(|error| tracing::warn!(%error, "the folder is looked at by polling only"))
        .ok()?;
    watcher
        .watch(folder, notify::RecursiveMode::NonRecursive)
        .inspect_err(|error| tracing::warn!(%error, "the folder is looked at by polling only"))
        .ok()?;
    Some(watcher)
}
