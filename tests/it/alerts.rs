//! The alerts and the dashboard that ship: Prometheus' own tool takes the rules, their tests and what the
//! running daemon shows, and nothing is named there that the daemon does not show.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::metrics::scrape;
use crate::world::Setup;

const RULES: &str = include_str!("../../config/prometheus/upprop.rules.yml");
const DASHBOARD: &str = include_str!("../../config/grafana/upprop.json");

/// Runs `promtool` on a text; none where there is none.
fn promtool(arguments: &[&str], input: &str) -> Option<Output> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prometheus");
    let started = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "promtool cannot be run: {error}");
            eprintln!("left out: there is no promtool here");
            return None;
        }
    };
    // Its end is what ends the input; one that does not read has answered already.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    Some(child.wait_with_output().expect("it ends"))
}

fn good(arguments: &[&str], input: &str) {
    let Some(output) = promtool(arguments, input) else { return };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "promtool {arguments:?}: {said}\n{input}");
}

/// The metrics that an expression names.
fn named(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("upprop_") || word.starts_with("process_"))
        .collect()
}

/// The metrics that an exposition has samples of.
fn shown(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect()
}

/// Everything that the dashboard asks Prometheus.
fn questions(board: &Value) -> Vec<&str> {
    let variables = board["templating"]["list"].as_array().expect("variables");
    let panels = board["panels"].as_array().expect("panels");
    let asked = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    asked
        .map(|target| target["expr"].as_str().expect("a question"))
        .chain(variables.iter().filter_map(|variable| variable["definition"].as_str()))
        .collect()
}

#[test]
fn each_alert_comes_when_it_is_to_come_and_says_what_to_do() {
    good(&["check", "rules", "upprop.rules.yml"], "");
    good(&["test", "rules", "upprop.rules.test.yml"], "");
    let count = |what: &str| RULES.lines().filter(|line| line.trim().starts_with(what)).count();
    let alerts = count("- alert: ");
    assert!(alerts > 10, "{alerts}");
    for part in ["labels: {severity: ", "summary: ", "description: "] {
        assert_eq!(count(part), alerts, "each alert has {part}");
    }
    let tests = include_str!("../../config/prometheus/upprop.rules.test.yml");
    for name in RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        for asked in [format!("alertname: {name}, exp_alerts: []"), format!("alertname=\"{name}\"")]
        {
            assert!(tests.contains(&asked), "no test of {name} has {asked}");
        }
    }
}

#[test]
fn the_dashboard_asks_by_its_variables() {
    let board: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    for panel in board["panels"].as_array().expect("panels") {
        if panel["type"] == "row" {
            continue;
        }
        for place in [panel, &panel["targets"][0]] {
            assert_eq!(place["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
    for question in questions(&board) {
        let by_instance = question.contains("$instance") || question.starts_with("label_values(");
        assert!(by_instance, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_they_name_is_what_the_daemon_shows() {
    let world = Setup::default().start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    let text = scrape(&world).await;
    good(&["check", "metrics"], &text);
    let board: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let shown = shown(&text);
    let expressions: Vec<&str> = questions(&board).into_iter().chain([RULES]).collect();
    let missing: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|question| named(question))
        .filter(|name| !shown.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} are not in:\n{text}");
    assert!(named(RULES).len() > 10, "names are found");
    let unseen: Vec<_> = shown
        .iter()
        .filter(|name| !expressions.iter().any(|question| question.contains(*name)))
        .filter(|name| !name.ends_with("_sum") && !name.ends_with("_count"))
        .collect();
    assert!(unseen.is_empty(), "no alert and no panel shows {unseen:?}");
}
