//! What a journal receives, and what no layer lets through.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;

/// Something that listens as the journal does, and what it was sent.
struct Listening {
    folder: tempfile::TempDir,
    socket: UnixDatagram,
}

impl Listening {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("socket")).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self { folder, socket }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("socket")
    }

    /// The next entry that is not empty, field by field.
    fn next(&self) -> BTreeMap<String, String> {
        let mut buffer = [0; 8192];
        loop {
            let length = self.socket.recv(&mut buffer).expect("an entry");
            if length == 0 {
                continue;
            }
            let mut rest = &buffer[..length];
            let mut fields = BTreeMap::new();
            while let Some(name_ends) = rest.iter().position(|b| *b == b'\n') {
                let (name, value) = rest.split_at(name_ends);
                let (size, value) = value[1..].split_at(8);
                let size = u64::from_le_bytes(size.try_into().unwrap()).try_into().unwrap();
                let (value, end) = value.split_at(size);
                assert_eq!(end[0], b'\n');
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                fields.insert(text(name), text(value));
                rest = &end[1..];
            }
            return fields;
        }
    }
}

fn log(filter: &str) -> Log {
    Log { format: LogFormat::Text, filter: filter.into() }
}

/// Speaks as we do, and as libraries do.
fn speak(layer: Boxed) {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let span = tracing::info_span!(target: "upprop::trace", "webhook", source = "in a span");
        let _inside = span.enter();
        tracing::debug!(target: "hyper::client", number = "+46701740605", "a library's own");
        tracing::info!(target: "upprop::x", account = "elks", code = 7, of = ?Some(1), "two\nlines");
        tracing::debug!(target: "upprop::x", "ours, and fine");
        tracing::warn!(target: "hyper::client", "a library's warning");
        tracing::error!(target: "upprop::x", r#type = "b", "the last");
    });
}

#[test]
fn the_journal_has_level_words_and_fields() {
    let journal = Listening::new();
    speak(lines(&log("trace"), Some(&journal.path())));
    let entry = journal.next();
    let expected = [
        ("MESSAGE", "two\nlines account=\"elks\" code=7 of=Some(1)"),
        ("PRIORITY", "6"),
        ("SYSLOG_IDENTIFIER", "upprop"),
        ("TARGET", "upprop::x"),
        ("UPPROP_ACCOUNT", "elks"),
        ("UPPROP_CODE", "7"),
        ("UPPROP_OF", "Some(1)"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(entry, expected.into(), "the library's debug line and the span were left out");
    for (priority, message) in
        [("7", "ours, and fine"), ("4", "a library's warning"), ("3", "the last type=\"b\"")]
    {
        let entry = journal.next();
        assert_eq!((&*entry["PRIORITY"], &*entry["MESSAGE"]), (priority, message));
    }
}

#[test]
fn the_filter_of_the_configuration_holds() {
    let journal = Listening::new();
    speak(lines(&log("error"), Some(&journal.path())));
    assert_eq!(journal.next()["MESSAGE"], "the last type=\"b\"");
}

#[test]
fn nobody_at_the_socket_is_seen_before_the_first_line() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Journal::at(&folder.path().join("nobody")).is_err());
}

/// Standard error as a text.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn without_the_journal_a_line_begins_with_its_level() {
    let shown = Shown::default();
    let writer = shown.clone();
    let format = Prefixed(fmt::format().without_time().with_level(false).with_ansi(false));
    let layer = fmt::layer().with_writer(move || writer.clone()).event_format(format);
    speak(filtered(layer, &log("info")));
    let text = String::from_utf8(shown.0.lock().unwrap().clone()).unwrap();
    for line in [
        "<6>upprop::x: two",
        "<4>hyper::client: a library's warning",
        "<3>upprop::x: the last type=\"b\"",
    ] {
        assert!(text.lines().any(|l| l.starts_with(line)), "no {line:?} in:\n{text}");
    }
    for never in ["+46", "ours, and fine", "in a span"] {
        assert!(!text.contains(never), "{never:?} in:\n{text}");
    }
}
