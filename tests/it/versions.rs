//! A command and a daemon of different versions: it says so and goes on where it can, and where the documents mean
//! something else it has nothing done. The daemon is a made-up one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::world::{Setup, upprop};

/// A daemon of another version, and what it was asked.
struct Fake {
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Answers everything with these headers and this document.
    #[expect(clippy::disallowed_methods, reason = "a test's server is no thread of the daemon")]
    fn new(headers: &'static str, document: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir(folder.path().join("state")).expect("folder");
        fs::write(folder.path().join("upprop.toml"), "[store]\ndir = \"state\"\n").expect("config");
        let listener =
            UnixListener::bind(folder.path().join("state/control.sock")).expect("socket");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("a head") > 0 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                notes.lock().expect("lock").push(head.lines().next().unwrap_or_default().into());
                let answer = format!(
                    "HTTP/1.1 200 OK\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{document}",
                    document.len()
                );
                stream.write_all(answer.as_bytes()).expect("an answer");
            }
        });
        Self { folder, asked }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("upprop.toml")
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let config = self.config();
        upprop(&[args, &["--config", config.to_str().expect("a path")]].concat())
    }
}

/// A queue with fields and values that this program does not know.
const QUEUE: &str = r#"{"format":1,"lanes":[{"lane":"carrier-pigeon","due":2,"later":0,"oldest-due":null,
"next":null,"reasons":{"wind":2},"birds":7}],"held":[],"weather":"fair"}"#;

#[test]
fn a_newer_and_an_older_daemon_are_told_and_understood_as_far_as_can_be() {
    for (headers, words) in [
        ("upprop-format: 1\r\nupprop-version: 99.1.0\r\n", "this is an older copy"),
        ("upprop-format: 1\r\nupprop-version: 0.0.1\r\n", "restart it"),
        // One from before daemons said who they are.
        ("", ""),
    ] {
        let fake = Fake::new(headers, QUEUE);
        let (code, out, err) = fake.run(&["queue"]);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("carrier-pigeon: 2 due") && out.contains("2 wind"), "{out}");
        assert_eq!(err.contains("note: the daemon is upprop"), !words.is_empty(), "{err}");
        assert!(err.contains(words), "{err}");
        let (code, out, _) = fake.run(&["queue", "--json"]);
        assert_eq!((code, out.trim_end()), (0, QUEUE), "as it came");
    }
}

#[test]
fn another_form_of_documents_ends_it_and_nothing_is_done() {
    for (headers, document) in [
        ("upprop-format: 2\r\nupprop-version: 99.1.0\r\n", "{}"),
        ("", "{\"format\":2,\"queue\":[]}"),
    ] {
        let fake = Fake::new(headers, document);
        let (code, out, err) = fake.run(&["queue"]);
        assert_eq!((code, out.as_str()), (69, ""), "{err}");
        assert!(err.contains("answers in format 2") && err.contains("upprop"), "{err}");
        fake.asked.lock().expect("lock").clear();
        let id = "0123456789abcdef0123456789abcdef";
        let (code, _, err) = fake.run(&["message", "retry", id, "--yes"]);
        assert_eq!(code, 69, "{err}");
        assert_eq!(*fake.asked.lock().expect("lock"), ["GET /v1/about HTTP/1.1"]);
    }
}

#[test]
fn a_document_that_is_none_is_told() {
    let (code, _, err) = Fake::new("upprop-format: 1\r\n", "[1]").run(&["queue"]);
    assert_eq!(code, 69, "{err}");
    assert!(err.contains("is not understood") && err.contains("--json"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_does_nothing_for_whoever_knows_another_form() {
    let world = Setup::default().start().await;
    let ask = |format: &'static str| {
        let socket = world.folder.path().join("state/control.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).expect("the socket");
        let head =
            format!("GET /v1/queue HTTP/1.1\r\nhost: u\r\nconnection: close\r\n{format}\r\n");
        stream.write_all(head.as_bytes()).expect("a question");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let refused = ask("upprop-format: 2\r\n");
    assert!(
        refused.starts_with("HTTP/1.1 400") && refused.contains("speaks format 1"),
        "{refused}"
    );
    for known in ["", "upprop-format: 1\r\n"] {
        let answer = ask(known);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("upprop-format: 1\r\n"), "{answer}");
        assert!(
            answer.contains(concat!("upprop-version: ", env!("CARGO_PKG_VERSION"))),
            "{answer}"
        );
    }
}
