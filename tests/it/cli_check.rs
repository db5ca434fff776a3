//! `upprop check`: everything that is wrong at once, with its place and a remedy, from a file or
//! standard input, for people or programs.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::inlet::amend;
use crate::world::{Setup, upprop};

const BAD: &str = "\
public-url = 7
[store]
low-water = \"lots\"
size = 1
[server]
listen = \"localhost\"
[sources.a]
bearer-file = \"secrets/nowhere\"
[sources.b]
[providers.elks]
kind = \"46elk\"
[schools.s1]
mode = \"alive\"
quiet-hours = \"21.00–07.00\"
time-zone = \"Stockholm\"
sms-provider = \"elk\"
team-email = \"team\"
sender-id = \"Björkskolan\"
[telemetry]
otlp-endpoint = \"http://collector.example.se/v1/traces\"
";

/// What stands in the bad file, as `line: words`.
const PROBLEMS: &[(u64, &str)] = &[
    (1, "public-url"),
    (3, "low-water"),
    (4, "size"),
    (6, "listen"),
    (8, "nowhere"),
    (9, "secret"),
    (11, "46elk"),
    (12, "name"),
    (13, "alive"),
    (14, "21:00-07:00"),
    (15, "Europe/Stockholm"),
    (16, "elk"),
    (17, "team-email"),
    (18, "Bjorkskolan"),
    (20, "otlp-endpoint"),
];

fn piped(args: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_upprop"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("write");
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn all_problems_are_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("upprop.toml");
    std::fs::write(&path, BAD).expect("write");
    let file = path.display().to_string();
    let (code, out, err) = upprop(&["check", &file]);
    assert_eq!((code, err.as_str()), (78, ""), "{out}");
    for (line, words) in PROBLEMS {
        let place = format!("{file}:{line}:");
        let told = out.lines().any(|l| l.starts_with(&place) && l.contains(words));
        assert!(told, "{place} {words}:\n{out}");
    }
    for line in out.lines().filter(|l| l.contains(": error: ")) {
        assert!(line.contains("; ") || line.contains("expected"), "a remedy: {line}");
    }
    // The daemon does not start with it either, and says so.
    let (code, _, err) = upprop(&["run", &file]);
    assert_eq!(code, 78);
    assert!(err.contains("low-water") && err.contains("upprop check"), "{err}");
}

#[test]
fn from_standard_input_and_for_programs() {
    let (code, out, _) = piped(&["check", "-"], BAD);
    assert_eq!(code, 78);
    assert!(out.contains("<stdin>:4:1: error: "), "{out}");
    let (code, out, _) = piped(&["check", "--json", "-"], BAD);
    assert_eq!(code, 78);
    let json: Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!((&json["version"], &json["file"]), (&1.into(), &"<stdin>".into()));
    let problems = json["problems"].as_array().expect("an array");
    let errors = problems.iter().filter(|p| p["severity"] == "error").count();
    assert_eq!(json["errors"], errors);
    assert!(errors >= PROBLEMS.len(), "{out}");
    for (line, words) in PROBLEMS {
        let told = problems.iter().any(|p| p["line"] == *line && p.to_string().contains(words));
        assert!(told, "{line} {words}: {out}");
    }
    let (code, out, _) = piped(&["check", "-"], "[[[");
    assert_eq!((code, out.lines().count()), (78, 2), "no TOML, and said once: {out}");
    let (code, out, err) = upprop(&["check", "/nowhere/upprop.toml"]);
    assert_eq!(code, 78);
    assert!(format!("{out}{err}").contains("upprop init"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_rendered_and_secrets_read() {
    let world = Setup::default().prepare();
    let file = world.config().display().to_string();
    let (code, out, err) = upprop(&["check", &file]);
    assert!(code <= 1, "what the tests run with is good: {out}{err}");
    amend(&world, "public-url", "templates = \"templates\"\npublic-url");
    let templates = world.folder.path().join("templates/sms/sv");
    std::fs::create_dir_all(&templates).expect("a folder");
    std::fs::write(templates.join("absence.txt"), "{{ pupils }} {% if %}").expect("write");
    let (code, out, _) = upprop(&["check", &file]);
    assert_eq!(code, 78, "{out}");
    assert!(out.contains("absence.txt") && out.contains("error"), "{out}");
    std::fs::write(templates.join("absence.txt"), "å".repeat(2000)).expect("write");
    let (code, out, _) = upprop(&["check", &file]);
    assert_eq!(code, 78, "more parts than may be: {out}");
    std::fs::remove_file(world.folder.path().join("secrets/token")).expect("removed");
    let (code, out, _) = upprop(&["check", &file]);
    assert_eq!(code, 78);
    assert!(out.contains("secrets/token") && !out.contains(crate::world::TOKEN), "{out}");
}
