//! How the dispatcher changes from one configuration to the next: between two of its turns, so that no turn
//! sees accounts of the one and schools of the other. Builds nothing; what can fail has been done before.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::accounts::Account;
use super::shared::Shared;
use crate::model::ProviderId;

/// What is to be put in force.
struct Change {
    shared: Arc<Shared>,
    stored: Vec<(ProviderId, Option<Account>)>,
    /// What changes in the same moment.
    along: Box<dyn FnOnce() + Send>,
    done: oneshot::Sender<()>,
}

enum Waiting {
    Open(Option<Change>),
    Closed,
}

/// Where a change waits for the end of a turn.
pub struct Handover(Mutex<Waiting>);

impl Default for Handover {
    fn default() -> Self {
        Self(Mutex::new(Waiting::Open(None)))
    }
}

impl Handover {
    /// Has a change put in force between two turns, with what is `stored` of its accounts' trouble, and
    /// `along` run with it; returns when it is. False when the dispatcher ended first: then neither is.
    pub async fn change(
        &self,
        shared: Arc<Shared>,
        stored: Vec<(ProviderId, Option<Account>)>,
        along: impl FnOnce() + Send + 'static,
    ) -> bool {
        let wake = shared.wake.clone();
        let (done, is_done) = oneshot::channel();
        {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Waiting::Open(change) = &mut *waiting else { return false };
            *change = Some(Change { shared, stored, along: Box::new(along), done });
        }
        wake.now();
        is_done.await.is_ok()
    }

    /// The change that waits, put in force by whoever takes it.
    pub(super) fn take(&self) -> Option<Arc<Shared>> {
        let Waiting::Open(change) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        else {
            return None;
        };
        let Change { shared, stored, along, done } = change.take()?;
        shared.under_way.renew(stored, shared.env.clock.now());
        along();
        // Whoever asked may have gone; the change stands.
        let _: Result<(), ()> = done.send(());
        Some(shared)
    }

    /// Nobody takes a change any more.
    pub(super) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Waiting::Closed;
    }
}
