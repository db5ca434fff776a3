//! Log lines for systemd's journal in its own form (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>): level, words and
//! every field apart. MESSAGE has the fields too, as a line on standard error has them: `journalctl` shows
//! nothing else unless it is asked. A line that the journal does not take goes to standard error.
//!
//! `tracing-journald` is not used: its MESSAGE is the bare words ("attempt"), and its place is fixed.

use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";
/// Stands before the names of our fields.
const PREFIX: &str = "UPPROP_";
/// How long one line may wait for the journal.
const PATIENCE: Duration = Duration::from_secs(1);

/// The journal's number for a level (sd-daemon(3)).
pub(super) fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Whether standard error goes to the journal: systemd says by this variable which file does.
pub(super) fn is_ours(stream: Option<&std::ffi::OsStr>) -> bool {
    let Some((device, inode)) = stream.and_then(|s| s.to_str()).and_then(|s| s.split_once(':'))
    else {
        return false;
    };
    rustix::fs::fstat(io::stderr()).is_ok_and(|stderr| {
        device.parse() == Ok(stderr.st_dev) && inode.parse() == Ok(stderr.st_ino)
    })
}

/// Sends each line to the journal.
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// # Errors
    /// When nobody listens at `path`.
    pub fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        // The journal throws an empty one away.
        socket.send_to(&[], path)?;
        Ok(Self { socket, path: path.to_owned() })
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        let mut line = Line::default();
        event.record(&mut line);
        let mut entry = Vec::with_capacity(256);
        put(&mut entry, "PRIORITY", &priority(level).to_string());
        put(&mut entry, "SYSLOG_IDENTIFIER", "upprop");
        put(&mut entry, "TARGET", event.metadata().target());
        put(&mut entry, "MESSAGE", &line.message);
        entry.extend_from_slice(&line.fields);
        if self.socket.send_to(&entry, &self.path).is_err() {
            eprintln!("<{}>{}", priority(level), line.message);
        }
    }
}

/// What one event says.
#[derive(Default)]
struct Line {
    message: String,
    fields: Vec<u8>,
}

impl Line {
    fn field(&mut self, field: &Field, shown: &str, value: &str) {
        let name = field.name();
        if name == "message" {
            // The words come last in the event and stand first in the line.
            self.message.insert_str(0, value);
            return;
        }
        // What a library said by way of the `log` crate; its own names are of no use to anybody.
        if name.starts_with("log.") {
            return;
        }
        let _ = write!(self.message, " {name}={shown}");
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let name: String = PREFIX.chars().chain(name.chars().map(upper)).collect();
        put(&mut self.fields, &name, value);
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        self.field(field, &value, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, &format!("{value:?}"), value);
    }
}

/// One field, its value by length: it may hold anything.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    entry.extend_from_slice(&u64::try_from(value.len()).unwrap_or(0).to_le_bytes());
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::is_ours;

    #[test]
    fn a_variable_that_was_inherited_is_not_believed() {
        let stderr = rustix::fs::fstat(std::io::stderr()).unwrap();
        let (device, inode) = (stderr.st_dev, stderr.st_ino);
        let named = |text: String| is_ours(Some(OsStr::new(&text)));
        assert!(named(format!("{device}:{inode}")));
        assert!(!named(format!("{device}:{}", inode + 1)));
        assert!(!named(format!("{}:{inode}", device + 1)));
        assert!(!named("8".into()));
        assert!(!is_ours(None));
    }
}
