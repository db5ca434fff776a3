//! What an operator writes reaches the room it is meant for.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::*;
use crate::config::{Loader, Secrets, load_text};

/// Every key of the table, none at its default.
const SERVER: &str = r#"[server]
listen = "127.0.0.1:9750"
control = "/run/upprop/control.sock"
max-body = "2 MiB"
max-connections = 7
header-timeout = "21s"
body-timeout = "22s"
answer-timeout = "23s"
drain-limit = "24s"
"#;

#[test]
fn every_key_of_the_server_reaches_it() {
    let loader =
        Loader { credentials_dir: None, base_dir: PathBuf::new(), secrets: Secrets::Skipped };
    let report = load_text("upprop.toml", SERVER, &loader);
    let known = report.known_keys.iter().filter(|key| key.starts_with("server."));
    for key in known.filter_map(|key| key.strip_prefix("server.")) {
        assert!(SERVER.contains(&format!("\n{key} = ")), "{key} is not tried here");
    }
    let config = report.config.expect("good");
    // `listen` and `control` are bound and `max-body` goes to the routes, where the daemon is put together.
    assert_eq!(config.server.control, PathBuf::from("/run/upprop/control.sock"));
    let web::server::ServerSettings {
        head_timeout,
        body_timeout,
        answer_timeout,
        connections,
        drain,
        ..
    } = server(&config);
    let seconds = SignedDuration::from_secs;
    assert_eq!(connections, 7);
    assert_eq!(
        [head_timeout, body_timeout, answer_timeout, drain],
        [seconds(21), seconds(22), seconds(23), seconds(24)]
    );
}
