//! What `upprop init` leaves on disk, and that it can be used as it stands.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use clap::Parser;

use super::*;
use crate::config::{self, Secrets};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    init: InitArgs,
}

fn init(words: &[&str]) -> anyhow::Result<String> {
    let args = Cli::try_parse_from([&["init"], words].concat())?.init;
    let mut seed = 0_u8;
    let mut random = |bytes: &mut [u8]| {
        for byte in bytes {
            seed = seed.wrapping_mul(5).wrapping_add(3);
            *byte = seed;
        }
    };
    write(&args, "2026-11-23T08:20:00.25Z".parse().expect("instant"), &mut random)
}

/// The problems that are no mere notes.
fn grave(report: &config::Report) -> Vec<&config::Problem> {
    report.problems.iter().filter(|one| one.severity != config::Severity::Note).collect()
}

#[test]
fn writes_the_shipped_file_once() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("upprop.toml");
    let name = path.to_str().expect("path");
    assert!(init(&[name]).expect("written").contains("upprop check"));
    assert_eq!(fs::read_to_string(&path).expect("file"), SHIPPED);
    let refused = init(&[name]).expect_err("there already").to_string();
    assert!(refused.contains("--force"), "{refused}");
    fs::write(&path, "mine").expect("write");
    init(&[name, "--force"]).expect("overwritten");
    assert_eq!(fs::read_to_string(&path).expect("file"), SHIPPED);
}

#[test]
fn a_trial_loads_without_problems() {
    let folder = tempfile::tempdir().expect("folder");
    let trial = folder.path().join("a trial");
    let text = init(&["--trial", trial.to_str().expect("path")]).expect("written");
    let report = config::load(&trial.join("upprop.toml"), None, Secrets::Required);
    assert_eq!(grave(&report), [] as [&config::Problem; 0]);
    let config = report.config.expect("good");
    assert_eq!(config.store.dir, trial.join("state"));
    assert!(config.delivery.recipient_rate.is_none());
    assert!(config.schools.values().all(|school| school.quiet_hours.is_none()));

    for line in ["\nupprop sink\n", "\nupprop run '"] {
        assert!(text.contains(line), "{text}");
    }
    let curl = text.lines().find(|line| line.starts_with("curl")).expect("the curl line");
    assert!(curl.contains("$(cat '"), "{curl}");
    let event = curl.split(" -d '").nth(1).expect("body").trim_end_matches('\'');
    let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
    assert_eq!(event["lesson"]["start"], "2026-11-23T08:20:00Z");
    assert_eq!(event["lesson"]["end"], "2026-11-23T09:20:00Z");
    assert_eq!(event["pupil"], "p-000001");
}

#[test]
fn only_the_owner_may_read_a_trial() {
    let folder = tempfile::tempdir().expect("folder");
    let trial = folder.path().join("trial");
    init(&["--trial", trial.to_str().expect("path"), "--pupils", "3"]).expect("written");
    let mut seen = 0;
    let mut folders = vec![trial];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("folder") {
            let entry = entry.expect("entry");
            let meta = entry.metadata().expect("metadata");
            let mode = meta.permissions().mode() & 0o777;
            assert_eq!(mode, if meta.is_dir() { 0o700 } else { 0o600 }, "{:?}", entry.path());
            if meta.is_dir() {
                folders.push(entry.path());
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 1 + 3 + 6 + 3);
}

#[test]
fn a_trial_has_as_many_people_as_were_asked_for() {
    let folder = tempfile::tempdir().expect("folder");
    let trial = folder.path().join("trial");
    init(&["--trial", trial.to_str().expect("path"), "--pupils", "200"]).expect("written");
    let rows = |name: &str| fs::read_to_string(trial.join("directory").join(name)).expect("file");
    let pupils = rows("pupils.csv");
    assert_eq!(pupils.lines().count(), 201);
    assert!(pupils.starts_with("id,school,class,given-name,family-name,birth-date,protection,mentor\np-000001,trial,2A,"), "{pupils}");
    let guardians = rows("guardians.csv");
    assert_eq!(guardians.lines().count(), 201);
    assert!(
        guardians.contains("\np-000085,trial,g-000085,Vuxen Al,+46701740689,,sms,sv,true,false\n"),
        "{guardians}"
    );
    assert_eq!(rows("staff.csv").lines().count(), 3);
}

#[test]
fn a_trial_elsewhere_says_so_and_nonsense_writes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let trial = folder.path().join("trial");
    let name = trial.to_str().expect("path");
    for nonsense in [
        ["--provider-url", "http://sms.example.se"],
        ["--provider-url", "nowhere"],
        ["--smtp", "here"],
    ] {
        let error =
            init(&[&["--trial", name], &nonsense[..]].concat()).expect_err("nonsense").to_string();
        assert!(error.contains(nonsense[0]), "{error}");
        assert!(!trial.exists());
    }
    let text =
        init(&["--trial", name, "--provider-url", "http://127.0.0.1:9001", "--smtp", "[::1]:9002"])
            .expect("written");
    assert!(text.contains("upprop sink --http 127.0.0.1:9001 --smtp '[::1]:9002'"), "{text}");
    let report = config::load(&trial.join("upprop.toml"), None, Secrets::Required);
    assert_eq!(grave(&report), [] as [&config::Problem; 0]);
    assert!(init(&["--trial", name]).is_err(), "a trial is not overwritten unasked");
}

