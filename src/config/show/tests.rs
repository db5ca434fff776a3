//! What is shown is what holds: each default is tried against the reader, each origin against a file.

use std::collections::BTreeSet;

use std::path::PathBuf;

use super::super::{Loader, Report, Secrets, load_text};
use super::*;

/// A file with each table, and in each table only what must be there; one line a key.
const BARE: &str = r#"
[store]
[retention]
[server]
[directory]
[log]
[telemetry]
[delivery]
[http]
[mail]
host = "relay.example.se"
from = "franvaro@example.se"
[pages]
url = "https://upprop.example.se"
secret-file = "s"
[providers.a]
kind = "46elks"
username-file = "u"
password-file = "p"
[providers.b]
kind = "http"
url = "https://sms.example.se"
auth = "oauth2-client-credentials"
token-url = "https://login.example.se"
client-id-file = "i"
client-secret-file = "s"
fields = { to = "{to}", text = "{text}", id = "{id}", ref = "{receipt-url}" }
reference-at = "/id"
receipt-status = "/status"
receipt-id = "/id"
receipt-delivered = ["ok"]
[watch]
[sources.a]
bearer-file = "t"
[ss12000.b]
url = "https://hub.example.se"
auth = "oauth2-client-credentials"
token-url = "https://login.example.se"
client-id-file = "i"
client-secret-file = "s"
gives = ["directory", "schedule", "attendance"]
schools = { a = "o" }
[drop.d]
folder = "/var/spool/upprop/files"
gives = ["attendance"]
[edlevo.c]
url = "https://edlevo.example.se"
auth = "oauth2-client-credentials"
token-url = "https://login.example.se"
client-id-file = "i"
client-secret-file = "s"
operations = ["GetX"]
schools = { a = "u" }
[calendars.a]
[ladders]
[programmes]
[defaults]
[schools.a]
name = "A"
phone = "112"
"#;

fn read(text: &str) -> Report {
    let (base_dir, secrets) = (PathBuf::new(), Secrets::Skipped);
    load_text("u.toml", text, &Loader { credentials_dir: None, base_dir, secrets })
}

fn meaning(text: &str) -> Option<String> {
    let report = read(text);
    report.config.map(|config| format!("{config:#?}"))
}

/// The bare file with one more line under a table's head; none where the key stands there already.
fn with(table: &str, key: &str, value: &str) -> Option<String> {
    let head = format!("\n[{table}]\n");
    let (before, after) = match BARE.split_once(&head) {
        Some(halves) if !table.is_empty() => halves,
        _ => return Some(format!("{key} = {value}\n{BARE}")),
    };
    let own = after.split("\n[").next().unwrap_or_default();
    if own.lines().any(|line| line.starts_with(&format!("{key} = "))) {
        return None;
    }
    Some(format!("{before}{head}{key} = {value}\n{after}"))
}

