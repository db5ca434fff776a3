//! Lines that somebody would like to write into the log: by what the sender, the provider, the relay
//! and the directory say. Each line is the daemon's own, and moves no cursor.

use upprop::sim::sink::{Faults, Plan, Receipts};

use crate::gateway::{Gateway, world_of};
use crate::inlet::{put_file, raw, send};
use crate::world::{Setup, TOKEN, World, within};

/// A line of the log's own form after a line break, a terminal's orders, and turned writing.
const FORGED: &str =
    "x\r\n2026-01-01T00:00:00.000000Z ERROR upprop: FORGED \u{1b}[2J\u{9b}1m\u{202e}y";

const TABLE: &str = r#"
url = "{url}/send"
auth = "none"
body = "json"
json = { to = "{to}", text = "{text}", id = "{id}" }
reference-at = "/id"
code-at = "/code"
retry-codes = ["busy"]
receipt-id = "/id"
receipt-status = "/status"
receipt-delivered = ["delivered"]
receipt-secret-file = "secrets/receipts"
"#;

/// Everybody says it, wherever something can be said.
async fn day(format: &str) -> World {
    let quoted = serde_json::to_string(FORGED).expect("JSON");
    let gateway = Gateway::start(move |n, _| match n {
        0 => (200, format!("{{\"id\":{quoted}}}")),
        1 => (400, format!("{{\"code\":{quoted}}}")),
        2 => (200, quoted.clone()),
        _ => (200, format!("{{\"id\":\"m{n}\"}}")),
    })
    .await;
    let extra = format!("[log]\nformat = \"{format}\"\nfilter = \"trace\"\n");
    let faults = Faults {
        receipts: Receipts { plan: Plan::None, ..Receipts::default() },
        ..Faults::default()
    };
    let setup = Setup { extra, faults, ..Setup::default() };
    let world = world_of(setup, &gateway, TABLE, &[]).await;
    for pupil in ["nils", "alva"] {
        world.accept(&world.marked(pupil, "l1", "unexcused", 5)).await;
    }
    within("the gateway", gateway.asked(3, &world)).await;
    let good = world.marked("nils", "l2", "unexcused", 5);
    for pointer in ["/id", "/type", "/school", "/pupil", "/mark", "/recorded_at", "/lesson/start"] {
        let mut event = good.clone();
        *event.pointer_mut(pointer).expect("a field") = FORGED.into();
        world.post(&event).await;
    }
    let mut event = good.clone();
    event[FORGED] = 1.into();
    world.post(&event).await;
    world.post_as("src", TOKEN, format!("{{\"a\":{FORGED}")).await;
    let path = serde_urlencoded::to_string([("", FORGED)]).expect("a form").replace('+', "%20");
    for path in [
        format!("/hooks/{path}"),
        format!("/hooks/src?{path}"),
        format!("/receipts/gw/{path}"),
        format!("/receipts/{path}/x"),
        format!("/receipts/gw/receipt-secret-0123456789abcdef?{path}"),
        format!("PUT /api/directory?confirm={path}"),
        format!("GET /{path}"),
    ] {
        let token = format!("Bearer {TOKEN}");
        send(&world, &path, &[("authorization", &token)], FORGED).await;
    }
    let json = [("content-type", "application/json")];
    let report = serde_json::json!({"id": FORGED, "status": FORGED}).to_string();
    send(&world, "/receipts/gw/receipt-secret-0123456789abcdef", &json, report).await;
    let escape = "GET / HTTP/1.1\r\nHost: \u{1b}[2J\r\nUser-Agent: \u{1b}[2J FORGED\r\n\r\n";
    raw(world.address, escape.as_bytes()).await;
    let column =
        "id,school,given-name,protection,\"FORGED\u{1b}[2J\u{202e}\r\nx\"\np,s1,A,none,x\n";
    put_file(&world, "directory/pupils.csv", column);
    world.logged("directory load cannot be used", 1).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_writes_a_line_of_the_log() {
    for format in ["text", "json"] {
        let mut world = day(format).await;
        assert_eq!(world.stop(), Some(0));
        let log = world.log();
        assert!(log.lines().count() > 20, "the log says what happens: {log}");
        for line in log.split('\n').filter(|line| !line.is_empty()) {
            let harmful = |c: char| c.is_control() || upprop::model::unseen::is_unseen(c);
            assert!(!line.contains(harmful), "{line:?}");
            let own = if format == "json" {
                serde_json::from_str::<serde_json::Value>(line)
                    .is_ok_and(|l| l["level"].is_string())
            } else {
                line.starts_with("20") && line.contains("Z ") && line.contains(" upprop::")
            };
            assert!(own, "not a line of the daemon's: {line:?}");
            let begins = line.starts_with("2026-01-01T00:00:00.000000Z");
            assert!(!begins, "a forged line: {line:?}");
        }
    }
}
