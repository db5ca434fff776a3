//! `upprop demo`: the day comes out right and nothing is left behind, also when it is interrupted.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use upprop::env::{Clock as _, SystemClock};

use crate::world::{signal, soon, within};

fn demo(tmp: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_upprop"))
        .arg("demo")
        .args(args)
        .env("TMPDIR", tmp)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts")
}

fn output(child: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// Whether a process was started with this folder in one of its arguments.
fn runs_in(folder: &Path) -> bool {
    let name = folder.display().to_string();
    fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(&name))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("the folder").next().is_none()
}

#[test]
fn the_day_comes_out_right() {
    let tmp = tempfile::tempdir().expect("folder");
    let (code, stdout, stderr) = output(demo(tmp.path(), &["--json"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let outcome: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!(outcome["ok"], true, "{outcome}");
    for (what, times) in [
        ("texts", 9),
        ("mails", 4),
        ("corrections", 1),
        ("duplicates", 4),
        ("delivered", 9),
        ("kills", 1),
        ("told-twice", 0),
        ("unexpected", 0),
    ] {
        assert_eq!(outcome["counts"][what], times, "{what}: {outcome}");
    }
    assert_eq!(outcome["not-told"]["protected"], 1, "{outcome}");
    assert_eq!(outcome["not-told"]["advance-notice"], 1, "{outcome}");
    let messages = outcome["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), 13);
    assert!(messages.iter().all(|message| message["ms"].is_i64()), "{outcome}");
    assert!(is_empty(tmp.path()) && !runs_in(tmp.path()));
}

#[test]
fn the_day_comes_out_right_when_the_school_system_is_asked() {
    let tmp = tempfile::tempdir().expect("folder");
    let child = demo(tmp.path(), &["--json", "--ss12000", "--quirks", "messy,recreate"]);
    let (code, stdout, stderr) = output(child);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let outcome: Value = serde_json::from_str(&stdout).expect("one JSON object");
    for (what, times) in [
        ("texts", 9),
        ("mails", 3),
        ("corrections", 1),
        ("kills", 1),
        ("told-twice", 0),
        ("unexpected", 0),
    ] {
        assert_eq!(outcome["counts"][what], times, "{what}: {outcome}");
    }
    assert!(is_empty(tmp.path()) && !runs_in(tmp.path()));
}

#[tokio::test]
async fn an_interruption_leaves_nothing_behind() {
    let tmp = tempfile::tempdir().expect("folder");
    let child = demo(tmp.path(), &[]);
    let clock = SystemClock::new();
    within("the daemon to run", async {
        while !runs_in(tmp.path()) {
            clock.sleep_until(soon(&clock)).await;
        }
    })
    .await;
    let id = child.id().to_string();
    assert!(signal("INT", &id));
    let (code, stdout, stderr) = output(child);
    assert_eq!((code, stderr.as_str()), (Some(130), ""), "{stdout}");
    assert!(stdout.starts_with("A school day"), "{stdout}");
    assert!(is_empty(tmp.path()), "the folder is removed");
    assert!(!runs_in(tmp.path()), "the daemon is gone");
}
