//! The daemon of the demo: the real binary as a child of this process, started, killed, started
//! again and stopped. Never outlives this process's hold on it.

use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use jiff::SignedDuration;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::{DemoError, within};
use crate::env::{Clock, Wire};

/// Pause between two looks at something that cannot be awaited.
const LOOK: SignedDuration = SignedDuration::from_millis(20);

/// One daemon, running or not.
pub struct Daemon {
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    wire: Arc<dyn Wire>,
    clock: Arc<dyn Clock>,
    child: Option<Child>,
}

impl Daemon {
    /// Names it; nothing runs yet. `program` understands `run FILE`, `config` makes it listen on
    /// `address`, and what it says is added to `log`.
    pub fn new(
        program: PathBuf,
        config: PathBuf,
        log: PathBuf,
        address: SocketAddr,
        wire: Arc<dyn Wire>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { program, config, log, address, wire, clock, child: None }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it and waits until it takes work; how long that took.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not ready in time.
    pub async fn start(&mut self) -> Result<SignedDuration, DemoError> {
        let began = self.clock.now();
        let child =
            self.spawn().map_err(|e| DemoError::Daemon(format!("cannot be started: {e}")))?;
        let child = self.child.insert(child);
        let url = format!("http://{}/readyz", self.address);
        let (wire, clock) = (&self.wire, &self.clock);
        within("the daemon to be ready", async {
            loop {
                let ended = child.try_wait();
                if let Ok(Some(status)) = ended {
                    let what = format!("ended before it was ready ({status})");
                    return Err(DemoError::Daemon(what));
                }
                let request = http::Request::get(&url).body(Bytes::new());
                let request = request.map_err(|e| DemoError::Daemon(e.to_string()))?;
                if wire.call(request).await.is_ok_and(|answer| answer.status() == 200) {
                    return Ok(());
                }
                look_later(clock.as_ref()).await;
            }
        })
        .await??;
        Ok(self.clock.now().duration_since(began))
    }

    fn spawn(&self) -> io::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        Command::new(&self.program)
            .arg("run")
            .arg(&self.config)
            // What systemd tells us about ourselves is not for the child.
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
    }

    /// Ends it in the middle of whatever it does (SIGKILL).
    ///
    /// # Errors
    /// When it was gone already.
    pub async fn kill(&mut self) -> Result<(), DemoError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Ok(Some(status)) = child.try_wait() {
            return Err(DemoError::Daemon(format!("ended by itself ({status})")));
        }
        child.kill().await.map_err(|e| DemoError::Daemon(format!("cannot be killed: {e}")))
    }

    /// Returns when it ends by itself; never, when it does not run.
    pub(super) async fn ended(&mut self) -> DemoError {
        let Some(child) = &mut self.child else { return std::future::pending().await };
        let how = match child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        DemoError::Daemon(format!("ended by itself ({how})"))
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it does not stop in time, or not as asked.
    pub async fn stop(&mut self) -> Result<(), DemoError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let gone = || DemoError::Daemon("was gone before it was asked to stop".into());
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.ok_or_else(gone)?, Signal::TERM).map_err(|_| gone())?;
        let status = within("the daemon to stop", child.wait()).await?;
        match status {
            Ok(status) if ExitStatus::success(&status) => Ok(()),
            Ok(status) => Err(DemoError::Daemon(format!("did not stop cleanly ({status})"))),
            Err(error) => Err(DemoError::Daemon(format!("cannot be waited for: {error}"))),
        }
    }
}

/// Waits a moment.
pub(super) async fn look_later(clock: &dyn Clock) {
    clock.sleep_until(clock.now().saturating_add(LOOK).unwrap_or(jiff::Timestamp::MAX)).await;
}