#[test]
fn every_default_that_is_shown_is_the_readers() {
    let report = read(BARE);
    assert_eq!(report.count(Severity::Error), 0, "{:#?}", report.problems);
    let bare = meaning(BARE);
    let mut tried = 0;
    for shown in &report.shown {
        let (table, key) = shown.key.rsplit_once('.').unwrap_or(("", &shown.key));
        let (Origin::Default | Origin::From(_), Some(value)) = (&shown.origin, &shown.value) else {
            continue;
        };
        let Some(text) = with(table, key, value) else { continue };
        tried += 1;
        assert!(meaning(&text) == bare, "{} = {value} is not the default", shown.key);
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn nothing_that_has_a_default_is_shown_as_not_set() {
    let bare = meaning(BARE);
    let report = read(BARE);
    let mut tried = 0;
    for shown in report.shown.iter().filter(|shown| shown.origin == Origin::NotSet) {
        let (table, key) = shown.key.rsplit_once('.').unwrap_or(("", &shown.key));
        let kind = match table {
            "providers.a" => "46elks",
            "providers.b" => "http",
            _ => "",
        };
        let name = match table.split('.').next().unwrap_or_default() {
            "providers" => format!("providers.*.{key}"),
            top @ ("sources" | "ss12000" | "drop" | "edlevo" | "calendars") => {
                format!("{top}.*.{key}")
            }
            "schools" => format!("defaults.{key}"),
            _ => shown.key.clone(),
        };
        let mut lines = defaults::shipped().filter(|line| line.pattern == name);
        let Some(line) = lines.find(|line| kind.is_empty() || line.kind == kind) else { continue };
        let Some(text) = with(table, key, line.value) else { continue };
        tried += 1;
        // Secrets are not told apart, and what does nothing beside the rest of this file says so, or is the
        // folder of mail that goes to a relay.
        let idle = read(&text).problems.iter().any(|problem| problem.key == shown.key);
        if is_secret(&name) || idle || name == "mail.folder" {
            continue;
        }
        assert!(meaning(&text) != bare, "{} = {} is the default", shown.key, line.value);
    }
    assert!(tried > 10, "{tried}");
}

#[test]
fn every_key_that_is_known_is_shown() {
    let report = read(BARE);
    let shown: BTreeSet<&str> = report.shown.iter().map(|shown| shown.key.as_str()).collect();
    for known in &report.known_keys {
        let names: &[&str] = match known.split('.').next().unwrap_or_default() {
            "providers" => &["a", "b"],
            "ss12000" => &["b"],
            "edlevo" => &["c"],
            "drop" => &["d"],
            "sources" | "schools" | "calendars" => &["a"],
            _ => &[""],
        };
        let stands = |name: &&str| shown.contains(known.replace('*', name).as_str());
        let heading =
            shown.iter().any(|key| key.starts_with(&format!("{}.", known.replace('*', "a"))));
        assert!(names.iter().any(stands) || heading, "{known} is not shown");
    }
}

#[test]
fn each_value_says_where_it_comes_from() {
    let text = "public-url = \"https://u.example.se\"\n[defaults]\ngrace = \"5m\"\nguests = [\"a@example.se\"]\n\
                [schools.a]\nname = \"A\"\nphone = \"112\"\n[schools.b]\nname = \"B\"\nphone = \"113\"\ngrace = \"1m\"\n\
                [mail]\nhost = \"relay.example.se\"\nfrom = \"f@kommun.example\"\ntls = \"implicit\"\n\
                username = \"u\"\npassword-file = \"relay-password\"\n[http]\nca-file = \"ca.pem\"\n";
    let report = read(text);
    let at = |key: &str| {
        let shown = report.shown.iter().find(|shown| shown.key == key).expect(key);
        (shown.value.as_deref().unwrap_or("-"), shown.origin.clone(), shown.note.as_deref())
    };
    assert_eq!(at("public-url"), ("\"https://u.example.se\"", Origin::File { line: 1 }, None));
    assert_eq!(at("schools.a.grace"), ("\"5m\"", Origin::Defaults { line: 3 }, None));
    assert_eq!(at("schools.b.grace"), ("\"1m\"", Origin::File { line: 11 }, None));
    assert_eq!(at("schools.a.mode"), ("\"shadow\"", Origin::Default, None));
    assert_eq!(at("store.low-water"), ("\"512 MiB\"", Origin::Default, None));
    assert_eq!(at("mail.port"), ("465", Origin::From("mail.tls"), None));
    assert_eq!(
        at("mail.message-id-domain"),
        ("\"kommun.example\"", Origin::From("mail.from"), None)
    );
    assert_eq!(at("http.proxy"), ("-", Origin::NotSet, None));
    let hidden = Some("addresses of people: not shown");
    assert_eq!(at("schools.a.guests"), ("-", Origin::Defaults { line: 4 }, hidden));
    let (value, _, note) = at("mail.password-file");
    assert_eq!((value, note), ("\"relay-password\"", Some("credential, found")));
    assert_eq!(at("http.ca-file").2, None);
    assert!(read("").shown.iter().all(|shown| !shown.key.starts_with("mail.")));
}
