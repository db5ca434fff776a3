//! The self-test: what it says of a gateway in good health, and of one in which each part fails in turn; by the
//! running daemon and without one. Nothing is sent by it, and no secret is told.

use std::fs;

use serde_json::Value;
use upprop::sim::sink::{Credentials, Faults};

use crate::faults::{http, silent, smtp};
use crate::gateway::{self, Gateway};
use crate::inlet::amend;
use crate::world::{Setup, World, upprop};

/// Runs it: exit code and document.
fn tested(world: &World) -> (i32, Value) {
    let config = world.config();
    let (code, out, err) = upprop(&["self-test", config.to_str().expect("a path"), "--json"]);
    assert!(!out.contains("p-test") && !err.contains("p-test"), "a secret is told: {out}{err}");
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

/// What was found of one check, and its words.
fn found(document: &Value, check: &str) -> (String, String) {
    let lines = document["lines"].as_array().expect("lines");
    let line = lines.iter().find(|line| line["check"].as_str() == Some(check));
    let line = line.unwrap_or_else(|| panic!("no {check} in {document}"));
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("finding"), format!("{}; {}", text("words"), text("remedy")))
}

fn assert_found(document: &Value, check: &str, finding: &str, words: &str) {
    let (is, told) = found(document, check);
    assert!(is == finding && told.contains(words), "{check}: {is}: {told}");
}

