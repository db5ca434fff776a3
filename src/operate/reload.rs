//! A reload, asked for and answered: the document, and the way from whoever asks to whoever reloads. Reloads
//! nothing itself.

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// What became of a reload. Either all of it is in force or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reloaded {
    /// [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// Whether the new configuration is in force.
    pub in_force: bool,
    /// Everything that is wrong with it, one each; what was in force before goes on.
    pub problems: Vec<String>,
    /// What is odd in it but keeps nothing from being in force.
    pub warnings: Vec<String>,
    /// What is new, as `school bjork: added`.
    pub taken: Vec<String>,
    /// Keys that stay as they were until a restart.
    pub need_restart: Vec<String>,
}

impl Reloaded {
    /// It is not in force.
    pub fn refused(problems: Vec<String>) -> Self {
        let (warnings, taken, need_restart) = (Vec::new(), Vec::new(), Vec::new());
        Self { format: super::FORMAT, in_force: false, problems, warnings, taken, need_restart }
    }
}

/// A reload that somebody waits for.
pub type Request = oneshot::Sender<Reloaded>;

/// Where a reload is asked for.
#[derive(Debug, Clone)]
pub struct Reloads(mpsc::Sender<Request>);

impl Reloads {
    /// And where the requests arrive, one after the other.
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (sender, requests) = mpsc::channel(1);
        (Self(sender), requests)
    }

    /// Asks, and waits for the end. None: the daemon is ending.
    pub async fn ask(&self) -> Option<Reloaded> {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.ok()?;
        answered.await.ok()
    }
}
