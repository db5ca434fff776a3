//! Tasks: started here and nowhere else, watched, and stopped in two steps. A task that ends or
//! panics before it was asked to stops the daemon, so that systemd starts it afresh.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Why the daemon stops by itself.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// A task returned an error.
    #[error("{task}: {error}")]
    Failed {
        /// Which task.
        task: &'static str,
        /// What it said.
        error: String,
    },
    /// A task ended although nobody asked it to.
    #[error("{task} ended unexpectedly")]
    Ended {
        /// Which task.
        task: &'static str,
    },
    /// A task panicked.
    #[error("{task} panicked; the message is above")]
    Panicked {
        /// Which task.
        task: &'static str,
    },
}

/// The tasks of the daemon.
#[derive(Clone)]
pub struct Lifecycle {
    soft: CancellationToken,
    tracker: TaskTracker,
    faults: mpsc::UnboundedSender<Fault>,
}

impl Lifecycle {
    /// Starts with no tasks. Faults arrive at the receiver.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Fault>) {
        let (faults, receiver) = mpsc::unbounded_channel();
        let lifecycle =
            Self { soft: CancellationToken::new(), tracker: TaskTracker::new(), faults };
        (lifecycle, receiver)
    }

    /// Cancelled when everybody should finish what they have and take no more.
    pub fn soft_stop(&self) -> &CancellationToken {
        &self.soft
    }

    /// Where tasks start short-lived tasks of their own.
    pub fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Starts a task that must live until the soft stop.
    pub fn start<E>(
        &self,
        task: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: std::fmt::Display + Send + 'static,
    {
        let soft = self.soft.clone();
        let faults = self.faults.clone();
        let inner = self.tracker.spawn(work);
        self.tracker.spawn(async move {
            let fault = match inner.await {
                Ok(Ok(())) if soft.is_cancelled() => return,
                Ok(Ok(())) => Fault::Ended { task },
                Ok(Err(error)) => Fault::Failed { task, error: error.to_string() },
                Err(_) => Fault::Panicked { task },
            };
            // Nobody listens only when the daemon is already ending.
            let _: Result<(), _> = faults.send(fault);
        });
    }

    /// Reports a fault found outside any task.
    pub fn report(&self, fault: Fault) {
        let _: Result<(), _> = self.faults.send(fault);
    }

    /// Asks all tasks to stop and waits until they have, at most until `hard` resolves.
    /// Returns whether all had.
    pub async fn stop(&self, hard: impl Future<Output = ()>) -> bool {
        self.soft.cancel();
        self.tracker.close();
        tokio::select! {
            () = self.tracker.wait() => true,
            () = hard => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_early_is_a_fault_and_one_that_stops_when_asked_is_not() {
        let (lifecycle, mut faults) = Lifecycle::new();
        let soft = lifecycle.soft_stop().clone();
        lifecycle.start::<String>("good", async move {
            soft.cancelled().await;
            Ok(())
        });
        lifecycle.start::<String>("early", async { Ok(()) });
        assert!(matches!(faults.recv().await, Some(Fault::Ended { task: "early" })));
        lifecycle.start("bad", async { Err("broken".to_owned()) });
        assert!(matches!(faults.recv().await, Some(Fault::Failed { task: "bad", .. })));
        assert!(lifecycle.stop(std::future::pending()).await);
        assert!(faults.try_recv().is_err());
    }
}
