//! Listening on this machine: binding, accepting, and how many at once.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::env::Clock;

/// Connections served at once, for each protocol.
const CONNECTIONS: usize = 1024;
/// How long to wait for file descriptors.
const PAUSE: SignedDuration = SignedDuration::from_millis(200);

/// What a stand-in's listeners share.
pub(super) struct Floor {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// A listener on a loopback address, and the address with the port that was found.
pub(super) fn bind(address: SocketAddr, what: &str) -> io::Result<(TcpListener, SocketAddr)> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "this stand-in listens on this machine only: {address} (for {what}) is not a loopback address; use 127.0.0.1"
            ),
        ));
    }
    let explain = |e: io::Error| {
        io::Error::new(e.kind(), format!("cannot listen on {address} for {what}: {e}"))
    };
    let listener = std::net::TcpListener::bind(address).map_err(explain)?;
    listener.set_nonblocking(true)?;
    let found = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, found))
}

/// Gives each connection to `session`, until the stand-in stops.
pub(super) async fn serve<F>(listener: TcpListener, floor: Floor, session: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            biased;
            () = floor.stop.cancelled() => return,
            next = next => next,
        };
        if let Ok((stream, _)) = accepted {
            // Without it an answer may wait for the client's acknowledgement; failing to set it
            // is only slow.
            let _ = stream.set_nodelay(true);
            let session = session(stream);
            floor.tasks.spawn(async move {
                session.await;
                drop(slot);
            });
        } else {
            // Out of file descriptors, most likely: wait for connections to end.
            let now = floor.clock.now();
            let until = now.saturating_add(PAUSE).unwrap_or(now);
            tokio::select! {
                () = floor.stop.cancelled() => return,
                () = floor.clock.sleep_until(until) => {}
            }
        }
    }
}