const LOGIN: &str = "rate = \"1000/s\"\nusername = \"u\"\npassword-file = \"secrets/password\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_good_health_passes_with_and_without_the_daemon() {
    let credentials = Credentials { user: "u-test".into(), password: "p-test".into() };
    let faults = Faults { credentials: Some(credentials), ..silent() };
    let mut world = Setup { faults, mail: LOGIN.into(), ..Setup::default() }.start().await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.messages(1).await;
    let (code, running) = tested(&world);
    assert_eq!((code, &running["by-daemon"]), (0, &true.into()), "{running}");
    for (check, finding, words) in [
        ("store", "ok", "written durably"),
        ("disk", "ok", "MiB are free"),
        ("clock", "ok", "within 30 s of that of elks"),
        ("zone Europe/Stockholm (s1)", "ok", "both changes of the clock are right"),
        ("templates", "ok", "rendered"),
        ("account elks", "ok", "reached and logged in"),
        ("mail", "ok", "takes the login"),
        ("source src", "ok", "last heard"),
        ("directory", "ok", "7 pupils"),
        ("control socket", "ok", "answers"),
        ("public-url", "not-tested", "cannot be seen from here"),
    ] {
        assert_found(&running, check, finding, words);
    }
    assert_eq!(world.stop(), Some(0));
    let (code, alone) = tested(&world);
    assert_eq!((code, &alone["by-daemon"]), (0, &false.into()), "{alone}");
    assert_found(&alone, "store", "ok", "written durably");
    assert_found(&alone, "account elks", "ok", "logged in");
    assert_found(&alone, "mail", "ok", "takes the login");
    assert_found(&alone, "source src", "ok", "last heard");
    assert_found(&alone, "directory", "not-tested", "only the running daemon");
    let config = world.config();
    let (code, out, _) = upprop(&["self-test", config.to_str().expect("a path")]);
    assert!(
        code == 0 && out.contains("nothing was sent") && out.contains("Nothing failed."),
        "{out}"
    );
    assert_eq!(world.sink.count(), 1, "{}", world.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_told_and_nothing_is_sent() {
    let credentials = Credentials { user: "u-test".into(), password: "another".into() };
    let faults = Faults { credentials: Some(credentials), ..smtp(&["auth:535"]) };
    let world = Setup { faults, mail: LOGIN.into(), ..Setup::default() }.start().await;
    let (code, document) = tested(&world);
    assert_eq!(code, 1, "{document}");
    assert_found(
        &document,
        "account elks",
        "failed",
        "the login is refused (401); check username-file",
    );
    assert_found(&document, "mail", "failed", "the relay: login: 535; check `username`");
    assert_found(&document, "source src", "not-tested", "nothing was heard from it yet");
    assert_eq!(world.sink.count(), 0);
    assert!(!world.log().contains("p-test"), "{}", world.log());
    // Without credit, in trouble, and mended.
    world.sink.set_faults(http(&["no-credit:on=lookup"]));
    let (code, document) = tested(&world);
    assert_eq!(code, 1, "{document}");
    assert_found(&document, "account elks", "failed", "may not be used (403)");
    world.sink.set_faults(http(&["503:on=lookup"]));
    assert_found(&tested(&world).1, "account elks", "failed", "it is in trouble (503)");
    world.sink.set_faults(silent());
    assert_eq!(tested(&world).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_and_a_provider_that_are_not_there_are_told() {
    let nowhere = crate::world::free_port();
    let setup = Setup {
        smtp: Some(nowhere),
        provider_url: Some(format!("http://{nowhere}")),
        ..Setup::default()
    };
    let mut world = setup.start().await;
    let (code, document) = tested(&world);
    assert_eq!(code, 1, "{document}");
    assert_found(&document, "account elks", "failed", "check `url`, the network");
    assert_found(&document, "mail", "failed", "the relay: connect: refused; check `host`");
    assert_found(&document, "clock", "ok", "nobody was reached to compare it with");
    // Credentials of the unit cannot be read in a shell: what needs them is not tried.
    assert_eq!(world.stop(), Some(0));
    let text = fs::read_to_string(world.config()).expect("text").replace("\"secrets/", "\"");
    fs::write(world.config(), text).expect("written");
    let (code, document) = tested(&world);
    assert_eq!(code, 1, "{document}");
    assert_found(&document, "account elks", "not-tested", "secrets cannot be read here");
    assert_found(&document, "source src", "not-tested", "secrets cannot be read here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_asked_at_its_root_and_for_a_token_where_it_has_one() {
    const TABLE: &str = r#"
url = "{url}/send"
auth = "oauth2-client-credentials"
token-url = "{url}/token"
client-id-file = "secrets/client-id"
client-secret-file = "secrets/client-secret"
fields = { to = "{to}", text = "{text}" }
reference-at = "^ID: ([0-9]+)$"
"#;
    let gateway = Gateway::start(|n, asked| match asked.line.as_str() {
        line if line.starts_with("POST /token ") && n == 0 => {
            (200, r#"{"access_token":"tok-1","token_type":"bearer","expires_in":1}"#.into())
        }
        line if line.starts_with("HEAD / ") => (404, String::new()),
        _ => (401, r#"{"error":"invalid_client"}"#.into()),
    })
    .await;
    let secrets = [("client-id", "skola-1"), ("client-secret", "hush-hush-0123")];
    let mut world = gateway::world(&gateway, TABLE, &secrets).await;
    let (code, document) = tested(&world);
    assert_eq!(code, 0, "{document}");
    assert_found(&document, "account gw", "ok", "a token was given, and the gateway reached");
    // A new process asks for a new token, and is given none.
    assert_eq!(world.stop(), Some(0));
    let (code, document) = tested(&world);
    assert_eq!(code, 1, "{document}");
    assert_found(&document, "account gw", "failed", "not let in");
    let seen = gateway.seen();
    assert!(seen.iter().all(|asked| !asked.line.contains("/send")), "{seen:?}");
    amend(
        &world,
        "auth = \"oauth2-client-credentials\"",
        "auth = \"bearer\"\ntoken-file = \"secrets/client-id\"",
    );
    for key in ["token-url", "client-id-file", "client-secret-file"] {
        let text = fs::read_to_string(world.config()).expect("text");
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with(key)).collect();
        fs::write(world.config(), kept.join("\n")).expect("written");
    }
    let (code, document) = tested(&world);
    assert_eq!(code, 0, "{document}");
    assert_found(&document, "account gw", "ok", "reached; the login was not tried");
}
