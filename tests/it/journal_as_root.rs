//! The daemon as systemd runs it: its log lines reach the journal, with level and fields, and not standard
//! error. In a mount namespace of its own the test listens in the journal's place.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

use crate::world::{DEADLINE, Setup, signal};

const SCRIPT: &str = r#"
set -eu
mkdir -p /run/systemd/journal
mount --bind "$1" /run/systemd/journal
export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2)
exec "$2" run "$3"
"#;

/// Ended with the test, however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, or nobody asks how it does.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for an entry whose words begin so.
fn entry(journal: &UnixDatagram, words: &str) -> String {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = journal.recv(&mut buffer).expect("an entry in time");
        let entry = String::from_utf8_lossy(&buffer[..length]).into_owned();
        // A name, the length of the value in eight bytes, the value.
        let message = entry.split("\nMESSAGE\n").nth(1).and_then(|rest| rest.get(8..));
        if message.is_some_and(|message| message.starts_with(words)) {
            return entry;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_reach_the_journal_with_level_and_fields() {
    let world = Setup::default().prepare();
    let place = world.folder.path().join("journal");
    fs::create_dir(&place).expect("a folder");
    let journal = UnixDatagram::bind(place.join("socket")).expect("a socket");
    journal.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    let stderr = fs::File::create(world.folder.path().join("log")).expect("a log");
    let daemon = Command::new("unshare")
        .args(["--mount", "sh", "-c", SCRIPT, "sh"])
        .args([
            place.as_os_str(),
            env!("CARGO_BIN_EXE_upprop").as_ref(),
            world.config().as_os_str(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("unshare");
    let mut daemon = Daemon(daemon);
    let ready = entry(&journal, "ready address=");
    for field in [
        "PRIORITY\n\x01\0\0\0\0\0\0\x006\n",
        "SYSLOG_IDENTIFIER\n\x06\0\0\0\0\0\0\0upprop\n",
        "TARGET\n\x10\0\0\0\0\0\0\0upprop::cli::run\n",
        &format!("UPPROP_VERSION\n\x05\0\0\0\0\0\0\0{}\n", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(ready.contains(field), "no {field:?} in {ready:?}");
    }
    assert!(signal("TERM", &daemon.0.id().to_string()), "it runs");
    entry(&journal, "stopped");
    let ended = tokio::task::block_in_place(|| daemon.0.wait()).expect("it ends");
    assert_eq!(ended.code(), Some(0), "{}", world.log());
    assert!(!world.log().contains("ready "), "nothing is said twice:\n{}", world.log());
}
