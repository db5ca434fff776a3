//! `upprop init` and `init --trial`: what they write passes the check, overwrites nothing unasked,
//! and the trial works as it stands.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::Value;
use upprop::env::SystemClock;
use upprop::sim::sink::{Sink, SinkSettings};

use crate::world::{free_port, upprop, within};

#[test]
fn the_commented_file_is_written_once_and_sends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("upprop.toml");
    let file = path.display().to_string();
    let (code, out, err) = upprop(&["init", &file]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Nothing is sent as it stands") && out.contains("upprop check"), "{out}");
    assert_eq!(fs::read_to_string(&path).expect("text"), include_str!("../../config/upprop.toml"));
    let (code, out, _) = upprop(&["check", &file]);
    assert_eq!(code, 1, "warnings alone: {out}");
    fs::write(&path, "mine").expect("write");
    let (code, _, err) = upprop(&["init", &file]);
    assert_eq!(code, 73);
    assert!(err.contains("is there already") && err.contains("--force"), "{err}");
    assert_eq!(fs::read_to_string(&path).expect("text"), "mine");
    assert_eq!(upprop(&["init", "--force", &file]).0, 0);
    let (code, _, err) = upprop(&["init", "/nowhere/at/all.toml"]);
    assert_eq!(code, 73, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trial_runs_as_it_stands() {
    upprop::env::wire::install_crypto();
    let tracker = tokio_util::task::TaskTracker::new();
    let clock = Arc::new(SystemClock::new());
    let sink = Sink::start(SinkSettings::anywhere(), clock.clone(), tracker).expect("a sink");
    let folder = tempfile::tempdir().expect("a folder");
    let trial = folder.path().join("trial");
    let place = trial.display().to_string();
    let smtp = sink.smtp_addr().to_string();
    let args = [
        "init",
        "--trial",
        &place,
        "--pupils",
        "12",
        "--provider-url",
        &sink.url(),
        "--smtp",
        &smtp,
    ];
    let (code, out, err) = upprop(&args);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for file in fs::read_dir(trial.join("secrets")).expect("secrets") {
        let mode = file.expect("a file").metadata().expect("about").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let config = trial.join("upprop.toml");
    let file = config.display().to_string();
    let (code, said, _) = upprop(&["check", &file]);
    assert_eq!(code, 0, "{said}");
    let (code, said, _) = upprop(&["directory", "check", "--config", &file]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(upprop(&args).0, 73, "a trial is not overwritten");

    // The event it prints, sent to the daemon it describes, reaches a guardian in the sink.
    let address = free_port();
    let text =
        fs::read_to_string(&config).expect("text").replace("127.0.0.1:8750", &address.to_string());
    fs::write(&config, text).expect("write");
    let event =
        out.split(" -d '").nth(1).and_then(|rest| rest.split("'\n").next()).expect("an event");
    let event: Value = serde_json::from_str(event).expect("JSON");
    let token = fs::read_to_string(trial.join("secrets/webhook-token")).expect("a token");
    let mut daemon = crate::inlet::Daemon::start(&config, address).await;
    let answer = reqwest::Client::new()
        .post(format!("http://{address}/hooks/trial"))
        .bearer_auth(token.trim())
        .header("content-type", "application/json")
        .body(event.to_string())
        .send();
    let answer = within("an answer", answer).await.expect("an answer");
    assert_eq!(answer.status(), 202);
    let texts = within("a text", sink.received(1)).await;
    assert_eq!(texts.len(), 1);
    assert!(texts[0].text.contains("inte registrerad som närvarande"), "{}", texts[0].text);
    daemon.end();
}