#[test]
fn a_folder_too_deep_for_the_control_socket_is_what_is_at_fault() {
    let folder = tempfile::tempdir().expect("folder");
    let deep = folder.path().join("a-folder-with-a-long-name/".repeat(5));
    let error = init(&["--trial", deep.to_str().expect("path")]).expect_err("too deep").to_string();
    assert!(error.starts_with("the folder will not do: the control socket"), "{error}");
    assert!(error.contains("name one with a shorter path") && !error.contains("--smtp"), "{error}");
    assert!(!deep.exists());
}

#[test]
fn a_sink_is_named_only_where_it_can_listen() {
    let folder = tempfile::tempdir().expect("folder");
    let steps = |number: usize, words: &[&str]| {
        let trial = folder.path().join(number.to_string());
        let text =
            init(&[&["--trial", trial.to_str().expect("path")], words].concat()).expect("written");
        let sink = text.lines().find(|line| line.starts_with("upprop sink")).map(str::to_owned);
        (sink, text)
    };
    let cases: [(&[&str], Option<&str>, &[&str]); 6] = [
        (&[], Some("upprop sink"), &[]),
        (
            &["--provider-url", "http://127.0.0.1:9001/"],
            Some("upprop sink --http 127.0.0.1:9001"),
            &[],
        ),
        (
            &["--provider-url", "http://localhost:9001"],
            Some("upprop sink"),
            &["http://localhost:9001"],
        ),
        (
            &["--provider-url", "http://127.0.0.1:9001/a/b", "--smtp", "127.0.0.1:9002"],
            Some("upprop sink --smtp 127.0.0.1:9002"),
            &["Texts go to http://127.0.0.1:9001/a/b"],
        ),
        (
            &["--smtp", "relay.example.se:25"],
            Some("upprop sink"),
            &["Mail goes to relay.example.se:25"],
        ),
        (
            &["--provider-url", "https://sms.example.se", "--smtp", "relay.example.se:25"],
            None,
            &["Texts go to https://sms.example.se", "Mail goes to relay.example.se:25"],
        ),
    ];
    for (number, (words, expected, told)) in cases.into_iter().enumerate() {
        let (sink, text) = steps(number, words);
        assert_eq!(sink.as_deref(), expected, "{text}");
        assert!(told.iter().all(|words| text.contains(words)), "{text}");
        assert_eq!(text.contains("what runs there"), !told.is_empty(), "{text}");
        let Some(sink) = sink else { continue };
        let line = sink.replace('\'', "");
        let given = line.split(' ').skip(1);
        assert!(crate::cli::Cli::try_parse_from(["upprop"].into_iter().chain(given)).is_ok());
    }
}

#[test]
fn the_trials_directory_has_one_way_in() {
    let text = trial::configuration("http://127.0.0.1:8751", "127.0.0.1", 8752);
    assert!(text.contains("folder = \"directory\"") && !text.contains("api-token-file"), "{text}");
}

#[test]
fn paths_as_a_shell_reads_them() {
    for (path, shown) in [
        ("/tmp/a-b_c.d", "/tmp/a-b_c.d"),
        ("a b", "'a b'"),
        ("it's", r"'it'\''s'"),
        ("-x", "'./-x'"),
        ("$HOME", "'$HOME'"),
        ("", "''"),
    ] {
        assert_eq!(quoted(Path::new(path)), shown);
    }
}
