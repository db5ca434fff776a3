//! What a supervisor hears through `sd_notify(3)`: ready when events are taken, alive while the dispatcher
//! turns, reloading and ready again, stopping when asked to.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::world::{DEADLINE, Setup, signal};

/// Ends with the test, whatever became of it.
struct Supervised(Child);

impl Drop for Supervised {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_alive_reloading_and_stopping_are_told_in_order() {
    let world = Setup::default().prepare();
    let path = world.folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let child = Command::new(env!("CARGO_BIN_EXE_upprop"))
        .args(["run".as_ref(), world.config().as_os_str()])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", Duration::from_mins(1).as_micros().to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut daemon = Supervised(child.expect("the daemon starts"));
    let told = || {
        let mut bytes = [0; 512];
        let length = socket.recv(&mut bytes).expect("something is told in time");
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    let until = |words: &str| {
        let mut before = Vec::new();
        loop {
            match told() {
                found if found == words => return before,
                other => before.push(other),
            }
        }
    };
    let before = until("READY=1");
    assert!(before.iter().all(|w| w == "WATCHDOG=1"), "{before:?}");
    // Ready means that events are taken: this one makes the dispatcher turn.
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    until("WATCHDOG=1");
    assert!(signal("HUP", &daemon.0.id().to_string()));
    let reloading = loop {
        match told() {
            found if found.starts_with("RELOADING=1") => break found,
            other => assert_eq!(other, "WATCHDOG=1"),
        }
    };
    // With the time in the same message, as units of `Type=notify-reload` need it.
    let (_, time) = reloading.split_once("\nMONOTONIC_USEC=").expect("the time");
    assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{reloading}");
    let ready = loop {
        match told() {
            found if found.starts_with("READY=1") => break found,
            other => assert_eq!(other, "WATCHDOG=1"),
        }
    };
    assert!(ready.contains("STATUS=the configuration was reloaded"), "{ready}");
    assert!(signal("TERM", &daemon.0.id().to_string()));
    let before = until("STOPPING=1");
    assert!(before.iter().all(|w| w == "WATCHDOG=1"), "{before:?}");
    assert_eq!(daemon.0.wait().expect("an end").code(), Some(0));
}
