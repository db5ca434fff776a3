//! The tasks that ask sources by themselves: one for each, started afresh when configuration changes. What they
//! do is theirs; this file only starts and stops them. A source never ends: what goes wrong with it is a
//! trouble that is shown, and it is asked again.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::env::{Clock, Pending};
use crate::intake::Contacts;
use crate::model::SourceId;
use crate::store::StoreError;

/// Pause before a task is started again that ended though nobody asked it to.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// One that goes on for so long is well.
const WELL: SignedDuration = SignedDuration::from_mins(5);
/// What is wrong with a source that is put off, in the words of `status`.
const PUT_OFF: &str = "put-off";

/// The work of one source until it is told to stop.
///
/// # Errors
/// When the store fails for good: the daemon then ends, and is started afresh.
pub type Work =
    Arc<dyn Fn(CancellationToken) -> Pending<'static, Result<(), StoreError>> + Send + Sync>;

/// One source that asks by itself.
#[derive(Clone)]
pub struct Poller {
    /// Which.
    pub source: SourceId,
    /// What it does.
    pub work: Work,
}

/// All of them.
pub struct Pollers {
    wanted: watch::Sender<Vec<Poller>>,
    clock: Arc<dyn Clock>,
    contacts: Contacts,
    tracker: TaskTracker,
}

impl Pollers {
    /// Starts nothing.
    pub fn new(clock: Arc<dyn Clock>, contacts: Contacts, tracker: TaskTracker) -> Self {
        Self { wanted: watch::Sender::new(Vec::new()), clock, contacts, tracker }
    }

    /// These from now on: what runs is stopped first.
    pub fn change(&self, wanted: Vec<Poller>) {
        self.wanted.send_replace(wanted);
    }

    /// Runs them until `stop`.
    ///
    /// # Errors
    /// When the store fails for good.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> Result<(), StoreError> {
        let mut wanted = self.wanted.subscribe();
        loop {
            let round = stop.child_token();
            let pollers = wanted.borrow_and_update().clone();
            let mut tasks: FuturesUnordered<_> =
                pollers.into_iter().map(|poller| self.one(poller, round.clone())).collect();
            let changed = loop {
                tokio::select! {
                    () = stop.cancelled() => break false,
                    changed = wanted.changed() => break changed.is_ok(),
                    Some(done) = tasks.next() => done?,
                }
            };
            round.cancel();
            while let Some(done) = tasks.next().await {
                done?;
            }
            if !changed {
                stop.cancelled().await;
                return Ok(());
            }
        }
    }

    /// One source, over and over.
    async fn one(&self, poller: Poller, round: CancellationToken) -> Result<(), StoreError> {
        while !round.is_cancelled() {
            let mut task = self.tracker.spawn((poller.work)(round.clone()));
            let well = self.clock.now().saturating_add(WELL).unwrap_or(jiff::Timestamp::MAX);
            let early = tokio::select! {
                done = &mut task => Some(done),
                () = self.clock.sleep_until(well) => None,
            };
            let done = if let Some(done) = early {
                done
            } else {
                self.contacts.well(&poller.source, PUT_OFF);
                task.await
            };
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error @ StoreError::Failed(_))) => return Err(error),
                Ok(Err(error)) => {
                    tracing::warn!(source = %poller.source, %error, "put off");
                    let (what, remedy) = match error {
                        StoreError::Busy(_) => (
                            "the store takes no more at the moment",
                            "look at the disk and at `upprop status`; it is asked again by itself",
                        ),
                        _ => (
                            "what was kept of it, or is to be kept, cannot be read or written",
                            "look in the log for \"put off\", and run `upprop store check`",
                        ),
                    };
                    let now = self.clock.now();
                    let _: bool = self.contacts.trouble(
                        &poller.source,
                        PUT_OFF,
                        what.into(),
                        remedy.into(),
                        now,
                    );
                }
                Err(_) => {
                    tracing::error!(
                        source = %poller.source,
                        "asking the source panicked: a defect in upprop; please report it"
                    );
                }
            }
            let later = self.clock.now().saturating_add(PAUSE).unwrap_or(jiff::Timestamp::MAX);
            tokio::select! {
                () = round.cancelled() => {}
                () = self.clock.sleep_until(later) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }
        fn sleep_until(&self, _: jiff::Timestamp) -> Pending<'_, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_source_that_is_put_off_is_shown() {
        let (contacts, tracker) = (Contacts::default(), TaskTracker::new());
        let pollers = Arc::new(Pollers::new(Arc::new(Still), contacts.clone(), tracker));
        let source = SourceId::new("s").expect("id");
        let work = |_| -> Pending<'static, _> {
            Box::pin(std::future::ready(Err(StoreError::Damaged("p1".into()))))
        };
        pollers.change(vec![Poller { source: source.clone(), work: Arc::new(work) }]);
        let stop = CancellationToken::new();
        let watching = async {
            loop {
                if let Some(found) = contacts.of(&source).troubles.get(PUT_OFF) {
                    stop.cancel();
                    return found.what.clone();
                }
                tokio::task::yield_now().await;
            }
        };
        let (done, what) = tokio::join!(pollers.clone().run(stop.clone()), watching);
        assert!(done.is_ok() && !what.contains("p1"), "{what}");
    }
}
